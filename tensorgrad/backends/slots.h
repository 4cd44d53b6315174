// Every kernel slot that ops call. A new device fills the ones under "basic" and has every composed op.
#pragma once
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/backends/slots_dense.h"
#include "tensorgrad/backends/slots_index.h"
#include "tensorgrad/backends/slots_pointwise.h"
#include "tensorgrad/core/scalar.h"
#include "tensorgrad/dispatch/slot.h"

// Basic: memory
TG_SLOT(copy, void(const Plan&))                // out[0] = cast(in[1])
TG_SLOT(fill, void(const Plan&, Scalar value))  // out[0] = value
// Basic: pointwise binary; the inputs share one dtype
TG_SLOT(add, void(const Plan&, Scalar alpha))  // a + alpha * b
TG_SLOT(mul, void(const Plan&))
TG_SLOT(div, void(const Plan&))  // true division, floating only
TG_SLOT(div_floor, void(const Plan&))
TG_SLOT(div_trunc, void(const Plan&))
TG_SLOT(remainder, void(const Plan&))  // sign of the divisor
TG_SLOT(fmod, void(const Plan&))       // sign of the dividend
TG_SLOT(pow, void(const Plan&))
TG_SLOT(atan2, void(const Plan&))
TG_SLOT(maximum, void(const Plan&))  // NaN wins
TG_SLOT(minimum, void(const Plan&))
TG_SLOT(fmax, void(const Plan&))  // NaN loses
TG_SLOT(fmin, void(const Plan&))
TG_SLOT(eq, void(const Plan&))  // comparisons write bool
TG_SLOT(ne, void(const Plan&))
TG_SLOT(lt, void(const Plan&))
TG_SLOT(le, void(const Plan&))
TG_SLOT(gt, void(const Plan&))
TG_SLOT(ge, void(const Plan&))
TG_SLOT(logical_and, void(const Plan&))
TG_SLOT(logical_or, void(const Plan&))
TG_SLOT(logical_xor, void(const Plan&))
TG_SLOT(bitwise_and, void(const Plan&))  // integers and bool
TG_SLOT(bitwise_or, void(const Plan&))
TG_SLOT(bitwise_xor, void(const Plan&))
TG_SLOT(bitwise_left_shift, void(const Plan&))
TG_SLOT(bitwise_right_shift, void(const Plan&))
TG_SLOT(where, void(const Plan&))  // out = condition[1] ? a[2] : b[3]

// Of reductions (slots_reduce.h): `in` is contiguous [outer, length, inner], `out` contiguous [outer, inner].
namespace tensorgrad {
struct ReduceArgs {
  const void* in;
  void* out;
  int64_t outer, length, inner;
  DType dtype;  // of both
};
}  // namespace tensorgrad

// Pointwise unary, floating only
TG_SLOT(exp, void(const Plan&))
TG_SLOT(exp2, void(const Plan&))
TG_SLOT(expm1, void(const Plan&))
TG_SLOT(log, void(const Plan&))
TG_SLOT(log2, void(const Plan&))
TG_SLOT(log10, void(const Plan&))
TG_SLOT(log1p, void(const Plan&))
TG_SLOT(sqrt, void(const Plan&))
TG_SLOT(rsqrt, void(const Plan&))
TG_SLOT(reciprocal, void(const Plan&))
TG_SLOT(sin, void(const Plan&))
TG_SLOT(cos, void(const Plan&))
TG_SLOT(tan, void(const Plan&))
TG_SLOT(asin, void(const Plan&))
TG_SLOT(acos, void(const Plan&))
TG_SLOT(atan, void(const Plan&))
TG_SLOT(sinh, void(const Plan&))
TG_SLOT(cosh, void(const Plan&))
TG_SLOT(tanh, void(const Plan&))
TG_SLOT(asinh, void(const Plan&))
TG_SLOT(acosh, void(const Plan&))
TG_SLOT(atanh, void(const Plan&))
TG_SLOT(erf, void(const Plan&))
TG_SLOT(erfc, void(const Plan&))
TG_SLOT(erfinv, void(const Plan&))
TG_SLOT(floor, void(const Plan&))
TG_SLOT(ceil, void(const Plan&))
TG_SLOT(trunc, void(const Plan&))
TG_SLOT(round, void(const Plan&))                      // half to even
TG_SLOT(round_up_scaled, void(const Plan&, double))    // round(x * scale) / scale
TG_SLOT(round_down_scaled, void(const Plan&, double))  // round(x / scale) * scale
TG_SLOT(frac, void(const Plan&))
TG_SLOT(nan_to_num, void(const Plan&, double nan, double positive, double negative))
// Pointwise unary, every type
TG_SLOT(neg, void(const Plan&))
TG_SLOT(abs, void(const Plan&))
TG_SLOT(sign, void(const Plan&))
TG_SLOT(relu, void(const Plan&))
TG_SLOT(bitwise_not, void(const Plan&))  // integers and bool
TG_SLOT(logical_not, void(const Plan&))  // this and the next write bool
TG_SLOT(isinf, void(const Plan&))
TG_SLOT(isfinite, void(const Plan&))
TG_SLOT(isposinf, void(const Plan&))
TG_SLOT(isneginf, void(const Plan&))
TG_SLOT(signbit, void(const Plan&))
// Activations; *_backward(u, saved input or result) is their gradient
TG_SLOT(sigmoid, void(const Plan&))
TG_SLOT(sigmoid_backward, void(const Plan&))  // of the result
TG_SLOT(tanh_backward, void(const Plan&))     // of the result
TG_SLOT(log_sigmoid, void(const Plan&))
TG_SLOT(log_sigmoid_backward, void(const Plan&))
TG_SLOT(silu, void(const Plan&))
TG_SLOT(silu_backward, void(const Plan&))
TG_SLOT(gelu, void(const Plan&))
TG_SLOT(gelu_backward, void(const Plan&))
TG_SLOT(gelu_tanh, void(const Plan&))
TG_SLOT(gelu_tanh_backward, void(const Plan&))
TG_SLOT(mish, void(const Plan&))
TG_SLOT(mish_backward, void(const Plan&))
TG_SLOT(threshold, void(const Plan&, double threshold, double value))
TG_SLOT(threshold_backward, void(const Plan&, double threshold))
TG_SLOT(leaky_relu, void(const Plan&, double slope))
TG_SLOT(leaky_relu_backward, void(const Plan&, double slope))
TG_SLOT(elu, void(const Plan&, double negative, double positive, double input))
TG_SLOT(elu_backward, void(const Plan&, double negative, double positive, double input))
TG_SLOT(softplus, void(const Plan&, double beta, double threshold))
TG_SLOT(softplus_backward, void(const Plan&, double beta, double threshold))
TG_SLOT(hardtanh, void(const Plan&, double low, double high))
TG_SLOT(hardtanh_backward, void(const Plan&, double low, double high))
TG_SLOT(hardsigmoid, void(const Plan&))
TG_SLOT(hardsigmoid_backward, void(const Plan&))
TG_SLOT(hardswish, void(const Plan&))
TG_SLOT(hardswish_backward, void(const Plan&))
TG_SLOT(softshrink, void(const Plan&, double lambda))
TG_SLOT(hardshrink, void(const Plan&, double lambda))
TG_SLOT(shrink_backward, void(const Plan&, double lambda))
