// Every kernel slot that ops call. A new device fills the ones under "basic" and has every composed op.
#pragma once
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/backends/slots_index.h"
#include "tensorgrad/core/scalar.h"
#include "tensorgrad/dispatch/slot.h"

// Basic: memory
TG_SLOT(copy, void(const Plan&))                       // out[0] = cast(in[1])
TG_SLOT(fill, void(const Plan&, Scalar value))         // out[0] = value
// Basic: pointwise binary; the inputs share one dtype
TG_SLOT(add, void(const Plan&, Scalar alpha))          // a + alpha * b
TG_SLOT(mul, void(const Plan&))
TG_SLOT(div, void(const Plan&))                        // true division, floating only
TG_SLOT(div_floor, void(const Plan&))
TG_SLOT(div_trunc, void(const Plan&))
TG_SLOT(remainder, void(const Plan&))                  // sign of the divisor
TG_SLOT(fmod, void(const Plan&))                       // sign of the dividend
TG_SLOT(pow, void(const Plan&))
TG_SLOT(atan2, void(const Plan&))
TG_SLOT(maximum, void(const Plan&))                    // NaN wins
TG_SLOT(minimum, void(const Plan&))
TG_SLOT(fmax, void(const Plan&))                       // NaN loses
TG_SLOT(fmin, void(const Plan&))
TG_SLOT(eq, void(const Plan&))                         // comparisons write bool
TG_SLOT(ne, void(const Plan&))
TG_SLOT(lt, void(const Plan&))
TG_SLOT(le, void(const Plan&))
TG_SLOT(gt, void(const Plan&))
TG_SLOT(ge, void(const Plan&))
TG_SLOT(logical_and, void(const Plan&))
TG_SLOT(logical_or, void(const Plan&))
TG_SLOT(logical_xor, void(const Plan&))
TG_SLOT(bitwise_and, void(const Plan&))                // integers and bool
TG_SLOT(bitwise_or, void(const Plan&))
TG_SLOT(bitwise_xor, void(const Plan&))
TG_SLOT(bitwise_left_shift, void(const Plan&))
TG_SLOT(bitwise_right_shift, void(const Plan&))
TG_SLOT(where, void(const Plan&))                      // out = condition[1] ? a[2] : b[3]

// Reductions: `in` is contiguous [outer, length, inner], `out` contiguous [outer, inner].
namespace tensorgrad {
struct ReduceArgs {
  const void* in;
  void* out;
  int64_t outer, length, inner;
  DType dtype;  // of both
};
}  // namespace tensorgrad
TG_SLOT(reduce_sum, void(const ReduceArgs&))
