// Products over named or numbered dimensions.
#pragma once
#include <string_view>

#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// `path`, if given, says which two operands meet in each step; results join the end of the list.
Tensor einsum(std::string_view equation, const TensorList& operands, const std::optional<Ints>& path = {});
Tensor tensordot(const Tensor& input, const Tensor& other, const Ints& dims_self, const Ints& dims_other,
                 Out out = {});

}  // namespace tensorgrad
