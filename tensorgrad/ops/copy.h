// Copies, casts and fills.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// Uninitialised memory with the strides a copy of `like` keeps: its own where it is dense, else the memory
// order of its dimensions.
Tensor empty_like_layout(const Tensor& like, DType dtype, Device device);
Tensor clone(const Tensor& input);
// A clone in the memory order of `like` (same sizes).
Tensor clone_as(const Tensor& input, const Tensor& like);
Tensor contiguous(const Tensor& input);
// self = src, broadcast and cast.
Tensor copy_(const Tensor& self, const Tensor& src, bool non_blocking = false);
Tensor fill_(const Tensor& self, Scalar value);
Tensor zero_(const Tensor& self);
// The same tensor if it already has this dtype and device.
Tensor to(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device = {},
          bool copy = false);
inline Tensor to(const Tensor& input, DType dtype) { return to(input, std::optional(dtype)); }
Tensor detach(const Tensor& input);

Tensor zeros(const Shape& size, DType dtype, Device device = {});
Tensor full(const Shape& size, Scalar value, DType dtype, Device device = {});
Tensor zeros_like(const Tensor& input);

}  // namespace tensorgrad
