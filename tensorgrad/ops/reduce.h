// Reductions.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// Over `dims` (none: all).
Tensor sum(const Tensor& input, const Ints& dims, bool keepdim = false, std::optional<DType> dtype = {}, Out out = {});
Tensor sum_all(const Tensor& input, std::optional<DType> dtype = {});

}  // namespace tensorgrad
