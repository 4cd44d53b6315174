// Dropout and its relatives.
#include <cmath>
#include <mutex>

#include "tensorgrad/backends/random_slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/random.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {
namespace {

Tensor in_layout_of(const Tensor& like, const Tensor& t) {
  return t.strides() == like.strides() ? t : clone_as(detach(t), like);
}

// input * kept / keep; linear, so that its backward is itself.
Tensor apply_mask(const Tensor& input, const Tensor& kept, double keep) {
  const Tensor x = in_layout_of(kept, input);
  Tensor out = empty_like_layout(kept, input.dtype(), input.device());
  slots::dropout_scale(input.device(), x.bytes(), kept.data<bool>(), out.bytes(), x.dtype(), x.numel(), keep);
  return record(
      "MulBackward0", out, saved(kept, keep),
      wrt(input, [](const Tensor& u, const Tensor& kept, double keep) { return apply_mask(u, kept, keep); }));
}

void check_probability(double p) {
  TG_CHECK(p >= 0 && p <= 1, Runtime, "dropout probability has to be between 0 and 1, but got ", p);
}

bool leaves_alone(const Tensor& input, double p, bool train) {
  return p == 0 || !train || input.numel() == 0;
}

// One coin for each element, or for each channel.
Tensor coins(const Tensor& input, double keep, bool channels) {
  if (!channels) return bernoulli_(empty_like_layout(input, input.dtype(), input.device()), keep);
  TG_CHECK(input.dim() >= 2, Runtime, "Feature dropout requires at least 2 dimensions in the input");
  Shape sizes;
  for (int64_t d = 0; d < input.dim(); d++) sizes.push_back(d < 2 ? input.sizes()[d] : 1);
  return bernoulli_(Tensor::empty(sizes, input.dtype(), input.device()), keep);
}

// 1 / keep for each kept element, in the precision of the dtype.
Tensor scaled_coins(const Tensor& input, double keep, bool channels) {
  TG_CHECK(is_floating(input.dtype()), Runtime, "result type Float can't be cast to the desired output type ",
           dtype_scalar_name(input.dtype()));
  const Scalar scale = dispatch_floating(input.dtype(), [&]<class T>() {
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    return Scalar(double(T(Wide(1) / Wide(keep))));
  });
  return coins(input, keep, channels) * scale;
}

Tensor drop_channels(const Tensor& input, double p, bool train, Out out) {
  check_probability(p);
  if (leaves_alone(input, p, train)) return input;
  if (p == 1) return mul(input, wrap_number(0.0), out);
  return mul(input, scaled_coins(input, 1 - p, true), out);
}

Tensor drop_to_bound(const Tensor& input, double p, bool train, bool channels, Out out) {
  check_probability(p);
  if (leaves_alone(input, p, train)) return input;
  if (p == 1) return mul(input, wrap_number(0.0), out);
  constexpr double lower_bound = 1.7580993408473766;  // of selu, negated
  const double a = 1 / std::sqrt((lower_bound * lower_bound * p + 1) * (1 - p));
  const Tensor noise = coins(input, 1 - p, channels);
  const Tensor shift = (noise + Scalar(-1.0)) * Scalar(lower_bound * a) + Scalar(lower_bound * a * p);
  return add(mul(input, noise * Scalar(a), out), shift, 1, out);
}

}  // namespace

Tensor dropout(const Tensor& input, double p, bool train) {
  check_probability(p);
  if (leaves_alone(input, p, train)) return input;
  if (p == 1) return mul(input, wrap_number(0.0));
  TG_CHECK(is_floating(input.dtype()), Runtime, "result type Float can't be cast to the desired output type ",
           dtype_scalar_name(input.dtype()));
  const double keep = 1 - p;
  Tensor out = empty_like_layout(input, input.dtype(), input.device());
  const Tensor kept = empty_like_layout(out, DType::Bool, input.device()), x = in_layout_of(out, input);
  {
    Generator& generator = default_generator();
    std::lock_guard lock(generator.mutex());
    slots::random_dropout(input.device(), generator.state(), x.bytes(), out.bytes(), kept.data<bool>(),
                          x.dtype(), x.numel(), keep);
  }
  return record(
      "MulBackward0", out, saved(kept, keep),
      wrt(input, [](const Tensor& u, const Tensor& kept, double keep) { return apply_mask(u, kept, keep); }));
}
TG_OP(dropout, "dropout(Tensor input, float p, bool train) -> Tensor", kFunction, R"(
While training, zeroes elements with probability p and multiplies the others by 1 / (1 - p); else returns the input.
Floating dtypes.

Backward: u through the same mask.
)");

Tensor dropout_(const Tensor& input, double p, bool train) {
  check_probability(p);
  if (leaves_alone(input, p, train)) return input;
  if (p == 1) return mul(input, wrap_number(0.0), Out::in_place_of(input));
  return mul(input, scaled_coins(input, 1 - p, false), Out::in_place_of(input));
}
TG_OP(dropout_, "dropout_(Tensor input, float p, bool train) -> Tensor", kFunction, R"(
dropout() that overwrites its input.
)");

Tensor feature_dropout(const Tensor& input, double p, bool train) {
  return drop_channels(input, p, train, {});
}
TG_OP(feature_dropout, "feature_dropout(Tensor input, float p, bool train) -> Tensor", kFunction, R"(
dropout() of whole channels: one draw for each index of the first two dimensions.

Backward: u through the same mask.
)");

Tensor feature_dropout_(const Tensor& input, double p, bool train) {
  return drop_channels(input, p, train, Out::in_place_of(input));
}
TG_OP(feature_dropout_, "feature_dropout_(Tensor input, float p, bool train) -> Tensor", kFunction, R"(
feature_dropout() that overwrites its input.
)");

Tensor alpha_dropout(const Tensor& input, double p, bool train) {
  return drop_to_bound(input, p, train, false, {});
}
TG_OP(alpha_dropout, "alpha_dropout(Tensor input, float p, bool train) -> Tensor", kFunction, R"(
Dropout for selu: dropped elements become its lower bound, and an affine map restores mean and variance.

Backward: u times the map's slope where the element was kept.
)");

Tensor alpha_dropout_(const Tensor& input, double p, bool train) {
  return drop_to_bound(input, p, train, false, Out::in_place_of(input));
}
TG_OP(alpha_dropout_, "alpha_dropout_(Tensor input, float p, bool train) -> Tensor", kFunction, R"(
alpha_dropout() that overwrites its input.
)");

Tensor feature_alpha_dropout(const Tensor& input, double p, bool train) {
  return drop_to_bound(input, p, train, true, {});
}
TG_OP(feature_alpha_dropout, "feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor", kFunction,
      R"(
alpha_dropout() of whole channels.
)");

Tensor feature_alpha_dropout_(const Tensor& input, double p, bool train) {
  return drop_to_bound(input, p, train, true, Out::in_place_of(input));
}
TG_OP(feature_alpha_dropout_, "feature_alpha_dropout_(Tensor input, float p, bool train) -> Tensor",
      kFunction, R"(
feature_alpha_dropout() that overwrites its input.
)");

namespace {

// nn.functional's: the same with `inplace`, and a ValueError.
void check_functional(double p) {
  TG_CHECK(!(p < 0 || p > 1), Value, "dropout probability has to be between 0 and 1, but got ", p);
}

}  // namespace

static Tensor functional_dropout(const Tensor& input, double p, bool training, bool inplace) {
  check_functional(p);
  return inplace ? dropout_(input, p, training) : dropout(input, p, training);
}
TG_OP(functional_dropout,
      "dropout(Tensor input, float p=0.5, bool training=True, bool inplace=False) -> Tensor", kFunctional, R"(
While training, zeroes elements with probability p and multiplies the others by 1 / (1 - p); else returns the input.
Floating dtypes. ValueError unless 0 <= p <= 1.

Backward: u through the same mask.
)");

static Tensor functional_alpha_dropout(const Tensor& input, double p, bool training, bool inplace) {
  check_functional(p);
  return inplace ? alpha_dropout_(input, p, training) : alpha_dropout(input, p, training);
}
TG_OP(functional_alpha_dropout,
      "alpha_dropout(Tensor input, float p=0.5, bool training=False, bool inplace=False) -> Tensor",
      kFunctional, R"(
Dropout for selu: dropped elements become its lower bound, and an affine map restores mean and variance.
ValueError unless 0 <= p <= 1.

Backward: u times the map's slope where the element was kept.
)");

static Tensor functional_feature_alpha_dropout(const Tensor& input, double p, bool training, bool inplace) {
  check_functional(p);
  return inplace ? feature_alpha_dropout_(input, p, training) : feature_alpha_dropout(input, p, training);
}
TG_OP(functional_feature_alpha_dropout,
      "feature_alpha_dropout(Tensor input, float p=0.5, bool training=False, bool inplace=False) -> Tensor",
      kFunctional, R"(
alpha_dropout() of whole channels: one draw for each index of the first two dimensions.
ValueError unless 0 <= p <= 1.
)");

}  // namespace tensorgrad
