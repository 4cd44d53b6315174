// Products in which packing would cost more than it saves: tiny ones, vector times matrix, column times row,
// and few rows against the rows of b (a Linear layer on a small batch).
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/gemm_problem.h"
#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
T start_of(const Problem<T>& problem, int64_t i, int64_t j) {
  if (problem.start == Start::zero) return 0;
  return problem.start_data[i * problem.start_row + (problem.start == Start::matrix ? j : 0)];
}

template <class T>
void tiny(const Problem<T>& problem) {
  const int64_t b_row = problem.b_row, b_col = problem.b_col;
  for (int64_t i = 0; i < problem.m; ++i) {
    const T* a = problem.a + i * problem.a_row;
    T* c = problem.c + i * problem.c_row;
    int64_t j = 0;
    for (; j + 4 <= problem.n; j += 4) {
      T s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      const T* b = problem.b + j * b_col;
      for (int64_t p = 0; p < problem.k; ++p, b += b_row) {
        T x = a[p * problem.a_col];
        s0 = fma_scalar(x, b[0], s0);
        s1 = fma_scalar(x, b[b_col], s1);
        s2 = fma_scalar(x, b[2 * b_col], s2);
        s3 = fma_scalar(x, b[3 * b_col], s3);
      }
      c[j] = s0 + start_of(problem, i, j);
      c[j + 1] = s1 + start_of(problem, i, j + 1);
      c[j + 2] = s2 + start_of(problem, i, j + 2);
      c[j + 3] = s3 + start_of(problem, i, j + 3);
    }
    for (; j < problem.n; ++j) {
      T sum = 0;
      const T* b = problem.b + j * b_col;
      for (int64_t p = 0; p < problem.k; ++p) sum = fma_scalar(a[p * problem.a_col], b[p * b_row], sum);
      c[j] = sum + start_of(problem, i, j);
    }
  }
}

template <class T>
[[gnu::always_inline]] inline T lane_sum(typename Simd<T>::V v) {
  constexpr int width = Simd<T>::width;
  T lanes[width];
  Simd<T>::store(lanes, v);
#pragma GCC unroll 4
  for (int half = width / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

// rows x columns sums at once, along memory.
template <class T, int rows, int columns>
void dot_block(const Problem<T>& problem, int64_t i0, int64_t j0) {
  using S = Simd<T>;
  using V = typename S::V;
  V sum[rows][columns];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) sum[i][j] = S::zero();
  }
  const T* a = problem.a + i0 * problem.a_row;
  const T* b = problem.b + j0 * problem.b_col;
  const int64_t a_row = problem.a_row, b_col = problem.b_col;
  int64_t p = 0;
  for (; p + S::width <= problem.k; p += S::width) {
    V left[rows];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) left[i] = S::load(a + i * a_row + p);
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) {
      V right = S::load(b + j * b_col + p);
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) sum[i][j] = S::fma(left[i], right, sum[i][j]);
    }
  }
  if (int rest = int(problem.k - p)) {
    V left[rows];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) left[i] = S::load_n(a + i * a_row + p, rest);
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) {
      V right = S::load_n(b + j * b_col + p, rest);
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) sum[i][j] = S::fma(left[i], right, sum[i][j]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) {
      problem.c[(i0 + i) * problem.c_row + j0 + j] =
          lane_sum<T>(sum[i][j]) + start_of(problem, i0 + i, j0 + j);
    }
  }
}

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int dot_rows = 4, dot_columns = 6;
#else
constexpr int dot_rows = 3, dot_columns = 4;
#endif

template <class T, int columns>
void dot_rows_of(const Problem<T>& problem, int64_t j) {
  int64_t i = 0;
  for (; i + dot_rows <= problem.m; i += dot_rows) dot_block<T, dot_rows, columns>(problem, i, j);
  for (; i < problem.m; ++i) dot_block<T, 1, columns>(problem, i, j);
}

template <class T>
void dots(const Problem<T>& problem) {
  int64_t blocks = (problem.n + dot_columns - 1) / dot_columns;
  int64_t work = problem.m * problem.k * dot_columns;
  int64_t grain = (chunk_work / (problem.m < 4 ? 4 : 1) + work - 1) / work;
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      int64_t j = block * dot_columns;
      if (j + dot_columns <= problem.n) {
        dot_rows_of<T, dot_columns>(problem, j);
      } else {
        for (; j < problem.n; ++j) dot_rows_of<T, 1>(problem, j);
      }
    }
  });
}

// m == 1 and rows of b in memory order: c += a[p] * b[p], several rows at a time over a stretch of c that
// stays in the first-level cache.
template <class T>
void row_combination(const Problem<T>& problem) {
  using S = Simd<T>;
  using V = typename S::V;
  constexpr int64_t stretch = 16384 / int64_t(sizeof(T));
  parallel_for(problem.n, stretch, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += stretch) {
      int64_t count = end - first < stretch ? end - first : stretch;
      T* c = problem.c + first;
      T sums[stretch];
      for (int64_t j = 0; j < count; ++j) sums[j] = 0;
      int64_t p = 0;
      for (; p + 4 <= problem.k; p += 4) {
        const T* b = problem.b + p * problem.b_row + first;
        const T *b1 = b + problem.b_row, *b2 = b1 + problem.b_row, *b3 = b2 + problem.b_row;
        const T* a = problem.a + p * problem.a_col;
        T x0 = a[0], x1 = a[problem.a_col], x2 = a[2 * problem.a_col], x3 = a[3 * problem.a_col];
        V v0 = S::broadcast(x0), v1 = S::broadcast(x1), v2 = S::broadcast(x2), v3 = S::broadcast(x3);
        int64_t j = 0;
        for (; j + S::width <= count; j += S::width) {
          V sum = S::load(sums + j);
          sum = S::fma(v0, S::load(b + j), sum);
          sum = S::fma(v1, S::load(b1 + j), sum);
          sum = S::fma(v2, S::load(b2 + j), sum);
          S::store(sums + j, S::fma(v3, S::load(b3 + j), sum));
        }
        for (; j < count; ++j) {
          T sum = fma_scalar(x0, b[j], sums[j]);
          sum = fma_scalar(x1, b1[j], sum);
          sum = fma_scalar(x2, b2[j], sum);
          sums[j] = fma_scalar(x3, b3[j], sum);
        }
      }
      for (; p < problem.k; ++p) {
        const T* b = problem.b + p * problem.b_row + first;
        T x = problem.a[p * problem.a_col];
        for (int64_t j = 0; j < count; ++j) sums[j] = fma_scalar(x, b[j], sums[j]);
      }
      for (int64_t j = 0; j < count; ++j) c[j] = sums[j] + start_of(problem, 0, first + j);
    }
  });
}

template <class T>
void vector(const Problem<T>& given) {
  if (given.b_row != 1 || given.k == 1) return row_combination(given);
  Problem<T> problem = given;
  if (problem.a_col != 1) {
    T* a = static_cast<T*>(thread_scratch(Scratch::pack_a, size_t(problem.k) * sizeof(T)));
    for (int64_t p = 0; p < problem.k; ++p) a[p] = problem.a[p * problem.a_col];
    problem.a = a;
    problem.a_col = 1;
  }
  dots(problem);
}

// k == 1: a column times a row.
template <class T>
void outer(const Problem<T>& problem) {
  const int64_t n = problem.n;
  parallel_for(problem.m, chunk_work / 16 / n + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T x = problem.a[i * problem.a_row];
      T* c = problem.c + i * problem.c_row;
      if (problem.start == Start::matrix)  // which may be c itself
#pragma GCC ivdep
        for (int64_t j = 0; j < n; ++j) c[j] = x * problem.b[j] + start_of(problem, i, j);
      else
#pragma GCC ivdep
        for (int64_t j = 0; j < n; ++j) c[j] = x * problem.b[j] + start_of(problem, i, 0);
    }
  });
}

}  // namespace

void gemm_tiny(const Problem<float>& problem) { tiny(problem); }
void gemm_tiny(const Problem<double>& problem) { tiny(problem); }
void gemm_vector(const Problem<float>& problem) { vector(problem); }
void gemm_vector(const Problem<double>& problem) { vector(problem); }
void gemm_dots(const Problem<float>& problem) { dots(problem); }
void gemm_dots(const Problem<double>& problem) { dots(problem); }
void gemm_outer(const Problem<float>& problem) { outer(problem); }
void gemm_outer(const Problem<double>& problem) { outer(problem); }

}  // namespace tensorgrad::cpu::TG_ISA
