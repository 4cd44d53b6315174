// Limits on the size of gradients, over all of a model's in one call.
#pragma once
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::optim {

// The norm of order p of all tensors together, as if they were one vector; 0 of none. The result has the
// first tensor's device.
Tensor total_norm(const TensorList& tensors, double p);

// tensor *= factor, in place, for each; the factor is a 0-d tensor.
void scale_all(const TensorList& tensors, const Tensor& factor);

// Keeps the elements of each between -limit and limit, in place.
void clamp_all(const TensorList& tensors, double limit);

}  // namespace tensorgrad::optim
