// Two-dimensional convolution over raw pointers; everything contiguous, NCHW.
#pragma once
#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

// float32 and float64; the forward and the gradient by the input (the transposed convolution) also integers.
struct ConvArgs {
  DType dtype = DType::Float32;
  int64_t batch = 0, in_channels = 0, height = 0, width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  int64_t kernel_y = 1, kernel_x = 1, stride_y = 1, stride_x = 1;
  int64_t padding_y = 0, padding_x = 0, dilation_y = 1, dilation_x = 1;
  int64_t groups = 1;
  // Of these, each kernel reads or writes what its name says.
  const void* input = nullptr;   // (batch, in_channels, height, width)
  const void* weight = nullptr;  // (out_channels, in_channels / groups, kernel_y, kernel_x)
  const void* bias = nullptr;    // of each channel of what is computed; null for none, as in every gradient
  void* output = nullptr;        // (batch, out_channels, out_height, out_width)
  const void* grad_output = nullptr;
  void* grad_input = nullptr;
  void* grad_weight = nullptr;
};

}  // namespace tensorgrad
