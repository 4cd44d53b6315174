// The Python callables made from op rows: functions, methods, in-place methods.
#pragma once
#include "common.h"

namespace tensorgrad::python {

// Fills the module (functions), its `_nn` submodule (nn.functional's) and the Tensor type (methods).
void add_ops(PyObject* module);

}  // namespace tensorgrad::python
