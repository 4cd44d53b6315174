// Powers, and floating functions of two operands. pow() of two tensors is in arithmetic.h.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor pow_scalar(const Tensor& input, Scalar exponent, Out out = {});
Tensor pow_base(Scalar base, const Tensor& exponent, Out out = {});
Tensor atan2(const Tensor& input, const Tensor& other, Out out = {});
Tensor hypot(const Tensor& input, const Tensor& other, Out out = {});
Tensor copysign(const Tensor& input, const Tensor& other, Out out = {});
Tensor xlogy(const Tensor& input, const Tensor& other, Out out = {});

}  // namespace tensorgrad
