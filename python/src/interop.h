// Reinterpretation, DLPack, and module-wide settings.
#pragma once
#include "common.h"

namespace tensorgrad::python {
void add_interop(PyObject* module);
}  // namespace tensorgrad::python
