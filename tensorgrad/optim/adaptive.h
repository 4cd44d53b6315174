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
  double momentum = 0;           // RMSprop
  double lr_decay = 0;           // Adagrad
  double momentum_decay = 4e-3;  // NAdam
  bool centered = false;         // RMSprop
  bool maximize = false;
  bool decoupled_weight_decay = false;  // NAdam, RAdam
};

// A parameter's state: the count of steps, NAdam's product of momenta, and the arrays beside the parameter,
// undefined where the options need none.
struct AdaptiveState {
  Tensor step, mu_product;
  Tensor arrays[kRuleArrays];
};

// One step over the parameters that were added.
class AdaptiveStep {
 public:
  AdaptiveStep(Rule rule, const AdaptiveOptions& options) : rule_(rule), options_(options) {}
  bool needs(int array) const;
  // False, and nothing added, where the fused step does not take these tensors (half precision, strided,
  // state that is missing). Otherwise counts the step.
  bool add(const Tensor& parameter, const Tensor& gradient, const AdaptiveState& state);
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

}  // namespace tensorgrad::optim
