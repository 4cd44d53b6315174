// Running sums, products and extremes along a dimension.
#pragma once
#include <tuple>

#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor cumsum(const Tensor& input, int64_t dim, std::optional<DType> dtype = {}, Out out = {});
Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype = {}, Out out = {});
Tensor logcumsumexp(const Tensor& input, int64_t dim, Out out = {});
std::tuple<Tensor, Tensor> cummax(const Tensor& input, int64_t dim);
std::tuple<Tensor, Tensor> cummin(const Tensor& input, int64_t dim);

}  // namespace tensorgrad
