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

template <class T>
void max_line(const PoolArgs& args, const T* plane, int64_t y, int64_t begin, int64_t end, T* out,
              int64_t* indices) {
  using A = compute_t<T>;
  using I = typename Index<A>::type;
  A best[kLine];
  I where[kLine];
  const int64_t top = y * args.stride_y - args.padding_y;
  int64_t first_y = 0;
  while (top + first_y * args.dilation_y < 0) first_y++;
  for (int64_t x = begin; x < end; x++) {
    int64_t left = x * args.stride_x - args.padding_x;
    if (left < 0) left += (-left + args.dilation_x - 1) / args.dilation_x * args.dilation_x;
    best[x - begin] = Lowest<A>::value;
    where[x - begin] = I((top + first_y * args.dilation_y) * args.width + left);
  }
  for (int64_t ky = first_y; ky < args.kernel_y; ky++) {
    const int64_t iy = top + ky * args.dilation_y;
    if (iy >= args.height) break;
    for (int64_t kx = 0; kx < args.kernel_x; kx++) {
      const int64_t shift = kx * args.dilation_x - args.padding_x;
      const TapRange range(begin, end, args.stride_x, shift, args.width);
      with_stride(args.stride_x, [&](auto step) {
        const int64_t stride = step.of(args.stride_x);
        const I base = I(iy * args.width + shift);
        const T* line = plane + iy * args.width + shift;
        for (int64_t x = range.first; x < range.last; x++) {
          const A value = A(line[x * stride]);
          const bool wins = (value > best[x - begin]) | (value != value);
          best[x - begin] = wins ? value : best[x - begin];
          where[x - begin] = wins ? I(base + I(x * stride)) : where[x - begin];
        }
      });
    }
  }
  for (int64_t i = 0; i < end - begin; i++) out[begin + i] = T(best[i]);
  if (indices)
    for (int64_t i = 0; i < end - begin; i++) indices[begin + i] = where[i];
}

template <class T>
void max_planes(const PoolArgs& args) {
  const int64_t lines = args.planes * args.out_height;
  parallel_for(
      lines, plane_grain(args.out_width * args.kernel_y * args.kernel_x), [&](int64_t from, int64_t to) {
        for (int64_t line = from; line < to; line++) {
          const T* plane = static_cast<const T*>(args.in) + line / args.out_height * args.height * args.width;
          T* out = static_cast<T*>(args.out) + line * args.out_width;
          int64_t* indices = args.indices ? args.indices + line * args.out_width : nullptr;
          for (int64_t x = 0; x < args.out_width; x += kLine)
            max_line(args, plane, line % args.out_height, x, lesser(args.out_width, x + kLine), out, indices);
        }
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
