#include "tensorgrad/ops/convolution.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/core/work.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/product.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// What a convolution and its gradients know besides their tensors. Padding may be greater after the image
// than before; in a transposed convolution it is less by the output padding, so that sizes fit both ways.
struct Geometry {
  int64_t stride_y, stride_x, padding_y, padding_x, after_y, after_x, dilation_y, dilation_x, groups;

  int64_t out_height(int64_t size, int64_t kernel) const {
    return (size + padding_y + after_y - dilation_y * (kernel - 1) - 1) / stride_y + 1;
  }
  int64_t out_width(int64_t size, int64_t kernel) const {
    return (size + padding_x + after_x - dilation_x * (kernel - 1) - 1) / stride_x + 1;
  }
};

// The kernels take float32, float64 and integers; float16 and bfloat16 compute in float32.
DType compute_type(DType t) { return is_reduced_float(t) ? DType::Float32 : t; }
Tensor ready(const Tensor& t) { return contiguous(to(t, compute_type(t.dtype()))); }

ConvArgs arguments(const Shape& input, const Shape& weight, const Geometry& g, DType dtype) {
  ConvArgs args;
  args.dtype = dtype;
  args.batch = input[0], args.in_channels = input[1], args.height = input[2], args.width = input[3];
  args.out_channels = weight[0], args.kernel_y = weight[2], args.kernel_x = weight[3];
  args.out_height = g.out_height(input[2], weight[2]), args.out_width = g.out_width(input[3], weight[3]);
  args.stride_y = g.stride_y, args.stride_x = g.stride_x;
  args.padding_y = g.padding_y, args.padding_x = g.padding_x;
  args.dilation_y = g.dilation_y, args.dilation_x = g.dilation_x;
  args.groups = g.groups;
  return args;
}

void run(Slot<void(const ConvArgs&)>& slot, const Tensor& out, const ConvArgs& args) {
  if (out.numel() == 0) return;
  multiply_adds += args.batch * args.out_channels * args.out_height * args.out_width *
                   (args.in_channels / args.groups) * args.kernel_y * args.kernel_x;
  slot(out.device(), args);
}

Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias, const Geometry& g);
Tensor transposed(const char* node, const Tensor& u, const Tensor& weight, const Tensor& bias,
                  const Shape& input_sizes, const Geometry& g);
Tensor input_gradient(const Tensor& u, const Tensor& weight, const Shape& input_sizes, const Geometry& g) {
  return transposed("ConvolutionBackwardBackward0", u, weight, {}, input_sizes, g);
}
Tensor weight_gradient(const Tensor& u, const Tensor& input, const Shape& weight_sizes, const Geometry& g);

// The three are linear in each of their tensors, and the gradients of each are the other two.
Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias, const Geometry& g) {
  Tensor out;
  {
    NoGradGuard guard;
    const Tensor a = ready(input), w = ready(weight), b = bias.defined() ? ready(bias) : bias;
    ConvArgs args = arguments(a.sizes(), w.sizes(), g, a.dtype());
    out = Tensor::empty({args.batch, args.out_channels, args.out_height, args.out_width}, a.dtype(),
                        a.device());
    args.input = a.bytes();
    args.weight = w.bytes();
    args.bias = b.defined() ? b.bytes() : nullptr;
    args.output = out.bytes();
    run(slots::conv2d, out, args);
    out = to(out, input.dtype());
  }
  return record(
      "ConvolutionBackward0", out, Out{},
      saved(wants_gradient(weight) ? input : Tensor(), wants_gradient(input) ? weight : Tensor(),
            input.sizes(), weight.sizes(), g),
      wrt(input, [](const Tensor& u, const Tensor&, const Tensor& weight, const Shape& input_sizes,
                    const Shape&, const Geometry& g) { return input_gradient(u, weight, input_sizes, g); }),
      wrt(weight,
          [](const Tensor& u, const Tensor& input, const Tensor&, const Shape&, const Shape& weight_sizes,
             const Geometry& g) { return weight_gradient(u, input, weight_sizes, g); }),
      wrt(bias, [](const Tensor& u, const Tensor&, const Tensor&, const Shape&, const Shape&,
                   const Geometry&) { return sum(sum(u, {2, 3}), {0}); }));
}

// The gradient by the input; with a bias for each of its channels, the transposed convolution of u.
Tensor transposed(const char* node, const Tensor& u, const Tensor& weight, const Tensor& bias,
                  const Shape& input_sizes, const Geometry& g) {
  Tensor out;
  {
    NoGradGuard guard;
    const Tensor up = ready(u), w = ready(weight), b = bias.defined() ? ready(bias) : bias;
    ConvArgs args = arguments(input_sizes, w.sizes(), g, w.dtype());
    out = Tensor::empty(input_sizes, w.dtype(), w.device());
    args.grad_output = up.bytes();
    args.weight = w.bytes();
    args.bias = b.defined() ? b.bytes() : nullptr;
    args.grad_input = out.bytes();
    run(slots::conv2d_grad_input, out, args);
    out = to(out, u.dtype());
  }
  return record(
      node, out, Out{},
      saved(wants_gradient(weight) ? u : Tensor(), wants_gradient(u) ? weight : Tensor(), weight.sizes(), g),
      wrt(u, [](const Tensor& v, const Tensor&, const Tensor& weight, const Shape&,
                const Geometry& g) { return convolution(v, weight, {}, g); }),
      wrt(weight, [](const Tensor& v, const Tensor& u, const Tensor&, const Shape& sizes,
                     const Geometry& g) { return weight_gradient(u, v, sizes, g); }),
      wrt(bias, [](const Tensor& v, const Tensor&, const Tensor&, const Shape&, const Geometry&) {
        return sum(sum(v, {2, 3}), {0});
      }));
}

Tensor weight_gradient(const Tensor& u, const Tensor& input, const Shape& weight_sizes, const Geometry& g) {
  Tensor out;
  {
    NoGradGuard guard;
    const Tensor up = ready(u), a = ready(input);
    ConvArgs args = arguments(a.sizes(), weight_sizes, g, a.dtype());
    out = Tensor::empty(weight_sizes, a.dtype(), a.device());
    args.grad_output = up.bytes();
    args.input = a.bytes();
    args.grad_weight = out.bytes();
    run(slots::conv2d_grad_weight, out, args);
    out = to(out, u.dtype());
  }
  return record(
      "ConvolutionBackwardBackward0", out, Out{},
      saved(wants_gradient(input) ? u : Tensor(), wants_gradient(u) ? input : Tensor(), input.sizes(), g),
      wrt(u, [](const Tensor& v, const Tensor&, const Tensor& input, const Shape&,
                const Geometry& g) { return convolution(input, v, {}, g); }),
      wrt(input, [](const Tensor& v, const Tensor& u, const Tensor&, const Shape& sizes, const Geometry& g) {
        return input_gradient(u, v, sizes, g);
      }));
}

// One number for each dimension of the image; dims is what the weight has.
Ints one_each(const char* name, const Ints& values, int64_t dims) {
  TG_CHECK(int64_t(values.size()) == dims || values.size() == 1, Runtime, "expected ", name,
           " to be a single integer value or a list of ", dims,
           " values to match the convolution dimensions, but got ", name, "=", values);
  Ints each = values;
  while (int64_t(each.size()) < dims) each.push_back(values[0]);
  return each;
}

bool any_below(const Ints& values, int64_t least) {
  for (int64_t v : values)
    if (v < least) return true;
  return false;
}

void check_same_dtype(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  TG_CHECK(!bias.defined() || input.dtype() == bias.dtype(), Runtime, "Input type (",
           c_type_name(input.dtype()), ") and bias type (", bias.defined() ? c_type_name(bias.dtype()) : "",
           ") should be the same");
  TG_CHECK(input.dtype() == weight.dtype(), Runtime, "expected scalar type ",
           dtype_scalar_name(input.dtype()), " but found ", dtype_scalar_name(weight.dtype()));
}

void check_dtypes(const Tensor& input, const Tensor& weight, const Tensor& bias, const Geometry& g) {
  check_same_dtype(input, weight, bias);
  const bool dilated = g.dilation_y != 1 || g.dilation_x != 1;
  TG_CHECK(is_floating(input.dtype()) || input.dtype() == DType::Int64 ||
               (!dilated && input.dtype() != DType::Bool),
           NotImplemented, "\"", dilated ? "slow_conv_dilated<>" : "slow_conv2d_cpu",
           "\" not implemented for '", dtype_scalar_name(input.dtype()), "'");
}

void check_sizes(const Shape& input, const Shape& weight, const Tensor& bias, const Geometry& g) {
  TG_CHECK(weight[0] >= g.groups, Runtime, "Given groups=", g.groups, ", expected weight to be at least ",
           g.groups, " at dimension 0, but got weight of size ", weight, " instead");
  TG_CHECK(weight[0] % g.groups == 0, Runtime, "Given groups=", g.groups,
           ", expected weight to be divisible by ", g.groups, " at dimension 0, but got weight of size [",
           weight, "] instead");
  TG_CHECK(input[1] == weight[1] * g.groups, Runtime, "Given groups=", g.groups, ", weight of size ", weight,
           ", expected input", input, " to have ", weight[1] * g.groups, " channels, but got ", input[1],
           " channels instead");
  TG_CHECK(!bias.defined() || (bias.dim() == 1 && bias.sizes()[0] == weight[0]), Runtime,
           "Given weight of size ", weight, ", expected bias to be 1-dimensional with ", weight[0],
           " elements, but got bias of size ", bias.defined() ? bias.sizes() : Shape(), " instead");
  TG_CHECK(weight[2] > 0 && weight[3] > 0, Runtime,
           "kernel size should be greater than zero, but got kernel_height: ", weight[2],
           " kernel_width: ", weight[3]);
  const int64_t height = input[2] + g.padding_y + g.after_y, width = input[3] + g.padding_x + g.after_x;
  const int64_t reach_y = g.dilation_y * (weight[2] - 1) + 1, reach_x = g.dilation_x * (weight[3] - 1) + 1;
  TG_CHECK(height >= reach_y && width >= reach_x, Runtime, "Calculated padded input size per channel: (",
           height, " x ", width, "). Kernel size: (", reach_y, " x ", reach_x,
           "). Kernel size can't be greater than actual input size");
  TG_CHECK(input[0] == 0 || input[1] == 0 || (input[2] > 0 && input[3] > 0), Runtime,
           "Only zero batch or zero channel inputs are supported, but got input shape: ", input);
}

Tensor checked_convolution(const Tensor& input, const Tensor& weight, const Tensor& bias, const Ints& stride,
                           const Ints& padding, const Ints& after, const Ints& dilation, int64_t groups) {
  TG_CHECK(input.dim() == 3 || input.dim() == 4, Runtime,
           "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: ", input.sizes());
  common_device({&input, &weight, &bias});
  TG_CHECK(!bias.defined() || input.dtype() == bias.dtype(), Runtime, "Input type (",
           c_type_name(input.dtype()), ") and bias type (", bias.defined() ? c_type_name(bias.dtype()) : "",
           ") should be the same");
  const int64_t dims = weight.dim() - 2;
  const Ints s = one_each("stride", stride, dims), p = one_each("padding", padding, dims);
  const Ints d = one_each("dilation", dilation, dims);
  TG_CHECK(dims == 2, Runtime, "weight should have at least three dimensions");
  TG_CHECK(!any_below(p, 0), Runtime, "negative padding is not supported");
  TG_CHECK(!any_below(s, 1), Runtime, "non-positive stride is not supported");
  TG_CHECK(groups > 0, Runtime, "non-positive groups is not supported");
  TG_CHECK(!any_below(d, 1), Runtime, "dilation should be greater than zero, but got ", d);
  const Geometry g{s[0], s[1], p[0], p[1], p[0] + after[0], p[1] + after[1], d[0], d[1], groups};
  const bool batched = input.dim() == 4;
  const Tensor images = batched ? input : unsqueeze(input, 0);
  check_sizes(images.sizes(), weight.sizes(), bias, g);
  if (images.numel() > 0) check_dtypes(images, weight, bias, g);
  const Tensor out = convolution(images, weight, bias, g);
  return batched ? out : squeeze(out, {0});
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Ints& stride,
              const Ints& padding, const Ints& dilation, int64_t groups) {
  return checked_convolution(input, weight, bias, stride, padding, {0, 0}, dilation, groups);
}
TG_OP(conv2d,
      "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] "
      "dilation=1, "
      "int groups=1) -> Tensor",
      kFunction | kFunctional, R"(
Slides each kernel of weight (out, in / groups, kh, kw) over images (n, in, h, w), or one image (in, h, w), of one dtype:

out[n, o, y, x] = bias[o] + sum of weight[o, c, i, j] * input[n, c, y * stride + i * dilation - padding, ...],

zero outside of the image. Output channels of a group see the input channels of their group.

Backward: for input the transposed convolution of u, for weight the correlation of u with input, for bias the sum of u over
images and places.
)");

Tensor conv2d_padded(const Tensor& input, const Tensor& weight, const Tensor& bias, const Ints& stride,
                     std::string_view padding, const Ints& dilation, int64_t groups) {
  TG_CHECK(input.dim() == 3 || input.dim() == 4, Runtime,
           "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: ", input.sizes());
  if (padding == "valid") return conv2d(input, weight, bias, stride, {0, 0}, dilation, groups);
  TG_CHECK(padding == "same", Runtime, "Invalid padding string: '", padding, "'");
  TG_CHECK(weight.dim() == 4, Runtime, "weight should have at least three dimensions");
  for (int64_t s : stride)
    TG_CHECK(s == 1, Runtime, "padding='same' is not supported for strided convolutions");
  const Ints d = one_each("dilation", dilation, 2);
  const int64_t y = d[0] * (weight.sizes()[2] - 1), x = d[1] * (weight.sizes()[3] - 1);
  return checked_convolution(input, weight, bias, stride, {y / 2, x / 2}, {y % 2, x % 2}, dilation, groups);
}
TG_OP(conv2d_padded,
      "conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, str padding='valid', int[2] "
      "dilation=1, "
      "int groups=1) -> Tensor",
      kFunction | kFunctional, R"(
With padding 'valid' none, with 'same' so much that the image keeps its size (the odd one goes behind; stride 1 only).
)");

namespace {

void check_transposed_sizes(const Shape& input, const Shape& weight, const Tensor& bias, int64_t groups) {
  TG_CHECK(weight[0] >= groups, Runtime, "Given groups=", groups, ", expected weight to be at least ", groups,
           " at dimension 0, but got weight of size ", weight, " instead");
  TG_CHECK(weight[0] % groups == 0, Runtime, "Given groups=", groups, ", expected weight to be divisible by ",
           groups, " at dimension 0, but got weight of size [", weight, "] instead");
  TG_CHECK(input[1] == weight[0], Runtime, "Given transposed=1, weight of size ", weight, ", expected input",
           input, " to have ", weight[0], " channels, but got ", input[1], " channels instead");
  TG_CHECK(!bias.defined() || (bias.dim() == 1 && bias.sizes()[0] == weight[1] * groups), Runtime,
           "Given transposed=1, weight of size ", weight, ", expected bias to be 1-dimensional with ",
           weight[1] * groups, " elements, but got bias of size ", bias.defined() ? bias.sizes() : Shape(),
           " instead");
  TG_CHECK(weight[2] > 0 && weight[3] > 0, Runtime,
           "kernel size should be greater than zero, but got kernel_height: ", weight[2],
           " kernel_width: ", weight[3]);
  TG_CHECK(input[2] > 0 && input[3] > 0, Runtime,
           "Only zero batch or zero channel inputs are supported, but got input shape: ", input);
}

}  // namespace

Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Ints& stride,
                        const Ints& padding, const Ints& output_padding, int64_t groups,
                        const Ints& dilation) {
  TG_CHECK(input.dim() == 3 || input.dim() == 4, Runtime,
           "Expected 3D (unbatched) or 4D (batched) input to conv_transpose2d, but got input of size: ",
           input.sizes());
  common_device({&input, &weight, &bias});
  const int64_t dims = weight.dim() - 2;
  const Ints s = one_each("stride", stride, dims), p = one_each("padding", padding, dims);
  const Ints d = one_each("dilation", dilation, dims);
  const Ints more = one_each("output_padding", output_padding, dims);
  TG_CHECK(dims == 2, Runtime, "weight should have at least three dimensions");
  TG_CHECK(!any_below(p, 0), Runtime, "negative padding is not supported");
  TG_CHECK(!any_below(more, 0), Runtime, "negative output_padding is not supported");
  TG_CHECK(!any_below(s, 1), Runtime, "non-positive stride is not supported");
  TG_CHECK(groups > 0, Runtime, "non-positive groups is not supported");
  TG_CHECK(!any_below(d, 1), Runtime, "dilation should be greater than zero, but got ", d);
  const bool batched = input.dim() == 4;
  const Tensor images = batched ? input : unsqueeze(input, 0);
  const Shape &in = images.sizes(), &kernel = weight.sizes();
  check_transposed_sizes(in, kernel, bias, groups);
  check_same_dtype(images, weight, bias);
  TG_CHECK(is_floating(input.dtype()) || input.dtype() == DType::Int64, NotImplemented,
           "\"slow_conv_transpose2d_out_cpu\" not implemented for '", dtype_scalar_name(input.dtype()), "'");
  TG_CHECK((more[0] < s[0] || more[0] < d[0]) && (more[1] < s[1] || more[1] < d[1]), Runtime,
           "output padding must be smaller than either stride or dilation, but got output_padding_height: ",
           more[0], " output_padding_width: ", more[1], " stride_height: ", s[0], " stride_width: ", s[1],
           " dilation_height: ", d[0], " dilation_width: ", d[1]);
  const int64_t height = (in[2] - 1) * s[0] - 2 * p[0] + d[0] * (kernel[2] - 1) + more[0] + 1;
  const int64_t width = (in[3] - 1) * s[1] - 2 * p[1] + d[1] * (kernel[3] - 1) + more[1] + 1;
  TG_CHECK(height > 0 && width > 0, Runtime, "Given input size per channel: (", in[2], " x ", in[3],
           "). Calculated output size per channel: (", height, " x ", width, "). Output size is too small");
  const Geometry g{s[0], s[1], p[0], p[1], p[0] - more[0], p[1] - more[1], d[0], d[1], groups};
  const Shape sizes{in[0], kernel[1] * groups, height, width};
  const Tensor out = transposed("ConvolutionBackward0", images, weight, bias, sizes, g);
  return batched ? out : squeeze(out, {0});
}
TG_OP(conv_transpose2d,
      "conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, "
      "int[2] output_padding=0, int groups=1, int[2] dilation=1) -> Tensor",
      kFunction | kFunctional, R"(
The gradient of conv2d by its input, as a function of its own: every place of input (n, in, h, w) or (in, h, w) adds the
kernels of weight (in, out / groups, kh, kw), times its value, to the image around it:

out[n, o, y * stride + i * dilation - padding, ...] = bias[o] + sum of weight[c, o, i, j] * input[n, c, y, x] over all that
fall there.

The image has (h - 1) * stride - 2 * padding + dilation * (kh - 1) + output_padding + 1 rows, and columns alike:
output_padding chooses one of the sizes from which conv2d with this stride comes to h.

Backward: for input the convolution of u, for weight the correlation of input with u, for bias the sum of u over images and
places.
)");

}  // namespace tensorgrad
