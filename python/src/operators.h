// Tensor's arithmetic, comparison and bitwise operators: straight to the ops, without the argument parser.
#pragma once
#include <vector>

#include "common.h"

namespace tensorgrad::python {
void add_operator_slots(std::vector<PyType_Slot>& slots);
}  // namespace tensorgrad::python
