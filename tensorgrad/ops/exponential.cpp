#include "tensorgrad/ops/exponential.h"

#include "tensorgrad/ops/unary.h"

namespace tensorgrad {
namespace {
constexpr double kLn2 = 0.693147180559945309, kLn10 = 2.302585092994045684;
constexpr double kTwoOverSqrtPi = 1.128379167095512574, kHalfSqrtPi = 0.886226925452758014;
}  // namespace

TG_UNARY_OF_RESULT(exp, "ExpBackward0", u* y, R"(
out = e^input.

Backward: u * out.
)");
TG_UNARY_OF_RESULT(exp2, "Exp2Backward0", u * y * kLn2, R"(
out = 2^input.

Backward: u * out * ln 2.
)");
TG_UNARY_OF_RESULT(expm1, "Expm1Backward0", u*(y + 1), R"(
out = e^input - 1, exact for small input.

Backward: u * (out + 1).
)");
TG_UNARY(log, "LogBackward0", u / x, R"(
out = ln(input); nan below zero, -inf at zero.

Backward: u / input.
)");
TG_UNARY(log2, "Log2Backward0", u / (x * kLn2), R"(
out = log2(input).

Backward: u / (input * ln 2).
)");
TG_UNARY(log10, "Log10Backward0", u / (x * kLn10), R"(
out = log10(input).

Backward: u / (input * ln 10).
)");
TG_UNARY(log1p, "Log1PBackward0", u / (x + 1), R"(
out = ln(1 + input), exact for small input.

Backward: u / (1 + input).
)");
TG_UNARY_OF_RESULT(sqrt, "SqrtBackward0", u / (y * 2), R"(
out = sqrt(input); nan below zero.

Backward: u / (2 * out).
)");
TG_UNARY_OF_RESULT(rsqrt, "RsqrtBackward0", u * -0.5 * (y * y * y), R"(
out = 1 / sqrt(input).

Backward: -u * out^3 / 2.
)");
TG_UNARY_OF_RESULT(reciprocal, "ReciprocalBackward0", -u*(y* y), R"(
out = 1 / input.

Backward: -u * out^2.
)");
TG_UNARY(erf, "ErfBackward0", u*(exp(-(x* x)) * kTwoOverSqrtPi), R"(
out = 2 / sqrt(pi) * integral from 0 to input of e^(-t^2) dt.

Backward: u * 2 / sqrt(pi) * e^(-input^2).
)");
TG_UNARY(erfc, "ErfcBackward0", u*(exp(-(x* x)) * -kTwoOverSqrtPi), R"(
out = 1 - erf(input), exact in the far tail.

Backward: -u * 2 / sqrt(pi) * e^(-input^2).
)");
TG_UNARY_OF_RESULT(erfinv, "ErfinvBackward0", u*(exp(y* y) * kHalfSqrtPi), R"(
The inverse of erf: inf at 1, -inf at -1, nan beyond.

Backward: u * sqrt(pi) / 2 * e^(out^2).
)");
TG_SPECIAL_ALIAS(exp2, "exp2");
TG_SPECIAL_ALIAS(expm1, "expm1");
TG_SPECIAL_ALIAS(log1p, "log1p");
TG_SPECIAL_ALIAS(erf, "erf");
TG_SPECIAL_ALIAS(erfc, "erfc");
TG_SPECIAL_ALIAS(erfinv, "erfinv");

Tensor square(const Tensor& input, Out out) {
  const DType t = input.dtype() == DType::Bool ? DType::Int64 : input.dtype();
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("square", slots::mul, out, t, t, {&input, &input});
  return record("PowBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return u * (x * 2); }));
}
TG_UNARY_ROW(square, R"(
out = input * input.

Backward: 2 * u * input.
)");

static Tensor logaddexp(const Tensor& input, const Tensor& other, Out out) {
  const DType t = result_type(input, other);
  if (!is_floating(t)) not_implemented("logaddexp_cpu", out, t, {&input, &other});
  const Tensor a = out.before_write(input);
  Tensor result = pointwise("logaddexp", slots::logaddexp, out, t, t, {&input, &other});
  return record(
      "LogaddexpBackward0", result, out, saved(a, other),
      wrt(a, [](const Tensor& u, const Tensor& a, const Tensor& b) { return u / (exp(b - a) + Scalar(1)); }),
      wrt(other,
          [](const Tensor& u, const Tensor& a, const Tensor& b) { return u / (exp(a - b) + Scalar(1)); }));
}
TG_OP(logaddexp, "logaddexp(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      R"(
out = log(e^input + e^other), without overflow.

Backward: u / (1 + e^(other - input)) for input, u / (1 + e^(input - other)) for other.
)");

}  // namespace tensorgrad
