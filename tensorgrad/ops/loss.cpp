// Losses of an input and a target of the same kind. See cross_entropy.cpp for those of classes.
#include "tensorgrad/ops/loss.h"

#include <cstring>

#include "tensorgrad/backends/row_slots.h"
#include "tensorgrad/ops/activation.h"
#include "tensorgrad/ops/activation_kernel.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/loss_reduction.h"
#include "tensorgrad/ops/sign.h"

namespace tensorgrad {
namespace {

using OptionalBool = std::optional<bool>;

// A kernel of two operands and its reduction; records nothing.
template <class Slot, class... Numbers>
Tensor pair_loss(const char* name, Slot& slot, const Tensor& a, const Tensor& b, Reduced how,
                 Numbers... numbers) {
  NoGradGuard guard;
  const DType t = result_type(a, b);
  TG_CHECK(is_floating(t), NotImplemented, "\"", name, "_cpu\" not implemented for '", dtype_scalar_name(t),
           "'");
  return reduce_loss(pointwise(name, slot, {}, t, t, {&a, &b}, numbers...), how);
}
int64_t broadcast_count(const Tensor& a, const Tensor& b) {
  return count_elements(broadcast_shapes(a.sizes(), b.sizes()));
}

Tensor weighted(const Tensor& loss, const Tensor& weight, Reduced how) {
  const Tensor product = loss * weight;
  return how == Reduced::Mean ? sum_all(product) / sum_all(weight) : reduce_loss(product, how);
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduce reduction) {
  const Reduced how = parse_reduction(reduction);
  Tensor result = pair_loss("mse", slots::squared_difference, input, target, how);
  constexpr auto slope = [](const Tensor& u, const Tensor& a, const Tensor& b, Reduced how) {
    const double scale = how == Reduced::Mean ? 2.0 / double(broadcast_count(a, b)) : 2.0;
    const Tensor slope = u * Scalar(scale);
    if (grad_enabled()) return (a - b) * slope;
    const DType t = result_type(a, b);
    return pointwise("mse_loss_backward", slots::scaled_difference, {}, t, t, {&a, &b, &slope});
  };
  return record("MseLossBackward0", result, saved(input, target, how), wrt(input, slope),
                wrt(target, [](const Tensor& u, const Tensor& a, const Tensor& b, Reduced how) {
                  return decltype(slope){}(u, b, a, how);
                }));
}
static Tensor mse_loss_functional(const Tensor& input, const Tensor& target, OptionalBool size_average,
                                  OptionalBool reduce, std::string_view reduction, const Tensor& weight) {
  const std::string_view how = legacy(reduction, size_average, reduce);
  return weight.defined() ? weighted(mse_loss(input, target, "none"), weight, parse_reduction(how))
                          : mse_loss(input, target, how);
}
TG_OP(
    mse_loss_functional,
    "mse_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', "
    "Tensor? weight=None) -> Tensor",
    kFunctional, R"(
(input - target)^2, reduced: "none", "mean" or "sum".

Backward: 2 * u * (input - target) for input, its negative for target; divided by the number of elements for "mean".
)");

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduce reduction) {
  return reduce_loss(abs(input - target), parse_reduction(reduction));
}
static Tensor l1_loss_functional(const Tensor& input, const Tensor& target, OptionalBool size_average,
                                 OptionalBool reduce, std::string_view reduction, const Tensor& weight) {
  const std::string_view how = legacy(reduction, size_average, reduce);
  return weight.defined() ? weighted(l1_loss(input, target, "none"), weight, parse_reduction(how))
                          : l1_loss(input, target, how);
}
TG_OP(
    l1_loss_functional,
    "l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', "
    "Tensor? weight=None) -> Tensor",
    kFunctional, R"(
|input - target|, reduced: "none", "mean" or "sum".

Backward: u * sgn(input - target) for input, its negative for target.
)");

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduce reduction, double beta) {
  TG_CHECK(beta >= 0, Runtime, "smooth_l1_loss does not support negative values for beta.");
  if (beta == 0) return l1_loss(input, target, reduction);
  const Reduced how = parse_reduction(reduction);
  Tensor result = pair_loss("smooth_l1", slots::smooth_l1, input, target, how, beta);
  constexpr auto slope = [](const Tensor& u, const Tensor& a, const Tensor& b, Reduced how, double beta) {
    return hardtanh((a - b) * Scalar(1 / beta)) * unreduced(u, how, broadcast_count(a, b));
  };
  return record("SmoothL1LossBackward0", result, saved(input, target, how, beta), wrt(input, slope),
                wrt(target, [](const Tensor& u, const Tensor& a, const Tensor& b, Reduced how, double beta) {
                  return decltype(slope){}(u, b, a, how, beta);
                }));
}
static Tensor smooth_l1_functional(const Tensor& input, const Tensor& target, OptionalBool size_average,
                                   OptionalBool reduce, std::string_view reduction, double beta) {
  return smooth_l1_loss(input, target, legacy(reduction, size_average, reduce), beta);
}
TG_OP(smooth_l1_functional,
      "smooth_l1_loss(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str "
      "reduction='mean', "
      "float beta=1.0) -> Tensor",
      kFunctional, R"(
With d = input - target: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; reduced.

Backward: u * min(max(d / beta, -1), 1) for input, its negative for target.
)");

Tensor huber_loss(const Tensor& input, const Tensor& target, Reduce reduction, double delta) {
  TG_CHECK(delta > 0, Runtime, "huber_loss does not support non-positive values for delta.");
  const Reduced how = parse_reduction(reduction);
  Tensor result = pair_loss("huber", slots::huber, input, target, how, delta);
  constexpr auto slope = [](const Tensor& u, const Tensor& a, const Tensor& b, Reduced how, double delta) {
    return hardtanh(a - b, -delta, delta) * unreduced(u, how, broadcast_count(a, b));
  };
  return record("HuberLossBackward0", result, saved(input, target, how, delta), wrt(input, slope),
                wrt(target, [](const Tensor& u, const Tensor& a, const Tensor& b, Reduced how, double delta) {
                  return decltype(slope){}(u, b, a, how, delta);
                }));
}
static Tensor huber_functional(const Tensor& input, const Tensor& target, std::string_view reduction,
                               double delta, const Tensor& weight) {
  return weight.defined()
             ? weighted(huber_loss(input, target, "none", delta), weight, parse_reduction(reduction))
             : huber_loss(input, target, reduction, delta);
}
TG_OP(huber_functional,
      "huber_loss(Tensor input, Tensor target, str reduction='mean', float delta=1.0, Tensor? weight=None) "
      "-> Tensor",
      kFunctional, R"(
With d = input - target: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2); reduced.

Backward: u * min(max(d, -delta), delta) for input, its negative for target.
)");

namespace {
void check_probabilities(const char* what, const Tensor& t) {
  if (!t.device().is_cpu() || t.numel() == 0) return;
  NoGradGuard guard;
  const Tensor inside = hardtanh(t, 0.0, 1.0);
  const Tensor outside = pointwise("ne", slots::ne, {}, t.dtype(), DType::Bool, {&t, &inside});
  TG_CHECK(!std::memchr(outside.bytes(), 1, size_t(outside.numel())), Runtime, "all elements of ", what,
           " should be between 0 and 1");
}
}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            Reduce reduction) {
  const Reduced how = parse_reduction(reduction);
  TG_CHECK(input.sizes() == target.sizes(), Value, "Using a target size (torch.Size(", target.sizes(),
           ")) that is different to the input size (torch.Size(", input.sizes(),
           ")) is deprecated. Please ensure they have the same size.");
  TG_CHECK(target.dtype() == input.dtype(), Runtime, "Found dtype ", dtype_scalar_name(target.dtype()),
           " but expected ", dtype_scalar_name(input.dtype()));
  TG_CHECK(!grad_enabled() || !wants_gradient(weight), Runtime,
           "The function 'binary_cross_entropy' is not differentiable with respect to argument 'weight'. "
           "This input cannot "
           "have requires_grad True.");
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"binary_cross_entropy\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  check_probabilities("input", input);
  check_probabilities("target", target);
  Tensor result = pair_loss("binary_cross_entropy", slots::cross_entropy_of_bits, input, target,
                            weight.defined() ? Reduced::None : how);
  if (weight.defined()) {
    NoGradGuard guard;
    result = reduce_loss(result * weight, how);
  }
  constexpr auto scaled = [](const Tensor& u, const Tensor& x, const Tensor& weight, Reduced how) {
    const Tensor v = unreduced(u, how, x.numel());
    return weight.defined() ? v * weight : v;
  };
  using Scaled = decltype(scaled);
  return record(
      "BinaryCrossEntropyBackward0", result, saved(input, target, weight, how),
      wrt(input,
          [](const Tensor& u, const Tensor& x, const Tensor& t, const Tensor& w, Reduced how) {
            constexpr double least = 1e-12;  // keeps the quotient finite at 0 and 1
            return Scaled{}(u, x, w, how) * ((x - t) / threshold(x * (1 - x), least, least));
          }),
      wrt(target, [](const Tensor& u, const Tensor& x, const Tensor&, const Tensor& w, Reduced how) {
        return Scaled{}(u, x, w, how) *
               (threshold(log1p(-x), -100.0, -100.0) - threshold(log(x), -100.0, -100.0));
      }));
}
static Tensor bce_functional(const Tensor& input, const Tensor& target, const Tensor& weight,
                             OptionalBool size_average, OptionalBool reduce, std::string_view reduction) {
  return binary_cross_entropy(input, target, weight, legacy(reduction, size_average, reduce));
}
TG_OP(bce_functional,
      "binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, bool? "
      "reduce=None, "
      "str reduction='mean') -> Tensor",
      kFunctional, R"(
-weight * (target * log(input) + (1 - target) * log(1 - input)), reduced; input and target are probabilities, and the
logarithms are no less than -100.

Backward: u * weight * (input - target) / (input * (1 - input)) for input, u * weight * (log(1 - input) - log(input)) for
target.
)");

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const Tensor& weight,
                                        Reduce reduction, const Tensor& pos_weight) {
  const Reduced how = parse_reduction(reduction);
  TG_CHECK(input.sizes() == target.sizes(), Value, "Target size (torch.Size(", target.sizes(),
           ")) must be the same as input size (torch.Size(", input.sizes(), "))");
  TG_CHECK(is_floating(result_type(input, target)), NotImplemented,
           "\"log_sigmoid_cpu\" not implemented for '", dtype_scalar_name(input.dtype()), "'");
  Tensor loss;
  if (pos_weight.defined()) {
    loss = (1 - target) * input - (target * (pos_weight - 1) + 1) * logsigmoid(input);
  } else {
    const Reduced now = weight.defined() ? Reduced::None : how;  // else the reduction is a part of the node
    loss = record(
        "BinaryCrossEntropyWithLogitsBackward0",
        pair_loss("binary_cross_entropy_with_logits", slots::cross_entropy_of_logits, input, target, now),
        saved(input, target, now),
        wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& t,
                      Reduced how) { return unreduced(u, how, x.numel()) * (sigmoid(x) - t); }),
        wrt(target, [](const Tensor& u, const Tensor& x, const Tensor&, Reduced how) {
          return unreduced(u, how, x.numel()) * -x;
        }));
    if (!weight.defined()) return loss;
  }
  if (weight.defined()) loss = loss * weight;
  return reduce_loss(loss, how);
}
static Tensor bce_logits_functional(const Tensor& input, const Tensor& target, const Tensor& weight,
                                    OptionalBool size_average, OptionalBool reduce,
                                    std::string_view reduction, const Tensor& pos_weight) {
  return binary_cross_entropy_with_logits(input, target, weight, legacy(reduction, size_average, reduce),
                                          pos_weight);
}
TG_OP(bce_logits_functional,
      "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, bool? "
      "size_average=None, "
      "bool? reduce=None, str reduction='mean', Tensor? pos_weight=None) -> Tensor",
      kFunctional, R"(
binary_cross_entropy of sigmoid(input), computed so that nothing overflows; pos_weight multiplies the target's term.

Backward (pos_weight 1): u * weight * (sigmoid(input) - target) for input, -u * weight * input for target.
)");

Tensor kl_div(const Tensor& input, const Tensor& target, Reduce reduction, bool log_target) {
  const bool batchmean = reduction == "batchmean";
  const Reduced how = batchmean ? Reduced::Sum : parse_reduction(reduction);
  Tensor loss;
  if (log_target) {
    loss = exp(target) * (target - input);
  } else {
    // 0 log 0 = 0: log(1) stands where the target is 0.
    const Tensor zero = wrap_number(0),
                 at_zero = pointwise("eq", slots::eq, {}, target.dtype(), DType::Bool, {&target, &zero});
    loss = target * (log(target + at_zero) - input);
  }
  const Tensor result = reduce_loss(loss, how);
  return batchmean && input.dim() > 0 ? result / Scalar(double(input.sizes()[0])) : result;
}
static Tensor kl_div_functional(const Tensor& input, const Tensor& target, OptionalBool size_average,
                                OptionalBool reduce, std::string_view reduction, bool log_target) {
  return kl_div(input, target, legacy(reduction, size_average, reduce), log_target);
}
TG_OP(kl_div_functional,
      "kl_div(Tensor input, Tensor target, bool? size_average=None, bool? reduce=None, str reduction='mean', "
      "bool log_target=False) -> Tensor",
      kFunctional, R"(
target * (log(target) - input), where input is a logarithm, and target too with log_target; reduced: "none", "mean",
"sum", or "batchmean", the sum divided by the first size.

Backward: -u * target for input (with log_target -u * e^target); u * (log(target) + 1 - input) for target.
)");

}  // namespace tensorgrad
