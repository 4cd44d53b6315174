// The gradient of a convolution by its weight.
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/conv_tile.h"
#include "tensorgrad/backends/cpu/kernels/conv_window.h"
#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t block_bytes = 256 << 10;

// The images are cut into slices, each summed by one thread into a partial result of its own; the partial
// results are then added in order. How many slices there are depends on the shape alone.
template <class T>
struct Plan {
  int64_t taps, k, in, out;  // of a group; k = in * taps
  int64_t slices, lines, padded_out;
  Window window;
  int32_t *dy, *dx, *offsets;
  T* partial;  // (slices, groups, k, padded_out)
};

// Sums over lines of `columns` positions of the upstream gradient `u` times each of `taps` places of the
// window.
template <class T, int taps>
void dot_taps(const T* u, const T* window, const int32_t* offsets, int64_t lines, int64_t columns,
              int64_t pitch, T* sums, int64_t sum_step) {
  using S = Simd<T>;
  typename S::V sum[taps];
#pragma GCC unroll 12
  for (int i = 0; i < taps; ++i) sum[i] = S::zero();
  for (int64_t line = 0; line < lines; ++line, u += columns, window += pitch) {
    int64_t x = 0;
    for (; x + S::width <= columns; x += S::width) {
      auto up = S::load(u + x);
#pragma GCC unroll 12
      for (int i = 0; i < taps; ++i) sum[i] = S::fma(up, S::load(window + offsets[i] + x), sum[i]);
    }
    if (x < columns) {
      auto up = S::load_n(u + x, int(columns - x));
#pragma GCC unroll 12
      for (int i = 0; i < taps; ++i) {
        sum[i] = S::fma(up, S::load_n(window + offsets[i] + x, int(columns - x)), sum[i]);
      }
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < taps; ++i) {
    T lanes[S::width];
    S::store(lanes, sum[i]);
    for (int half = S::width / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) lanes[l] += lanes[l + half];
    }
    sums[i * sum_step] += lanes[0];
  }
}

constexpr int most_taps = 12;

template <class T, int taps = most_taps>
auto find_dot_taps(int64_t wanted) {
  if constexpr (taps > 1) {
    if (taps != wanted) return find_dot_taps<T, taps - 1>(wanted);
  }
  return dot_taps<T, taps>;
}

template <class T>
void few_channels(const Plan<T>& plan, const T* u, int64_t plane, const T* window, int64_t lines, T* sums) {
  const int64_t pieces = ceil_div(plan.k, most_taps);
  for (int64_t o = 0; o < plan.out; ++o, u += plane) {
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t p = plan.k * piece / pieces, end = plan.k * (piece + 1) / pieces;
      find_dot_taps<T>(end - p)(u, window, plan.offsets + p, lines, plan.window.columns, plan.window.pitch,
                                sums + p * plan.padded_out + o, plan.padded_out);
    }
  }
}

// Rows of the tile are places of the window, columns are output channels of the transposed upstream gradient.
template <class T>
void many_channels(const Plan<T>& plan, const T* u, int64_t plane, const T* window, int64_t lines,
                   int64_t o_begin, int64_t o_end, T* packed, T* sums) {
  constexpr int64_t width = panel_width<T>, half = width / 2;
  int64_t positions = lines * plan.window.columns;
  int64_t rows = ceil_div(plan.k, ceil_div(plan.k, tile_rows));
  for (int64_t o = o_begin; o < o_end; o += width) {
    int64_t count = lesser(width, o_end - o);
    int vectors = count > half ? 2 : 1;
    pack_panel(packed, int(vectors * half), int(count), u + o * plane, plane, 1, positions);
    for (int64_t p = 0; p < plan.k; p += rows) {
      WeightTile<T> tile;
      tile.lines = lines;
      tile.columns = plan.window.columns;
      tile.pitch = plan.window.pitch;
      tile.window = window;
      tile.offsets = plan.offsets + p;
      tile.b = packed;
      tile.b_row = vectors * half;
      tile.c = sums + p * plan.padded_out + o;
      tile.c_row = plan.padded_out;
      weight_function(int(lesser(rows, plan.k - p)), vectors, u)(tile);
    }
  }
}

// One chunk: a slice of the images, a group, and a part of its output channels.
template <class T>
void sum_slice(const ConvArgs& args, const Plan<T>& plan, int64_t slice, int64_t group, int64_t o_begin,
               int64_t o_end) {
  constexpr int64_t width = panel_width<T>;
  const Window& window = plan.window;
  const int64_t plane = args.out_height * args.out_width;
  size_t window_size = size_t(window.size() + 16) * sizeof(T);
  size_t packed_size = size_t(plan.lines * window.columns * width + 16) * sizeof(T);
  char* memory = static_cast<char*>(thread_scratch(Scratch::tile, window_size + packed_size));
  T* copy = reinterpret_cast<T*>(memory);
  T* packed = reinterpret_cast<T*>(memory + window_size);
  T* sums = plan.partial + (slice * args.groups + group) * plan.k * plan.padded_out;
  int64_t padded_end = o_end == plan.out ? plan.padded_out : o_end;
  for (int64_t p = 0; p < plan.k; ++p) {
    for (int64_t o = o_begin; o < padded_end; ++o) sums[p * plan.padded_out + o] = 0;
  }
  for (int64_t n = slice * args.batch / plan.slices; n < (slice + 1) * args.batch / plan.slices; ++n) {
    const T* source = static_cast<const T*>(args.input) +
                      (n * args.in_channels + group * plan.in) * args.height * args.width;
    const T* u = static_cast<const T*>(args.grad_output) + (n * args.out_channels + group * plan.out) * plane;
    for (int64_t t = 0; t < args.out_height; t += plan.lines) {
      int64_t lines = lesser(plan.lines, args.out_height - t);
      window.fill(copy, source, t, lines);
      if (plan.out < 3) {
        few_channels(plan, u + t * args.out_width, plane, copy, lines, sums);
      } else {
        many_channels(plan, u + t * args.out_width, plane, copy, lines, o_begin, o_end, packed, sums);
      }
    }
  }
}

// Sums the slices in order, and turns (k, out) into (out, k) by blocks that fit the first-level cache.
template <class T>
void add_slices(const ConvArgs& args, const Plan<T>& plan) {
  constexpr int64_t p_block = 16, o_block = 64;
  const int64_t slice_size = args.groups * plan.k * plan.padded_out;
  const int64_t p_blocks = ceil_div(plan.k, p_block);
  int64_t grain = ceil_div(1 << 16, p_block * plan.padded_out * plan.slices);
  parallel_for(args.groups * p_blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      int64_t group = block / p_blocks, p0 = block % p_blocks * p_block, p1 = lesser(plan.k, p0 + p_block);
      for (int64_t o0 = 0; o0 < plan.out; o0 += o_block) {
        int64_t o1 = lesser(plan.out, o0 + o_block);
        T sums[p_block][o_block];
        for (int64_t p = p0; p < p1; ++p) {
          const T* from = plan.partial + (group * plan.k + p) * plan.padded_out;
          for (int64_t o = o0; o < o1; ++o) sums[p - p0][o - o0] = from[o];
          for (int64_t s = 1; s < plan.slices; ++s) {
            from += slice_size;
            for (int64_t o = o0; o < o1; ++o) sums[p - p0][o - o0] += from[o];
          }
        }
        for (int64_t o = o0; o < o1; ++o) {
          T* to = static_cast<T*>(args.grad_weight) + (group * plan.out + o) * plan.k;
          for (int64_t p = p0; p < p1; ++p) to[p] = sums[p - p0][o - o0];
        }
      }
    }
  });
}

template <class T>
void grad_weight(const ConvArgs& args) {
  Plan<T> plan;
  plan.taps = args.kernel_y * args.kernel_x;
  plan.in = args.in_channels / args.groups;
  plan.out = args.out_channels / args.groups;
  plan.k = plan.in * plan.taps;
  if (plan.k * plan.out == 0) return;
  if (args.batch * args.out_height * args.out_width == 0) {
    for (int64_t i = 0; i < args.out_channels * plan.k; ++i) static_cast<T*>(args.grad_weight)[i] = 0;
    return;
  }
  int32_t* memory = static_cast<int32_t*>(
      thread_scratch(Scratch::pack_a, size_t(plan.taps * 4 + plan.k) * sizeof(int32_t)));
  plan.dy = memory;
  plan.dx = memory + plan.taps;
  plan.offsets = memory + 4 * plan.taps;
  Window& window = plan.window;
  window.y.start(args.stride_y, memory + 2 * plan.taps);
  window.x.start(args.stride_x, memory + 3 * plan.taps);
  for (int64_t tap = 0; tap < plan.taps; ++tap) {
    plan.dy[tap] = int32_t(tap / args.kernel_x * args.dilation_y - args.padding_y);
    plan.dx[tap] = int32_t(tap % args.kernel_x * args.dilation_x - args.padding_x);
    window.y.add(plan.dy[tap]);
    window.x.add(plan.dx[tap]);
  }
  window.source_height = args.height;
  window.source_width = args.width;
  window.channels = plan.in;
  window.set_columns(args.out_width);

  constexpr int64_t width = panel_width<T>;
  plan.padded_out = plan.out < 3 ? plan.out : ceil_div(plan.out, width / 2) * (width / 2);
  int64_t line_bytes = window.channels * window.x.phases * window.y.phases * window.pitch * sizeof(T);
  int64_t packed_bytes = args.out_width * width * sizeof(T);
  plan.lines = (block_bytes * 2 - window.y.reach() * line_bytes) / (line_bytes + packed_bytes);
  plan.lines = lesser(args.out_height, greater(1, plan.lines));
  plan.lines = ceil_div(args.out_height, ceil_div(args.out_height, plan.lines));
  window.set_lines(plan.lines);
  for (int64_t c = 0, p = 0; c < plan.in; ++c) {
    for (int64_t tap = 0; tap < plan.taps; ++tap, ++p) {
      plan.offsets[p] = int32_t(window.offset(c, plan.dy[tap], plan.dx[tap]));
    }
  }

  int64_t size = args.groups * plan.k * plan.padded_out;
  int64_t work = args.batch * args.groups * plan.out * args.out_height * args.out_width * plan.k;
  plan.slices = greater(1, lesser(lesser(8, args.batch), (int64_t(1) << 20) / size));
  plan.slices = greater(1, lesser(plan.slices, work >> 17));
  int64_t panels = plan.out < 3 ? 1 : ceil_div(plan.out, width);
  int64_t part = ceil_div(panels, ceil_div(8, plan.slices * args.groups)) * width;  // of the output channels
  int64_t parts = plan.out < 3 ? 1 : ceil_div(plan.out, part);
  plan.partial = static_cast<T*>(thread_scratch(Scratch::accumulate, size_t(plan.slices * size) * sizeof(T)));
  int64_t chunks = plan.slices * args.groups * parts;
  int64_t grain = ceil_div(int64_t(1) << 19, greater(1, work / chunks));
  parallel_for(chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      int64_t o = chunk % parts * part, group = chunk / parts % args.groups;
      int64_t o_end = parts == 1 ? plan.out : lesser(plan.out, o + part);
      sum_slice(args, plan, chunk / parts / args.groups, group, o, o_end);
    }
  });
  add_slices(args, plan);
}

}  // namespace

void conv2d_grad_weight(const ConvArgs& args) {
  args.dtype == DType::Float32 ? grad_weight<float>(args) : grad_weight<double>(args);
}

}  // namespace tensorgrad::cpu::TG_ISA
