#pragma once
// One product as the kernels pass it on: typed, row-major in c, its start resolved. For kernel files only.
#include "tensorgrad/backends/common/gemm_args.h"
#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

namespace tensorgrad::cpu::TG_ISA {

template <class T>
struct Problem {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row, b_col;
  T* c;
  int64_t c_row;
  Start start;
  const T* start_data;
  int64_t start_row;
};

// Products worth less than this many multiply-adds per chunk stay on one thread: waking another costs some 5
// us.
constexpr int64_t chunk_work = int64_t(1) << 19;

// Fewer multiply-adds than a call to the packed kernel costs.
void gemm_tiny(const Problem<float>& problem);
void gemm_tiny(const Problem<double>& problem);
// m == 1, b with unit row or column stride.
void gemm_vector(const Problem<float>& problem);
void gemm_vector(const Problem<double>& problem);
// a_col == 1 and b_row == 1: sums along both rows of memory, for few rows of a.
void gemm_dots(const Problem<float>& problem);
void gemm_dots(const Problem<double>& problem);
// k == 1, b_col == 1.
void gemm_outer(const Problem<float>& problem);
void gemm_outer(const Problem<double>& problem);

// float16 and bfloat16.
void gemm_reduced(const GemmArgs& args);

}  // namespace tensorgrad::cpu::TG_ISA
