// Exponentials, logarithms, roots, and the error function.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor exp(const Tensor& input, Out out = {});
Tensor exp2(const Tensor& input, Out out = {});
Tensor expm1(const Tensor& input, Out out = {});
Tensor log(const Tensor& input, Out out = {});
Tensor log2(const Tensor& input, Out out = {});
Tensor log10(const Tensor& input, Out out = {});
Tensor log1p(const Tensor& input, Out out = {});
Tensor sqrt(const Tensor& input, Out out = {});
Tensor rsqrt(const Tensor& input, Out out = {});
Tensor reciprocal(const Tensor& input, Out out = {});
Tensor square(const Tensor& input, Out out = {});
Tensor erf(const Tensor& input, Out out = {});
Tensor erfc(const Tensor& input, Out out = {});
Tensor erfinv(const Tensor& input, Out out = {});

}  // namespace tensorgrad
