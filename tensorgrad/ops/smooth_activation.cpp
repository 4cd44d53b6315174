#include <cmath>

#include "tensorgrad/ops/activation.h"
#include "tensorgrad/ops/activation_kernel.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/sign.h"
#include "tensorgrad/ops/trigonometric.h"
#include "tensorgrad/ops/views.h"

// Each derivative has two forms: a kernel, and ops for when a graph is recorded.
namespace tensorgrad {
namespace {

constexpr double kSqrtHalf = 0.707106781186547524, kInvSqrt2Pi = 0.398942280401432678;
constexpr double kSqrt2OverPi = 0.797884560802865356, kGeluCubic = 0.044715;

Tensor mask(const Tensor& x, Scalar bound, bool above) {
  const Tensor b = wrap_number(bound);
  return above ? pointwise("gt", slots::gt, {}, x.dtype(), DType::Bool, {&x, &b})
               : pointwise("le", slots::le, {}, x.dtype(), DType::Bool, {&x, &b});
}

Tensor silu_backward(const Tensor& u, const Tensor& x) {
  if (!grad_enabled()) return fused(slots::silu_backward, u, x);
  const Tensor s = sigmoid(x);
  return u * (s * (x * (1 - s) + 1));
}
Tensor mish_backward(const Tensor& u, const Tensor& x) {
  if (!grad_enabled()) return fused(slots::mish_backward, u, x);
  const Tensor t = tanh(softplus(x));
  return u * (t + x * sigmoid(x) * (1 - t * t));
}
Tensor log_sigmoid_backward(const Tensor& u, const Tensor& x) {
  return grad_enabled() ? u * sigmoid(-x) : fused(slots::log_sigmoid_backward, u, x);
}
Tensor gelu_backward(const Tensor& u, const Tensor& x, bool by_tanh) {
  if (!grad_enabled())
    return by_tanh ? fused(slots::gelu_tanh_backward, u, x) : fused(slots::gelu_backward, u, x);
  if (!by_tanh) return u * ((erf(x * kSqrtHalf) + 1) * 0.5 + x * exp(x * x * -0.5) * kInvSqrt2Pi);
  const Tensor square = x * x, t = tanh(x * (square * kGeluCubic + 1) * kSqrt2OverPi);
  return u * ((t + 1) * 0.5 + x * 0.5 * (1 - t * t) * (square * (3 * kGeluCubic) + 1) * kSqrt2OverPi);
}
Tensor elu_backward(const Tensor& u, const Tensor& x, double negative, double positive, double input) {
  if (!grad_enabled()) return fused(slots::elu_backward, u, x, negative, positive, input);
  // Above zero e^x might overflow, so it is taken of min(x, 0).
  const Tensor low = x * mask(x, 0.0, false);
  return u * (exp(low * input) * (negative * input) * mask(x, 0.0, false) + positive * mask(x, 0.0, true));
}
Tensor softplus_backward(const Tensor& u, const Tensor& x, double beta, double threshold) {
  if (!grad_enabled()) return fused(slots::softplus_backward, u, x, beta, threshold);
  const Tensor scaled = x * beta;
  return u * (sigmoid(scaled) * mask(scaled, threshold, false) + mask(scaled, threshold, true));
}
Tensor hardswish_backward(const Tensor& u, const Tensor& x) {
  if (!grad_enabled()) return fused(slots::hardswish_backward, u, x);
  const Tensor above = mask(-x, -3.0, false), middle = mask(x, -3.0, true) * mask(-x, -3.0, true);
  return u * ((x * (1.0 / 3.0) + 0.5) * middle + above);
}

}  // namespace

Tensor logsigmoid(const Tensor& input, Out out) {
  Tensor result = same_type("log_sigmoid_cpu", slots::log_sigmoid, input, out);
  return record("LogSigmoidBackward0", result, out, saved(input),
                wrt(input, [](const Tensor& u, const Tensor& x) { return log_sigmoid_backward(u, x); }));
}
TG_OP(logsigmoid, "logsigmoid(Tensor input, *, Tensor? out=None) -> Tensor", kFunctional, R"(
out = -log(1 + e^-input).

Backward: u * sigmoid(-input).
)");

Tensor silu(const Tensor& input, bool inplace) {
  const Out out = where_to(input, inplace);
  const Tensor before = out.before_write(input);
  Tensor result = same_type("silu_cpu", slots::silu, input, out);
  return record("SiluBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return silu_backward(u, x); }));
}
TG_OP(silu, "silu(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
out = input * s with s = sigmoid(input).

Backward: u * s * (1 + input * (1 - s)).
)");

Tensor mish(const Tensor& input, bool inplace) {
  const Out out = where_to(input, inplace);
  const Tensor before = out.before_write(input);
  Tensor result = same_type("mish_cpu", slots::mish, input, out);
  return record("MishBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return mish_backward(u, x); }));
}
TG_OP(mish, "mish(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
out = input * t with t = tanh(softplus(input)).

Backward: u * (t + input * sigmoid(input) * (1 - t^2)).
)");

Tensor gelu(const Tensor& input, std::string_view approximate, Out out) {
  const bool by_tanh = approximate == "tanh";
  TG_CHECK(by_tanh || approximate == "none", Runtime, "approximate argument must be either none or tanh.");
  Tensor result = same_type("GeluKernelImpl", by_tanh ? slots::gelu_tanh : slots::gelu, input, out);
  return record("GeluBackward0", result, out, saved(input, by_tanh),
                wrt(input, [](const Tensor& u, const Tensor& x, bool t) { return gelu_backward(u, x, t); }));
}
TG_OP(gelu, "gelu(Tensor input, *, str approximate='none', Tensor? out=None) -> Tensor", kFunctional, R"(
out = input * P(Z <= input) for a standard normal Z; with approximate "tanh",
input * (1 + tanh(sqrt(2 / pi) * (input + 0.044715 * input^3))) / 2.

Backward: u * (P(Z <= input) + input * p(input)), p the normal density.
)");

static Tensor elu_like(const Tensor& input, double negative, double positive, double scale, bool inplace) {
  const Out out = where_to(input, inplace);
  const Tensor before = out.before_write(input);
  Tensor result = same_type("elu_cpu", slots::elu, input, out, negative, positive, scale);
  return record("EluBackward0", result, out, saved(before, negative, positive, scale),
                wrt(before, [](const Tensor& u, const Tensor& x, double n, double p, double i) {
                  return elu_backward(u, x, n, p, i);
                }));
}
Tensor elu(const Tensor& input, double alpha, bool inplace) {
  return elu_like(input, alpha, 1.0, 1.0, inplace);
}
TG_OP(elu, "elu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor", kFunctional, R"(
input where positive, else alpha * (e^input - 1).

Backward: u where input > 0, else u * alpha * e^input.
)");
Tensor selu(const Tensor& input, bool inplace) {
  constexpr double alpha = 1.6732632423543772848170429916717, scale = 1.0507009873554804934193349852946;
  return elu_like(input, alpha * scale, scale, 1.0, inplace);
}
TG_OP(selu, "selu(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
scale * input where positive, else scale * alpha * (e^input - 1), with the two constants that keep mean 0 and variance 1.

Backward: scale * u where input > 0, else u * scale * alpha * e^input.
)");
Tensor celu(const Tensor& input, double alpha, bool inplace) {
  TG_CHECK(alpha != 0, Runtime, "ZeroDivisionError: alpha cannot be 0 for CELU");
  return elu_like(input, alpha, 1.0, 1.0 / alpha, inplace);
}
TG_OP(celu, "celu(Tensor input, float alpha=1.0, bool inplace=False) -> Tensor", kFunctional, R"(
input where positive, else alpha * (e^(input / alpha) - 1).

Backward: u where input > 0, else u * e^(input / alpha).
)");
static Tensor selu_out(const Tensor& input) { return selu(input); }
static Tensor celu_out(const Tensor& input, double alpha) { return celu(input, alpha); }
static Tensor selu_in_place(const Tensor& input) { return selu(input, true); }
static Tensor celu_in_place(const Tensor& input, double alpha) { return celu(input, alpha, true); }
TG_OP(selu_out, "selu(Tensor input) -> Tensor", kFunction, "See nn.functional.selu.");
TG_OP(celu_out, "celu(Tensor input, float alpha=1.0) -> Tensor", kFunction, "See nn.functional.celu.");
TG_OP(selu_in_place, "selu_(Tensor input) -> Tensor", kFunction | kFunctional,
      "nn.functional.selu in place.");
TG_OP(celu_in_place, "celu_(Tensor input, float alpha=1.0) -> Tensor", kFunction | kFunctional,
      "nn.functional.celu in place.");

Tensor softplus(const Tensor& input, double beta, double threshold, Out out) {
  Tensor result = same_type("softplus_cpu", slots::softplus, input, out, beta, threshold);
  return record("SoftplusBackward0", result, out, saved(input, beta, threshold),
                wrt(input, [](const Tensor& u, const Tensor& x, double b, double t) {
                  return softplus_backward(u, x, b, t);
                }));
}
TG_OP(softplus, "softplus(Tensor input, float beta=1.0, float threshold=20.0, *, Tensor? out=None) -> Tensor",
      kFunctional, R"(
out = log(1 + e^(beta * input)) / beta; input itself where beta * input > threshold.

Backward: u * sigmoid(beta * input).
)");

Tensor hardswish(const Tensor& input, bool inplace) {
  const Out out = where_to(input, inplace);
  const Tensor before = out.before_write(input);
  Tensor result = same_type("hardswish_cpu", slots::hardswish, input, out);
  return record("HardswishBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return hardswish_backward(u, x); }));
}
TG_OP(hardswish, "hardswish(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
out = input * min(max(input + 3, 0), 6) / 6.

Backward: u * (input / 3 + 1 / 2) where -3 < input < 3, u above, 0 below.
)");

Tensor softsign(const Tensor& input) { return input / (abs(input) + 1); }
TG_OP(softsign, "softsign(Tensor input) -> Tensor", kFunctional, R"(
out = input / (1 + |input|).

Backward: u / (1 + |input|)^2.
)");
Tensor tanhshrink(const Tensor& input) { return input - tanh(input); }
TG_OP(tanhshrink, "tanhshrink(Tensor input) -> Tensor", kFunctional, R"(
out = input - tanh(input).

Backward: u * tanh(input)^2.
)");
TG_OP(tanh, "tanh(Tensor input) -> Tensor", kFunctional, "See tensorgrad.tanh.");

Tensor glu(const Tensor& input, int64_t dim) {
  TG_CHECK(input.dim() > 0, Runtime, "glu does not support scalars because halving size must be even");
  const int64_t d = wrap_dim(dim, input.dim()), size = input.sizes()[d];
  TG_CHECK(size % 2 == 0, Runtime, "Halving dimension must be even, but dimension ", d, " is size ", size);
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"glu_cpu\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  return narrow(input, d, 0, size / 2) * sigmoid(narrow(input, d, size / 2, size / 2));
}
TG_OP(glu, "glu(Tensor input, int dim=-1) -> Tensor", kFunctional, R"(
The first half along dim times the sigmoid of the second.

Backward: u * s for the first half a, u * a * s * (1 - s) for the second, s its sigmoid.
)");

}  // namespace tensorgrad
