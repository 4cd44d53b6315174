// Tensors from nothing: sizes, ranges, and other tensors' shapes.
#pragma once
#include "tensorgrad/dispatch/value.h"

namespace tensorgrad {

// A factory's result: requires_grad as the options say.
Tensor with_options(Tensor t, const TensorOptions& options);

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options = {}, Out out = {});
Tensor linspace(const Tensor& start, const Tensor& end, int64_t steps, const TensorOptions& options = {},
                Out out = {});
Tensor eye(int64_t n, std::optional<int64_t> m, const TensorOptions& options = {}, Out out = {});

}  // namespace tensorgrad
