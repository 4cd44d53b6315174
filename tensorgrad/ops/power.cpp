// Powers, and floating functions of two operands.
#include "tensorgrad/ops/power.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/select.h"

namespace tensorgrad {
namespace {

Tensor base_gradient(const Tensor& u, const Tensor& x, Scalar exponent) {
  if (exponent.equals(0)) return zeros_like(u);
  if (exponent.equals(1)) return u;
  const Scalar less =
      exponent.is_floating() ? Scalar(exponent.to_double() - 1) : Scalar(exponent.to_int() - 1);
  if (exponent.equals(2)) return u * (x * Scalar(2));
  return u * (pow_scalar(x, less) * exponent);
}

// d/db a^b = a^b log a, and 0 where a is 0 and b is not negative.
Tensor exponent_gradient(const Tensor& u, const Tensor& base, const Tensor& exponent, const Tensor& y) {
  const Tensor flat = logical_and(eq(base, wrap_number(0)), ge(exponent, wrap_number(0)));
  return u * where(flat, zeros({}, y.dtype(), y.device()), y * log(base));
}

}  // namespace

Tensor pow_scalar(const Tensor& input, Scalar exponent, Out out) {
  const DType t = result_type(input, exponent);
  TG_CHECK(is_floating(t) || exponent.is_floating() || exponent.to_int() >= 0, Runtime,
           "Integers to negative integer powers are not allowed.");
  if (t == DType::Bool)  // x ** True is x, x ** False is true
    return exponent.to_bool() ? pointwise("pow", slots::copy, out, t, t, {&input})
                              : pointwise("pow", slots::eq, out, t, t, {&input, &input});
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("pow", slots::pow_number, out, t, t, {&input}, exponent);
  return record(
      "PowBackward0", result, out, saved(before, exponent),
      wrt(before, [](const Tensor& u, const Tensor& x, Scalar b) { return base_gradient(u, x, b); }));
}
Tensor pow(const Tensor& input, const Tensor& exponent, Out out) {
  if (exponent.impl()->wrapped_number) return pow_scalar(input, exponent.item(), out);
  const DType t = result_type(input, exponent);
  if (t == DType::Bool) not_implemented("pow", out, t, {&input, &exponent});
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("pow", slots::pow, out, t, t, {&input, &exponent});
  return record("PowBackward1", result, out, saved(before, exponent, result),
                wrt(before,
                    [](const Tensor& u, const Tensor& a, const Tensor& b, const Tensor&) {
                      const Tensor slope = u * (b * pow(a, b - Scalar(1)));
                      return where(eq(b, wrap_number(0)), zeros({}, slope.dtype(), slope.device()), slope);
                    }),
                wrt(exponent, [](const Tensor& u, const Tensor& a, const Tensor& b, const Tensor& y) {
                  return exponent_gradient(u, a, b, y);
                }));
}
TG_OP(pow, "pow(Tensor input, Tensor exponent, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input ** exponent, broadcast and promoted.

Backward: u * exponent * input ** (exponent - 1) for input, u * out * log(input) for exponent.
)");

TG_OP(pow_scalar, "pow(Tensor input, Scalar exponent, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input ** exponent for a number.

Backward: u * exponent * input ** (exponent - 1).
)");

Tensor pow_base(Scalar base, const Tensor& exponent, Out out) {
  const Tensor number = wrap_number(base);
  const DType t = result_type(number, exponent);
  if (t == DType::Bool) not_implemented("pow", out, t, {&number, &exponent});
  Tensor result = pointwise("pow", slots::pow, out, t, t, {&number, &exponent});
  return record("PowBackward2", result, out, saved(base, exponent, result),
                wrt(exponent, [](const Tensor& u, Scalar base, const Tensor& b, const Tensor& y) {
                  const Tensor a = full({}, base, y.dtype(), y.device());
                  return exponent_gradient(u, a, b, y);
                }));
}
TG_OP(pow_base, "pow(Scalar self, Tensor exponent, *, Tensor? out=None) -> Tensor", kFunction, R"(
A number ** exponent.

Backward: u * out * log(self).
)");

Tensor atan2(const Tensor& input, const Tensor& other, Out out) {
  const DType t = to_floating(result_type(input, other));
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("atan2", slots::atan2, out, t, t, {&input, &other});
  return record("Atan2Backward0", result, out, saved(before, other),
                wrt(before, [](const Tensor& u, const Tensor& y,
                               const Tensor& x) { return u * (x / (y * y + x * x)); }),
                wrt(other, [](const Tensor& u, const Tensor& y, const Tensor& x) {
                  return u * (y * Scalar(-1) / (y * y + x * x));
                }));
}
TG_OP(atan2, "atan2(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
The angle of the point (other, input), in (-pi, pi].

Backward: u * other / (input^2 + other^2) for input, -u * input / (input^2 + other^2) for other.
)");
TG_OP(atan2, "arctan2(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, "\nThe same as atan2.\n");

Tensor hypot(const Tensor& input, const Tensor& other, Out out) {
  const DType t = result_type(input, other);
  if (!is_floating(t)) not_implemented("hypot_cpu", out, t, {&input, &other});
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("hypot", slots::hypot, out, t, t, {&input, &other});
  return record("HypotBackward0", result, out, saved(before, other, result),
                wrt(before, [](const Tensor& u, const Tensor& a, const Tensor&,
                               const Tensor& y) { return u * (a / y); }),
                wrt(other, [](const Tensor& u, const Tensor&, const Tensor& b, const Tensor& y) {
                  return u * (b / y);
                }));
}
TG_OP(hypot, "hypot(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
sqrt(input^2 + other^2) without overflow.

Backward: u * input / out for input, u * other / out for other.
)");

Tensor copysign(const Tensor& input, const Tensor& other, Out out) {
  const DType t = to_floating(result_type(input, other));
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("copysign", slots::copysign, out, t, t, {&input, &other});
  return record("CopysignBackward0", result, out, saved(before, result),
                wrt(before,
                    [](const Tensor& u, const Tensor& a, const Tensor& y) {
                      const Tensor ratio = y / a;
                      return u *
                             where(eq(a, wrap_number(0)), zeros({}, ratio.dtype(), ratio.device()), ratio);
                    }),
                wrt(other, [](const Tensor& u, const Tensor&, const Tensor&) { return zeros_like(u); }));
}
TG_OP(copysign, "copysign(Tensor input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
The magnitude of input with the sign of other.

Backward: u * out / input (0 where input is 0) for input, 0 for other.
)");

Tensor xlogy(const Tensor& input, const Tensor& other, Out out) {
  const DType t = to_floating(result_type(input, other));
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("xlogy", slots::xlogy, out, t, t, {&input, &other});
  return record("XlogyBackward0", result, out, saved(before, other),
                wrt(before,
                    [](const Tensor& u, const Tensor& a, const Tensor& b) {
                      const Tensor flat = logical_and(eq(a, wrap_number(0)), le(b, wrap_number(0)));
                      const Tensor slope = u * log(b);
                      return where(flat, zeros({}, slope.dtype(), slope.device()), slope);
                    }),
                wrt(other, [](const Tensor& u, const Tensor& a, const Tensor& b) { return u * (a / b); }));
}
TG_OP(xlogy, "xlogy(Tensor input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input * log(other); 0 where input is 0 and other is not NaN.

Backward: u * log(other) for input, u * input / other for other.
)");
namespace {
Tensor xlogy_number(Scalar input, const Tensor& other, Out out) {
  return xlogy(wrap_number(input), other, out);
}
}  // namespace
TG_OP(xlogy_number, "xlogy(Scalar self, Tensor other, *, Tensor? out=None) -> Tensor", kFunction,
      "\nA number * log(other).\n");

}  // namespace tensorgrad
