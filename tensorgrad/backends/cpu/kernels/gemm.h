#pragma once
// Matrix products over raw pointers: c = a @ b, plus a bias or what c holds, for any strides of a and b.
#include <stdint.h>

namespace tensorgrad::cpu {

// Strides count elements. c is (m, n); a row-major or a column-major c is written directly.
struct GemmArgs {
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

#ifdef TG_ISA
namespace TG_ISA {
void gemm_f32(const GemmArgs& args);
void gemm_f64(const GemmArgs& args);
}  // namespace TG_ISA
#endif

}  // namespace tensorgrad::cpu
