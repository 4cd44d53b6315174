// Adam and AdamW, fused: all parameters in one call.
#pragma once
#include <vector>

#include "tensorgrad/backends/optimizer_args.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool amsgrad = false;
  bool maximize = false;
  bool decoupled_weight_decay = false;  // AdamW
};

// A parameter's state; `largest` is undefined without amsgrad.
struct AdamState {
  Tensor step;  // 0-d float32 or float64: how many steps were made
  Tensor mean, square, largest;
  static AdamState of(const Tensor& parameter, bool amsgrad);
};

// One step over the parameters that were added.
class AdamStep {
 public:
  explicit AdamStep(const AdamOptions& options) : options_(options) {}
  // False, and nothing added, where the fused step does not take these tensors (half precision, strided).
  // Otherwise counts the step.
  bool add(const Tensor& parameter, const Tensor& gradient, const AdamState& state);
  int64_t elements() const { return elements_; }
  void run();  // touches no Python object

 private:
  AdamOptions options_;
  int64_t elements_ = 0;
  SmallVector<AdamArgs, 4> work_;
  SmallVector<Device, 4> devices_;
  TensorList alive_;
  double last_step_ = 0, last_root_ = 0,
         last_size_ = 0;  // most parameters have made the same number of steps
};

// The optimizer as C++ programs use it.
class Adam {
 public:
  explicit Adam(std::vector<Tensor> parameters, AdamOptions options = {});
  void step();
  void zero_grad();
  AdamOptions options;

 private:
  std::vector<Tensor> parameters_;
  std::vector<AdamState> states_;
};

}  // namespace tensorgrad::optim
