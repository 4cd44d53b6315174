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

// The transposed convolution: what the position receives from every place of grad_output that reads it.
template <class T>
T at_input_position(const ConvArgs& args, int64_t n, int64_t c, int64_t y, int64_t x) {
  const int64_t in = args.in_channels / args.groups, out = args.out_channels / args.groups, group = c / in;
  uint64_t sum = args.bias ? uint64_t(static_cast<const T*>(args.bias)[c]) : 0;
  for (int64_t o = group * out; o < (group + 1) * out; ++o) {
    const T* plane = static_cast<const T*>(args.grad_output) +
                     (n * args.out_channels + o) * args.out_height * args.out_width;
    const T* kernel = static_cast<const T*>(args.weight) + (o * in + c % in) * args.kernel_y * args.kernel_x;
    for (int64_t ky = 0; ky < args.kernel_y; ++ky) {
      const int64_t from_y = y + args.padding_y - ky * args.dilation_y, oy = from_y / args.stride_y;
      if (from_y < 0 || from_y % args.stride_y != 0 || oy >= args.out_height) continue;
      for (int64_t kx = 0; kx < args.kernel_x; ++kx) {
        const int64_t from_x = x + args.padding_x - kx * args.dilation_x, ox = from_x / args.stride_x;
        if (from_x < 0 || from_x % args.stride_x != 0 || ox >= args.out_width) continue;
        sum += uint64_t(plane[oy * args.out_width + ox]) * uint64_t(kernel[ky * args.kernel_x + kx]);
      }
    }
  }
  return T(sum);
}

// Every position of (batch, channels, height, width) by itself, each a sum of so many terms.
template <class T, class Value>
void each_position(T* to, int64_t batch, int64_t channels, int64_t height, int64_t width, int64_t terms,
                   const Value& value) {
  const int64_t plane = height * width;
  parallel_for(batch * channels, 65536 / (plane * terms + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* out = to + i * plane;
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) *out++ = value(i / channels, i % channels, y, x);
      }
    }
  });
}

template <class T>
void convolve(const ConvArgs& args) {
  each_position(static_cast<T*>(args.output), args.batch, args.out_channels, args.out_height, args.out_width,
                args.in_channels / args.groups * args.kernel_y * args.kernel_x,
                [&](int64_t n, int64_t o, int64_t y, int64_t x) { return at_position<T>(args, n, o, y, x); });
}

template <class T>
void grad_input(const ConvArgs& args) {
  each_position(
      static_cast<T*>(args.grad_input), args.batch, args.in_channels, args.height, args.width,
      args.out_channels / args.groups * args.kernel_y * args.kernel_x,
      [&](int64_t n, int64_t c, int64_t y, int64_t x) { return at_input_position<T>(args, n, c, y, x); });
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

void conv2d_grad_input(const ConvArgs& args) {
  switch (args.dtype) {
    case DType::UInt8: return grad_input<uint8_t>(args);
    case DType::Int8: return grad_input<int8_t>(args);
    case DType::Int16: return grad_input<int16_t>(args);
    case DType::Int32: return grad_input<int32_t>(args);
    default: return grad_input<int64_t>(args);
  }
}

}  // namespace tensorgrad::cpu::TG_ISA
#endif
