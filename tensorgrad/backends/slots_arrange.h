// Slots of ops/arrange.cpp.
#pragma once
#include "tensorgrad/dispatch/slot.h"

namespace tensorgrad {
// Rows of contiguous matrices [batch, rows, columns]: keeps columns c with c <= r + diagonal (lower) or c >=
// r + diagonal.
struct TriangleArgs {
  const char* in;
  char* out;
  int64_t batch, rows, columns, diagonal, element_size;
  bool lower;
};
}  // namespace tensorgrad
TG_SLOT(triangle, void(const TriangleArgs&))
