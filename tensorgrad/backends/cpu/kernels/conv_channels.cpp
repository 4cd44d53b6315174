#include "tensorgrad/backends/cpu/kernels/conv_channels.h"

#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"
#include "tensorgrad/backends/cpu/kernels/gemm_transpose.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T, int rows, int vectors>
void multiply(const ChannelTile<T>& args) {
  using S = Simd<T>;
  using V = typename S::V;
  constexpr int w = S::width;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) sum[i][j] = S::zero();
  }
  const T* weight = args.weight;
  const int32_t* end = args.offsets + args.k;
  for (const int32_t* offset = args.offsets; offset < end; ++offset, weight += vectors * w) {
    const T* a = args.window + *offset;
    V right[vectors];
#pragma GCC unroll 2
    for (int j = 0; j < vectors; ++j) right[j] = S::load(weight + j * w);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      V left = S::broadcast(a[i]);
#pragma GCC unroll 2
      for (int j = 0; j < vectors; ++j) sum[i][j] = S::fma(left, right[j], sum[i][j]);
    }
  }
#pragma GCC unroll 2
  for (int j = 0; j < vectors; ++j) {
    const int channels = args.channels - j * w < w ? args.channels - j * w : w;
#pragma GCC unroll 8
    for (int first = 0; first < rows; first += w) {
      V line[w];
#pragma GCC unroll 16
      for (int i = 0; i < w; ++i)
        line[i] = first + i < rows ? sum[first + i < rows ? first + i : 0][j] : S::zero();
      transpose_steps<1>(line);
      constexpr int most = rows < w ? rows : w;
      const int count = rows - first < most ? rows - first : most;
      T* out = args.out + j * w * args.plane + first;
#pragma GCC unroll 16
      for (int c = 0; c < w; ++c, out += args.plane) {
        if (c >= channels) break;
        const V value = args.bias ? line[c] + S::broadcast(args.bias[j * w + c]) : line[c];
        if (count == w) {
          S::store(out, value);
        } else {
          S::store_n(out, value, count);
        }
      }
    }
  }
}

template <class T, int rows = tile_rows>
void with_rows(const ChannelTile<T>& args) {
  if constexpr (rows > 1) {
    if (rows != args.rows) return with_rows<T, rows - 1>(args);
  }
  args.channels > Simd<T>::width ? multiply<T, rows, 2>(args) : multiply<T, rows, 1>(args);
}

}  // namespace

void channel_tile(const ChannelTile<float>& args) { with_rows(args); }
void channel_tile(const ChannelTile<double>& args) { with_rows(args); }

}  // namespace tensorgrad::cpu::TG_ISA
