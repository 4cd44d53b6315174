// Elements in another order or repeated; triangles; diagonals.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor flip(const Tensor& input, const Ints& dims);
Tensor roll(const Tensor& input, const Ints& shifts, const Ints& dims);
Tensor repeat(const Tensor& input, const Ints& repeats);
Tensor tril(const Tensor& input, int64_t diagonal = 0, Out out = {});
Tensor triu(const Tensor& input, int64_t diagonal = 0, Out out = {});
Tensor diag(const Tensor& input, int64_t diagonal = 0);

}  // namespace tensorgrad
