// Calling kernels of one dimension (row_slots.h): dense operands in float32 or float64.
#pragma once
#include "tensorgrad/backends/row_slots.h"
#include "tensorgrad/ops/copy.h"

namespace tensorgrad {

inline DType row_type(DType t) { return t == DType::Float64 ? DType::Float64 : DType::Float32; }
// A contiguous tensor of the type that row kernels compute in; records nothing.
inline Tensor dense(const Tensor& t, DType compute) {
  NoGradGuard guard;
  return contiguous(to(t, compute));
}
inline const void* bytes_or_null(const Tensor& t) { return t.defined() ? t.bytes() : nullptr; }

// [outer, n, inner] of a shape seen from one of its dimensions.
inline Rows rows_of(const Shape& sizes, int64_t dim, DType compute) {
  Rows p;
  p.dtype = compute;
  for (int64_t d = 0; d < int64_t(sizes.size()); d++)
    (d < dim ? p.outer : d == dim ? p.n : p.inner) *= sizes[d];
  return p;
}
inline bool empty(const Rows& p) { return p.outer == 0 || p.n == 0 || p.inner == 0; }

}  // namespace tensorgrad
