// Circular and hyperbolic functions and their inverses.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor sin(const Tensor& input, Out out = {});
Tensor cos(const Tensor& input, Out out = {});
Tensor tan(const Tensor& input, Out out = {});
Tensor asin(const Tensor& input, Out out = {});
Tensor acos(const Tensor& input, Out out = {});
Tensor atan(const Tensor& input, Out out = {});
Tensor sinh(const Tensor& input, Out out = {});
Tensor cosh(const Tensor& input, Out out = {});
Tensor tanh(const Tensor& input, Out out = {});
Tensor asinh(const Tensor& input, Out out = {});
Tensor acosh(const Tensor& input, Out out = {});
Tensor atanh(const Tensor& input, Out out = {});

}  // namespace tensorgrad
