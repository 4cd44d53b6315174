// dtype, device, layout and Size objects.
#pragma once
#include "common.h"
#include "tensorgrad/core/device.h"
#include "tensorgrad/core/dtype.h"
#include "tensorgrad/core/shape.h"

namespace tensorgrad::python {

extern PyTypeObject* dtype_type;
extern PyTypeObject* device_type;
extern PyTypeObject* size_type;

PyObject* wrap_dtype(DType dtype);  // new references
PyObject* wrap_device(Device device);
PyObject* wrap_size(const Shape& sizes);

// dtype objects, and the Python types float, int and bool.
bool is_dtype(PyObject* object);
DType unwrap_dtype(PyObject* object);
// device objects, strings and cuda ordinals.
bool is_device(PyObject* object);
Device unwrap_device(PyObject* object);

void add_types(PyObject* module);

}  // namespace tensorgrad::python
