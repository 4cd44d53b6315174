#include "tensorgrad/optim/sgd.h"

#include "tensorgrad/ops/copy.h"
#include "tensorgrad/optim/fused.h"
#include "tensorgrad/optim/slots.h"

namespace tensorgrad::optim {

bool SgdStep::add(const Tensor& parameter, const Tensor& gradient, Tensor& momentum_buffer) {
  if (!is_fusible(parameter) || gradient.dtype() != parameter.dtype() ||
      gradient.numel() != parameter.numel() || gradient.device() != parameter.device())
    return false;
  const bool has_momentum = options_.momentum != 0;
  const bool first = has_momentum && !momentum_buffer.defined();
  if (has_momentum && !first && !matches(momentum_buffer, parameter)) return false;

  NoGradGuard no_grad;
  Tensor dense = gradient.is_contiguous() ? gradient : contiguous(gradient);
  if (first) momentum_buffer = Tensor::empty(parameter.sizes(), parameter.dtype(), parameter.device());
  SgdArgs args{};
  args.parameter = parameter.bytes();
  args.gradient = dense.bytes();
  args.momentum_buffer = has_momentum ? momentum_buffer.bytes() : nullptr;
  args.n = parameter.numel();
  args.is_double = parameter.dtype() == DType::Float64;
  args.first = first;
  args.nesterov = options_.nesterov;
  args.maximize = options_.maximize;
  args.lr = options_.lr;
  args.momentum = options_.momentum;
  args.dampening = options_.dampening;
  args.weight_decay = options_.weight_decay;
  parameter.bump_version();
  if (has_momentum && !first) momentum_buffer.bump_version();

  work_.push_back(args);
  devices_.push_back(parameter.device());
  elements_ += args.n;
  alive_.push_back(parameter);
  alive_.push_back(std::move(dense));
  if (has_momentum) alive_.push_back(momentum_buffer);
  return true;
}

void SgdStep::run() {
  for (size_t i = 0; i < work_.size(); ++i) {
    const SgdArgs& args = work_[i];
    if (args.n == 0) continue;
    const auto kernel = slots::sgd_step.get(devices_[i]);
    if (!devices_[i].is_cpu() || args.n <= kStepGrain) {
      kernel(args);
      continue;
    }
    parallel_for(args.n, kStepGrain, [&](int64_t begin, int64_t end) {
      SgdArgs part = args;
      part.parameter = advance(args.parameter, begin, args.is_double);
      part.gradient = advance(args.gradient, begin, args.is_double);
      part.momentum_buffer = advance(args.momentum_buffer, begin, args.is_double);
      part.n = end - begin;
      kernel(part);
    });
  }
}

SGD::SGD(std::vector<Tensor> parameters, SgdOptions options)
    : options(options), parameters_(std::move(parameters)), buffers_(parameters_.size()) {
  TG_CHECK(!parameters_.empty(), Value, "optimizer got an empty parameter list");
  TG_CHECK(!(options.lr < 0), Value, "Invalid learning rate: ", options.lr);
  TG_CHECK(!(options.momentum < 0), Value, "Invalid momentum value: ", options.momentum);
  TG_CHECK(!(options.weight_decay < 0), Value, "Invalid weight_decay value: ", options.weight_decay);
  TG_CHECK(!options.nesterov || (options.momentum > 0 && options.dampening == 0), Value,
           "Nesterov momentum requires a momentum and zero dampening");
}

void SGD::step() {
  SgdStep step(options);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    TG_CHECK(step.add(parameters_[i], gradient, buffers_[i]), NotImplemented,
             "SGD steps over contiguous float32 and "
             "float64 parameters, but got ",
             describe(parameters_[i]));
  }
  step.run();
}

void SGD::zero_grad() {
  for (const Tensor& parameter : parameters_) parameter.set_grad(Tensor());
}

}  // namespace tensorgrad::optim
