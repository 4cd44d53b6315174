// tensor(), as_tensor(), and memory shared with NumPy, buffers and DLPack.
#pragma once
#include "common.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::python {
// Nested sequences, numbers, arrays, tensors: a new tensor with the data copied.
Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype, std::optional<Device> device);
// The memory of an object with the buffer protocol (a NumPy array), shared; undefined if it has none.
Tensor tensor_from_buffer(PyObject* object, bool writable_required);
void add_construct(PyObject* module);
}  // namespace tensorgrad::python
