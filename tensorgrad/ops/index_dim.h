// Reading and writing whole slices at a vector of indices.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index, Out out = {});
Tensor index_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha = 1, Out out = {});
Tensor index_copy(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source, Out out = {});
Tensor index_fill(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& value, Out out = {});
Tensor take(const Tensor& input, const Tensor& index, Out out = {});

}  // namespace tensorgrad
