// Signs, negation, classes of values.
#pragma once
#include "tensorgrad/ops/arithmetic.h"  // neg

namespace tensorgrad {

Tensor positive(const Tensor& input);
Tensor abs(const Tensor& input, Out out = {});
Tensor sign(const Tensor& input, Out out = {});
Tensor sgn(const Tensor& input, Out out = {});
Tensor isnan(const Tensor& input);
Tensor isinf(const Tensor& input);
Tensor isfinite(const Tensor& input);
Tensor isposinf(const Tensor& input, Out out = {});
Tensor isneginf(const Tensor& input, Out out = {});
Tensor signbit(const Tensor& input, Out out = {});
Tensor logical_not(const Tensor& input, Out out = {});
Tensor bitwise_not(const Tensor& input, Out out = {});
Tensor nan_to_num(const Tensor& input, std::optional<double> nan = {}, std::optional<double> posinf = {},
                  std::optional<double> neginf = {}, Out out = {});

}  // namespace tensorgrad
