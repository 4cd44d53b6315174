// Attention over raw pointers: out = softmax(scale * q k^T + mask) v for each batch and head.
#pragma once
#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

// A matrix for each batch and head. Strides count elements; columns are adjacent, but for the mask's.
struct HeadMatrix {
  void* data = nullptr;
  int64_t batch = 0, head = 0, row = 0, column = 1;
};

// Float32 or Float64. Each `group` consecutive heads of q share one head of k and v. All counts are at least
// 1.
struct AttentionArgs {
  DType dtype = DType::Float32;
  int64_t batch = 1, heads = 1, group = 1;
  int64_t queries = 1, keys = 1, width = 1, value_width = 1;  // the widths are those of q and k, and of v
  double scale = 1;
  bool causal = false;  // a query sees the keys up to its own number
  HeadMatrix q, k, v;
  HeadMatrix mask;  // added to the scores; any strides, no data: none
  HeadMatrix out;
  // Per query, contiguous [batch, heads, queries]: log(sum(e^score)); infinity where every score is
  // -infinity, which makes that query's result zero and all its weights in the backward.
  void* logsumexp = nullptr;
};

// Every gradient is written whole.
struct AttentionGradArgs : AttentionArgs {
  HeadMatrix u;  // for out
  HeadMatrix dq, dk, dv;
};

}  // namespace tensorgrad
