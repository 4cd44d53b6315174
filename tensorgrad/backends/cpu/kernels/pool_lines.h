// What the pooling kernels share: dispatch, and how one tap of the window meets a line of outputs.
#pragma once
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

constexpr int64_t kLine = 256;  // outputs that are worked on at once

// Outputs [first, last) of a stretch [begin, end) whose tap at `shift` lies inside: 0 <= x * stride + shift <
// width.
struct TapRange {
  int64_t first, last;
  TapRange(int64_t begin, int64_t end, int64_t stride, int64_t shift, int64_t width) {
    first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    last = width > shift ? (width - shift + stride - 1) / stride : 0;
    first = greater(first, begin);
    last = greater(first, lesser(last, end));
  }
};

// Calls body with the stride as a constant where it is 1 or 2, so that the loop inside is vectorised.
template <class F>
inline void with_stride(int64_t stride, const F& body) {
  struct One {
    static constexpr int64_t of(int64_t) { return 1; }
  };
  struct Two {
    static constexpr int64_t of(int64_t) { return 2; }
  };
  struct Any {
    static constexpr int64_t of(int64_t s) { return s; }
  };
  if (stride == 1)
    body(One{});
  else if (stride == 2)
    body(Two{});
  else
    body(Any{});
}

inline int64_t plane_grain(int64_t work) { return kGrain / (work + 1) + 1; }

constexpr int64_t kWhole = 16;  // outputs in a block that is worked on without a rest
inline int64_t whole(int64_t n) { return (n + kWhole - 1) / kWhole * kWhole; }

// body(i) for i < n, in whole blocks where there is `room` for them: lines are often shorter than a vector.
template <class F>
TG_INLINE void in_blocks(int64_t n, int64_t room, const F& body) {
  if (whole(n) <= room)
    for (int64_t begin = 0; begin < n; begin += kWhole)
#pragma GCC ivdep
      for (int64_t i = 0; i < kWhole; i++) body(begin + i);
  else
    for (int64_t i = 0; i < n; i++) body(i);
}

// Lines of inputs as the taps of a window meet them: output x reads place x * stride + k * dilation of the
// padded line at tap k, which is number x + k * dilation / stride of its phase, k * dilation % stride. So
// every tap reads one contiguous run, as long as the line of outputs.
//
// All lines that a few lines of outputs need are read first: a load that differs from the store before it in
// place would wait until that is through.
template <class A>
class Phases {
 public:
  static constexpr int64_t kLines = 8;  // of outputs
  static int64_t size(const PoolArgs& args) { return lines(args) * args.stride_x * row(args); }

  Phases(const PoolArgs& args, A* memory, A padding)
      : args_(args), row_(row(args)), length_(row_ - 2 * kWhole), data_(memory), padding_(padding) {
    for (int64_t i = 0; i < size(args); i++) data_[i] = padding;
    for (int64_t f = 0; f < 2; f++) place_[f] = place(f), count_[f] = count(f);
  }

  // Reads what outputs on line y and `more` lines after it need of the plane, with `room` elements from
  // there.
  template <class T>
  void read(const T* plane, int64_t room, int64_t y, int64_t more) {
    const int64_t top = y * args_.stride_y - args_.padding_y;
    first_ = greater(0, top);
    const int64_t end =
        lesser(args_.height, top + more * args_.stride_y + (args_.kernel_y - 1) * args_.dilation_y + 1);
    for (int64_t iy = first_; iy < end; iy++)
      read_line(plane + iy * args_.width, room - iy * args_.width,
                data_ + (iy - first_) * args_.stride_x * row_);
  }
  // What tap k meets on line iy of the plane.
  const A* tap(int64_t iy, int64_t k) const {
    const int64_t shift = k * args_.dilation_x, stride = args_.stride_x;
    const A* const line = data_ + (iy - first_) * stride * row_;
    if (stride == 1) return line + shift;
    if (stride == 2) return line + shift % 2 * row_ + shift / 2;
    return line + shift % stride * row_ + shift / stride;
  }

 private:
  // As long as the taps reach, with room for the rest of a block.
  static int64_t row(const PoolArgs& args) {
    return whole(args.out_width + (args.kernel_x - 1) * args.dilation_x / args.stride_x + 1) + 2 * kWhole;
  }
  static int64_t lines(const PoolArgs& args) {
    return lesser(args.height, (kLines - 1) * args.stride_y + (args.kernel_y - 1) * args.dilation_y + 1);
  }
  // Of the inputs f, f + stride, ...: where the first goes, and how many of them windows can reach.
  int64_t place(int64_t f) const {
    const int64_t at = args_.padding_x + f;
    return at % args_.stride_x * row_ + at / args_.stride_x;
  }
  int64_t count(int64_t f) const {
    const int64_t have = (args_.width - f + args_.stride_x - 1) / args_.stride_x;
    return greater(0, lesser(have, length_ - (args_.padding_x + f) / args_.stride_x));
  }

  // The padding around the inputs stays what it was.
  template <class T>
  void read_line(const T* line, int64_t room, A* phases) const {
    const int64_t stride = args_.stride_x, n = count_[0], block = whole(n);
    A *const even = phases + place_[0], *const odd = phases + place_[1];
    if (stride == 1) {
      in_blocks(n, room, [&](int64_t i) { even[i] = A(line[i]); });
      pad(even, n, block);
    } else if (stride == 2 && 2 * block <= room) {
      in_blocks(n, block, [&](int64_t i) {
        const A first = A(line[2 * i]), second = A(line[2 * i + 1]);
        even[i] = first;
        odd[i] = second;
      });
      pad(even, n, block);
      pad(odd, count_[1], block);
    } else {
      for (int64_t f = 0; f < stride; f++) {
        A* const phase = phases + place(f);
        const int64_t size = count(f);
        for (int64_t i = 0; i < size; i++) phase[i] = A(line[i * stride + f]);
      }
    }
  }
  // Over what a block read too much.
  void pad(A* phase, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < end; i++) phase[i] = padding_;
  }

  const PoolArgs& args_;
  int64_t row_, length_, first_ = 0;
  int64_t place_[2], count_[2];
  A* data_;
  A padding_;
};

// Calls body(line, y) for lines [from, to) of the outputs of all planes, line y of its plane, when its inputs
// are read.
template <class T, class A, class F>
inline void each_line(const PoolArgs& args, Phases<A>& phases, int64_t from, int64_t to, const F& body) {
  const int64_t size = args.height * args.width;
  for (int64_t line = from; line < to;) {
    const int64_t plane = line / args.out_height, y = line % args.out_height;
    const int64_t count = lesser(lesser(Phases<A>::kLines, args.out_height - y), to - line);
    phases.read(static_cast<const T*>(args.in) + plane * size, (args.planes - plane) * size, y, count - 1);
    for (int64_t i = 0; i < count; i++, line++) body(line, y + i);
  }
}

// Calls body with k as a constant of 3, 2 or 1, and the tap it begins with, for all taps of a line.
template <class F>
inline void each_group_of_taps(int64_t taps, const F& body) {
  int64_t k = 0;
  for (; k + 3 <= taps; k += 3) body.template operator()<3>(k);
  if (k + 2 <= taps) return body.template operator()<2>(k);
  if (k < taps) body.template operator()<1>(k);
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
