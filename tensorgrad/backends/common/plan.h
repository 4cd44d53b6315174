// The iteration plan: how to walk up to five operands of one broadcast shape. Built once per call by the op,
// read by kernels; plain data, so that files of every instruction set can share it.
#pragma once
#include <stdint.h>

#include "tensorgrad/core/device.h"
#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

inline constexpr int kMaxOperands = 5, kMaxDims = 64;

struct Plan {
  int operands = 0;
  int ndim =
      0;  // after dimensions that are contiguous in every operand have merged; dimension 0 is the innermost
  int64_t numel = 0;
  DType dtype;  // of the inputs
  DType out_dtype;
  char* data[kMaxOperands];
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxOperands][kMaxDims];  // in bytes
};

class Tensor;
// Operand 0 is the output. Inputs are broadcast to its shape; where the output has stride 0, the plan
// reduces.
void build_plan(Plan& plan, const Tensor* const* operands, int count);
template <class... T>
  requires(__is_same(T, Tensor) && ...)
void build_plan(Plan& plan, const T&... operands) {
  const Tensor* const all[] = {&operands...};
  build_plan(plan, all, int(sizeof...(T)));
}

}  // namespace tensorgrad
