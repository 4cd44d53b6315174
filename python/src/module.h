#pragma once
#include "common.h"

namespace tensorgrad::python {

// Adds the type ModuleBase, on which tensorgrad.nn.Module stands.
void add_module_base(PyObject* module);

}  // namespace tensorgrad::python
