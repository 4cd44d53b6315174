// Piecewise linear activations and sigmoid. See smooth_activation.cpp for the others.
#include "tensorgrad/ops/activation.h"

#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/ops/activation_kernel.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

Tensor sigmoid_backward(const Tensor& u, const Tensor& y) {
  return grad_enabled() ? u * (y * (1 - y)) : fused(slots::sigmoid_backward, u, y);
}

// Derivatives that are constant on pieces: the gradient of the gradient with respect to u is the same kernel
// again.
Tensor threshold_backward(const Tensor& u, const Tensor& x, double threshold) {
  return record(
      "ThresholdBackwardBackward0", fused(slots::threshold_backward, u, x, threshold), saved(x, threshold),
      wrt(u, [](const Tensor& u, const Tensor& x, double t) { return threshold_backward(u, x, t); }));
}
Tensor leaky_relu_backward(const Tensor& u, const Tensor& x, double slope) {
  return record(
      "LeakyReluBackwardBackward0", fused(slots::leaky_relu_backward, u, x, slope), saved(x, slope),
      wrt(u, [](const Tensor& u, const Tensor& x, double s) { return leaky_relu_backward(u, x, s); }));
}
Tensor hardtanh_backward(const Tensor& u, const Tensor& x, double low, double high) {
  return record("HardtanhBackwardBackward0", fused(slots::hardtanh_backward, u, x, low, high),
                saved(x, low, high), wrt(u, [](const Tensor& u, const Tensor& x, double l, double h) {
                  return hardtanh_backward(u, x, l, h);
                }));
}
Tensor hardsigmoid_backward(const Tensor& u, const Tensor& x) {
  return record("HardsigmoidBackwardBackward0", fused(slots::hardsigmoid_backward, u, x), saved(x),
                wrt(u, [](const Tensor& u, const Tensor& x) { return hardsigmoid_backward(u, x); }));
}
Tensor shrink_backward(const Tensor& u, const Tensor& x, double lambd) {
  return record("SoftshrinkBackwardBackward0", fused(slots::shrink_backward, u, x, lambd), saved(x, lambd),
                wrt(u, [](const Tensor& u, const Tensor& x, double l) { return shrink_backward(u, x, l); }));
}

}  // namespace

TG_UNARY_OF_RESULT(sigmoid, "SigmoidBackward0", sigmoid_backward(u, y), R"(
out = 1 / (1 + e^-input).

Backward: u * out * (1 - out).
)");
TG_SPECIAL_ALIAS(sigmoid, "expit");
TG_OP(sigmoid, "sigmoid(Tensor input) -> Tensor", kFunctional,
      "The same as tensorgrad.sigmoid: out = 1 / (1 + e^-input).");

Tensor relu(const Tensor& input, Out out) {
  const DType t = input.dtype();
  TG_CHECK(t != DType::Bool, Runtime, "Boolean inputs not supported for relu");
  Tensor result = pointwise("relu", slots::relu, out, t, t, {&input});
  return record("ReluBackward0", result, out, saved(result),
                wrt(input, [](const Tensor& u, const Tensor& y) { return threshold_backward(u, y, 0.0); }));
}
TG_OP(relu, "relu(Tensor input) -> Tensor", kFunction | kMethod | kInPlace | kInPlaceFunction, R"(
out = max(input, 0).

Backward: u where out > 0, else 0.
)");
static Tensor relu_functional(const Tensor& input, bool inplace) {
  return relu(input, where_to(input, inplace));
}
TG_OP(relu_functional, "relu(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
out = max(input, 0).

Backward: u where input > 0, else 0.
)");

Tensor threshold(const Tensor& input, double threshold, double value, bool inplace) {
  const Out out = where_to(input, inplace);
  const DType t = input.dtype();
  if (is_integral(t)) {
    const Tensor bound = wrap_number(int64_t(threshold)), other = wrap_number(int64_t(value));
    const Tensor low = pointwise("threshold", slots::le, {}, t, DType::Bool, {&input, &bound});
    return pointwise("threshold", slots::where, out, t, t, {&low, &other, &input});
  }
  const Tensor before = out.before_write(input);
  Tensor result = same_type("threshold_cpu", slots::threshold, input, out, threshold, value);
  return record(
      "ThresholdBackward0", result, out, saved(before, threshold),
      wrt(before, [](const Tensor& u, const Tensor& x, double t) { return threshold_backward(u, x, t); }));
}
TG_OP(threshold, "threshold(Tensor input, float threshold, float value, bool inplace=False) -> Tensor",
      kFunctional, R"(
input where it is above threshold, else value.

Backward: u where input > threshold, else 0.
)");
static Tensor threshold_out_of_place(const Tensor& input, double bound, double value) {
  return threshold(input, bound, value);
}
TG_OP(threshold_out_of_place, "threshold(Tensor input, float threshold, float value) -> Tensor", kFunction,
      R"(
input where it is above threshold, else value.

Backward: u where input > threshold, else 0.
)");

Tensor leaky_relu(const Tensor& input, double negative_slope, bool inplace) {
  const Out out = where_to(input, inplace);
  TG_CHECK(!inplace || negative_slope >= 0 || !wants_gradient(input), Runtime,
           "In-place leakyReLu backward calculation is triggered with a negative slope which is not "
           "supported. This is "
           "caused by calling in-place forward function with a negative slope, please call out-of-place "
           "version instead.");
  Tensor result = same_type("leaky_relu_cpu", slots::leaky_relu, input, out, negative_slope);
  // The sign of the result tells as much as that of the input.
  const Tensor kept = inplace ? result : input;
  return record(
      "LeakyReluBackward0", result, out, saved(kept, negative_slope),
      wrt(input, [](const Tensor& u, const Tensor& x, double s) { return leaky_relu_backward(u, x, s); }));
}
TG_OP(leaky_relu, "leaky_relu(Tensor input, float negative_slope=0.01, bool inplace=False) -> Tensor",
      kFunctional, R"(
input where positive, else negative_slope * input.

Backward: u where input > 0, else negative_slope * u.
)");

Tensor hardtanh(const Tensor& input, Scalar min_val, Scalar max_val, bool inplace) {
  const double low = min_val.to_double(), high = max_val.to_double();
  TG_CHECK(low <= high, Value, "min_val cannot be greater than max_val");
  const DType t = input.dtype();
  TG_CHECK(t != DType::Bool, Runtime, "Bool inputs not supported for hardtanh");
  const Out out = where_to(input, inplace);
  if (!is_floating(t)) {
    const Tensor a = wrap_number(min_val.to_int()), b = wrap_number(max_val.to_int());
    const Tensor raised = pointwise("hardtanh", slots::maximum, {}, t, t, {&input, &a});
    return pointwise("hardtanh", slots::minimum, out, t, t, {&raised, &b});
  }
  const Tensor before = out.before_write(input);
  Tensor result = pointwise("hardtanh", slots::hardtanh, out, t, t, {&input}, low, high);
  return record("HardtanhBackward0", result, out, saved(before, low, high),
                wrt(before, [](const Tensor& u, const Tensor& x, double l, double h) {
                  return hardtanh_backward(u, x, l, h);
                }));
}
TG_OP(hardtanh,
      "hardtanh(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0, bool inplace=False) -> Tensor",
      kFunctional, R"(
input, kept between min_val and max_val.

Backward: u where min_val < input < max_val, else 0.
)");
Tensor relu6(const Tensor& input, bool inplace) { return hardtanh(input, 0.0, 6.0, inplace); }
TG_OP(relu6, "relu6(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
out = min(max(input, 0), 6).

Backward: u where 0 < input < 6, else 0.
)");

Tensor hardsigmoid(const Tensor& input, bool inplace) {
  const Out out = where_to(input, inplace);
  const Tensor before = out.before_write(input);
  Tensor result = same_type("hardsigmoid_cpu", slots::hardsigmoid, input, out);
  return record("HardsigmoidBackward0", result, out, saved(before),
                wrt(before, [](const Tensor& u, const Tensor& x) { return hardsigmoid_backward(u, x); }));
}
TG_OP(hardsigmoid, "hardsigmoid(Tensor input, bool inplace=False) -> Tensor", kFunctional, R"(
out = min(max(input + 3, 0), 6) / 6.

Backward: u / 6 where -3 < input < 3, else 0.
)");

Tensor hardshrink(const Tensor& input, double lambd, Out out) {
  Tensor result = same_type("hardshrink_cpu", slots::hardshrink, input, out, lambd);
  return record(
      "HardshrinkBackward0", result, out, saved(input, lambd),
      wrt(input, [](const Tensor& u, const Tensor& x, double l) { return shrink_backward(u, x, l); }));
}
TG_OP(hardshrink, "hardshrink(Tensor input, float lambd=0.5, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kFunctional, R"(
input where |input| > lambd, else 0.

Backward: u where |input| > lambd, else 0.
)");
Tensor softshrink(const Tensor& input, double lambd, Out out) {
  const double largest = largest_finite(input.dtype());
  TG_CHECK(lambd >= 0 && lambd <= largest, Runtime, "lambda must be in range [0, ", largest,
           "] for input dtype ", dtype_scalar_name(input.dtype()), ", but found ", lambd);
  Tensor result = same_type("softshrink_check", slots::softshrink, input, out, lambd);
  return record(
      "SoftshrinkBackward0", result, out, saved(input, lambd),
      wrt(input, [](const Tensor& u, const Tensor& x, double l) { return shrink_backward(u, x, l); }));
}
TG_OP(softshrink, "softshrink(Tensor input, float lambd=0.5, *, Tensor? out=None) -> Tensor", kFunctional, R"(
input moved towards 0 by lambd, no further than 0.

Backward: u where |input| > lambd, else 0.
)");

Tensor prelu(const Tensor& input, const Tensor& weight) {
  TG_CHECK(weight.dtype() == input.dtype(), Runtime, "prelu: Type promoting not supported. Got ",
           dtype_scalar_name(input.dtype()), " and ", dtype_scalar_name(weight.dtype()));
  TG_CHECK(weight.dim() <= 1, Runtime,
           "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = ", weight.dim());
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"prelu_cpu\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  Tensor slope = weight;
  if (weight.numel() != 1) {
    TG_CHECK(input.dim() > 0, Runtime, "Not allow zero-dim input tensor.");
    const int64_t channels = input.dim() > 1 ? input.sizes()[1] : 1;
    TG_CHECK(channels == weight.numel(), Runtime,
             "Mismatch of parameter numbers and input channel size. Found parameter numbers = ",
             weight.numel(), " and channel size = ", channels, ".");
    Shape shape;
    for (int64_t d = 0; d < input.dim(); d++) shape.push_back(d == 1 ? channels : 1);
    slope = view(weight, shape);
  } else if (weight.dim() != 0 && input.dim() == 0) {
    slope = view(weight, {});
  }
  return relu(input) - slope * relu(-input);
}
TG_OP(prelu, "prelu(Tensor input, Tensor weight) -> Tensor", kFunction | kMethod | kFunctional, R"(
input where positive, else weight * input; a weight of several elements has one for each channel (dimension 1).

Backward: u or weight * u for input; the sum of u * input where input < 0 for weight.
)");

}  // namespace tensorgrad
