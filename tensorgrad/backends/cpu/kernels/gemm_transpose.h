#pragma once
// Square blocks transposed in registers. For kernel files only.

namespace tensorgrad::cpu::TG_ISA {
namespace {

// A square block is transposed by exchanging halves, quarters, ... of its rows.
template <int n, int... lanes>
struct LaneNumbers : LaneNumbers<n - 1, n - 1, lanes...> {};
template <int... lanes>
struct LaneNumbers<0, lanes...> {};

template <int step, class V, int... lane>
[[gnu::always_inline]] inline void exchange(V& x, V& y, LaneNumbers<0, lane...>) {
  constexpr int width = int(sizeof...(lane));
  V low = __builtin_shufflevector(x, y, ((lane & step) ? lane - step + width : lane)...);
  V high = __builtin_shufflevector(x, y, ((lane & step) ? lane + width : lane + step)...);
  x = low;
  y = high;
}

template <int step, int width, class V>
[[gnu::always_inline]] inline void transpose_steps(V (&row)[width]) {
  if constexpr (step < width) {
#pragma GCC unroll 16
    for (int i = 0; i < width; ++i) {
      if (!(i & step)) exchange<step>(row[i], row[i + step], LaneNumbers<width>{});
    }
    transpose_steps<step * 2>(row);
  }
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
