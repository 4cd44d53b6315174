#include "tensorgrad/optim/adam.h"

#include <cmath>

#include "tensorgrad/ops/copy.h"
#include "tensorgrad/optim/fused.h"
#include "tensorgrad/optim/slots.h"

namespace tensorgrad::optim {

AdamState AdamState::of(const Tensor& parameter, bool amsgrad) {
  AdamState state;
  state.step = zeros(Shape(), DType::Float32);
  state.mean = zeros(parameter.sizes(), parameter.dtype(), parameter.device());
  state.square = zeros(parameter.sizes(), parameter.dtype(), parameter.device());
  if (amsgrad) state.largest = zeros(parameter.sizes(), parameter.dtype(), parameter.device());
  return state;
}

bool AdamStep::add(const Tensor& parameter, const Tensor& gradient, const AdamState& state) {
  if (!is_fusible(parameter) || gradient.dtype() != parameter.dtype() ||
      gradient.numel() != parameter.numel() || gradient.device() != parameter.device() ||
      !matches(state.mean, parameter) || !matches(state.square, parameter) ||
      (options_.amsgrad && !matches(state.largest, parameter)) || !counts_steps(state.step))
    return false;

  NoGradGuard no_grad;
  Tensor dense = gradient.is_contiguous() ? gradient : contiguous(gradient);
  const double step = count_step(state.step);
  if (step != last_step_) {
    last_step_ = step;
    last_size_ = options_.lr / (1 - std::pow(options_.beta1, step));
    last_root_ = std::pow(1 - std::pow(options_.beta2, step), 0.5);
  }
  AdamArgs args{};
  args.parameter = parameter.bytes();
  args.gradient = dense.bytes();
  args.mean = state.mean.bytes();
  args.square = state.square.bytes();
  args.largest_square = options_.amsgrad ? state.largest.bytes() : nullptr;
  args.n = parameter.numel();
  args.is_double = parameter.dtype() == DType::Float64;
  args.maximize = options_.maximize;
  args.decoupled = options_.decoupled_weight_decay;
  args.beta1 = options_.beta1;
  args.beta2 = options_.beta2;
  args.eps = options_.eps;
  args.weight_decay = options_.weight_decay;
  args.lr = options_.lr;
  args.step_size = last_size_;
  args.correction_root = last_root_;

  alive_.push_back(parameter);
  alive_.push_back(state.mean);
  alive_.push_back(state.square);
  if (options_.amsgrad) alive_.push_back(state.largest);
  for (const Tensor& written : {parameter, state.mean, state.square}) written.bump_version();
  if (options_.amsgrad) state.largest.bump_version();
  alive_.push_back(std::move(dense));
  work_.push_back(args);
  devices_.push_back(parameter.device());
  elements_ += args.n;
  return true;
}

void AdamStep::run() {
  for (size_t i = 0; i < work_.size(); ++i) {
    const AdamArgs& args = work_[i];
    if (args.n == 0) continue;
    const auto kernel = slots::adam_step.get(devices_[i]);
    if (!devices_[i].is_cpu() || args.n <= kStepGrain) {
      kernel(args);
      continue;
    }
    parallel_for(args.n, kStepGrain, [&](int64_t begin, int64_t end) {
      AdamArgs part = args;
      part.parameter = advance(args.parameter, begin, args.is_double);
      part.gradient = advance(args.gradient, begin, args.is_double);
      part.mean = advance(args.mean, begin, args.is_double);
      part.square = advance(args.square, begin, args.is_double);
      part.largest_square = advance(args.largest_square, begin, args.is_double);
      part.n = end - begin;
      kernel(part);
    });
  }
}

Adam::Adam(std::vector<Tensor> parameters, AdamOptions options)
    : options(options), parameters_(std::move(parameters)), states_(parameters_.size()) {
  TG_CHECK(!parameters_.empty(), Value, "optimizer got an empty parameter list");
  TG_CHECK(options.lr >= 0, Value, "Invalid learning rate: ", options.lr);
  TG_CHECK(options.eps >= 0, Value, "Invalid epsilon value: ", options.eps);
  TG_CHECK(options.beta1 >= 0 && options.beta1 < 1, Value,
           "Invalid beta parameter at index 0: ", options.beta1);
  TG_CHECK(options.beta2 >= 0 && options.beta2 < 1, Value,
           "Invalid beta parameter at index 1: ", options.beta2);
  TG_CHECK(options.weight_decay >= 0, Value, "Invalid weight_decay value: ", options.weight_decay);
}

void Adam::step() {
  AdamStep step(options);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    if (!states_[i].step.defined()) states_[i] = AdamState::of(parameters_[i], options.amsgrad);
    TG_CHECK(step.add(parameters_[i], gradient, states_[i]), NotImplemented,
             "Adam steps over contiguous float32 and "
             "float64 parameters, but got ",
             describe(parameters_[i]));
  }
  step.run();
}

void Adam::zero_grad() {
  for (const Tensor& parameter : parameters_) parameter.set_grad(Tensor());
}

}  // namespace tensorgrad::optim
