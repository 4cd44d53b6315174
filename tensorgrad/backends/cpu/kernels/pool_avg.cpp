// Average pooling, over windows of one size and over windows that divide the plane evenly.
#include "tensorgrad/backends/cpu/kernels/pool_lines.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// How many elements a window counts in one direction: up to the end of the padding, or inside the plane.
int64_t counted(int64_t start, int64_t kernel, int64_t size, int64_t padding, bool include_padding) {
  const int64_t end = lesser(start + kernel, size + padding);
  return include_padding ? end - start : lesser(end, size) - greater(start, 0);
}

int64_t rows_of(const PoolArgs& args, int64_t y) {
  return counted(y * args.stride_y - args.padding_y, args.kernel_y, args.height, args.padding_y,
                 args.include_padding);
}
int64_t columns_of(const PoolArgs& args, int64_t x) {
  return counted(x * args.stride_x - args.padding_x, args.kernel_x, args.width, args.padding_x,
                 args.include_padding);
}
template <class A>
void divisors(const PoolArgs& args, int64_t y, int64_t begin, int64_t end, A* to) {
  const int64_t rows = rows_of(args, y);
  for (int64_t x = begin; x < end; x++)
    to[x - begin] = A(args.divisor ? args.divisor : rows * columns_of(args, x));
}

// Calls tap(line of the plane's data, stride, first, last) for every tap of output line y and outputs [begin,
// end): output x meets line[x * stride].
template <class T, class F>
void each_tap(const PoolArgs& args, T* plane, int64_t y, int64_t begin, int64_t end, const F& tap) {
  for (int64_t ky = 0; ky < args.kernel_y; ky++) {
    const int64_t iy = y * args.stride_y - args.padding_y + ky;
    if (iy < 0 || iy >= args.height) continue;
    for (int64_t kx = 0; kx < args.kernel_x; kx++) {
      const int64_t shift = kx - args.padding_x;
      const TapRange range(begin, end, args.stride_x, shift, args.width);
      with_stride(args.stride_x, [&](auto step) {
        tap(plane + iy * args.width + shift, step.of(args.stride_x), range.first, range.last);
      });
    }
  }
}

template <class T>
void avg_lines(const PoolArgs& args, int64_t from, int64_t to) {
  using A = compute_t<T>;
  const int64_t width = args.out_width, room = whole(width), size = Phases<A>::size(args);
  A* const sums = static_cast<A*>(thread_scratch(Scratch::accumulate, size_t(2 * room + size) * sizeof(A)));
  A* const columns = sums + room;
  Phases<A> phases(args, columns + room, A(0));
  for (int64_t x = 0; x < room; x++)
    columns[x] = A(args.divisor ? args.divisor : x < width ? columns_of(args, x) : 1);
  each_line<T>(args, phases, from, to, [&](int64_t line, int64_t y) {
    const int64_t top = y * args.stride_y - args.padding_y;
    in_blocks(width, room, [&](int64_t x) { sums[x] = 0; });
    const int64_t bottom = lesser(top + args.kernel_y, args.height);
    for (int64_t iy = greater(top, 0); iy < bottom; iy++) {
      each_group_of_taps(args.kernel_x, [&]<int K>(int64_t first) {
        const A* taps[K];
        for (int k = 0; k < K; k++) taps[k] = phases.tap(iy, first + k);
        in_blocks(width, room, [&](int64_t x) {
          A sum = sums[x];
          for (int k = 0; k < K; k++) sum += taps[k][x];
          sums[x] = sum;
        });
      });
    }
    const A rows = A(args.divisor ? 1 : rows_of(args, y));
    T* const out = static_cast<T*>(args.out) + line * width;
    // What a block writes too much is overwritten by the lines that follow.
    in_blocks(width, (to - line) * width, [&](int64_t x) {
      const A count = rows * columns[x];
      out[x] = T(count != 0 ? sums[x] / count : A(0));
    });
  });
}

template <class T>
void avg_planes(const PoolArgs& args) {
  parallel_for(args.planes * args.out_height, plane_grain(args.out_width * args.kernel_y * args.kernel_x),
               [&](int64_t from, int64_t to) { avg_lines<T>(args, from, to); });
}

template <class T>
void avg_planes_grad(const PoolArgs& args) {
  using A = compute_t<T>;
  const int64_t size = args.height * args.width, count = args.out_height * args.out_width;
  parallel_for(
      args.planes, plane_grain(size + count * args.kernel_y * args.kernel_x), [&](int64_t from, int64_t to) {
        for (int64_t index = from; index < to; index++) {
          T* plane = static_cast<T*>(args.out) + index * size;
          for (int64_t i = 0; i < size; i++) plane[i] = T(A(0));
          for (int64_t y = 0; y < args.out_height; y++) {
            const T* u = static_cast<const T*>(args.in) + index * count + y * args.out_width;
            for (int64_t begin = 0; begin < args.out_width; begin += kLine) {
              const int64_t end = lesser(args.out_width, begin + kLine);
              A shares[kLine];
              divisors(args, y, begin, end, shares);
              for (int64_t i = 0; i < end - begin; i++) shares[i] = A(u[begin + i]) / shares[i];
              each_tap(args, plane, y, begin, end, [&](T* data, int64_t stride, int64_t first, int64_t last) {
                for (int64_t x = first; x < last; x++)
                  data[x * stride] = T(A(data[x * stride]) + shares[x - begin]);
              });
            }
          }
        }
      });
}

// Output i of `out` covers [i * in / out, ceil((i + 1) * in / out)).
int64_t part_begin(int64_t i, int64_t in, int64_t out) { return i * in / out; }
int64_t part_end(int64_t i, int64_t in, int64_t out) { return ((i + 1) * in + out - 1) / out; }

// Sums n contiguous elements in lanes.
template <class T, class A>
A sum_run(const T* in, int64_t n) {
  constexpr int kLanes = 16;
  A lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int l = 0; l < kLanes; l++) lanes[l] += A(in[i + l]);
  A total = 0;
  for (int l = 0; l < kLanes; l++) total += lanes[l];
  for (; i < n; i++) total += A(in[i]);
  return total;
}

template <class T>
void adaptive_planes(const PoolArgs& args) {
  using A = compute_t<T>;
  const int64_t size = args.height * args.width, count = args.out_height * args.out_width;
  parallel_for(args.planes, plane_grain(size + count), [&](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      const T* plane = static_cast<const T*>(args.in) + index * size;
      T* out = static_cast<T*>(args.out) + index * count;
      for (int64_t y = 0; y < args.out_height; y++) {
        const int64_t y0 = part_begin(y, args.height, args.out_height),
                      y1 = part_end(y, args.height, args.out_height);
        for (int64_t x = 0; x < args.out_width; x++) {
          const int64_t x0 = part_begin(x, args.width, args.out_width),
                        x1 = part_end(x, args.width, args.out_width);
          A sum = 0;
          if (args.out_width == 1) {
            sum = sum_run<T, A>(plane + y0 * args.width, (y1 - y0) * args.width);
          } else {
            for (int64_t iy = y0; iy < y1; iy++)
              for (int64_t ix = x0; ix < x1; ix++) sum += A(plane[iy * args.width + ix]);
          }
          *out++ = T(sum / A((y1 - y0) * (x1 - x0)));
        }
      }
    }
  });
}

template <class T>
void adaptive_planes_grad(const PoolArgs& args) {
  using A = compute_t<T>;
  const int64_t size = args.height * args.width, count = args.out_height * args.out_width;
  parallel_for(args.planes, plane_grain(size + count), [&](int64_t from, int64_t to) {
    for (int64_t index = from; index < to; index++) {
      T* plane = static_cast<T*>(args.out) + index * size;
      const T* u = static_cast<const T*>(args.in) + index * count;
      for (int64_t i = 0; i < size; i++) plane[i] = T(A(0));
      for (int64_t y = 0; y < args.out_height; y++) {
        const int64_t y0 = part_begin(y, args.height, args.out_height),
                      y1 = part_end(y, args.height, args.out_height);
        for (int64_t x = 0; x < args.out_width; x++) {
          const int64_t x0 = part_begin(x, args.width, args.out_width),
                        x1 = part_end(x, args.width, args.out_width);
          const A share = A(*u++) / A((y1 - y0) * (x1 - x0));
          for (int64_t iy = y0; iy < y1; iy++)
            for (int64_t ix = x0; ix < x1; ix++)
              plane[iy * args.width + ix] = T(A(plane[iy * args.width + ix]) + share);
        }
      }
    }
  });
}

}  // namespace

#ifdef TG_PORTABLE
void avg_pool2d(const PoolArgs& args) {
  if (args.dtype == DType::Int64) return avg_planes<int64_t>(args);
  args.dtype == DType::Float16 ? avg_planes<Half>(args) : avg_planes<BFloat16>(args);
}
void avg_pool2d_grad(const PoolArgs& args) {
  args.dtype == DType::Float16 ? avg_planes_grad<Half>(args) : avg_planes_grad<BFloat16>(args);
}
void adaptive_avg_pool2d(const PoolArgs& args) {
  dispatch_floating(args.dtype, [&]<class T>() { adaptive_planes<T>(args); });
}
void adaptive_avg_pool2d_grad(const PoolArgs& args) {
  dispatch_floating(args.dtype, [&]<class T>() { adaptive_planes_grad<T>(args); });
}
#else
void avg_pool2d(const PoolArgs& args) {
  if (args.dtype == DType::Float32) return avg_planes<float>(args);
  if (args.dtype == DType::Float64) return avg_planes<double>(args);
  portable::avg_pool2d(args);
}
void avg_pool2d_grad(const PoolArgs& args) {
  if (args.dtype == DType::Float32) return avg_planes_grad<float>(args);
  if (args.dtype == DType::Float64) return avg_planes_grad<double>(args);
  portable::avg_pool2d_grad(args);
}
void adaptive_avg_pool2d(const PoolArgs& args) { portable::adaptive_avg_pool2d(args); }
void adaptive_avg_pool2d_grad(const PoolArgs& args) { portable::adaptive_avg_pool2d_grad(args); }
#endif

}  // namespace tensorgrad::cpu::TG_ISA
