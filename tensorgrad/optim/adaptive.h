// The optimizers beside SGD and Adam that divide by a running size of the gradient, fused: all parameters in
// one call.
#pragma once
#include <vector>

#include "tensorgrad/backends/optimizer_args.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::optim {

enum class Rule : uint8_t { RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam };
inline constexpr int kRuleArrays = 3;

// Options of all rules; a rule reads those that PyTorch's optimizer of its name has.
struct AdaptiveOptions {
  double lr = 1e-2;
  double eps = 1e-8;
  double weight_decay = 0;
  double alpha = 0.99;  // RMSprop
  double rho = 0.9;     // Adadelta
  double beta1 = 0.9, beta2 = 0.999;
  double momentum = 0;                   // RMSprop
  double lr_decay = 0;                   // Adagrad
  double initial_accumulator_value = 0;  // Adagrad
  double momentum_decay = 4e-3;          // NAdam
  bool centered = false;                 // RMSprop
  bool maximize = false;
  bool decoupled_weight_decay = false;  // NAdam, RAdam

  static AdaptiveOptions of(Rule rule);  // PyTorch's defaults
};

// A parameter's state: the count of steps, NAdam's product of momenta, and the arrays beside the parameter,
// undefined where the options need none.
struct AdaptiveState {
  Tensor step, mu_product;
  Tensor arrays[kRuleArrays];
};

// ValueError for options out of their range, or without parameters.
void check_adaptive(const AdaptiveOptions& options, bool has_parameters);

// One step over the parameters that were added.
class AdaptiveStep {
 public:
  AdaptiveStep(Rule rule, const AdaptiveOptions& options) : rule_(rule), options_(options) {}
  bool needs(int array) const;
  // False, and nothing added, where the fused step does not take these tensors (half precision, strided,
  // state that is missing). Otherwise counts the step.
  bool add(const Tensor& parameter, const Tensor& gradient, const AdaptiveState& state);
  // The same, with state made where there is none; NotImplementedError where the step does not take them.
  void add_or_fail(const Tensor& parameter, const Tensor& gradient, AdaptiveState& state);
  int64_t elements() const { return elements_; }
  void run();  // touches no Python object

 private:
  void set_rates(AdaptiveArgs& args, double step, const Tensor& mu_product) const;

  Rule rule_;
  AdaptiveOptions options_;
  int64_t elements_ = 0;
  SmallVector<AdaptiveArgs, 2> work_;
  SmallVector<Device, 4> devices_;
  TensorList alive_;
};

// The optimizers as C++ programs use them.
template <Rule rule>
class AdaptiveOptimizer {
 public:
  explicit AdaptiveOptimizer(std::vector<Tensor> parameters,
                             AdaptiveOptions options = AdaptiveOptions::of(rule))
      : options(options), parameters_(std::move(parameters)), states_(parameters_.size()) {
    check_adaptive(options, !parameters_.empty());
  }
  void step() {
    AdaptiveStep step(rule, options);
    for (size_t i = 0; i < parameters_.size(); ++i)
      if (const Tensor gradient = parameters_[i].grad(); gradient.defined())
        step.add_or_fail(parameters_[i], gradient, states_[i]);
    step.run();
  }
  void zero_grad() {
    for (const Tensor& parameter : parameters_) parameter.set_grad(Tensor());
  }
  AdaptiveOptions options;

 private:
  std::vector<Tensor> parameters_;
  std::vector<AdaptiveState> states_;
};
using RMSprop = AdaptiveOptimizer<Rule::RMSprop>;
using Adagrad = AdaptiveOptimizer<Rule::Adagrad>;
using Adadelta = AdaptiveOptimizer<Rule::Adadelta>;
using Adamax = AdaptiveOptimizer<Rule::Adamax>;
using NAdam = AdaptiveOptimizer<Rule::NAdam>;
using RAdam = AdaptiveOptimizer<Rule::RAdam>;

}  // namespace tensorgrad::optim
