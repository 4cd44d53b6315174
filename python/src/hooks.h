// Hooks on tensors, written in Python.
#pragma once
#include "common.h"

namespace tensorgrad::python {
void add_hooks(PyObject* module);
}  // namespace tensorgrad::python
