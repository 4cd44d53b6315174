#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"
#include "tensorgrad/backends/cpu/kernels/gemm_transpose.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// Every element of c is one chain of multiply-adds over p in order, whatever the size of its tile: so neither
// the cut into tiles nor the number of threads shows in the result.
template <class T, int rows, int vectors, bool packed>
void tile(const TileArgs<T>& args) {
  using S = Simd<T>;
  using V = typename S::V;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) sum[i][j] = S::zero();
  }
  for (int i = 0; i < rows; ++i) __builtin_prefetch(args.c + i * args.c_row, 1);

  const T* a = args.a;
  const T* b = args.b;
  const int64_t b_row = args.b_row, a_row = packed ? 1 : args.a_row, a_col = packed ? rows : args.a_col;
  for (int64_t p = args.k; p > 0; --p) {
    V right[vectors];
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) right[j] = S::load(b + j * S::width);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      V left = S::broadcast(a[i * a_row]);
#pragma GCC unroll 2
      for (int j = 0; j < vectors; ++j) sum[i][j] = S::fma(left, right[j], sum[i][j]);
    }
    a += a_col;
    b += b_row;
  }

  T* c = args.c;
  const T* start = args.start_data;
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i, c += args.c_row, start += args.start_row) {
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) {
      V value = sum[i][j];
      int left = args.columns - j * S::width;
      if (left >= S::width) {
        if (args.start == Start::matrix) value += S::load(start + j * S::width);
        if (args.start == Start::column) value += S::broadcast(*start);
        S::store(c + j * S::width, value);
      } else if (left > 0) {
        if (args.start == Start::matrix) value += S::load_n(start + j * S::width, left);
        if (args.start == Start::column) value += S::broadcast(*start);
        S::store_n(c + j * S::width, value, left);
      }
    }
  }
}

template <class T, int rows>
TileFunction<T> find_tile(int wanted, int vectors, bool packed) {
  if (wanted == rows && packed) return vectors == 1 ? tile<T, rows, 1, true> : tile<T, rows, 2, true>;
  if (wanted == rows) return vectors == 1 ? tile<T, rows, 1, false> : tile<T, rows, 2, false>;
  if constexpr (rows > 1) return find_tile<T, rows - 1>(wanted, vectors, packed);
  return nullptr;
}

// Panels of at most one vector, read along p: square blocks are transposed in registers. A panel narrower
// than a vector is stored in order of p, so the lanes too many are overwritten by the next row.
template <class T>
void pack_transposed(T* panel, int width, int count, const T* source, int64_t i_stride, int64_t k) {
  using S = Simd<T>;
  constexpr int w = S::width;
  typename S::V row[w];
  int64_t p = 0;
  for (; p + w <= k; p += w) {
#pragma GCC unroll 16
    for (int i = 0; i < w; ++i) row[i] = i < count ? S::load(source + i * i_stride + p) : S::zero();
    transpose_steps<1>(row);
#pragma GCC unroll 16
    for (int i = 0; i < w; ++i) S::store(panel + (p + i) * width, row[i]);
  }
  for (; p < k; ++p) {
    for (int i = 0; i < count; ++i) panel[p * width + i] = source[i * i_stride + p];
    for (int i = count; i < w && i < width; ++i) panel[p * width + i] = 0;
  }
}

template <class T>
void pack_strided(T* panel, int width, int count, const T* source, int64_t i_stride, int64_t p_stride,
                  int64_t k) {
  for (int64_t p = 0; p < k; ++p) {
    for (int i = 0; i < count; ++i) panel[p * width + i] = source[i * i_stride + p * p_stride];
    for (int i = count; i < width; ++i) panel[p * width + i] = 0;
  }
}

template <class T>
void pack_rows(T* panel, int width, int count, const T* source, int64_t p_stride, int64_t k) {
  using S = Simd<T>;
  constexpr int w = S::width;
  int64_t p = 0;
  if (count == width && p_stride >= (width + w - 1) / w * w) {
    for (; p + 1 < k; ++p, panel += width, source += p_stride) {
      S::store(panel, S::load(source));
      for (int i = w; i < width; i += w) S::store(panel + i, S::load(source + i));
    }
  }
  pack_strided(panel, width, count, source, 1, p_stride, k - p);
}

template <class T>
void pack(T* panel, int width, int count, const T* source, int64_t i_stride, int64_t p_stride, int64_t k) {
  constexpr int w = Simd<T>::width;
  if (i_stride == 1 && (p_stride != 1 || k == 1)) {
    pack_rows(panel, width, count, source, p_stride, k);
  } else if (p_stride == 1) {
    // Last part first: what it stores past the end of a row is then overwritten by the first part of the
    // next.
    for (int first = (width - 1) / w * w; first >= 0; first -= w) {
      int here = count - first < w ? count - first : w;
      pack_transposed(panel + first, width, here < 0 ? 0 : here, source + first * i_stride, i_stride, k);
    }
  } else {
    pack_strided(panel, width, count, source, i_stride, p_stride, k);
  }
}

}  // namespace

int max_tile_rows() { return tile_rows; }

TileFunction<float> tile_function(int rows, int vectors, bool packed, const float*) {
  return find_tile<float, tile_rows>(rows, vectors, packed);
}
TileFunction<double> tile_function(int rows, int vectors, bool packed, const double*) {
  return find_tile<double, tile_rows>(rows, vectors, packed);
}

void pack_panel(float* panel, int width, int count, const float* source, int64_t i_stride, int64_t p_stride,
                int64_t k) {
  pack(panel, width, count, source, i_stride, p_stride, k);
}
void pack_panel(double* panel, int width, int count, const double* source, int64_t i_stride, int64_t p_stride,
                int64_t k) {
  pack(panel, width, count, source, i_stride, p_stride, k);
}

}  // namespace tensorgrad::cpu::TG_ISA
