// The convolution of integers, as plain loops; the levels have it from here by the name of TG_PORTABLE.
#ifdef TG_PORTABLE
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
T at_position(const ConvArgs& args, int64_t n, int64_t o, int64_t y, int64_t x) {
  const int64_t in = args.in_channels / args.groups, group = o / (args.out_channels / args.groups);
  uint64_t sum = args.bias ? uint64_t(static_cast<const T*>(args.bias)[o]) : 0;
  for (int64_t c = 0; c < in; ++c) {
    const T* plane = static_cast<const T*>(args.input) +
                     (n * args.in_channels + group * in + c) * args.height * args.width;
    const T* kernel = static_cast<const T*>(args.weight) + (o * in + c) * args.kernel_y * args.kernel_x;
    for (int64_t ky = 0; ky < args.kernel_y; ++ky) {
      const int64_t iy = y * args.stride_y - args.padding_y + ky * args.dilation_y;
      if (iy < 0 || iy >= args.height) continue;
      for (int64_t kx = 0; kx < args.kernel_x; ++kx) {
        const int64_t ix = x * args.stride_x - args.padding_x + kx * args.dilation_x;
        if (ix < 0 || ix >= args.width) continue;
        sum += uint64_t(plane[iy * args.width + ix]) * uint64_t(kernel[ky * args.kernel_x + kx]);
      }
    }
  }
  return T(sum);
}

template <class T>
void convolve(const ConvArgs& args) {
  const int64_t plane = args.out_height * args.out_width;
  const int64_t work = plane * args.in_channels / args.groups * args.kernel_y * args.kernel_x + 1;
  parallel_for(args.batch * args.out_channels, 65536 / work + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* out = static_cast<T*>(args.output) + i * plane;
      for (int64_t y = 0; y < args.out_height; ++y) {
        for (int64_t x = 0; x < args.out_width; ++x) {
          *out++ = at_position<T>(args, i / args.out_channels, i % args.out_channels, y, x);
        }
      }
    }
  });
}

}  // namespace

void conv2d(const ConvArgs& args) {
  switch (args.dtype) {
    case DType::UInt8: return convolve<uint8_t>(args);
    case DType::Int8: return convolve<int8_t>(args);
    case DType::Int16: return convolve<int16_t>(args);
    case DType::Int32: return convolve<int32_t>(args);
    default: return convolve<int64_t>(args);
  }
}

}  // namespace tensorgrad::cpu::TG_ISA
#endif
