// A tensor's storage as Python sees it: its identity, its bytes, and tensors placed on it.
#pragma once
#include "common.h"

namespace tensorgrad::python {
void add_storage(PyObject* module);
}  // namespace tensorgrad::python
