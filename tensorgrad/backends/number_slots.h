// Slots for one number beside a tensor.
#pragma once
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/dispatch/slot.h"

// 16-bit floats times or over a number that keeps the precision of float32.
TG_SLOT(scale, void(const Plan&, double number, bool divide))
