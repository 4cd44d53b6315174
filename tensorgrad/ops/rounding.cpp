#include "tensorgrad/ops/rounding.h"

#include <cmath>

#include "tensorgrad/ops/unary.h"

namespace tensorgrad {
namespace {

// Integers are their own rounding.
template <class Slot>
Tensor rounded(const char* name, const char* node, Slot& slot, const Tensor& input, const Out& out) {
  const DType t = input.dtype();
  TG_CHECK(t != DType::Bool, NotImplemented, "\"", name, "_vml_cpu\" not implemented for 'Bool'");
  if (!is_floating(t)) return pointwise(name, slots::copy, out, t, t, {&input});
  Tensor result = pointwise(name, slot, out, t, t, {&input});
  return record(node, result, out, saved(), wrt(input, [](const Tensor& u) { return u * 0; }));
}

}  // namespace

Tensor floor(const Tensor& input, Out out) {
  return rounded("floor", "FloorBackward0", slots::floor, input, out);
}
TG_UNARY_ROW(floor, R"(
The largest integer that is not above input.

Backward: zero.
)");
Tensor ceil(const Tensor& input, Out out) {
  return rounded("ceil", "CeilBackward0", slots::ceil, input, out);
}
TG_UNARY_ROW(ceil, R"(
The smallest integer that is not below input.

Backward: zero.
)");
Tensor trunc(const Tensor& input, Out out) {
  return rounded("trunc", "TruncBackward0", slots::trunc, input, out);
}
TG_UNARY_ROW(trunc, R"(
The integer part of input.

Backward: zero.
)");
TG_UNARY_ALIAS(trunc, "fix");

Tensor round(const Tensor& input, int64_t decimals, Out out) {
  if (decimals == 0 || !is_floating(input.dtype())) {
    TG_CHECK(decimals == 0, NotImplemented, "\"round_cpu\" not implemented for '",
             dtype_scalar_name(input.dtype()), "'");
    return rounded("round", "RoundBackward0", slots::round, input, out);
  }
  const DType t = input.dtype();
  const double scale = std::pow(10.0, double(decimals < 0 ? -decimals : decimals));
  Tensor result = pointwise("round", decimals > 0 ? slots::round_up_scaled : slots::round_down_scaled, out, t,
                            t, {&input}, scale);
  return record("RoundBackward1", result, out, saved(), wrt(input, [](const Tensor& u) { return u * 0; }));
}
TG_OP(round, "round(Tensor input, *, int decimals=0, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
The nearest integer, halves to the even one; with decimals, the nearest multiple of 10^-decimals.

Backward: zero.
)");

Tensor frac(const Tensor& input, Out out) {
  const DType t = input.dtype();
  TG_CHECK(is_floating(t), NotImplemented, "\"frac_cpu\" not implemented for '", dtype_scalar_name(t), "'");
  Tensor result = pointwise("frac", slots::frac, out, t, t, {&input});
  return record("FracBackward0", result, out, saved(), wrt(input, [](const Tensor& u) { return u; }));
}
TG_UNARY_ROW(frac, R"(
out = input - trunc(input).

Backward: u.
)");

}  // namespace tensorgrad
