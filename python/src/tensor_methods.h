// Tensor's properties and the methods that are not ops.
#pragma once
#include "common.h"

namespace tensorgrad::python {
void add_tensor_methods(PyObject* module);
// Adds getters and methods to the Tensor type after it was made.
void extend_tensor_type(PyGetSetDef* getset, PyMethodDef* methods);
}  // namespace tensorgrad::python
