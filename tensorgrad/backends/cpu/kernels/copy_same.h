// Copies without a cast, in any layout.
#pragma once
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/cpu/kernels/moves.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// Bytes of the vectors that transpose: squares of more than 16 x 16 do not fit the registers.
template <class T>
constexpr int kSquareBytes = kVectorBytes < 16 * int(sizeof(T)) ? kVectorBytes : 16 * int(sizeof(T));
template <class T>
constexpr int64_t kSquare = kSquareBytes<T> / int64_t(sizeof(T));

// The dimension along which the input lies densely, where the output does so along dimension 0 and both are
// long enough for squares; 0: none.
template <class T>
int crossing_dim(const Plan& p) {
  constexpr int64_t size = sizeof(T);
  if (p.strides[0][0] != size || p.strides[1][0] == size || p.sizes[0] < kSquare<T>) return 0;
  for (int d = 1; d < p.ndim; d++)
    if (p.strides[1][d] == size && p.sizes[d] >= kSquare<T>) return d;
  return 0;
}

// Transposes matrices: their columns run along dimension 0, where the output is dense, their rows along
// `cross`, where the input is. In blocks of 64 x 64 both sides stay within few pages, and within a block
// whole cache lines are written one after another. The last square of a block's row or column overlaps its
// neighbour.
template <class T>
void transpose_copy(const Plan& p, int cross) {
  constexpr int64_t side = kSquare<T>, block = 64;
  const int64_t columns = p.sizes[0], rows = p.sizes[cross];
  const int64_t out_stride = p.strides[0][cross], in_stride = p.strides[1][0];
  const int64_t bands = rows < block ? 1 : rows / block, matrices = p.numel / (rows * columns);
  bool past = p.numel * int64_t(sizeof(T)) >= kPastCaches && is_aligned(p.data[0], kSquareBytes<T>);
  for (int d = 1; d < p.ndim; d++) past &= p.strides[0][d] % kSquareBytes<T> == 0;
  const auto band = [&](char* out, const char* in, int64_t r0, int64_t r1) {
    for (int64_t from = 0; from < columns; from += block) {
      // A rest shorter than a square is part of this block.
      const int64_t rest = columns - from, width = rest < block + side ? rest : block;
      for (int64_t r = r0; r < r1; r += side) {
        const int64_t row = r + side <= r1 ? r : r1 - side;
        for (int64_t c = from; c < from + width; c += side) {
          const int64_t column = c + side <= from + width ? c : from + width - side;
          T* to = reinterpret_cast<T*>(out + row * out_stride) + column;
          const T* source = reinterpret_cast<const T*>(in + column * in_stride) + row;
          if (past && column % side == 0)
            transpose_tile<true, T, kSquareBytes<T>>(to, out_stride, source, in_stride);
          else
            transpose_tile<false, T, kSquareBytes<T>>(to, out_stride, source, in_stride);
        }
      }
      if (width > block) break;
    }
  };
  parallel_for(bands * matrices, kGrain / (block * columns) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i % bands;
      int64_t matrix = i / bands;
      char* out = p.data[0];
      const char* in = p.data[1];
      for (int d = 1; d < p.ndim; d++) {
        if (d == cross) continue;
        out += matrix % p.sizes[d] * p.strides[0][d];
        in += matrix % p.sizes[d] * p.strides[1][d];
        matrix /= p.sizes[d];
      }
      band(out, in, b * block, b + 1 == bands ? rows : (b + 1) * block);
    }
    fence_moves(past);
  });
}

template <class T>
void copy_same(const Plan& p) {
  constexpr int64_t size = sizeof(T), width = Moved<T, kVectorBytes>::width;
  if (const int cross = crossing_dim<T>(p)) return transpose_copy<T>(p, cross);
  // A plain copy is often of what was just written: the last cache may still hold both sides.
  const bool plain = p.ndim == 1 && p.strides[0][0] == size && p.strides[1][0] == size;
  const bool past = plain ? p.numel * size > 2 * kPastCaches : p.numel * size >= kPastCaches;
  // Short runs out of a large tensor: the processor does not foresee where the next ones are.
  const int64_t ahead = past && p.ndim > 1 && p.sizes[0] * size <= 1024 ? 4 * p.strides[1][1] : 0;
  for_each_run<2>(
      p,
      [&](char* const* data, int64_t n) {
        const int64_t so = p.strides[0][0], sa = p.strides[1][0];
        T* out = reinterpret_cast<T*>(data[0]);
        const T* in = reinterpret_cast<const T*>(data[1]);
        if (so == size && sa == size) {
          if (ahead != 0) expect_line<false>(data[1] + ahead, n * size);
          copy_run(data[0], data[1], n * size, past);
        } else if (so == size && sa == 0) {
          const T value = *in;
          const auto all = value - typename Moved<T, kVectorBytes>::V{};
          write_run(out, n, past, [&](int64_t) { return value; }, [&](int64_t) { return all; });
        } else if (so == size && sa == -size) {
          write_run(
              out, n, past, [&](int64_t i) { return in[-i]; },
              [&](int64_t i) { return backwards<T>(load_moved(in - i - width + 1)); });
        } else {
          for (int64_t i = 0; i < n; i++) at<T>(data[0], i, so) = at<T>(data[1], i, sa);
        }
      },
      [&] { fence_moves(past); });
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
