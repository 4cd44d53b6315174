// Triangles of matrices: each row is a copy beside zeros.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots_arrange.h"

namespace tensorgrad::cpu::TG_ISA {

void triangle(const TriangleArgs& a) {
  const int64_t row_bytes = a.columns * a.element_size;
  parallel_for(a.batch * a.rows, kGrain / (a.columns + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t edge = i % a.rows + a.diagonal + (a.lower ? 1 : 0);
      const int64_t split = (edge < 0 ? 0 : edge > a.columns ? a.columns : edge) * a.element_size;
      const char* in = a.in + i * row_bytes;
      char* out = a.out + i * row_bytes;
      if (a.lower) {
        __builtin_memmove(out, in, size_t(split));
        __builtin_memset(out + split, 0, size_t(row_bytes - split));
      } else {
        __builtin_memset(out, 0, size_t(split));
        __builtin_memmove(out + split, in + split, size_t(row_bytes - split));
      }
    }
  });
}

}  // namespace tensorgrad::cpu::TG_ISA
