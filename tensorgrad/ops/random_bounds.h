// Which integers random_() may draw for a dtype.
#pragma once
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad {

// Integers first, first + 1, ... : `count` of them, 0 for all 2^64.
struct IntegerRange {
  int64_t first;
  uint64_t count;
};

// [from, to), or [from, largest of the dtype] without `to`; RuntimeError in PyTorch's words where the dtype
// cannot hold them.
IntegerRange integer_range(DType dtype, int64_t from, std::optional<int64_t> to);

// PyTorch's name for the C++ type of a dtype: "unsigned char", "c10::Half".
const char* ctype_name(DType dtype);

}  // namespace tensorgrad
