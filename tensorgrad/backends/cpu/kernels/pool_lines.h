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

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
