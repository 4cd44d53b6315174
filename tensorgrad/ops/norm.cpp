// Normalisation of rows: layer_norm, rms_norm, group_norm.
#include "tensorgrad/ops/norm.h"

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/rows.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// The last dimensions as one row of the given length.
Tensor as_rows(const Tensor& t, int64_t n) { return reshape(t, {n == 0 ? 0 : t.numel() / n, n}); }
Tensor row_mean(const Tensor& t, int64_t n) { return sum(t, {1}, true) / Scalar(double(n)); }

// dx in ops, the statistics taken from x again, so that second derivatives pass through them.
Tensor composed_input_gradient(const Tensor& u, const Tensor& x, const Tensor& weight, int64_t n, double eps,
                               bool centred) {
  Tensor g = as_rows(u, n), centre = as_rows(x, n);
  if (weight.defined()) g = g * reshape(weight, {1, n});
  if (centred) centre = centre - row_mean(centre, n);
  const Tensor r = rsqrt(row_mean(centre * centre, n) + Scalar(eps)), h = centre * r;
  Tensor dx = g - h * row_mean(g * h, n);
  if (centred) dx = dx - row_mean(g, n);
  return reshape(dx * r, x.sizes());
}

// From u, x, weight, bias (defined where they were given) to their gradients.
TensorList norm_backward(const Upstream& up, const Tensor& x, const Tensor& weight, const Tensor& mean,
                         const Tensor& rstd, int64_t n, double eps, bool centred) {
  const Tensor& u = up[0];
  TensorList out;
  out.resize(3);
  const int64_t rows = n == 0 ? 0 : x.numel() / n;
  if (grad_enabled()) {
    if (up.needs(0)) out[0] = composed_input_gradient(u, x, weight, n, eps, centred);
    if (up.needs(1)) {
      Tensor centre = as_rows(x, n);
      if (centred) centre = centre - row_mean(centre, n);
      out[1] = reshape(sum(as_rows(u, n) * centre * rsqrt(row_mean(centre * centre, n) + Scalar(eps)), {0}),
                       weight.sizes());
    }
    if (up.needs(2)) out[2] = sum(as_rows(u, n), {0});
  } else {
    const DType compute = rstd.dtype();
    const Tensor du = dense(u, compute), dx = dense(x, compute);
    Rows p;
    p.dtype = compute;
    p.outer = rows, p.n = n, p.integer = centred ? 0 : 1;
    p.in[0] = du.bytes(), p.in[1] = dx.bytes();
    if (up.needs(0)) {
      const Tensor w = weight.defined() ? dense(weight, compute) : Tensor();
      out[0] = Tensor::empty(x.sizes(), compute, x.device());
      p.in[2] = bytes_or_null(w), p.in[3] = bytes_or_null(mean), p.in[4] = rstd.bytes();
      p.out[0] = out[0].bytes();
      if (!empty(p)) slots::layer_norm_backward(x.device(), p);
    }
    if (up.needs(1) || up.needs(2)) {
      p.in[2] = bytes_or_null(mean), p.in[3] = rstd.bytes();
      if (up.needs(1)) out[1] = Tensor::empty(weight.sizes(), compute, x.device());
      if (up.needs(2)) out[2] = Tensor::empty({n}, compute, x.device());
      p.out[0] = out[1].defined() ? out[1].bytes() : nullptr;
      p.out[1] = out[2].defined() ? out[2].bytes() : nullptr;
      if (n > 0) slots::layer_norm_parameters(x.device(), p);
    }
  }
  if (out[2].defined() && weight.defined()) out[2] = reshape(out[2], weight.sizes());
  return out;
}

struct Normalised {
  Tensor y, mean, rstd;
};
Normalised normalise(const Tensor& input, int64_t n, const Tensor& weight, const Tensor& bias, double eps,
                     bool centred) {
  const DType compute = row_type(input.dtype());
  const Tensor x = dense(input, compute);
  const Tensor w = weight.defined() ? dense(weight, compute) : Tensor(),
               b = bias.defined() ? dense(bias, compute) : Tensor();
  Rows p;
  p.dtype = compute;
  p.n = n, p.outer = n == 0 ? 0 : x.numel() / n, p.number[0] = eps, p.integer = centred ? 0 : 1;
  Normalised r{Tensor::empty(input.sizes(), compute, input.device()),
               {},
               Tensor::empty({p.outer}, compute, input.device())};
  if (centred) r.mean = Tensor::empty({p.outer}, compute, input.device());
  p.in[0] = x.bytes(), p.in[1] = bytes_or_null(w), p.in[2] = bytes_or_null(b);
  p.out[0] = r.y.bytes(), p.out[1] = r.mean.defined() ? r.mean.bytes() : nullptr, p.out[2] = r.rstd.bytes();
  if (!empty(p)) slots::layer_norm(input.device(), p);
  if (r.y.dtype() != input.dtype()) r.y = to(r.y, input.dtype());
  return r;
}

// The number of elements that are normalised together; refuses shapes that do not end in normalized_shape.
int64_t check_shape(const char* name, const Tensor& input, const Ints& shape, const Tensor& weight,
                    const Tensor& bias) {
  const size_t k = shape.size();
  TG_CHECK(k >= 1, Runtime,
           "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
           "but got normalized_shape = ",
           shape);
  TG_CHECK(!weight.defined() || weight.sizes() == shape, Runtime,
           "Expected weight to be of same shape as normalized_shape, but got weight of shape ",
           weight.sizes(), " and normalized_shape = ", shape);
  TG_CHECK(!bias.defined() || bias.sizes() == shape, Runtime,
           "Expected bias to be of same shape as normalized_shape, but got bias of shape ", bias.sizes(),
           " and normalized_shape = ", shape);
  bool matches = input.sizes().size() >= k;
  for (size_t i = 0; matches && i < k; i++) matches = input.sizes()[input.sizes().size() - k + i] == shape[i];
  if (!matches) {
    std::ostringstream text;
    text << "Given normalized_shape=" << shape << ", expected input with shape [*";
    // PyTorch leaves out the first comma for rms_norm.
    for (size_t i = 0; i < k; i++) text << (i > 0 || *name == 'L' ? ", " : "") << shape[i];
    text << "], but got input of size" << input.sizes();
    fail(ErrorKind::Runtime, text.str());
  }
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"", name, "\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  return count_elements(shape);
}

}  // namespace

Tensor layer_norm(const Tensor& input, const Ints& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const int64_t n = check_shape("LayerNormKernelImpl", input, normalized_shape, weight, bias);
  Normalised r = normalise(input, n, weight, bias, eps, true);
  return record_jointly(
      "NativeLayerNormBackward0", r.y, Out{}, {input, weight, bias},
      saved(input, weight, r.mean, r.rstd, n, eps),
      [](const Upstream& up, const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd,
         int64_t n, double eps) { return norm_backward(up, x, w, mean, rstd, n, eps, true); });
}
static Tensor layer_norm_function(const Tensor& input, const Ints& shape, const Tensor& weight,
                                  const Tensor& bias, double eps, bool) {
  return layer_norm(input, shape, weight, bias, eps);
}
TG_OP(layer_norm_function,
      "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float "
      "eps=1e-05, "
      "bool cudnn_enable=True) -> Tensor",
      kFunction, R"(
out = h * weight + bias with h = (input - mean) / sqrt(var + eps), over the last dimensions, whose sizes are
normalized_shape; var is the biased one.

Backward, with g = u * weight: (g - mean(g) - h * mean(g * h)) / sqrt(var + eps) for input, sums of u * h and u over the
other dimensions for weight and bias.
)");
TG_OP(layer_norm,
      "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float "
      "eps=1e-05) -> Tensor",
      kFunctional, "See tensorgrad.layer_norm.");

Tensor rms_norm(const Tensor& input, const Ints& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  const int64_t n = check_shape("rms_norm", input, normalized_shape, weight, {});
  const double e = eps.value_or(input.dtype() == DType::Float64    ? 2.220446049250313e-16
                                : input.dtype() == DType::BFloat16 ? 0.0078125
                                : input.dtype() == DType::Float16  ? 0.0009765625
                                                                   : 1.1920928955078125e-07);
  Normalised r = normalise(input, n, weight, {}, e, false);
  return record_jointly(
      "FusedRmsNormBackward0", r.y, Out{}, {input, weight}, saved(input, weight, r.rstd, n, e),
      [](const Upstream& up, const Tensor& x, const Tensor& w, const Tensor& rstd, int64_t n, double eps) {
        TensorList all = norm_backward(up, x, w, {}, rstd, n, eps, false);
        all.pop_back();
        return all;
      });
}
TG_OP(rms_norm,
      "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor",
      kFunction | kFunctional, R"(
out = input / sqrt(mean(input^2) + eps) * weight over the last dimensions; eps None: the type's epsilon.

Backward, with g = u * weight and h = the normalised input: (g - h * mean(g * h)) / sqrt(mean(input^2) + eps).
)");

Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  TG_CHECK(input.dim() >= 2, Runtime, "Expected at least 2 dimensions for input tensor but received ",
           input.dim());
  const int64_t batch = input.sizes()[0], channels = input.sizes()[1];
  TG_CHECK(num_groups > 0, Runtime, "Expected num groups to be greater than 0, got ", num_groups);
  TG_CHECK(channels % num_groups == 0, Runtime,
           "Expected number of channels in input to be divisible by num_groups, but got input of shape ",
           input.sizes(), " and num_groups=", num_groups);
  TG_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == channels), Runtime,
           "Expected weight to be a vector of size equal to the number of channels in input, but got weight "
           "of shape ",
           weight.sizes(), " and input of shape ", input.sizes());
  TG_CHECK(
      !bias.defined() || (bias.dim() == 1 && bias.numel() == channels), Runtime,
      "Expected bias to be a vector of size equal to the number of channels in input, but got bias of shape ",
      bias.sizes(), " and input of shape ", input.sizes());
  const int64_t rest = batch * channels == 0 ? 0 : input.numel() / (batch * channels),
                n = channels / num_groups * rest;
  const Tensor grouped = reshape(input, {batch * num_groups, n});
  Tensor result = reshape(layer_norm(grouped, {n}, {}, {}, eps), input.sizes());
  Shape per_channel = input.sizes();
  for (size_t d = 0; d < per_channel.size(); d++) per_channel[d] = d == 1 ? channels : 1;
  if (weight.defined()) result = result * reshape(weight, per_channel);
  if (bias.defined()) result = result + reshape(bias, per_channel);
  return result;
}
static Tensor group_norm_function(const Tensor& input, int64_t groups, const Tensor& weight,
                                  const Tensor& bias, double eps, bool) {
  return group_norm(input, groups, weight, bias, eps);
}
TG_OP(group_norm_function,
      "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, "
      "bool cudnn_enabled=True) -> Tensor",
      kFunction, R"(
(input - mean) / sqrt(var + eps) * weight + bias over groups of channels of (N, C, *); weight and bias are per channel.

Backward: as of layer_norm, over each group: with h the normalised input and g = u * weight, (g - mean(g) - h * mean(g * h)) /
sqrt(var + eps); sums of u * h and u for weight and bias.
)");
TG_OP(group_norm,
      "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> "
      "Tensor",
      kFunctional, "See tensorgrad.group_norm.");

}  // namespace tensorgrad
