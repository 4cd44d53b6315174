// Normalisation layers as functions.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// weight and bias may be undefined.
Tensor layer_norm(const Tensor& input, const Ints& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps = 1e-5);
Tensor rms_norm(const Tensor& input, const Ints& normalized_shape, const Tensor& weight,
                std::optional<double> eps = {});
Tensor group_norm(const Tensor& input, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps = 1e-5);
// running_mean and running_var may be undefined; training updates them with `momentum`.
Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum = 0.1,
                  double eps = 1e-5);

}  // namespace tensorgrad
