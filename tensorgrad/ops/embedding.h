// Rows looked up by index, one-hot codes, and padding.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx = -1,
                 bool scale_grad_by_freq = false);
Tensor pad(const Tensor& input, const Ints& pad, std::string_view mode = "constant",
           std::optional<double> value = {});

}  // namespace tensorgrad
