#include "tensorgrad/backends/cpu/kernels/conv_depth.h"

#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// Lines of a tile: one register each, beside the weights of a chain.
constexpr int tile_lines = vector_bytes == 64 ? 8 : 6;

template <class T, int lines, int taps>
[[gnu::always_inline]] inline void add_chain(const DepthArgs<T>& args, const TapChain& chain, const T* b,
                                             typename Simd<T>::V (&sum)[lines]) {
  using S = Simd<T>;
  typename S::V weight[taps];
#pragma GCC unroll 4
  for (int i = 0; i < taps; ++i) weight[i] = S::broadcast(args.weight[chain.tap[i]]);
#pragma GCC unroll 16
  for (int line = 0; line < lines + taps - 1; ++line, b += args.pitch) {
    const auto value = S::load(b);
#pragma GCC unroll 4
    for (int i = 0; i < taps; ++i) {
      if (line - i >= 0 && line - i < lines) sum[line - i] = S::fma(weight[i], value, sum[line - i]);
    }
  }
}

template <class T, int lines>
void depth_tile(const DepthArgs<T>& args, int64_t t, int64_t x) {
  using S = Simd<T>;
  typename S::V sum[lines];
#pragma GCC unroll 8
  for (int l = 0; l < lines; ++l) sum[l] = S::zero();
  const T* at = args.window + t * args.pitch + x;
  for (int64_t c = 0; c < args.chain_count; ++c) {
    const TapChain& chain = args.chains[c];
    const T* b = at + chain.offset;
    switch (chain.count) {
      case 1: add_chain<T, lines, 1>(args, chain, b, sum); break;
      case 2: add_chain<T, lines, 2>(args, chain, b, sum); break;
      case 3: add_chain<T, lines, 3>(args, chain, b, sum); break;
      default: add_chain<T, lines, chain_taps>(args, chain, b, sum);
    }
  }
  const auto bias = S::broadcast(args.bias);
  T* out = args.out + t * args.out_width + x;
  const int64_t count = args.columns - x;
#pragma GCC unroll 8
  for (int l = 0; l < lines; ++l, out += args.out_width) {
    if (count >= S::width) {
      S::store(out, sum[l] + bias);
    } else {
      S::store_n(out, sum[l] + bias, int(count));
    }
  }
}

template <class T, int lines = tile_lines>
void depth_tile_of(int64_t wanted, const DepthArgs<T>& args, int64_t t, int64_t x) {
  if constexpr (lines > 1) {
    if (lines != wanted) return depth_tile_of<T, lines - 1>(wanted, args, t, x);
  }
  depth_tile<T, lines>(args, t, x);
}

template <class T>
void plane(const DepthArgs<T>& args) {
  const int64_t tiles = (args.lines + tile_lines - 1) / tile_lines;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t t = args.lines * tile / tiles, end = args.lines * (tile + 1) / tiles;
    for (int64_t x = 0; x < args.columns; x += Simd<T>::width) depth_tile_of<T>(end - t, args, t, x);
  }
}

}  // namespace

int64_t list_chains(const int32_t* offsets, int64_t taps, int64_t pitch, TapChain* chains) {
  // The tap a line further than the end of a chain, if any.
  const auto find = [&](int64_t offset) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      if (offsets[tap] == offset) return tap;
    }
    return int64_t(-1);
  };
  int64_t count = 0;
  for (int64_t first = 0; first < taps; ++first) {
    if (find(offsets[first] - pitch) >= 0) continue;
    TapChain chain{offsets[first], 0, {}};
    for (int64_t tap = first; tap >= 0; tap = find(offsets[tap] + pitch)) {
      if (chain.count == chain_taps) {
        chains[count++] = chain;
        chain = TapChain{offsets[tap], 0, {}};
      }
      chain.tap[chain.count++] = int32_t(tap);
    }
    chains[count++] = chain;
  }
  return count;
}

void convolve_plane(const DepthArgs<float>& args) { plane(args); }
void convolve_plane(const DepthArgs<double>& args) { plane(args); }

}  // namespace tensorgrad::cpu::TG_ISA
