// One call of a fold: from the input to a fresh result.
#pragma once
#include "tensorgrad/backends/slots_reduce.h"
#include "tensorgrad/ops/reduction.h"

namespace tensorgrad {

inline Tensor run_fold(Fold fold, const Tensor& input, const Ints& dims, bool keepdim, DType result,
                       double divisor = 1, double power = 0) {
  Reduction reduction(input, dims, keepdim);
  Tensor out = Tensor::empty(reduction.sizes, result, input.device());
  reduction.args.out = out.bytes();
  FoldArgs args{reduction.args, fold, result, power, divisor};
  if (out.numel() > 0) slots::reduce_fold(input.device(), args);
  return out;
}

}  // namespace tensorgrad
