#pragma once
// Convolution with the output channels in the lanes and neighbours of one line in the rows of a tile. No lane
// is lost where lines are narrower than their vectors, and lines above or below the image cost nothing.
#include <stdint.h>

#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

namespace tensorgrad::cpu::TG_ISA {

// out[channel * plane + i] = bias[channel] + sum over p of window[offsets[p] + i] * weight[p][channel], for
// i < rows <= max_tile_rows() and channels <= panel_width. Rows of weight have half a panel or a panel.
template <class T>
struct ChannelTile {
  int64_t k;
  const T* window;
  const int32_t* offsets;
  const T* weight;
  const T* bias;  // or null
  T* out;
  int64_t plane;
  int rows, channels;
};
void channel_tile(const ChannelTile<float>& args);
void channel_tile(const ChannelTile<double>& args);

}  // namespace tensorgrad::cpu::TG_ISA
