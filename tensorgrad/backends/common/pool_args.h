// Pooling over raw pointers; everything contiguous, planes of (height, width).
#pragma once
#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

struct PoolArgs {
  DType dtype = DType::Float32;
  int64_t planes = 0, height = 0, width = 0, out_height = 0, out_width = 0;
  int64_t kernel_y = 1, kernel_x = 1, stride_y = 1, stride_x = 1;
  int64_t padding_y = 0, padding_x = 0, dilation_y = 1, dilation_x = 1;
  bool include_padding = true;  // avg: padding counts in the divisor
  int64_t divisor = 0;          // avg: instead of the number of elements, where not 0
  // Forward: in to out; backward: the upstream gradient (in) to the gradient by the input (out). A maximum's
  // index is its position in the plane.
  const void* in = nullptr;
  void* out = nullptr;
  int64_t* indices = nullptr;
};

}  // namespace tensorgrad
