// Stochastic gradient descent, fused: all parameters in one call.
#pragma once
#include <vector>

#include "tensorgrad/backends/optimizer_args.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::optim {

struct SgdOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
};

// One step over the parameters that were added.
class SgdStep {
 public:
  explicit SgdStep(const SgdOptions& options) : options_(options) {}
  // False, and nothing added, where the fused step does not take these tensors (half precision, strided).
  // With momentum an undefined buffer is made and will hold the gradient.
  bool add(const Tensor& parameter, const Tensor& gradient, Tensor& momentum_buffer);
  int64_t elements() const { return elements_; }
  void run();  // touches no Python object

 private:
  SgdOptions options_;
  int64_t elements_ = 0;
  SmallVector<SgdArgs, 4> work_;
  SmallVector<Device, 4> devices_;
  TensorList alive_;
};

// The optimizer as C++ programs use it.
class SGD {
 public:
  explicit SGD(std::vector<Tensor> parameters, SgdOptions options = {});
  void step();
  void zero_grad();
  SgdOptions options;

 private:
  std::vector<Tensor> parameters_;
  std::vector<Tensor> buffers_;
};

}  // namespace tensorgrad::optim
