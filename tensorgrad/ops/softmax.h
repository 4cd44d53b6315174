// Softmax and its relatives along a dimension.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype = {}, Out out = {});
Tensor log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype = {}, Out out = {});
Tensor logsumexp(const Tensor& input, const Ints& dim, bool keepdim = false, Out out = {});

}  // namespace tensorgrad
