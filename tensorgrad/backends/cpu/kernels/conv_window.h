#pragma once
// The window: a copy of some lines of an image in which every tap of the kernel is a constant offset.
//
// Output position (t, u) reads the source at (t * step_y + dy, u * step_x + dx) for every tap (dy, dx), zero
// outside. With dy = qy * step_y + ry, 0 <= ry < step_y (and the same in x), the window keeps for every
// channel and every remainder ry, rx in use the lines [t + qy] and in them the columns [u + qx]. So position
// (t, u) is number q = t * pitch + u, and a tap is an offset from q, for any stride and dilation; unit stride
// in q is unit stride in memory. In a line of one phase, the zeros left of the next line double as the zeros
// right of this one. For kernel files only.
#include <stddef.h>
#include <stdint.h>

#include "tensorgrad/backends/cpu/kernels/gemm_simd.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

// One direction of the window.
struct WindowAxis {
  int64_t step = 1;
  int64_t first = 0, last = 0;   // least and greatest q of a tap
  int64_t phases = 0;            // remainders in use
  int32_t* remainder = nullptr;  // of each phase

  void start(int64_t step_, int32_t* storage) {
    step = step_;
    remainder = storage;
    phases = 0;
  }
  void add(int64_t d) {
    int64_t q = floor_div(d, step), r = d - q * step;
    if (phases == 0) first = last = q;
    first = lesser(first, q);
    last = greater(last, q);
    if (phase_of(d) < 0) remainder[phases++] = int32_t(r);
  }
  int64_t phase_of(int64_t d) const {
    int64_t r = d - floor_div(d, step) * step;
    for (int64_t i = 0; i < phases; ++i) {
      if (remainder[i] == r) return i;
    }
    return -1;
  }
  int64_t reach() const { return last - first; }
};

struct Window {
  WindowAxis y, x;
  int64_t source_height, source_width, channels;
  int64_t lines;    // output lines per block
  int64_t columns;  // output columns
  int64_t pitch;
  int64_t channel_size;

  // After the taps have been added to both axes.
  void set_columns(int64_t count) {
    columns = count;
    pitch = count + x.reach();
    if (x.phases == 1 && x.step == 1) {
      int64_t zeros_left = greater(0, -x.first);
      int64_t zeros_right = greater(0, count + x.last - source_width);
      if (zeros_right <= zeros_left) pitch = greater(count, pitch - zeros_right);
    }
    pitch = greater(pitch, 1);
  }
  void set_lines(int64_t count) {
    lines = count;
    channel_size = y.phases * (count + y.reach()) * x.phases * pitch;
  }
  int64_t offset(int64_t channel, int64_t dy, int64_t dx) const {
    int64_t line = y.phase_of(dy) * (lines + y.reach()) + floor_div(dy, y.step) - y.first;
    // Lines of the same x phase lie together, so that q runs on from line to line.
    int64_t phase_size = y.phases * (lines + y.reach()) * pitch;
    return channel * channel_size + x.phase_of(dx) * phase_size + line * pitch + floor_div(dx, x.step) -
           x.first;
  }
  // Elements with the slack that tiles may read behind the last line.
  int64_t size() const { return channels * channel_size + 2 * pitch + 512; }

  // Copies what output lines [t, t + count) need, count <= lines.
  template <class T>
  void fill(T* window, const T* source, int64_t t, int64_t count) const {
    T* to = window;
    for (int64_t channel = 0; channel < channels; ++channel, source += source_height * source_width) {
      for (int64_t px = 0; px < x.phases; ++px) {
        // Columns [begin, end) of a line have a source.
        int64_t r = x.remainder[px];
        int64_t begin = lesser(pitch, greater(0, ceil_div_any(-r, x.step) - x.first));
        int64_t end = lesser(pitch, greater(begin, ceil_div_any(source_width - r, x.step) - x.first));
        to += copy_phase(to, source + r, t, count, begin, end);
      }
    }
    fill_zeros(to, x.reach() + 1);
  }

 private:
  static int64_t ceil_div_any(int64_t a, int64_t b) { return -floor_div(-a, b); }

  template <class T>
  static void fill_zeros(T* to, int64_t count) {
    using S = Simd<T>;
    for (int64_t i = 0; i < count; i += S::width) S::store(to + i, S::zero());
  }

  // All lines of one remainder of x: columns [begin, end) from the source, zeros around them. Returns the
  // size.
  template <class T>
  int64_t copy_phase(T* to, const T* from, int64_t t, int64_t count, int64_t begin, int64_t end) const {
    using S = Simd<T>;
    constexpr int64_t w = S::width;
    const int64_t all = lines + y.reach();
    // One vector of all lines after the other, the last first: so what spills over a line's end is
    // overwritten.
    for (int64_t i = floor_div(pitch - 1, w) * w; i >= 0; i -= w) {
      const int64_t first = lesser(w, greater(0, begin - i)), last = lesser(w, greater(first, end - i));
      // For every second column: lane l is element 2l of two vectors, and the last is 2 * last - 2.
      const int64_t end2 = greater(first * 2, last * 2 - 1);
      const auto mask =
          x.step == 1 ? S::mask_between(first, last) : S::mask_between(lesser(w, first * 2), lesser(w, end2));
      const auto mask2 = S::mask_between(greater(0, first * 2 - w), greater(0, end2 - w));
      const T* column = from + (i + x.first) * x.step;
      T* at = to + i;
      for (int64_t py = 0; py < y.phases; ++py) {
        const int64_t origin = (t + y.first) * y.step + y.remainder[py];
        for (int64_t line = 0; line < all; ++line, at += pitch) {
          const int64_t source_line = origin + line * y.step;
          const T* p = column + source_line * source_width;
          if (uint64_t(source_line) >= uint64_t(source_height) || line >= count + y.reach()) {
            S::store(at, S::zero());
            continue;
          }
          if (pitch - i <= 2) {
            for (int64_t l = 0; l < pitch - i; ++l) at[l] = l >= first && l < last ? p[l * x.step] : T(0);
          } else if (x.step == 1) {
            S::store(at, S::load_masked(p, mask));
          } else if (x.step == 2) {
            S::store(at, S::even_lanes(S::load_masked(p, mask), S::load_masked(p + w, mask2)));
          } else {
            for (int64_t l = 0; l < w; ++l) at[l] = l >= first && l < last ? p[l * x.step] : T(0);
          }
        }
      }
    }
    return y.phases * all * pitch;
  }
};

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
