// Reading and writing along one dimension at indices given per element.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// out[i][j] = input[index[i][j]][j] for dim 0, and so on.
Tensor gather(const Tensor& input, int64_t dim, const Tensor& index, bool sparse_grad = false, Out out = {});
Tensor scatter(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src, Out out = {});
Tensor scatter_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src, Out out = {});
// reduce: sum, prod, mean, amax, amin
Tensor scatter_reduce(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self = true, Out out = {});
Tensor take_along_dim(const Tensor& input, const Tensor& indices, std::optional<int64_t> dim = {});
// Zeros of these sizes with u at the places that a reduction over dim chose.
Tensor scatter_back(const Tensor& u, int64_t dim, const Tensor& index, const Shape& sizes, bool keepdim);

}  // namespace tensorgrad
