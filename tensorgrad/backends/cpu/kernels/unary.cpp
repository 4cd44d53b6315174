// Functions of one floating operand, and of two.
#include "tensorgrad/backends/cpu/kernels/blocks.h"
#include "tensorgrad/backends/cpu/kernels/vmath.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
// The greater operand and what the other adds; the gap of two equal infinities is NaN.
template <class T>
TG_INLINE T log_of_sum(T a, T b) {
  const T greater = a > b ? a : b, gap = a > b ? a - b : b - a;
  const T sum = greater + vm::softplus(-gap);
  return (a == b) & (gap != T(0)) ? a : sum;
}
template <class T>
TG_INLINE T hypotenuse(T a, T b) {
  if constexpr (sizeof(T) == 4)
    return __builtin_hypotf(a, b);
  else
    return __builtin_hypot(a, b);
}
}  // namespace

TG_UNARY0(exp, vm::exp(x))
TG_UNARY0(exp2, vm::exp2(x))
TG_UNARY0(expm1, vm::expm1(x))
TG_UNARY0(log, vm::log(x))
TG_UNARY0(log2, vm::log2(x))
TG_UNARY0(log10, vm::log10(x))
TG_UNARY0(log1p, vm::log1p(x))
TG_UNARY0(sqrt, vm::sqrt(x))
TG_UNARY0(rsqrt, vm::rsqrt(x))
TG_UNARY0(reciprocal, vm::reciprocal(x))
void sin(const Plan& p) { run_loop1(p, loop1<float, Sin>, loop1<double, Sin>); }
void cos(const Plan& p) { run_loop1(p, loop1<float, Cos>, loop1<double, Cos>); }
void tan(const Plan& p) { run_loop1(p, loop1<float, Tan>, loop1<double, Tan>); }
TG_UNARY0(asin, vm::asin(x))
TG_UNARY0(acos, vm::acos(x))
TG_UNARY0(atan, vm::atan(x))
TG_UNARY0(sinh, vm::sinh(x))
TG_UNARY0(cosh, vm::cosh(x))
TG_UNARY0(tanh, vm::tanh(x))
TG_UNARY0(asinh, vm::asinh(x))
TG_UNARY0(acosh, vm::acosh(x))
TG_UNARY0(atanh, vm::atanh(x))
TG_UNARY0(erf, vm::erf(x))
TG_UNARY0(erfc, vm::erfc(x))
TG_UNARY0(erfinv, vm::erfinv(x))
TG_UNARY0(floor, vm::floor(x))
TG_UNARY0(ceil, vm::ceil(x))
TG_UNARY0(trunc, vm::trunc(x))
TG_UNARY0(round, vm::round_even(x))
// To a number of decimals: scale = 10^|decimals|.
TG_UNARY1(round_up_scaled, vm::round_even(x* c0) / c0)
TG_UNARY1(round_down_scaled, vm::round_even(x / c0) * c0)
TG_UNARY0(frac, x - vm::trunc(x))
TG_UNARY3(nan_to_num, x != x ? c0 : (x == T(vm::inf_d) ? c1 : (x == -T(vm::inf_d) ? c2 : x)))

TG_PAIR0(logaddexp, log_of_sum(a, b))
TG_PAIR0(hypot, hypotenuse(a, b))
TG_PAIR0(copysign, vm::copysign(a, b))

}  // namespace tensorgrad::cpu::TG_ISA
