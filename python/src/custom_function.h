// autograd.Function: forward and backward written in Python, as one node of the graph.
#pragma once
#include "common.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::python {

// The ctx of the custom function that made `tensor`, where the tensor alone keeps it alive: an edge for the
// garbage collector, which then sees the cycle of a ctx that holds its own result.
PyObject* solely_owned_ctx(const Tensor& tensor);

void add_custom_function(PyObject* module);

}  // namespace tensorgrad::python
