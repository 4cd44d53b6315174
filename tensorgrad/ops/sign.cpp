#include "tensorgrad/ops/sign.h"

#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/unary.h"

namespace tensorgrad {

Tensor neg(const Tensor& input, Out out) {
  const DType t = input.dtype();
  TG_CHECK(t != DType::Bool, Runtime,
           "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a "
           "mask, use the `~` "
           "or `logical_not()` operator instead.");
  Tensor result = pointwise("neg", slots::neg, out, t, t, {&input});
  return record("NegBackward0", result, out, saved(), wrt(input, [](const Tensor& u) { return -u; }));
}
TG_UNARY_ROW(neg, R"(
out = -input. Bool tensors are refused.

Backward: -u.
)");
TG_UNARY_ALIAS(neg, "negative");

Tensor positive(const Tensor& input) {
  TG_CHECK(input.dtype() != DType::Bool, Runtime, "The `+` operator, on a bool tensor is not supported.");
  return input;
}
TG_OP(positive, "positive(Tensor input) -> Tensor", kFunction | kMethod, R"(
The tensor itself. Bool tensors are refused.

Backward: u.
)");

Tensor abs(const Tensor& input, Out out) {
  const DType t = input.dtype();
  TG_CHECK(t != DType::Bool, NotImplemented, "\"abs_cpu\" not implemented for 'Bool'");
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("abs", slots::abs, out, t, t, {&input});
  return record("AbsBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return u * sgn(x); }));
}
TG_UNARY_ROW(abs, R"(
out = |input|.

Backward: u * sgn(input).
)");
TG_UNARY_ALIAS(abs, "absolute");

Tensor sign(const Tensor& input, Out out) {
  const DType t = input.dtype();
  Tensor result = pointwise("sign", slots::sign, out, t, t, {&input});
  return record("SignBackward0", result, out, saved(), wrt(input, [](const Tensor& u) { return u * 0; }));
}
TG_UNARY_ROW(sign, R"(
1 above zero, -1 below, 0 at zero.

Backward: zero.
)");
Tensor sgn(const Tensor& input, Out out) {
  const DType t = input.dtype();
  Tensor result = pointwise("sgn", slots::sign, out, t, t, {&input});
  return record("SgnBackward0", result, out, saved(), wrt(input, [](const Tensor& u) { return u * 0; }));
}
TG_UNARY_ROW(sgn, R"(
The same as sign for real numbers.

Backward: zero.
)");

namespace {
template <class Slot>
Tensor predicate(const char* name, Slot& slot, const Tensor& input, const Out& out = {}) {
  return pointwise(name, slot, out, input.dtype(), DType::Bool, {&input});
}
}  // namespace

Tensor isnan(const Tensor& input) {
  return pointwise("isnan", slots::ne, {}, input.dtype(), DType::Bool, {&input, &input});
}
TG_OP(isnan, "isnan(Tensor input) -> Tensor", kFunction | kMethod, R"(
Bool: whether each element is nan.
)");
Tensor isinf(const Tensor& input) { return predicate("isinf", slots::isinf, input); }
TG_OP(isinf, "isinf(Tensor input) -> Tensor", kFunction | kMethod, R"(
Bool: whether each element is an infinity.
)");
Tensor isfinite(const Tensor& input) { return predicate("isfinite", slots::isfinite, input); }
TG_OP(isfinite, "isfinite(Tensor input) -> Tensor", kFunction | kMethod, R"(
Bool: whether each element is neither infinite nor nan.
)");
Tensor isposinf(const Tensor& input, Out out) { return predicate("isposinf", slots::isposinf, input, out); }
TG_OP(isposinf, "isposinf(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
Bool: whether each element is positive infinity.
)");
Tensor isneginf(const Tensor& input, Out out) { return predicate("isneginf", slots::isneginf, input, out); }
TG_OP(isneginf, "isneginf(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
Bool: whether each element is negative infinity.
)");
Tensor signbit(const Tensor& input, Out out) { return predicate("signbit", slots::signbit, input, out); }
TG_OP(signbit, "signbit(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
Bool: whether each element's sign is negative, that of -0.0 included.
)");
Tensor logical_not(const Tensor& input, Out out) {
  return pointwise("logical_not", slots::logical_not, out, input.dtype(), DType::Bool, {&input});
}
TG_UNARY_ROW(logical_not, R"(
Bool: whether each element is zero.
)");
Tensor bitwise_not(const Tensor& input, Out out) {
  const DType t = input.dtype();
  TG_CHECK(!is_floating(t), NotImplemented, "\"bitwise_not_cpu\" not implemented for '", dtype_scalar_name(t),
           "'");
  return pointwise("bitwise_not", slots::bitwise_not, out, t, t, {&input});
}
TG_UNARY_ROW(bitwise_not, R"(
Every bit of an integer inverted; for bool the logical not.
)");

Tensor nan_to_num(const Tensor& input, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf, Out out) {
  const DType t = input.dtype();
  if (!is_floating(t)) return pointwise("nan_to_num", slots::copy, out, t, t, {&input});
  const double largest = largest_finite(t);
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("nan_to_num", slots::nan_to_num, out, t, t, {&input}, nan.value_or(0.0),
                            posinf.value_or(largest), neginf.value_or(-largest));
  return record("NanToNumBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return u * isfinite(x); }));
}
TG_OP(nan_to_num,
      "nan_to_num(Tensor input, float? nan=None, float? posinf=None, float? neginf=None, *, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with nan, inf and -inf replaced: by 0, the largest and the lowest finite number where nothing else is given.

Backward: u where input is finite, else 0.
)");

}  // namespace tensorgrad
