// Kernel slot of sorting.
#pragma once
#include "tensorgrad/backends/slots.h"

namespace tensorgrad {

// The first `k` of each row of `in` [rows, length] in order (equal elements in theirs, NaN greatest) and
// their places; contiguous, outputs [rows, k].
struct SortArgs {
  const void* in;
  void* values;
  int64_t* places;
  int64_t rows, length, k;
  DType dtype;
  bool descending;
};

}  // namespace tensorgrad

TG_SLOT(sort_rows, void(const SortArgs&))
