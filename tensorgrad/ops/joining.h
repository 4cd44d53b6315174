// Tensors put together, and taken apart into views.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor cat(const TensorList& tensors, int64_t dim = 0, Out out = {});
Tensor stack(const TensorList& tensors, int64_t dim = 0, Out out = {});
TensorList split_with_sizes(const Tensor& input, const Ints& split_sizes, int64_t dim = 0);
TensorList split(const Tensor& input, int64_t split_size, int64_t dim = 0);
TensorList chunk(const Tensor& input, int64_t chunks, int64_t dim = 0);
TensorList unbind(const Tensor& input, int64_t dim = 0);

}  // namespace tensorgrad
