// Maximum pooling. The first maximum wins, the last NaN wins over all (as in PyTorch).
#include "tensorgrad/backends/cpu/kernels/pool_lines.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
struct Lowest;
template <>
struct Lowest<float> {
  static constexpr float value = -__builtin_inff();
};
template <>
struct Lowest<double> {
  static constexpr double value = -__builtin_inf();
};
template <>
struct Lowest<uint8_t> {
  static constexpr uint8_t value = 0;
};
template <>
struct Lowest<int8_t> {
  static constexpr int8_t value = -128;
};
template <>
struct Lowest<int16_t> {
  static constexpr int16_t value = -32768;
};
template <>
struct Lowest<int32_t> {
  static constexpr int32_t value = -2147483647 - 1;
};
template <>
struct Lowest<int64_t> {
  static constexpr int64_t value = -9223372036854775807LL - 1;
};

// An index as wide as the value, so that both share a vector's lanes.
template <class A>
struct Index {
  using type = int32_t;
};
template <>
struct Index<double> {
  using type = int64_t;
};
template <>
struct Index<int64_t> {
  using type = int64_t;
};

template <class A>
TG_INLINE bool is_nan(A x) {
  if constexpr (__is_same(A, float) || __is_same(A, double))
    return x != x;
  else
    return false;
}

template <class T, bool Places>
void max_lines(const PoolArgs& args, int64_t from, int64_t to) {
  using A = compute_t<T>;
  using I = typename Index<A>::type;
  const int64_t width = args.out_width, room = whole(width), size = Phases<A>::size(args);
  A* const best = static_cast<A*>(thread_scratch(
      Scratch::accumulate, size_t(room) * (sizeof(A) + 2 * sizeof(I)) + size_t(size) * sizeof(A)));
  I* const where = reinterpret_cast<I*>(best + room);
  I* const left = where + room;
  Phases<A> phases(args, reinterpret_cast<A*>(left + room), Lowest<A>::value);
  // Where nothing beats the lowest value, a window's first place counts.
  for (int64_t x = 0; x < room; x++) {
    int64_t place = x * args.stride_x - args.padding_x;
    if (place < 0) place += (-place + args.dilation_x - 1) / args.dilation_x * args.dilation_x;
    left[x] = I(place);
  }
  each_line<T>(args, phases, from, to, [&](int64_t line, int64_t line_y) {
    int64_t y = line_y * args.stride_y - args.padding_y, ky = 0;
    for (; y < 0; y += args.dilation_y) ky++;
    const I first_line = I(y * args.width);
    in_blocks(width, room, [&](int64_t x) {
      best[x] = Lowest<A>::value;
      if (Places) where[x] = first_line + left[x];
    });
    for (; ky < args.kernel_y && y < args.height; ky++, y += args.dilation_y) {
      each_group_of_taps(args.kernel_x, [&]<int K>(int64_t first) {
        const A* taps[K];
        I places[K];
        for (int k = 0; k < K; k++) {
          taps[k] = phases.tap(y, first + k);
          places[k] = I(y * args.width + (first + k) * args.dilation_x - args.padding_x);
        }
        const I stride = I(args.stride_x);
        in_blocks(width, room, [&](int64_t x) {
          A top = best[x];
          I place = Places ? where[x] : I(0);
          for (int k = 0; k < K; k++) {
            const A value = taps[k][x];
            const bool wins = (value > top) | is_nan(value);
            top = wins ? value : top;
            if (Places) place = wins ? I(places[k] + I(x) * stride) : place;
          }
          best[x] = top;
          if (Places) where[x] = place;
        });
      });
    }
    // What a block writes too much is overwritten by the lines that follow.
    T* const out = static_cast<T*>(args.out) + line * width;
    in_blocks(width, (to - line) * width, [&](int64_t x) { out[x] = T(best[x]); });
    if (Places) {
      int64_t* const indices = args.indices + line * width;
      in_blocks(width, (to - line) * width, [&](int64_t x) { indices[x] = where[x]; });
    }
  });
}

template <class T>
void max_planes(const PoolArgs& args) {
  parallel_for(args.planes * args.out_height, plane_grain(args.out_width * args.kernel_y * args.kernel_x),
               [&](int64_t from, int64_t to) {
                 args.indices ? max_lines<T, true>(args, from, to) : max_lines<T, false>(args, from, to);
               });
}

template <class T>
void scatter_planes(const PoolArgs& args) {
  using A = compute_t<T>;
  const int64_t size = args.height * args.width, count = args.out_height * args.out_width;
  parallel_for(args.planes, plane_grain(size + count), [&](int64_t from, int64_t to) {
    for (int64_t plane = from; plane < to; plane++) {
      const T* u = static_cast<const T*>(args.in) + plane * count;
      const int64_t* at = args.indices + plane * count;
      T* out = static_cast<T*>(args.out) + plane * size;
      for (int64_t i = 0; i < size; i++) out[i] = T(A(0));
      for (int64_t i = 0; i < count; i++) out[at[i]] = T(A(out[at[i]]) + A(u[i]));
    }
  });
}

template <class T>
void pick_planes(const PoolArgs& args) {
  const int64_t size = args.height * args.width, count = args.out_height * args.out_width;
  parallel_for(args.planes, plane_grain(count), [&](int64_t from, int64_t to) {
    for (int64_t plane = from; plane < to; plane++) {
      const T* in = static_cast<const T*>(args.in) + plane * size;
      const int64_t* at = args.indices + plane * count;
      T* out = static_cast<T*>(args.out) + plane * count;
      for (int64_t i = 0; i < count; i++) out[i] = in[at[i]];
    }
  });
}

}  // namespace

#ifdef TG_PORTABLE
void max_pool2d(const PoolArgs& args) {
  switch (args.dtype) {
    case DType::UInt8: return max_planes<uint8_t>(args);
    case DType::Int8: return max_planes<int8_t>(args);
    case DType::Int16: return max_planes<int16_t>(args);
    case DType::Int32: return max_planes<int32_t>(args);
    case DType::Int64: return max_planes<int64_t>(args);
    case DType::Float16: return max_planes<Half>(args);
    default: return max_planes<BFloat16>(args);
  }
}
void max_pool2d_grad(const PoolArgs& args) {
  dispatch_floating(args.dtype, [&]<class T>() { scatter_planes<T>(args); });
}
void max_pool2d_pick(const PoolArgs& args) {
  dispatch_floating(args.dtype, [&]<class T>() { pick_planes<T>(args); });
}
#else
void max_pool2d(const PoolArgs& args) {
  if (args.dtype == DType::Float32) return max_planes<float>(args);
  if (args.dtype == DType::Float64) return max_planes<double>(args);
  portable::max_pool2d(args);
}
void max_pool2d_grad(const PoolArgs& args) { portable::max_pool2d_grad(args); }
void max_pool2d_pick(const PoolArgs& args) { portable::max_pool2d_pick(args); }
#endif

}  // namespace tensorgrad::cpu::TG_ISA
