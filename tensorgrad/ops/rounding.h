// Rounding to integers.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor floor(const Tensor& input, Out out = {});
Tensor ceil(const Tensor& input, Out out = {});
Tensor trunc(const Tensor& input, Out out = {});
Tensor round(const Tensor& input, int64_t decimals = 0, Out out = {});
Tensor frac(const Tensor& input, Out out = {});

}  // namespace tensorgrad
