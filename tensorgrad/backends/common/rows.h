// Operands of kernels that work along one dimension of dense tensors: `outer` blocks of `n` elements, `inner`
// apart. Each kernel says beside its slot what in[], out[] and the numbers are. Plain data, as the plan is.
#pragma once
#include <stdint.h>

#include "tensorgrad/core/device.h"
#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

struct Rows {
  DType dtype = DType::Float32;  // Float32 or Float64: ops convert the others
  int64_t outer = 1, n = 1, inner = 1;
  const void* in[7] = {};
  void* out[4] = {};
  double number[2] = {};
  int64_t integer = 0;
};

}  // namespace tensorgrad
