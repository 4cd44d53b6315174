#include "tensorgrad/optim/adaptive.h"

#include <cmath>

#include "tensorgrad/ops/copy.h"
#include "tensorgrad/optim/fused.h"
#include "tensorgrad/optim/slots.h"

namespace tensorgrad::optim {
namespace {

double multiply(const Tensor& number, double factor) {
  number.bump_version();
  if (number.dtype() == DType::Float64) return *number.data<double>() *= factor;
  return *number.data<float>() *= float(factor);
}

Slot<void(const AdaptiveArgs&)>& slot_of(Rule rule) {
  switch (rule) {
    case Rule::RMSprop: return slots::rmsprop_step;
    case Rule::Adagrad: return slots::adagrad_step;
    case Rule::Adadelta: return slots::adadelta_step;
    case Rule::Adamax: return slots::adamax_step;
    case Rule::NAdam: return slots::nadam_step;
    case Rule::RAdam: break;
  }
  return slots::radam_step;
}

}  // namespace

AdaptiveOptions AdaptiveOptions::of(Rule rule) {
  AdaptiveOptions options;
  if (rule == Rule::Adagrad) options.eps = 1e-10;
  if (rule == Rule::Adadelta) options.lr = 1, options.eps = 1e-6;
  if (rule == Rule::Adamax || rule == Rule::NAdam) options.lr = 2e-3;
  if (rule == Rule::RAdam) options.lr = 1e-3;
  return options;
}

void check_adaptive(const AdaptiveOptions& o, bool has_parameters) {
  TG_CHECK(has_parameters, Value, "optimizer got an empty parameter list");
  TG_CHECK(o.lr >= 0, Value, "Invalid learning rate: ", o.lr);
  TG_CHECK(o.eps >= 0, Value, "Invalid epsilon value: ", o.eps);
  TG_CHECK(o.weight_decay >= 0, Value, "Invalid weight_decay value: ", o.weight_decay);
  TG_CHECK(o.alpha >= 0, Value, "Invalid alpha value: ", o.alpha);
  TG_CHECK(o.momentum >= 0, Value, "Invalid momentum value: ", o.momentum);
  TG_CHECK(o.rho >= 0 && o.rho <= 1, Value, "Invalid rho value: ", o.rho);
  TG_CHECK(o.beta1 >= 0 && o.beta1 < 1, Value, "Invalid beta parameter at index 0: ", o.beta1);
  TG_CHECK(o.beta2 >= 0 && o.beta2 < 1, Value, "Invalid beta parameter at index 1: ", o.beta2);
  TG_CHECK(o.lr_decay >= 0, Value, "Invalid lr_decay value: ", o.lr_decay);
  TG_CHECK(o.initial_accumulator_value >= 0, Value,
           "Invalid initial_accumulator_value value: ", o.initial_accumulator_value);
  TG_CHECK(o.momentum_decay >= 0, Value, "Invalid momentum_decay value: ", o.momentum_decay);
}

void AdaptiveStep::add_or_fail(const Tensor& parameter, const Tensor& gradient, AdaptiveState& state) {
  if (!state.step.defined()) {
    state.step = zeros(Shape(), DType::Float32);
    if (rule_ == Rule::NAdam) state.mu_product = full(Shape(), 1, DType::Float32);
    const double start = rule_ == Rule::Adagrad ? options_.initial_accumulator_value : 0;
    for (int k = 0; k < kRuleArrays; ++k)
      if (needs(k)) state.arrays[k] = full(parameter.sizes(), start, parameter.dtype(), parameter.device());
  }
  TG_CHECK(add(parameter, gradient, state), NotImplemented,
           "the step goes over contiguous float32 and float64 parameters, but got ", describe(parameter));
}

bool AdaptiveStep::needs(int array) const {
  if (rule_ == Rule::RMSprop) return array == 0 || (array == 1 ? options_.momentum > 0 : options_.centered);
  return array == 0 || (array == 1 && rule_ != Rule::Adagrad);
}

void AdaptiveStep::set_rates(AdaptiveArgs& args, double step, const Tensor& mu_product) const {
  const AdaptiveOptions& o = options_;
  args.beta1 = rule_ == Rule::RMSprop ? o.alpha : o.beta1;
  args.keep = rule_ == Rule::RMSprop ? o.alpha : rule_ == Rule::Adadelta ? o.rho : o.beta2;
  args.rate = o.lr;
  if (rule_ == Rule::Adagrad) args.rate = o.lr / (1 + (step - 1) * o.lr_decay);
  if (rule_ == Rule::Adamax) args.rate = o.lr / (1 - std::pow(o.beta1, step));
  if (rule_ == Rule::NAdam) {
    const double mu = o.beta1 * (1.0 - 0.5 * std::pow(0.96, step * o.momentum_decay));
    const double next = o.beta1 * (1.0 - 0.5 * std::pow(0.96, (step + 1) * o.momentum_decay));
    const double product = multiply(mu_product, mu);
    args.correction = 1 - std::pow(o.beta2, step);
    args.rate = o.lr * (1.0 - mu) / (1.0 - product);
    args.mean_rate = o.lr * next / (1.0 - product * next);
  }
  if (rule_ == Rule::RAdam) {
    const double left = 1 - std::pow(o.beta2, step);
    const double longest = 2 / (1 - o.beta2) - 1;  // the length of the mean's window, and its limit
    const double length = longest - 2 * step * std::pow(o.beta2, step) / left;
    args.correction = 1 - std::pow(o.beta1, step);
    args.root = std::pow(left, 0.5);
    args.rectifier =
        length > 5
            ? std::pow((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length), 0.5)
            : 0;
  }
}

bool AdaptiveStep::add(const Tensor& parameter, const Tensor& gradient, const AdaptiveState& state) {
  if (!is_fusible(parameter) || gradient.dtype() != parameter.dtype() ||
      gradient.numel() != parameter.numel() || gradient.device() != parameter.device() ||
      !counts_steps(state.step) || (rule_ == Rule::NAdam && !counts_steps(state.mu_product)))
    return false;
  for (int k = 0; k < kRuleArrays; ++k)
    if (needs(k) && !matches(state.arrays[k], parameter)) return false;

  NoGradGuard no_grad;
  Tensor dense = gradient.is_contiguous() ? gradient : contiguous(gradient);
  AdaptiveArgs args{};
  args.parameter = parameter.bytes();
  args.gradient = dense.bytes();
  args.n = parameter.numel();
  args.is_double = parameter.dtype() == DType::Float64;
  args.maximize = options_.maximize;
  args.eps = options_.eps;
  args.momentum = options_.momentum;
  const bool decoupled = options_.decoupled_weight_decay;
  args.shrink = decoupled ? 1 - options_.lr * options_.weight_decay : 1;
  args.weight_decay = decoupled ? 0 : options_.weight_decay;
  set_rates(args, count_step(state.step), state.mu_product);

  parameter.bump_version();
  alive_.push_back(parameter);
  for (int k = 0; k < kRuleArrays; ++k) {
    if (!needs(k)) continue;
    args.state[k] = state.arrays[k].bytes();
    state.arrays[k].bump_version();
    alive_.push_back(state.arrays[k]);
  }
  alive_.push_back(std::move(dense));
  work_.push_back(args);
  devices_.push_back(parameter.device());
  elements_ += args.n;
  return true;
}

void AdaptiveStep::run() {
  for (size_t i = 0; i < work_.size(); ++i) {
    const AdaptiveArgs& args = work_[i];
    if (args.n == 0) continue;
    const auto kernel = slot_of(rule_).get(devices_[i]);
    if (!devices_[i].is_cpu() || args.n <= kStepGrain) {
      kernel(args);
      continue;
    }
    parallel_for(args.n, kStepGrain, [&](int64_t begin, int64_t end) {
      AdaptiveArgs part = args;
      part.parameter = advance(args.parameter, begin, args.is_double);
      part.gradient = advance(args.gradient, begin, args.is_double);
      for (int k = 0; k < kRuleArrays; ++k) part.state[k] = advance(args.state[k], begin, args.is_double);
      part.n = end - begin;
      kernel(part);
    });
  }
}

}  // namespace tensorgrad::optim
