#pragma once
// Convolution of one channel with one kernel: every line that is loaded serves all outputs above it.
#include <stdint.h>

#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

namespace tensorgrad::cpu::TG_ISA {

// Taps that read the window at `offset`, a line further, two lines further, ...
constexpr int chain_taps = 4;
struct TapChain {
  int32_t offset;
  int32_t count;
  int32_t tap[chain_taps];
};

// Cuts taps, given by their offsets, into as few chains as may be. Returns how many there are.
int64_t list_chains(const int32_t* offsets, int64_t taps, int64_t pitch, TapChain* chains);

// out[t][x] = bias + sum over taps of weight[tap] * window[t * pitch + x + offset of tap], for t < lines and
// x < columns; up to a vector more of the window is read.
template <class T>
struct DepthArgs {
  const T* window;
  int64_t pitch, lines, columns;
  const TapChain* chains;
  int64_t chain_count;
  const T* weight;
  T bias;
  T* out;
  int64_t out_width;
};
void convolve_plane(const DepthArgs<float>& args);
void convolve_plane(const DepthArgs<double>& args);

}  // namespace tensorgrad::cpu::TG_ISA
