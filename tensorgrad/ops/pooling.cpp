#include "tensorgrad/ops/pooling.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"

namespace tensorgrad {
namespace {

struct Pair {
  int64_t y, x;
};
Pair pair_of(const Ints& values) { return {values[0], values.size() == 1 ? values[0] : values[1]}; }
bool one_or_two(const Ints& values) { return values.size() == 1 || values.size() == 2; }

// Windows of one size; the image's sizes are filled in by fit().
struct Windows {
  Pair kernel, stride, padding, dilation;
  bool ceil_mode = false, include_padding = true;
  int64_t divisor = 0;
};

Windows windows(const char* name, const Ints& kernel_size, const Ints& stride, const Ints& padding,
                const Ints& dilation, bool ceil_mode) {
  TG_CHECK(one_or_two(kernel_size), Runtime, name,
           ": kernel_size must either be a single int, or a tuple of two ints");
  TG_CHECK(stride.empty() || one_or_two(stride), Runtime, name,
           ": stride must either be omitted, a single int, or a tuple of two ints");
  TG_CHECK(one_or_two(padding), Runtime, name,
           ": padding must either be a single int, or a tuple of two ints");
  TG_CHECK(one_or_two(dilation), Runtime, name,
           ": dilation must be either a single int, or a tuple of two ints");
  return {pair_of(kernel_size), pair_of(stride.empty() ? kernel_size : stride), pair_of(padding),
          pair_of(dilation), ceil_mode};
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

int64_t output_size(int64_t size, int64_t kernel, int64_t padding, int64_t stride, int64_t dilation,
                    bool ceil_mode) {
  TG_CHECK(stride != 0, Runtime, "stride should not be zero");
  TG_CHECK(padding >= 0, Runtime, "pad must be non-negative, but got pad: ", padding);
  TG_CHECK(padding <= ((kernel - 1) * dilation + 1) / 2, Runtime,
           "pad should be at most half of effective kernel size, but got pad=", padding,
           ", kernel_size=", kernel, " and dilation=", dilation);
  int64_t out =
      floor_div(size + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0), stride) + 1;
  // A window must begin inside the image or the padding before it.
  if (ceil_mode && (out - 1) * stride >= size + padding) out--;
  return out;
}

PoolArgs fit(const Windows& w, const Shape& sizes, DType dtype) {
  const int64_t ndim = int64_t(sizes.size());
  PoolArgs args;
  args.dtype = dtype;
  const int64_t channels = sizes[ndim - 3];
  args.height = sizes[ndim - 2], args.width = sizes[ndim - 1];
  args.planes = channels * (ndim == 4 ? sizes[0] : 1);
  args.out_height = output_size(args.height, w.kernel.y, w.padding.y, w.stride.y, w.dilation.y, w.ceil_mode);
  args.out_width = output_size(args.width, w.kernel.x, w.padding.x, w.stride.x, w.dilation.x, w.ceil_mode);
  TG_CHECK(w.kernel.y > 0 && w.kernel.x > 0, Runtime,
           "kernel size should be greater than zero, but got kH: ", w.kernel.y, " kW: ", w.kernel.x);
  TG_CHECK(w.stride.y > 0 && w.stride.x > 0, Runtime,
           "stride should be greater than zero, but got dH: ", w.stride.y, " dW: ", w.stride.x);
  TG_CHECK(w.dilation.y > 0 && w.dilation.x > 0, Runtime,
           "dilation should be greater than zero, but got dilationH: ", w.dilation.y,
           " dilationW: ", w.dilation.x);
  TG_CHECK(channels != 0 && args.height != 0 && args.width != 0, Runtime,
           "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:", sizes);
  TG_CHECK(args.out_height >= 1 && args.out_width >= 1, Runtime, "Given input size: (", channels, "x",
           args.height, "x", args.width, "). Calculated output size: (", channels, "x", args.out_height, "x",
           args.out_width, "). Output size is too small");
  args.kernel_y = w.kernel.y, args.kernel_x = w.kernel.x;
  args.stride_y = w.stride.y, args.stride_x = w.stride.x;
  args.padding_y = w.padding.y, args.padding_x = w.padding.x;
  args.dilation_y = w.dilation.y, args.dilation_x = w.dilation.x;
  args.include_padding = w.include_padding;
  args.divisor = w.divisor;
  return args;
}

Shape pooled_sizes(const Shape& sizes, const PoolArgs& args) {
  Shape out = sizes;
  out[out.size() - 2] = args.out_height;
  out[out.size() - 1] = args.out_width;
  return out;
}

// Runs a kernel from a contiguous `in` to fresh memory of the given sizes.
template <class Slot>
Tensor pooled(Slot& slot, PoolArgs args, const Tensor& in, const Shape& sizes, int64_t* indices = nullptr) {
  NoGradGuard guard;
  const Tensor source = contiguous(in);
  Tensor out = Tensor::empty(sizes, in.dtype(), in.device());
  args.in = source.bytes();
  args.out = out.bytes();
  args.indices = indices;
  if (out.numel() > 0) slot(out.device(), args);
  return out;
}

// Two linear maps, each the other's gradient: the upstream gradient to the places of the maxima, and values
// from there.
Tensor pick_maxima(const Tensor& image, const Tensor& indices, const PoolArgs& args);
Tensor scatter_maxima(const Tensor& u, const Tensor& indices, const Shape& sizes, const PoolArgs& args) {
  Tensor out = pooled(slots::max_pool2d_grad, args, u, sizes, indices.data<int64_t>());
  return record("MaxPool2DWithIndicesBackwardBackward0", out, Out{}, saved(indices, args),
                wrt(u, [](const Tensor& v, const Tensor& indices, const PoolArgs& args) {
                  return pick_maxima(v, indices, args);
                }));
}
Tensor pick_maxima(const Tensor& image, const Tensor& indices, const PoolArgs& args) {
  Tensor out = pooled(slots::max_pool2d_pick, args, image, indices.sizes(), indices.data<int64_t>());
  return record("GatherBackward0", out, Out{}, saved(indices, image.sizes(), args),
                wrt(image, [](const Tensor& u, const Tensor& indices, const Shape& sizes,
                              const PoolArgs& args) { return scatter_maxima(u, indices, sizes, args); }));
}

std::tuple<Tensor, Tensor> max_pool(const Tensor& input, const Windows& w, bool want_indices) {
  TG_CHECK(input.dim() == 3 || input.dim() == 4, Runtime,
           "non-empty 3D or 4D (batch mode) tensor expected for input");
  const PoolArgs args = fit(w, input.sizes(), input.dtype());
  TG_CHECK(input.dtype() != DType::Bool, NotImplemented, "\"max_pool2d\" not implemented for 'Bool'");
  const Shape sizes = pooled_sizes(input.sizes(), args);
  Tensor indices;
  if (want_indices || (grad_enabled() && wants_gradient(input)))
    indices = Tensor::empty(sizes, DType::Int64, input.device());
  Tensor out =
      pooled(slots::max_pool2d, args, input, sizes, indices.defined() ? indices.data<int64_t>() : nullptr);
  TensorList outputs{out, indices};
  record_jointly("MaxPool2DWithIndicesBackward0", outputs, Out{}, {input},
                 saved(indices, input.sizes(), args),
                 [](const Upstream& u, const Tensor& indices, const Shape& sizes, const PoolArgs& args) {
                   return TensorList{scatter_maxima(u[0], indices, sizes, args)};
                 });
  return {outputs[0], outputs[1]};
}

}  // namespace

std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Ints& kernel_size,
                                                   const Ints& stride, const Ints& padding,
                                                   const Ints& dilation, bool ceil_mode) {
  return max_pool(input, windows("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode), true);
}
TG_OP(max_pool2d_with_indices,
      "max_pool2d_with_indices(Tensor input, int[2] kernel_size, int[2]? stride=None, int[2] padding=0, "
      "int[2] dilation=1, "
      "bool ceil_mode=False) -> (Tensor, Tensor)",
      kFunctional, R"(
max_pool2d() and, for each maximum, its position in its plane of input (the first one's, or a NaN's), int64.

Backward: u at each window's maximum, summed where windows share it.
)");

Tensor max_pool2d(const Tensor& input, const Ints& kernel_size, const Ints& stride, const Ints& padding,
                  const Ints& dilation, bool ceil_mode) {
  return std::get<0>(
      max_pool(input, windows("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode), false));
}
TG_OP(
    max_pool2d,
    "max_pool2d(Tensor input, int[2] kernel_size, int[2]? stride=None, int[2] padding=0, int[2] dilation=1, "
    "bool ceil_mode=False) -> Tensor",
    kFunction, R"(
The maximum of each window of images (n, c, h, w) or (c, h, w); stride defaults to kernel_size, padding never wins. With
ceil_mode a last window may reach beyond the image.

Backward: u goes to the place of each maximum.
)");

// What nn.functional.max_pool2d returns: the maxima, or the maxima and their places.
struct MaybeIndexed {
  Tensor values, indices;
};
void box(Result& r, MaybeIndexed value) {
  if (value.indices.defined())
    box(r, std::tuple(std::move(value.values), std::move(value.indices)));
  else
    box(r, std::move(value.values));
}
MaybeIndexed functional_max_pool2d(const Tensor& input, const Ints& kernel_size, const Ints& stride,
                                   const Ints& padding, const Ints& dilation, bool ceil_mode,
                                   bool return_indices) {
  auto [values, indices] = max_pool(
      input, windows("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode), return_indices);
  return {values, return_indices ? indices : Tensor()};
}
TG_OP(
    functional_max_pool2d,
    "max_pool2d(Tensor input, int[2] kernel_size, int[2]? stride=None, int[2] padding=0, int[2] dilation=1, "
    "bool ceil_mode=False, bool return_indices=False) -> Tensor",
    kFunctional, R"(
The maximum of each window, and with return_indices also their places: see max_pool2d and max_pool2d_with_indices.

Backward: u at each window's maximum, summed where windows share it.
)");

namespace {

// An average is linear: its gradient's gradient is the average again.
Tensor average(const Tensor& input, const PoolArgs& args, const Out& dest = {});
Tensor average_gradient(const Tensor& u, const Shape& sizes, const PoolArgs& args) {
  Tensor out = pooled(slots::avg_pool2d_grad, args, u, sizes);
  return record("AvgPool2DBackwardBackward0", out, Out{}, saved(args),
                wrt(u, [](const Tensor& v, const PoolArgs& args) { return average(v, args); }));
}
Tensor average(const Tensor& input, const PoolArgs& args, const Out& dest) {
  Tensor out = pooled(slots::avg_pool2d, args, input, pooled_sizes(input.sizes(), args));
  if (dest) out = deliver("avg_pool2d", dest, out);
  return record("AvgPool2DBackward0", out, dest, saved(input.sizes(), args),
                wrt(input, [](const Tensor& u, const Shape& sizes, const PoolArgs& args) {
                  return average_gradient(u, sizes, args);
                }));
}

Tensor adaptive_average(const Tensor& input, const PoolArgs& args);
Tensor adaptive_gradient(const Tensor& u, const Shape& sizes, const PoolArgs& args) {
  Tensor out = pooled(slots::adaptive_avg_pool2d_grad, args, u, sizes);
  return record("AdaptiveAvgPool2DBackwardBackward0", out, Out{}, saved(args),
                wrt(u, [](const Tensor& v, const PoolArgs& args) { return adaptive_average(v, args); }));
}
Tensor adaptive_average(const Tensor& input, const PoolArgs& args) {
  Tensor out = pooled(slots::adaptive_avg_pool2d, args, input, pooled_sizes(input.sizes(), args));
  return record("AdaptiveAvgPool2DBackward0", out, Out{}, saved(input.sizes(), args),
                wrt(input, [](const Tensor& u, const Shape& sizes, const PoolArgs& args) {
                  return adaptive_gradient(u, sizes, args);
                }));
}

Tensor adaptive_to(const Tensor& input, const Ints& wanted) {
  TG_CHECK(wanted.size() == 2, Runtime, "adaptive_avg_pool2d: output_size must be 2");
  Ints output_size = wanted;
  for (int64_t d = 0; d < 2; d++)
    if (output_size[d] == kNoneItem) output_size[d] = input.size(d - 2);
  TG_CHECK(output_size[0] >= 0 && output_size[1] >= 0, Runtime,
           "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received {",
           output_size[0], ", ", output_size[1], "}");
  if (output_size[0] == 1 && output_size[1] == 1) return mean(input, {-2, -1}, true);
  const int64_t ndim = input.dim();
  TG_CHECK(ndim == 3 || ndim == 4, Runtime, "adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got ",
           input.sizes());
  for (int64_t d = ndim - 2; d < ndim; d++)
    TG_CHECK(input.sizes()[d] != 0, Runtime,
             "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, but "
             "input has sizes ",
             input.sizes(), " with dimension ", d, " being empty");
  TG_CHECK(is_floating(input.dtype()) || input.numel() == 0, NotImplemented,
           "\"adaptive_avg_pool2d\" not implemented for '", dtype_scalar_name(input.dtype()), "'");
  PoolArgs args;
  args.dtype = input.dtype();
  args.height = input.sizes()[ndim - 2], args.width = input.sizes()[ndim - 1];
  args.planes = input.sizes()[ndim - 3] * (ndim == 4 ? input.sizes()[0] : 1);
  args.out_height = output_size[0], args.out_width = output_size[1];
  return adaptive_average(input, args);
}

}  // namespace

Tensor avg_pool2d(const Tensor& input, const Ints& kernel_size, const Ints& stride, const Ints& padding,
                  bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor_override, Out out) {
  Windows w = windows("avg_pool2d", kernel_size, stride, padding, {1}, ceil_mode);
  TG_CHECK(!divisor_override || *divisor_override != 0, Runtime, "divisor must be not zero");
  w.include_padding = count_include_pad;
  w.divisor = divisor_override.value_or(0);
  wrap_dim(-3, input.dim(), false);
  TG_CHECK(input.dim() <= 4, Runtime,
           "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:",
           input.sizes());
  const PoolArgs args = fit(w, input.sizes(), input.dtype());
  TG_CHECK(is_floating(input.dtype()) || input.dtype() == DType::Int64, NotImplemented,
           "\"avg_pool2d\" not implemented for '", dtype_scalar_name(input.dtype()), "'");
  return average(input, args, out);
}
TG_OP(avg_pool2d,
      "avg_pool2d(Tensor input, int[2] kernel_size, int[2]? stride=None, int[2] padding=0, bool "
      "ceil_mode=False, "
      "bool count_include_pad=True, int? divisor_override=None, *, Tensor? out=None) -> Tensor",
      kFunctional, R"(
The mean of each window of images (n, c, h, w) or (c, h, w); stride defaults to kernel_size. The sum is divided by the
window's size, less the padding in it unless count_include_pad, or by divisor_override.

Backward: u over the same divisor, to every place of the window.
)");

Tensor adaptive_avg_pool2d(const Tensor& input, const Ints& wanted) {
  TG_CHECK(input.dim() > int64_t(wanted.size()), Value, "Input dimension should be at least ",
           wanted.size() + 1);
  return adaptive_to(input, wanted);
}
TG_OP(adaptive_avg_pool2d, "adaptive_avg_pool2d(Tensor input, int?[] output_size) -> Tensor", kFunctional, R"(
The means of output_size windows (None: the input's size) that cover each plane evenly: output i of n spans from floor(i * size / n) to
ceil((i + 1) * size / n).

Backward: u over the window's size, to every place of the window.
)");

Tensor adaptive_avg_pool2d_square(const Tensor& input, int64_t output_size) {
  return adaptive_to(input, {output_size, output_size});
}
TG_OP(adaptive_avg_pool2d_square, "adaptive_avg_pool2d(Tensor input, int output_size) -> Tensor", kFunctional,
      R"(
As many windows in both directions.
)");

}  // namespace tensorgrad
