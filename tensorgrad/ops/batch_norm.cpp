// Normalisation of channels: batch_norm, instance_norm.
#include <charconv>

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/norm.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/rows.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// A vector of channels as it broadcasts over the input.
Tensor over_channels(const Tensor& vector, const Tensor& input) {
  Shape shape = input.sizes();
  for (size_t d = 0; d < shape.size(); d++) shape[d] = d == 1 ? vector.numel() : 1;
  return reshape(vector, shape);
}
Tensor sum_channels(const Tensor& t) {
  Ints dims;
  for (int64_t d = 0; d < t.dim(); d++)
    if (d != 1) dims.push_back(d);
  return sum(t, dims);
}

TensorList composed_backward(const Upstream& up, const Tensor& x, const Tensor& weight, const Tensor& mean,
                             const Tensor& rstd, bool training, double eps) {
  const Tensor& u = up[0];
  const Scalar share = double(x.sizes()[1]) / double(x.numel());
  Tensor centre, r;
  if (training) {
    centre = x - over_channels(sum_channels(x) * share, x);
    r = rsqrt(sum_channels(centre * centre) * share + Scalar(eps));
  } else {
    centre = x - over_channels(mean, x);
    r = rstd;
  }
  TensorList out;
  out.resize(3);
  const Tensor h = centre * over_channels(r, x), dot = sum_channels(u * h), total = sum_channels(u);
  if (up.needs(0)) {
    Tensor dx = u;
    if (training) dx = u - over_channels(total * share, x) - h * over_channels(dot * share, x);
    out[0] = dx * over_channels(weight.defined() ? r * weight : r, x);
  }
  if (up.needs(1)) out[1] = dot;
  if (up.needs(2)) out[2] = total;
  return out;
}

TensorList batch_norm_backward(const Upstream& up, const Tensor& x, const Tensor& weight, const Tensor& mean,
                               const Tensor& rstd, bool training, double eps) {
  if (grad_enabled()) return composed_backward(up, x, weight, mean, rstd, training, eps);
  const DType compute = rstd.dtype();
  const Tensor u = dense(up[0], compute), in = dense(x, compute);
  const Tensor w = weight.defined() ? dense(weight, compute) : Tensor();
  Rows p = rows_of(x.sizes(), 1, compute);
  const Tensor total = Tensor::empty({p.n}, compute, x.device()),
               dot = Tensor::empty({p.n}, compute, x.device());
  p.in[0] = u.bytes(), p.in[1] = in.bytes(), p.in[2] = mean.bytes();
  if (training || up.needs(1) || up.needs(2)) {
    Rows sums = p;
    sums.out[0] = total.bytes(), sums.out[1] = dot.bytes();
    if (p.n > 0) slots::channel_backward_sums(x.device(), sums);
  }
  TensorList out;
  out.resize(3);
  if (up.needs(0)) {
    out[0] = Tensor::empty(x.sizes(), compute, x.device());
    p.in[3] = rstd.bytes(), p.in[4] = bytes_or_null(w), p.in[5] = total.bytes(), p.in[6] = dot.bytes();
    p.out[0] = out[0].bytes(), p.integer = training ? 0 : 1;
    if (!empty(p)) slots::batch_norm_backward(x.device(), p);
  }
  if (up.needs(1)) out[1] = dot * rstd;
  if (up.needs(2)) out[2] = total;
  return out;
}

// As Python prints a float.
std::string as_python(double value) {
  char text[32];
  const std::string shortest(text, std::to_chars(text, text + sizeof text, value).ptr);
  return shortest.find_first_of(".en") == shortest.npos ? shortest + ".0" : shortest;
}

void check_channels(const char* what, const Tensor& t, int64_t channels) {
  TG_CHECK(!t.defined() || t.numel() == channels, Runtime, what, " should contain ", channels,
           " elements not ", t.numel());
}

}  // namespace

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum, double eps) {
  TG_CHECK(input.dim() >= 2, Index, "Dimension out of range (expected to be in range of [", -input.dim(),
           ", ", input.dim() - 1, "], but got 1)");
  const int64_t channels = input.sizes()[1];
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"batch_norm\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  TG_CHECK(training || (running_mean.defined() && running_var.defined()), Runtime,
           "Expected running_mean and running_var to be defined when training=False");
  check_channels("running_mean", running_mean, channels);
  check_channels("running_var", running_var, channels);
  check_channels("weight", weight, channels);
  check_channels("bias", bias, channels);
  const DType compute = row_type(input.dtype());
  const Device device = input.device();
  const Tensor x = dense(input, compute);
  const Tensor w = weight.defined() ? dense(weight, compute) : Tensor(),
               b = bias.defined() ? dense(bias, compute) : Tensor();
  Tensor mean, rstd, result = Tensor::empty(input.sizes(), compute, device);
  Rows p = rows_of(input.sizes(), 1, compute);
  {
    NoGradGuard guard;
    if (training) {
      mean = Tensor::empty({channels}, compute, device), rstd = Tensor::empty({channels}, compute, device);
      const Tensor variance = Tensor::empty({channels}, compute, device);
      Rows stats = p;
      stats.in[0] = x.bytes(), stats.number[0] = eps;
      stats.out[0] = mean.bytes(), stats.out[1] = variance.bytes(), stats.out[2] = rstd.bytes();
      if (channels > 0) slots::channel_stats(device, stats);
      const double count = double(p.outer * p.inner);
      const auto update = [&](const Tensor& running, const Tensor& batch, double scale) {
        if (!running.defined() || count == 0) return;
        copy_(running, running * Scalar(1 - momentum) + batch * Scalar(momentum * scale));
      };
      update(running_mean, mean, 1.0);
      update(running_var, variance, count / (count - 1));
    } else {
      mean = dense(running_mean, compute);
      rstd = rsqrt(dense(running_var, compute) + Scalar(eps));
    }
  }
  p.in[0] = x.bytes(), p.in[1] = mean.bytes(), p.in[2] = rstd.bytes(), p.in[3] = bytes_or_null(w),
  p.in[4] = bytes_or_null(b);
  p.out[0] = result.bytes();
  if (!empty(p)) slots::batch_norm(device, p);
  if (compute != input.dtype()) result = to(result, input.dtype());
  // Fixed statistics are kept as they are now: a later training step writes into the running ones.
  if (!training && mean.storage() == running_mean.storage()) mean = clone(detach(mean));
  return record_jointly(
      "NativeBatchNormBackward0", result, Out{}, {input, weight, bias},
      saved(input, weight, mean, rstd, training, eps),
      [](const Upstream& up, const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd,
         bool training, double eps) { return batch_norm_backward(up, x, w, mean, rstd, training, eps); });
}
static Tensor batch_norm_function(const Tensor& input, const Tensor& weight, const Tensor& bias,
                                  const Tensor& running_mean, const Tensor& running_var, bool training,
                                  double momentum, double eps, bool) {
  return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps);
}
TG_OP(batch_norm_function,
      "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
      "bool training, "
      "float momentum, float eps, bool cudnn_enabled) -> Tensor",
      kFunction, R"(
out = (input - mean) / sqrt(var + eps) * weight + bias for each channel (dimension 1): in training with the batch's mean and
biased variance, which move the running ones by momentum (the variance unbiased), else with the running ones.

Backward in training, with g = u * weight and h the normalised input: (g - mean(g) - h * mean(g * h)) / sqrt(var + eps);
else g / sqrt(var + eps). For weight and bias the sums of u * h and u.
)");
static Tensor batch_norm_functional(const Tensor& input, const Tensor& running_mean,
                                    const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                                    bool training, double momentum, double eps) {
  if (training) {
    int64_t values = input.dim() > 0 ? input.sizes()[0] : 1;
    for (int64_t d = 2; d < input.dim(); d++) values *= input.sizes()[d];
    TG_CHECK(values != 1, Value,
             "Expected more than 1 value per channel when training, got input size torch.Size(",
             input.sizes(), ")");
    TG_CHECK(eps > 0, Value, "batch_norm eps must be positive during training, but got ", as_python(eps));
  } else {
    TG_CHECK(eps >= 0, Value, "batch_norm eps must be non-negative, but got ", as_python(eps));
  }
  return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps);
}
TG_OP(batch_norm_functional,
      "batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, Tensor? "
      "bias=None, "
      "bool training=False, float momentum=0.1, float eps=1e-05) -> Tensor",
      kFunctional, "See tensorgrad.batch_norm.");

static Tensor instance_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                            const Tensor& weight, const Tensor& bias, bool use_input_stats, double momentum,
                            double eps) {
  if (!use_input_stats)
    return batch_norm(input, running_mean, running_var, weight, bias, false, momentum, eps);
  int64_t spatial = 1;
  for (int64_t d = 2; d < input.dim(); d++) spatial *= input.sizes()[d];
  TG_CHECK(spatial != 1, Value,
           "Expected more than 1 spatial element when training, got input size torch.Size(", input.sizes(),
           ")");
  TG_CHECK(input.dim() >= 2, Runtime, "Expected at least 2 dimensions for input tensor but received ",
           input.dim());
  // Every sample's channels become channels of a batch of one.
  const int64_t batch = input.sizes()[0], channels = input.sizes()[1];
  Shape merged = input.sizes();
  merged[0] = 1, merged[1] = batch * channels;
  const auto repeated = [&](const Tensor& t) {
    return t.defined() ? reshape(expand(reshape(t, {1, channels}), {batch, channels}), {batch * channels})
                       : Tensor();
  };
  Tensor mean = running_mean.defined() ? clone(repeated(running_mean)) : Tensor();
  Tensor variance = running_var.defined() ? clone(repeated(running_var)) : Tensor();
  Tensor result = batch_norm(reshape(input, merged), mean, variance, repeated(weight), repeated(bias), true,
                             momentum, eps);
  const auto average = [&](const Tensor& running, const Tensor& each) {
    NoGradGuard guard;
    if (running.defined()) copy_(running, sum(reshape(each, {batch, channels}), {0}) / Scalar(double(batch)));
  };
  average(running_mean, mean);
  average(running_var, variance);
  return reshape(result, input.sizes());
}
TG_OP(instance_norm,
      "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, Tensor? weight=None, "
      "Tensor? bias=None, bool use_input_stats=True, float momentum=0.1, float eps=1e-05) -> Tensor",
      kFunctional, R"(
batch_norm of each sample by itself.

Backward: as of batch_norm, over each sample and channel.
)");

}  // namespace tensorgrad
