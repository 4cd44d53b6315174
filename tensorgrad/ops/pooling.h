// Pooling over images.
#pragma once
#include <tuple>

#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Ints& kernel_size,
                                                   const Ints& stride = {}, const Ints& padding = {0},
                                                   const Ints& dilation = {1}, bool ceil_mode = false);
Tensor max_pool2d(const Tensor& input, const Ints& kernel_size, const Ints& stride = {},
                  const Ints& padding = {0}, const Ints& dilation = {1}, bool ceil_mode = false);
Tensor avg_pool2d(const Tensor& input, const Ints& kernel_size, const Ints& stride = {},
                  const Ints& padding = {0}, bool ceil_mode = false, bool count_include_pad = true,
                  std::optional<int64_t> divisor_override = {}, Out out = {});
Tensor adaptive_avg_pool2d(const Tensor& input, const Ints& output_size);

}  // namespace tensorgrad
