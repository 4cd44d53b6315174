// Choosing between operands: where, maximum, clamp and their kin.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor where(const Tensor& condition, const Tensor& input, const Tensor& other, Out out = {});
Tensor maximum(const Tensor& input, const Tensor& other, Out out = {});
Tensor minimum(const Tensor& input, const Tensor& other, Out out = {});
Tensor fmax(const Tensor& input, const Tensor& other, Out out = {});
Tensor fmin(const Tensor& input, const Tensor& other, Out out = {});
Tensor clamp(const Tensor& input, std::optional<Scalar> min, std::optional<Scalar> max = {}, Out out = {});
Tensor clamp_tensors(const Tensor& input, const Tensor& min, const Tensor& max, Out out = {});

}  // namespace tensorgrad
