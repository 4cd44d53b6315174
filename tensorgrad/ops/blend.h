// Pointwise ops of three operands.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor lerp(const Tensor& input, const Tensor& end, const Tensor& weight, Out out = {});
Tensor addcmul(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Scalar value = 1,
               Out out = {});
Tensor addcdiv(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Scalar value = 1,
               Out out = {});

}  // namespace tensorgrad
