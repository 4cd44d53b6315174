#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/conv_channels.h"
#include "tensorgrad/backends/cpu/kernels/conv_depth.h"
#include "tensorgrad/backends/cpu/kernels/conv_tile.h"
#include "tensorgrad/backends/cpu/kernels/conv_window.h"
#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t window_bytes = 256 << 10;
constexpr int64_t chunk_work = 1 << 19;

// out[o, y0 + t * step, x0 + u * step] = sum over channels c and taps of weight(o, c, tap) * window(c, tap,
// t, u): the forward convolution, and one phase of the gradient by the input.
template <class T>
struct Gather {
  int64_t batch, groups, out_channels;  // channels of a group
  Window window;
  int64_t taps;
  const int32_t *dy, *dx;
  const T* source;
  bool channels_in_lanes;
  const T* packed;  // per group, panels of `panel_rows` output channels
  int64_t panel_rows, packed_group;
  const T* bias;  // of all groups, or null
  T* out;
  int64_t out_lines;  // how many t there are
  int64_t out_height, out_width;
  int64_t y0, x0, step_y, step_x;

  // Whether positions that follow one another lie side by side in the output.
  bool dense() const { return step_x == 1 && step_y == 1 && out_width == window.columns; }
  // Taps with the same dy stand together, and there are equally many of each.
  int64_t same_dy() const {
    int64_t count = 1;
    while (count < taps && dy[count] == dy[0]) ++count;
    return count;
  }
  // Whether tiles with channels in their lanes leave fewer lanes and lines unused than tiles with positions
  // there.
  bool prefers_channels() const {
    const int64_t width = Simd<T>::width, columns = window.columns, k = window.channels * taps;
    if (!dense() || out_channels < width || k < 32) return false;
    const int64_t by_lines = out_lines * ceil_div(columns, width);
    const int64_t running_on = ceil_div(out_lines * window.pitch - (window.pitch - columns), width);
    int64_t terms = 0;  // lines inside of the image, over all taps
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t t = 0; t < out_lines; ++t) {
        const int64_t at = t * window.y.step + dy[tap];
        terms += at >= 0 && at < window.source_height;
      }
    }
    // Turning a tile around costs about as much as eight more terms of its sums.
    const int64_t lanes = ceil_div(out_channels, width) * width * columns;
    const int64_t with_channels = lanes * (terms * window.channels + 8 * out_lines);
    return with_channels * 100 < out_channels * lesser(by_lines, running_on) * width * k * 97;
  }
  // One channel to one, with lines that fill most lanes of their vectors.
  bool depthwise() const {
    const int64_t width = Simd<T>::width;
    return dense() && out_channels < 3 && window.channels == 1 && taps > 1 &&
           window.columns * 4 >= ceil_div(window.columns, width) * width * 3;
  }
};

// The vectors that cover `lines` output lines of the window, either line by line or running on over the gaps
// between them: whichever takes fewer. Where `gaps` wait for others in the output, vectors of one line are
// worth some more. Returns how many.
int64_t list_vectors(const Window& window, int64_t lines, int width, bool gaps, GatherVector* list) {
  const int64_t pitch = window.pitch, columns = window.columns, all = lines * columns;
  const int64_t length = lines * pitch - (pitch - columns);
  const int64_t by_lines = lines * ceil_div(columns, width), running_on = ceil_div(length, width);
  const bool by_line = gaps ? by_lines * 3 <= running_on * 4 : by_lines <= running_on;
  const int64_t line_end = by_line ? columns : pitch;
  int64_t count = 0;
  for (int64_t line = 0, column = 0; line < lines;) {
    GatherVector& v = list[count];
    v.from = int32_t(line * pitch + column);
    v.line = int32_t(column < columns ? line : line + 1);
    v.column = int32_t(column < columns ? column : 0);
    v.to = int32_t(v.line * columns + v.column);
    v.lanes = 0;
    for (int i = 0; i < width; ++i) v.lane[i] = 0;
    for (int i = 0; i < width && line < lines; ++i) {
      if (column < columns) v.lane[v.lanes++] = uint8_t(i);
      if (++column < line_end) continue;
      column = 0;
      ++line;
      if (by_line) break;
    }
    v.stored = v.to + width <= all ? width : v.lanes;
    if (v.lanes) ++count;
  }
  return count;
}

// Vector after vector of raw tile rows to where their columns belong.
template <class T>
void scatter(const Gather<T>& plan, const GatherVector* vectors, int count, const T* tile, int64_t rows,
             T* out, int64_t plane) {
  constexpr int width = Simd<T>::width;
  const int64_t columns = plan.window.columns, line_size = plan.step_y * plan.out_width;
  for (int64_t i = 0; i < rows; ++i, out += plane) {
    for (int j = 0; j < count; ++j, tile += width) {
      int64_t column = vectors[j].column;
      T* line = out + vectors[j].line * line_size;
      if (plan.step_x == 2 && column + vectors[j].lanes <= columns) {
        const auto values = Simd<T>::permute(Simd<T>::load(tile), vectors[j].lane);
        Simd<T>::store_every_second(line + column * 2, values, vectors[j].lanes);
        continue;
      }
      for (int l = 0; l < vectors[j].lanes; ++l) {
        line[column * plan.step_x] = tile[vectors[j].lane[l]];
        if (++column == columns) column = 0, line += line_size;
      }
    }
  }
}

// What the chunks of one call share: where the taps are, and the vectors of a block of lines and of the last.
struct Shared {
  int32_t* offsets;
  TapChain* chains;
  int64_t chain_count;
  GatherVector* vectors[2];
  int64_t vector_count[2];

  template <class T>
  Shared(const Gather<T>& plan, int64_t last_lines) {
    const Window& window = plan.window;
    const int64_t k = window.channels * plan.taps,
                  most = window.lines * ceil_div(window.columns, Simd<T>::width);
    vectors[0] = static_cast<GatherVector*>(thread_scratch(
        Scratch::pack_b, size_t(2 * most) * sizeof(GatherVector) + size_t(plan.taps) * sizeof(TapChain) +
                             size_t(k) * sizeof(int32_t)));
    vectors[1] = vectors[0] + most;
    chains = reinterpret_cast<TapChain*>(vectors[1] + most);
    offsets = reinterpret_cast<int32_t*>(chains + plan.taps);
    const int64_t together = plan.channels_in_lanes ? plan.same_dy() : plan.taps;
    for (int64_t first = 0, p = 0; first < plan.taps; first += together) {
      for (int64_t c = 0; c < window.channels; ++c) {
        for (int64_t tap = first; tap < first + together; ++tap, ++p) {
          offsets[p] = int32_t(window.offset(c, plan.dy[tap], plan.dx[tap]));
        }
      }
    }
    chain_count = 0;
    if (plan.depthwise()) {
      chain_count = list_chains(offsets, plan.taps, window.pitch, chains);
    } else if (!plan.channels_in_lanes) {
      vector_count[0] = list_vectors(window, window.lines, Simd<T>::width, !plan.dense(), vectors[0]);
      vector_count[1] = list_vectors(window, last_lines, Simd<T>::width, !plan.dense(), vectors[1]);
    }
  }
};

// All output channels of a group in [o_begin, o_end), for the positions of a block whose window is filled.
template <class T>
void tiles(const Gather<T>& plan, const T* window, const Shared& shared, bool last_block, const T* packed,
           const T* bias, T* out, int64_t o_begin, int64_t o_end) {
  using S = Simd<T>;
  const int64_t k = plan.window.channels * plan.taps, plane = plan.out_height * plan.out_width;
  const bool dense = plan.dense();
  const GatherVector* vectors = shared.vectors[last_block];
  const int64_t vector_count = shared.vector_count[last_block];
  static_assert(tile_rows * 2 >= wide_vectors);
  alignas(64) T buffer[tile_rows * 2 * S::width];
  // Weights that fit the second-level cache are passed over for every tile of positions, larger ones once.
  const bool small = (o_end - o_begin) * k * int64_t(sizeof(T)) <= (512 << 10);
  const int64_t places = ceil_div(vector_count, most_vectors(int(plan.panel_rows)));
  const int64_t panels = ceil_div(o_end - o_begin, plan.panel_rows);
  for (int64_t step = 0; step < places * panels; ++step) {
    int64_t place = small ? step / panels : step % places, panel = small ? step % panels : step / places;
    int64_t first = vector_count * place / places, last = vector_count * (place + 1) / places;
    int64_t o = o_begin + panel * plan.panel_rows;
    int64_t rows = lesser(plan.panel_rows, o_end - o);
    GatherTile<T> tile;
    tile.k = k;
    tile.a = packed + o * k;
    tile.b = window;
    tile.offsets = shared.offsets;
    tile.vectors = vectors + first;
    tile.bias = bias ? bias + o : nullptr;
    tile.raw = !dense;
    tile.c = dense ? out + o * plane : buffer;
    tile.c_row = dense ? plane : (last - first) * S::width;
    gather_function(int(rows), int(last - first), window)(tile);
    if (!dense) scatter(plan, tile.vectors, int(last - first), buffer, rows, out + o * plane, plane);
  }
}

template <class T>
void depthwise(const Gather<T>& plan, const Shared& shared, const T* window, int64_t lines, const T* weight,
               const T* bias, T* out, int64_t o_begin, int64_t o_end) {
  DepthArgs<T> args;
  args.window = window;
  args.pitch = plan.window.pitch;
  args.lines = lines;
  args.columns = args.out_width = plan.window.columns;
  args.chains = shared.chains;
  args.chain_count = shared.chain_count;
  for (int64_t o = o_begin; o < o_end; ++o) {
    args.weight = weight + o * plan.taps;
    args.bias = bias ? bias[o] : T(0);
    args.out = out + o * plan.out_height * plan.out_width;
    convolve_plane(args);
  }
}

// Output channels [o_begin, o_end) of a group, in the lanes of tiles that follow the lines from t on. A line
// takes the taps that lie inside of the image: with the same dy they stand together.
template <class T>
void channel_tiles(const Gather<T>& plan, const Shared& shared, const T* window, int64_t t, int64_t lines,
                   const T* packed, const T* bias, T* out, int64_t o_begin, int64_t o_end) {
  const Window& w = plan.window;
  const int64_t same_dy = plan.same_dy(), step = same_dy * w.channels, groups = plan.taps / same_dy;
  const int64_t plane = plan.out_height * plan.out_width, k = w.channels * plan.taps;
  const int64_t cuts = ceil_div(w.columns, tile_rows);
  const auto inside = [&](int64_t line, int64_t group) {
    const int64_t at = (t + line) * w.y.step + plan.dy[group * same_dy];
    return at >= 0 && at < w.source_height;
  };
  for (int64_t o = o_begin; o < o_end; o += panel_width<T>) {
    ChannelTile<T> tile;
    tile.channels = int(lesser(panel_width<T>, o_end - o));
    tile.bias = bias ? bias + o : nullptr;
    tile.plane = plane;
    const int64_t row = tile.channels > Simd<T>::width ? 2 * Simd<T>::width : Simd<T>::width;
    for (int64_t line = 0; line < lines; ++line) {
      int64_t first = 0, last = groups;
      while (first < last && !inside(line, first)) ++first;
      while (last > first && !inside(line, last - 1)) --last;
      tile.k = (last - first) * step;
      tile.offsets = shared.offsets + first * step;
      tile.weight = packed + o * k + first * step * row;
      for (int64_t cut = 0; cut < cuts; ++cut) {
        const int64_t x = w.columns * cut / cuts;
        tile.rows = int(w.columns * (cut + 1) / cuts - x);
        tile.window = window + line * w.pitch + x;
        tile.out = out + o * plane + line * plan.out_width + x;
        channel_tile(tile);
      }
    }
  }
}

template <class T>
void run(Gather<T>& plan) {
  Window& window = plan.window;
  const int64_t k = window.channels * plan.taps;
  const int64_t panels = ceil_div(plan.out_channels, plan.panel_rows);
  const int64_t total = plan.batch * plan.groups * plan.out_channels * plan.out_lines * window.columns * k;
  const int64_t wanted = greater(1, lesser(16, total / chunk_work));

  int64_t line_bytes =
      greater(1, window.channels * window.x.phases * window.y.phases * window.pitch) * sizeof(T);
  int64_t lines = lesser(plan.out_lines, greater(1, window_bytes / line_bytes - window.y.reach()));
  while (plan.batch * plan.groups * ceil_div(plan.out_lines, lines) < wanted && lines > 4)
    lines = (lines + 1) / 2;
  int64_t blocks = ceil_div(plan.out_lines, lines);
  lines = ceil_div(plan.out_lines, blocks);
  blocks = ceil_div(plan.out_lines, lines);
  window.set_lines(lines);
  int64_t chunks = plan.batch * plan.groups * blocks;
  int64_t o_blocks = lesser(panels, ceil_div(wanted, chunks));
  int64_t o_block = ceil_div(panels, o_blocks) * plan.panel_rows;
  o_blocks = ceil_div(plan.out_channels, o_block);
  chunks *= o_blocks;

  const Shared shared(plan, plan.out_lines - (blocks - 1) * lines);
  int64_t grain = ceil_div(chunk_work, greater(1, total / greater(1, chunks)));
  parallel_for(chunks, grain, [&](int64_t begin, int64_t end) {
    T* copy = static_cast<T*>(thread_scratch(Scratch::tile, size_t(window.size()) * sizeof(T)));
    int64_t filled = -1;
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      int64_t o_index = chunk % o_blocks, where = chunk / o_blocks;
      int64_t t = where % blocks * lines, group = where / blocks % plan.groups,
              n = where / blocks / plan.groups;
      int64_t count = lesser(lines, plan.out_lines - t);
      if (count <= 0) continue;
      if (where != filled) {
        int64_t plane = (n * plan.groups + group) * window.channels;
        window.fill(copy, plan.source + plane * window.source_height * window.source_width, t, count);
        filled = where;
      }
      int64_t channel = group * plan.out_channels;
      T* out = plan.out + (n * plan.groups * plan.out_channels + channel) * plan.out_height * plan.out_width +
               (plan.y0 + t * plan.step_y) * plan.out_width + plan.x0;
      const T* packed = plan.packed + group * plan.packed_group;
      const T* bias = plan.bias ? plan.bias + channel : nullptr;
      const int64_t o_begin = o_index * o_block, o_end = lesser(plan.out_channels, o_begin + o_block);
      if (plan.channels_in_lanes) {
        channel_tiles(plan, shared, copy, t, count, packed, bias, out, o_begin, o_end);
      } else if (shared.chain_count) {
        depthwise(plan, shared, copy, count, packed, bias, out, o_begin, o_end);
      } else {
        tiles(plan, copy, shared, count < lines, packed, bias, out, o_begin, o_end);
      }
    }
  });
}

// Panels of at most tile_rows output channels, evenly cut; a group of few channels is done one channel at a
// time over a wider tile.
int64_t panel_rows_for(int64_t out_channels) {
  if (out_channels < 3) return 1;
  return ceil_div(out_channels, ceil_div(out_channels, tile_rows));
}

// Work memory of one call: taps, phases and packed weights.
template <class T>
struct Arena {
  int32_t *dy, *dx, *tap_index, *y_storage, *x_storage;
  T* packed;
  static int64_t padded(int64_t channels) { return ceil_div(channels, Simd<T>::width) * Simd<T>::width; }
  Arena(int64_t taps, int64_t weights) {
    char* base = static_cast<char*>(thread_scratch(
        Scratch::pack_a, size_t(weights) * sizeof(T) + 128 + size_t(taps) * 5 * sizeof(int32_t)));
    packed = reinterpret_cast<T*>(base);
    dy = reinterpret_cast<int32_t*>(base + size_t(weights) * sizeof(T) + 128);
    dx = dy + taps;
    tap_index = dx + taps;
    y_storage = tap_index + taps;
    x_storage = y_storage + taps;
  }
};

// Packs weight(o, c, tap) = weight[o * o_step + c * c_step + tap_index[tap]] of every group as the tiles take
// it, which is decided here, the window being known.
template <class T>
void pack_weights(Gather<T>& plan, Arena<T>& arena, const T* weight, int64_t o_step, int64_t c_step,
                  int64_t group_step) {
  const int64_t k = plan.window.channels * plan.taps, out = plan.out_channels;
  plan.channels_in_lanes = plan.prefers_channels();
  plan.panel_rows = plan.channels_in_lanes ? panel_width<T> : panel_rows_for(out);
  const int64_t unit = plan.channels_in_lanes ? Simd<T>::width : 1;
  plan.packed_group = ceil_div(out, unit) * unit * k;
  const int64_t together = plan.channels_in_lanes ? plan.same_dy() : plan.taps;
  plan.packed = arena.packed;
  for (int64_t group = 0; group < plan.groups; ++group, weight += group_step) {
    T* to = arena.packed + group * plan.packed_group;
    for (int64_t o = 0; o < out; o += plan.panel_rows) {
      const int64_t rows = lesser(plan.panel_rows, out - o), row = ceil_div(rows, unit) * unit;
      if (!plan.channels_in_lanes && o_step == k && c_step == plan.taps) {
        pack_panel(to, int(rows), int(rows), weight + o * o_step, o_step, 1, k);
        to += rows * k;
        continue;
      }
      for (int64_t first = 0; first < plan.taps; first += together) {
        for (int64_t c = 0; c < plan.window.channels; ++c) {
          const T* from = weight + o * o_step + c * c_step;
          for (int64_t tap = first; tap < first + together; ++tap, to += row) {
            const T* at = from + arena.tap_index[tap];
            for (int64_t i = 0; i < rows; ++i) to[i] = at[i * o_step];
            for (int64_t i = rows; i < row; ++i) to[i] = 0;
          }
        }
      }
    }
  }
}

template <class T>
bool pointwise(const ConvArgs& args) {
  return args.kernel_y * args.kernel_x == 1 && args.stride_y == 1 && args.stride_x == 1 &&
         args.padding_y == 0 && args.padding_x == 0 && args.in_channels / args.groups >= 4 &&
         args.out_channels / args.groups >= 4 && args.height * args.width >= 2 * Simd<T>::width;
}

// A 1x1 kernel: (out, in) @ (in, positions) for every image.
template <class T>
void forward_pointwise(const ConvArgs& args) {
  int64_t in = args.in_channels / args.groups, out = args.out_channels / args.groups;
  int64_t plane = args.height * args.width;
  for (int64_t group = 0; group < args.groups; ++group) {
    GemmArgs product;
    product.dtype = args.dtype;
    product.m = out, product.n = plane, product.k = in;
    product.a = static_cast<const T*>(args.weight) + group * out * in;
    product.a_row = in, product.a_col = 1;
    product.b = static_cast<const T*>(args.input) + group * in * plane;
    product.b_row = plane, product.b_col = 1, product.b_batch = args.in_channels * plane;
    product.c = static_cast<T*>(args.output) + group * out * plane;
    product.c_row = plane, product.c_batch = args.out_channels * plane;
    product.batch = args.batch;
    if (args.bias) product.bias = static_cast<const T*>(args.bias) + group * out, product.bias_row = 1;
    TG_ISA::gemm(product);
  }
}

template <class T>
void forward(const ConvArgs& args) {
  if (args.batch == 0 || args.out_channels == 0 || args.out_height * args.out_width == 0) return;
  if (pointwise<T>(args)) return forward_pointwise<T>(args);
  int64_t taps = args.kernel_y * args.kernel_x;
  int64_t in = args.in_channels / args.groups;
  const int64_t out = args.out_channels / args.groups;
  Arena<T> arena(taps, args.groups * Arena<T>::padded(out) * in * taps);
  Gather<T> plan;
  plan.batch = args.batch;
  plan.groups = args.groups;
  plan.out_channels = out;
  Window& window = plan.window;
  window.y.start(args.stride_y, arena.y_storage);
  window.x.start(args.stride_x, arena.x_storage);
  for (int64_t tap = 0; tap < taps; ++tap) {
    arena.dy[tap] = int32_t(tap / args.kernel_x * args.dilation_y - args.padding_y);
    arena.dx[tap] = int32_t(tap % args.kernel_x * args.dilation_x - args.padding_x);
    arena.tap_index[tap] = int32_t(tap);
    window.y.add(arena.dy[tap]);
    window.x.add(arena.dx[tap]);
  }
  window.source_height = args.height;
  window.source_width = args.width;
  window.channels = in;
  window.set_columns(args.out_width);
  plan.taps = taps;
  plan.dy = arena.dy;
  plan.dx = arena.dx;
  plan.source = static_cast<const T*>(args.input);
  plan.bias = static_cast<const T*>(args.bias);
  plan.out = static_cast<T*>(args.output);
  plan.out_lines = plan.out_height = args.out_height;
  plan.out_width = args.out_width;
  plan.y0 = plan.x0 = 0;
  plan.step_y = plan.step_x = 1;
  pack_weights(plan, arena, static_cast<const T*>(args.weight), in * taps, taps, out * in * taps);
  run(plan);
}

// The gradient by the input at (y0 + t * stride_y, x0 + u * stride_x) takes, of the kernel, the taps for
// which y0 + padding - ky * dilation is a multiple of the stride, and reads the upstream gradient at t plus
// that multiple.
template <class T>
void grad_input_phase(const ConvArgs& args, Arena<T>& arena, int64_t y0, int64_t x0) {
  int64_t in = args.in_channels / args.groups, out = args.out_channels / args.groups;
  int64_t taps = 0, all_taps = args.kernel_y * args.kernel_x;
  Gather<T> plan;
  Window& window = plan.window;
  window.y.start(1, arena.y_storage);
  window.x.start(1, arena.x_storage);
  for (int64_t tap = 0; tap < all_taps; ++tap) {
    int64_t y = y0 + args.padding_y - tap / args.kernel_x * args.dilation_y;
    int64_t x = x0 + args.padding_x - tap % args.kernel_x * args.dilation_x;
    if (y % args.stride_y != 0 || x % args.stride_x != 0) continue;
    arena.dy[taps] = int32_t(y / args.stride_y);
    arena.dx[taps] = int32_t(x / args.stride_x);
    arena.tap_index[taps] = int32_t(tap);
    window.y.add(arena.dy[taps]);
    window.x.add(arena.dx[taps]);
    ++taps;
  }
  plan.batch = args.batch;
  plan.groups = args.groups;
  plan.out_channels = in;
  window.source_height = args.out_height;
  window.source_width = args.out_width;
  window.channels = taps ? out : 0;
  window.set_columns((args.width - x0 + args.stride_x - 1) / args.stride_x);
  plan.taps = taps;
  plan.dy = arena.dy;
  plan.dx = arena.dx;
  plan.source = static_cast<const T*>(args.grad_output);
  plan.bias = static_cast<const T*>(args.bias);
  plan.out = static_cast<T*>(args.grad_input);
  plan.out_lines = (args.height - y0 + args.stride_y - 1) / args.stride_y;
  plan.out_height = args.height;
  plan.out_width = args.width;
  plan.y0 = y0;
  plan.x0 = x0;
  plan.step_y = args.stride_y;
  plan.step_x = args.stride_x;
  pack_weights(plan, arena, static_cast<const T*>(args.weight), all_taps, in * all_taps, out * in * all_taps);
  run(plan);
}

template <class T>
void grad_input_pointwise(const ConvArgs& args) {
  int64_t in = args.in_channels / args.groups, out = args.out_channels / args.groups;
  int64_t plane = args.height * args.width;
  for (int64_t group = 0; group < args.groups; ++group) {
    GemmArgs product;
    product.dtype = args.dtype;
    product.m = in, product.n = plane, product.k = out;
    product.a = static_cast<const T*>(args.weight) + group * out * in;
    product.a_row = 1, product.a_col = in;
    product.b = static_cast<const T*>(args.grad_output) + group * out * plane;
    product.b_row = plane, product.b_col = 1, product.b_batch = args.out_channels * plane;
    product.c = static_cast<T*>(args.grad_input) + group * in * plane;
    product.c_row = plane, product.c_batch = args.in_channels * plane;
    product.batch = args.batch;
    if (args.bias) product.bias = static_cast<const T*>(args.bias) + group * in, product.bias_row = 1;
    TG_ISA::gemm(product);
  }
}

template <class T>
void grad_input(const ConvArgs& args) {
  if (args.batch == 0 || args.in_channels == 0 || args.height * args.width == 0) return;
  if (pointwise<T>(args)) return grad_input_pointwise<T>(args);
  int64_t taps = args.kernel_y * args.kernel_x;
  Arena<T> arena(taps, Arena<T>::padded(args.in_channels / args.groups) * args.out_channels * taps);
  for (int64_t y0 = 0; y0 < lesser(args.stride_y, args.height); ++y0) {
    for (int64_t x0 = 0; x0 < lesser(args.stride_x, args.width); ++x0) grad_input_phase(args, arena, y0, x0);
  }
}

}  // namespace

void conv2d(const ConvArgs& args) {
  if (args.dtype == DType::Float32) return forward<float>(args);
  if (args.dtype == DType::Float64) return forward<double>(args);
  portable::conv2d(args);
}

void conv2d_grad_input(const ConvArgs& args) {
  if (args.dtype == DType::Float32) return grad_input<float>(args);
  if (args.dtype == DType::Float64) return grad_input<double>(args);
  portable::conv2d_grad_input(args);
}

}  // namespace tensorgrad::cpu::TG_ISA
