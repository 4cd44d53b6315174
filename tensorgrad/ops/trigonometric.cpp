#include "tensorgrad/ops/trigonometric.h"

#include <cmath>

#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/unary.h"

namespace tensorgrad {

TG_UNARY(sin, "SinBackward0", u* cos(x), R"(
out = sin(input), in radians.

Backward: u * cos(input).
)");
TG_UNARY(cos, "CosBackward0", u * -sin(x), R"(
out = cos(input), in radians.

Backward: -u * sin(input).
)");
TG_UNARY_OF_RESULT(tan, "TanBackward0", u*(y* y + 1), R"(
out = tan(input), in radians.

Backward: u * (1 + out^2).
)");
TG_UNARY(asin, "AsinBackward0", u* rsqrt(1 - x * x), R"(
out = arcsine(input) in [-pi/2, pi/2]; nan outside [-1, 1].

Backward: u / sqrt(1 - input^2).
)");
TG_UNARY(acos, "AcosBackward0", u * -rsqrt(1 - x * x), R"(
out = arccosine(input) in [0, pi]; nan outside [-1, 1].

Backward: -u / sqrt(1 - input^2).
)");
TG_UNARY(atan, "AtanBackward0", u / (x * x + 1), R"(
out = arctangent(input) in [-pi/2, pi/2].

Backward: u / (1 + input^2).
)");
TG_UNARY(sinh, "SinhBackward0", u* cosh(x), R"(
out = (e^input - e^-input) / 2.

Backward: u * cosh(input).
)");
TG_UNARY(cosh, "CoshBackward0", u* sinh(x), R"(
out = (e^input + e^-input) / 2.

Backward: u * sinh(input).
)");

namespace {
Tensor tanh_backward(const Tensor& u, const Tensor& y) {
  if (grad_enabled()) return u * (1 - y * y);
  return pointwise("tanh_backward", slots::tanh_backward, {}, y.dtype(), y.dtype(), {&u, &y});
}
}  // namespace
TG_UNARY_OF_RESULT(tanh, "TanhBackward0", tanh_backward(u, y), R"(
out = (e^input - e^-input) / (e^input + e^-input).

Backward: u * (1 - out^2).
)");
TG_UNARY(asinh, "AsinhBackward0", u* rsqrt(x* x + 1), R"(
out = ln(input + sqrt(input^2 + 1)).

Backward: u / sqrt(input^2 + 1).
)");
TG_UNARY(acosh, "AcoshBackward0", u* rsqrt(x* x - 1), R"(
out = ln(input + sqrt(input^2 - 1)); nan below 1.

Backward: u / sqrt(input^2 - 1).
)");
TG_UNARY(atanh, "AtanhBackward0", u / (1 - x * x), R"(
out = ln((1 + input) / (1 - input)) / 2; nan outside [-1, 1].

Backward: u / (1 - input^2).
)");
TG_UNARY_ALIAS(asin, "arcsin");
TG_UNARY_ALIAS(acos, "arccos");
TG_UNARY_ALIAS(atan, "arctan");
TG_UNARY_ALIAS(asinh, "arcsinh");
TG_UNARY_ALIAS(acosh, "arccosh");
TG_UNARY_ALIAS(atanh, "arctanh");

static Tensor deg2rad(const Tensor& input, Out out) { return mul(input, wrap_number(M_PI / 180), out); }
TG_UNARY_ROW(deg2rad, R"(
Degrees as radians: out = input * pi / 180.

Backward: u * pi / 180.
)");
static Tensor rad2deg(const Tensor& input, Out out) { return mul(input, wrap_number(180 / M_PI), out); }
TG_UNARY_ROW(rad2deg, R"(
Radians as degrees: out = input * 180 / pi.

Backward: u * 180 / pi.
)");

}  // namespace tensorgrad
