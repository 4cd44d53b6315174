// Matrix products over raw pointers: c = a @ b, plus a bias or what c holds, for any strides of a and b.
#pragma once
#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

// Strides count elements. c is (m, n), row-major (c_col 1) or column-major (c_row 1), and overlaps no input.
// All are of one dtype, any but bool; float16 and bfloat16 are summed in float32, integers wrap around.
struct GemmArgs {
  DType dtype = DType::Float32;
  int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;
  int64_t a_row = 0, a_col = 0;
  const void* b = nullptr;
  int64_t b_row = 0, b_col = 0;
  void* c = nullptr;
  int64_t c_row = 0, c_col = 1;
  const void* bias = nullptr;  // added to the product; strides may be 0
  int64_t bias_row = 0, bias_col = 0;
  bool accumulate = false;  // add to c instead; not together with a bias
  int64_t batch = 1, a_batch = 0, b_batch = 0, c_batch = 0, bias_batch = 0;
};

}  // namespace tensorgrad
