// Python numbers and strings as C++ values.
#pragma once
#include <string_view>

#include "common.h"
#include "tensorgrad/core/scalar.h"

namespace tensorgrad::python {

// int, float, bool, and NumPy's scalars.
bool is_number(PyObject* object);
Scalar to_scalar(PyObject* object);
// What has __index__ and is no bool; 0-d integral tensors count.
bool is_index(PyObject* object);
int64_t to_int(PyObject* object);
double to_double(PyObject* object);
PyObject* from_scalar(Scalar value);
std::string_view checked_utf8(PyObject* text);

}  // namespace tensorgrad::python
