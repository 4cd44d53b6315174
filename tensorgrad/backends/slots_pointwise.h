// Kernel slots of pointwise ops with numbers or with three operands.
#pragma once
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/core/scalar.h"
#include "tensorgrad/dispatch/slot.h"

TG_SLOT(clamp, void(const Plan&, const Scalar* low, const Scalar* high))  // null: unbounded; NaN stays
TG_SLOT(pow_number, void(const Plan&, Scalar exponent))
TG_SLOT(lerp, void(const Plan&))                   // a[1] + weight[3] * (b[2] - a[1])
TG_SLOT(scaled_difference, void(const Plan&))      // (a[1] - b[2]) * c[3]
TG_SLOT(addcmul, void(const Plan&, Scalar value))  // a[1] + value * b[2] * c[3]
TG_SLOT(addcdiv, void(const Plan&, Scalar value))  // a[1] + value * b[2] / c[3]
TG_SLOT(hypot, void(const Plan&))
TG_SLOT(copysign, void(const Plan&))
TG_SLOT(logaddexp, void(const Plan&))  // log(e^a + e^b)
TG_SLOT(xlogy, void(const Plan&))      // 0 where a is 0 and b is not NaN
