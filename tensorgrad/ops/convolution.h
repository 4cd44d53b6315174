// Convolution over images.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, const Ints& stride = {1, 1},
              const Ints& padding = {0, 0}, const Ints& dilation = {1, 1}, int64_t groups = 1);
// padding: "valid" or "same"
Tensor conv2d_padded(const Tensor& input, const Tensor& weight, const Tensor& bias, const Ints& stride,
                     std::string_view padding, const Ints& dilation, int64_t groups);

// weight is (in, out / groups, kh, kw)
Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                        const Ints& stride = {1, 1}, const Ints& padding = {0, 0},
                        const Ints& output_padding = {0, 0}, int64_t groups = 1,
                        const Ints& dilation = {1, 1});

}  // namespace tensorgrad
