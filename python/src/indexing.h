// tensor[...] and tensor[...] = value.
#pragma once
#include "common.h"

namespace tensorgrad::python {
PyObject* get_item(PyObject* self, PyObject* key);
int set_item(PyObject* self, PyObject* key, PyObject* value);
}  // namespace tensorgrad::python
