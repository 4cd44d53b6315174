#include "tensorgrad/backends/cpu/kernels/conv_tile.h"

#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T, int rows, int vectors>
void gather_tile(const GatherTile<T>& args) {
  using S = Simd<T>;
  using V = typename S::V;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) sum[i][j] = S::zero();
  }
  const T* a = args.a;
  const T* b[vectors];
#pragma GCC unroll 8
  for (int j = 0; j < vectors; ++j) b[j] = args.b + args.vectors[j].from;
  const int32_t* offsets = args.offsets;
  const int32_t* end = offsets + args.k;
  for (; offsets < end; ++offsets, a += rows) {
    const int64_t offset = *offsets;
    V right[vectors];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) right[j] = S::load(b[j] + offset);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      V left = S::broadcast(a[i]);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) sum[i][j] = S::fma(left, right[j], sum[i][j]);
    }
  }
  if (args.bias) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      V bias = S::broadcast(args.bias[i]);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) sum[i][j] += bias;
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < vectors; ++j) {
    const GatherVector& to = args.vectors[j];
    T* c = args.c + (args.raw ? j * S::width : to.to);
    const bool prefix = args.raw || to.lane[to.lanes - 1] == to.lanes - 1;
    const int stored = args.raw ? S::width : to.stored;
    if (prefix && stored == S::width) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) S::store(c + i * args.c_row, sum[i][j]);
    } else if (stored == S::width) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) S::store(c + i * args.c_row, S::permute(sum[i][j], to.lane));
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) S::store_n(c + i * args.c_row, S::permute(sum[i][j], to.lane), stored);
    }
  }
}

template <class T, int rows, int vectors>
void weight_tile(const WeightTile<T>& args) {
  using S = Simd<T>;
  using V = typename S::V;
  V sum[rows][vectors];
  const T* a[rows];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    a[i] = args.window + args.offsets[i];
    __builtin_prefetch(args.c + i * args.c_row, 1);
    if (vectors > 1) __builtin_prefetch(args.c + i * args.c_row + S::width, 1);
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) sum[i][j] = S::zero();
  }
  const T* b = args.b;
  const int64_t columns = args.columns, b_row = args.b_row;
  for (int64_t line = 0, at = 0; line < args.lines; ++line, at += args.pitch) {
    for (int64_t x = at; x < at + columns; ++x, b += b_row) {
      V right[vectors];
#pragma GCC unroll 2
      for (int j = 0; j < vectors; ++j) right[j] = S::load(b + j * S::width);
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        V left = S::broadcast(a[i][x]);
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) sum[i][j] = S::fma(left, right[j], sum[i][j]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) {
      T* c = args.c + i * args.c_row + j * S::width;
      S::store(c, S::load(c) + sum[i][j]);
    }
  }
}

template <class T, int rows, int vectors = most_vectors(rows)>
GatherFunction<T> find_gather(int wanted_rows, int wanted_vectors) {
  if constexpr (vectors > 1) {
    if (vectors != wanted_vectors) return find_gather<T, rows, vectors - 1>(wanted_rows, wanted_vectors);
  }
  return gather_tile<T, rows, vectors>;
}
template <class T, int rows = tile_rows>
GatherFunction<T> gather_of(int wanted_rows, int wanted_vectors) {
  if constexpr (rows > 1) {
    if (rows != wanted_rows) return gather_of<T, rows - 1>(wanted_rows, wanted_vectors);
  }
  return find_gather<T, rows>(wanted_rows, wanted_vectors);
}

template <class T, int rows>
WeightFunction<T> find_weight(int wanted, int vectors) {
  if (wanted == rows) return vectors == 1 ? weight_tile<T, rows, 1> : weight_tile<T, rows, 2>;
  if constexpr (rows > 1) return find_weight<T, rows - 1>(wanted, vectors);
  return nullptr;
}

}  // namespace

GatherFunction<float> gather_function(int rows, int vectors, const float*) {
  return gather_of<float>(rows, vectors);
}
GatherFunction<double> gather_function(int rows, int vectors, const double*) {
  return gather_of<double>(rows, vectors);
}
WeightFunction<float> weight_function(int rows, int vectors, const float*) {
  return find_weight<float, tile_rows>(rows, vectors);
}
WeightFunction<double> weight_function(int rows, int vectors, const double*) {
  return find_weight<double, tile_rows>(rows, vectors);
}

}  // namespace tensorgrad::cpu::TG_ISA
