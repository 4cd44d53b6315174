// to(), float(), cpu(), contiguous(), type() ...
#pragma once
#include "common.h"

namespace tensorgrad::python {
void add_casts(PyObject* module);
}  // namespace tensorgrad::python
