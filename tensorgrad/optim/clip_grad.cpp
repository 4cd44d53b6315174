#include "tensorgrad/optim/clip_grad.h"

#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/joining.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/select.h"

namespace tensorgrad::optim {

Tensor total_norm(const TensorList& tensors, double p) {
  NoGradGuard no_grad;
  if (tensors.empty()) return zeros(Shape(), DType::Float32);
  TensorList norms;
  for (const Tensor& tensor : tensors) norms.push_back(vector_norm(tensor, p, {}));
  return vector_norm(stack(norms), p, {});
}

void scale_all(const TensorList& tensors, const Tensor& factor) {
  NoGradGuard no_grad;
  for (const Tensor& tensor : tensors) mul(tensor, factor, Out::in_place_of(tensor));
}

void clamp_all(const TensorList& tensors, double limit) {
  NoGradGuard no_grad;
  for (const Tensor& tensor : tensors) clamp(tensor, Scalar(-limit), Scalar(limit), Out::in_place_of(tensor));
}

}  // namespace tensorgrad::optim
