#include "tensorgrad/ops/factories.h"

#include <cmath>

#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"

namespace tensorgrad {
namespace {

// Filled on the cpu element by element, then moved to where it is wanted.
template <class F>
Tensor generate(int64_t n, DType dtype, Device device, const F& element) {
  Tensor t = Tensor::empty({n}, dtype);
  dispatch_all(dtype, [&]<class T>() {
    T* data = t.data<T>();
    for (int64_t i = 0; i < n; i++) data[i] = T(element.template operator()<T>(i));
  });
  return to(t, std::nullopt, device);
}

TensorOptions like(const Tensor& input, const TensorOptions& options) {
  TensorOptions merged = options;
  if (!merged.dtype) merged.dtype = input.dtype();
  if (!merged.device) merged.device = input.device();
  return merged;
}
DType dtype_of_options(const TensorOptions& o) { return o.dtype.value_or(default_dtype()); }
Device device_of_options(const TensorOptions& o) { return o.device.value_or(Device{}); }

DType dtype_of_value(Scalar value) {
  return value.is_floating() ? default_dtype() : value.is_bool() ? DType::Bool : DType::Int64;
}

Tensor filled(const char* name, const Shape& size, Scalar value, DType dtype, const TensorOptions& options,
              const Out& out) {
  if (!out) return with_options(full(size, value, dtype, device_of_options(options)), options);
  return deliver(name, out, full(size, value, out.target->dtype(), out.target->device()));
}

// The sizes a `*_like` result takes, in the input's memory order.
Tensor empty_as(const Tensor& input, const TensorOptions& options) {
  const TensorOptions merged = like(input, options);
  if (options.contiguous) return Tensor::empty(input.sizes(), *merged.dtype, *merged.device);
  if (is_non_overlapping_and_dense(input.sizes(), input.strides()))
    return Tensor::empty_strided(input.sizes(), input.strides(), *merged.dtype, *merged.device);
  NoGradGuard guard;
  Pointwise order("empty_like", {}, input.dtype(), *merged.dtype, {&input});
  return to(order.finish(), std::nullopt, merged.device);
}

}  // namespace

Tensor with_options(Tensor t, const TensorOptions& options) {
  TG_CHECK(!options.pin_memory, Runtime, "Need to provide pin_memory allocator to use pin memory.");
  if (options.requires_grad) {
    TG_CHECK(is_floating(t.dtype()), Runtime,
             "Only Tensors of floating point and complex dtype can require gradients");
    t.set_requires_grad(true);
  }
  return t;
}

Tensor empty(const Shape& size, Out out, const TensorOptions& options) {
  if (out) return destination("empty", out, size, out.target->dtype(), out.target->device());
  return with_options(Tensor::empty(size, dtype_of_options(options), device_of_options(options)), options);
}
TG_OP(empty, "empty(int[] size, *, Tensor? out=None, Options options) -> Tensor", kFunction, R"(
Uninitialised memory of the given sizes.
)");
Tensor empty_strided(const Shape& size, const Ints& stride, const TensorOptions& options) {
  TG_CHECK(size.size() == stride.size(), Runtime, "mismatch in length of strides and shape");
  for (int64_t s : stride)
    TG_CHECK(s >= 0, Runtime,
             "as_strided: Negative strides are not supported at the moment, got strides: ", stride);
  return with_options(
      Tensor::empty_strided(size, stride, dtype_of_options(options), device_of_options(options)), options);
}
TG_OP(empty_strided, "empty_strided(int[] size, int[] stride, *, Options options) -> Tensor", kFunction, R"(
Uninitialised memory of the given sizes and strides.
)");
Tensor zeros_out(const Shape& size, Out out, const TensorOptions& options) {
  for (int64_t s : size) TG_CHECK(s >= 0, Runtime, "zeros: Dimension size must be non-negative.");
  return filled("zeros", size, 0, dtype_of_options(options), options, out);
}
TG_OP(zeros_out, "zeros(int[] size, *, Tensor? out=None, Options options) -> Tensor", kFunction,
      "\nZeros of the given sizes.\n");
Tensor ones(const Shape& size, Out out, const TensorOptions& options) {
  return filled("ones", size, 1, dtype_of_options(options), options, out);
}
TG_OP(ones, "ones(int[] size, *, Tensor? out=None, Options options) -> Tensor", kFunction,
      "\nOnes of the given sizes.\n");
Tensor full_out(const Shape& size, Scalar fill_value, Out out, const TensorOptions& options) {
  return filled("full", size, fill_value, options.dtype.value_or(dtype_of_value(fill_value)), options, out);
}
TG_OP(full_out, "full(int[] size, Scalar fill_value, *, Tensor? out=None, Options options) -> Tensor",
      kFunction, R"(
fill_value everywhere; the dtype follows it unless given.
)");
Tensor scalar_tensor(Scalar value, const TensorOptions& options) {
  return with_options(full({}, value, dtype_of_options(options), device_of_options(options)), options);
}
TG_OP(scalar_tensor, "scalar_tensor(Scalar s, *, Options options) -> Tensor", kFunction, "\nA 0-d tensor.\n");

Tensor empty_like(const Tensor& input, const TensorOptions& options) {
  return with_options(empty_as(input, options), options);
}
TG_OP(empty_like, "empty_like(Tensor input, *, Options options) -> Tensor", kFunction, R"(
Uninitialised memory in the shape, memory order and (unless given) dtype of input.
)");
Tensor full_like(const Tensor& input, Scalar fill_value, const TensorOptions& options) {
  return with_options(fill_(empty_as(input, options), fill_value), options);
}
TG_OP(full_like, "full_like(Tensor input, Scalar fill_value, *, Options options) -> Tensor", kFunction, R"(
fill_value in the shape, memory order and (unless given) dtype of input.
)");
Tensor zeros_like_options(const Tensor& input, const TensorOptions& options) {
  return full_like(input, 0, options);
}
TG_OP(zeros_like_options, "zeros_like(Tensor input, *, Options options) -> Tensor", kFunction,
      "\nZeros shaped like input.\n");
Tensor ones_like(const Tensor& input, const TensorOptions& options) { return full_like(input, 1, options); }
TG_OP(ones_like, "ones_like(Tensor input, *, Options options) -> Tensor", kFunction,
      "\nOnes shaped like input.\n");

Tensor new_empty(const Tensor& input, const Shape& size, const TensorOptions& options) {
  const TensorOptions o = like(input, options);
  return with_options(Tensor::empty(size, *o.dtype, *o.device), options);
}
TG_OP(new_empty, "new_empty(Tensor input, int[] size, *, Options options) -> Tensor", kMethod,
      "\nempty() of self's dtype and device.\n");
Tensor new_full(const Tensor& input, const Shape& size, Scalar fill_value, const TensorOptions& options) {
  const TensorOptions o = like(input, options);
  return with_options(full(size, fill_value, *o.dtype, *o.device), options);
}
TG_OP(new_full, "new_full(Tensor input, int[] size, Scalar fill_value, *, Options options) -> Tensor",
      kMethod, "\nfull() of self's dtype and device.\n");
Tensor new_zeros(const Tensor& input, const Shape& size, const TensorOptions& options) {
  return new_full(input, size, 0, options);
}
TG_OP(new_zeros, "new_zeros(Tensor input, int[] size, *, Options options) -> Tensor", kMethod,
      "\nzeros() of self's dtype and device.\n");
Tensor new_ones(const Tensor& input, const Shape& size, const TensorOptions& options) {
  return new_full(input, size, 1, options);
}
TG_OP(new_ones, "new_ones(Tensor input, int[] size, *, Options options) -> Tensor", kMethod,
      "\nones() of self's dtype and device.\n");
Tensor new_empty_strided(const Tensor& input, const Shape& size, const Ints& stride,
                         const TensorOptions& options) {
  return empty_strided(size, stride, like(input, options));
}
TG_OP(new_empty_strided,
      "new_empty_strided(Tensor input, int[] size, int[] stride, *, Options options) -> Tensor", kMethod,
      "\nempty_strided() of self's dtype and device.\n");

Tensor arange(Scalar start, Scalar end, Scalar step, const TensorOptions& options, Out out) {
  const bool floating = start.is_floating() || end.is_floating() || step.is_floating();
  const DType dtype =
      out ? out.target->dtype() : options.dtype.value_or(floating ? default_dtype() : DType::Int64);
  const double from = start.to_double(), to_ = end.to_double(), by = step.to_double();
  TG_CHECK(by != 0, Runtime, "step must be nonzero");
  TG_CHECK(std::isfinite(from) && std::isfinite(to_), Runtime, "unsupported range: ", from, " -> ", to_);
  TG_CHECK((by > 0 && to_ >= from) || (by < 0 && to_ <= from), Runtime,
           "upper bound and lower bound inconsistent with step sign");
  TG_CHECK(dtype != DType::Bool, NotImplemented, "\"arange_cpu\" not implemented for 'Bool'");
  int64_t n;
  if (dtype == DType::Int64) {
    const int64_t a = start.to_int(), b = end.to_int(), s = step.to_int();
    TG_CHECK(s != 0, Value, "step must be nonzero");
    const __int128 count = (__int128(b) - a + s - (s > 0 ? 1 : -1)) / s;
    n = int64_t(count);
  } else {
    const double count = std::ceil((to_ - from) / by);
    TG_CHECK(count >= 0 && count <= 9.2e18, Runtime, "invalid size, possible overflow?");
    n = int64_t(count);
  }
  Tensor result =
      generate(n, dtype, out ? out.target->device() : device_of_options(options), [&]<class T>(int64_t i) {
        if constexpr (std::is_same_v<T, int64_t>)
          return start.to_int() + step.to_int() * i;
        else if constexpr (std::is_integral_v<T>)
          return T(int64_t(start.to_double()) + int64_t(step.to_double()) * i);
        else
          return T(from + by * double(i));
      });
  return out ? deliver("arange", out, result) : with_options(result, options);
}
Tensor arange_end(Scalar end, Out out, const TensorOptions& options) {
  return arange(0, end, 1, options, out);
}
Tensor arange_start_end(Scalar start, Scalar end, Scalar step, Out out, const TensorOptions& options) {
  return arange(start, end, step, options, out);
}
TG_OP(arange_end, "arange(Scalar end, *, Tensor? out=None, Options options) -> Tensor", kFunction, R"(
0, 1, ... below end. int64 if every bound is an integer, else the default float.
)");
TG_OP(arange_start_end,
      "arange(Scalar start, Scalar end, Scalar step=1, *, Tensor? out=None, Options options) -> Tensor",
      kFunction, R"(
start, start + step, ... up to but without end: ceil((end - start) / step) elements.
)");

Tensor linspace(const Tensor& start, const Tensor& end, int64_t steps, const TensorOptions& options,
                Out out) {
  TG_CHECK(steps >= 0, Runtime, "number of steps must be non-negative");
  TG_CHECK(start.dim() == 0 && end.dim() == 0, Runtime,
           "linspace only supports 0-dimensional start and end tensors, but got start with ", start.dim(),
           " dimension(s) and end with ", end.dim(), " dimension(s).");
  const Scalar from = start.item(), to_ = end.item();
  const DType dtype = out ? out.target->dtype() : options.dtype.value_or(default_dtype());
  check_fits(from, dtype);
  check_fits(to_, dtype);
  Tensor result = generate(
      steps, dtype, out ? out.target->device() : device_of_options(options), [&]<class T>(int64_t i) {
        // From both ends, so that the last element is exactly `end`.
        if (steps == 1) return from.to<T>();
        if constexpr (std::is_integral_v<T>) {
          const double step =
              steps > 1 ? (double(to_.to<T>()) - double(from.to<T>())) / double(steps - 1) : 0;
          return i < steps / 2 ? T(double(from.to<T>()) + step * double(i))
                               : T(double(to_.to<T>()) - step * double(steps - i - 1));
        } else {
          using C = std::conditional_t<std::is_same_v<T, double>, double, float>;
          const C a = C(from.to<T>()), b = C(to_.to<T>()), step = steps > 1 ? (b - a) / C(steps - 1) : C(0);
          return i < steps / 2 ? T(std::fma(step, C(i), a)) : T(std::fma(-step, C(steps - i - 1), b));
        }
      });
  return out ? deliver("linspace", out, result) : with_options(result, options);
}
Tensor linspace_op(const Tensor& start, const Tensor& end, int64_t steps, Out out,
                   const TensorOptions& options) {
  return linspace(start, end, steps, options, out);
}
TG_OP(linspace_op,
      "linspace(Operand start, Operand end, int steps, *, Tensor? out=None, Options options) -> Tensor",
      kFunction, R"(
steps values from start to end, both included, evenly spaced.
)");

Tensor eye(int64_t n, std::optional<int64_t> m, const TensorOptions& options, Out out) {
  TG_CHECK(n >= 0, Runtime, "n must be greater or equal to 0, got ", n);
  const int64_t columns = m.value_or(n);
  TG_CHECK(columns >= 0, Runtime, "m must be greater or equal to 0, got ", columns);
  const DType dtype = out ? out.target->dtype() : dtype_of_options(options);
  const Device device = out ? out.target->device() : device_of_options(options);
  Tensor result = full({n, columns}, 0, dtype, device);
  fill_(result.window({std::min(n, columns)}, {columns + 1}, 0), 1);
  return out ? deliver("eye", out, result) : with_options(result, options);
}
Tensor eye_square(int64_t n, Out out, const TensorOptions& options) { return eye(n, {}, options, out); }
Tensor eye_rectangle(int64_t n, int64_t m, Out out, const TensorOptions& options) {
  return eye(n, m, options, out);
}
TG_OP(eye_square, "eye(int n, *, Tensor? out=None, Options options) -> Tensor", kFunction,
      "\nThe n x n identity.\n");
TG_OP(eye_rectangle, "eye(int n, int m, *, Tensor? out=None, Options options) -> Tensor", kFunction, R"(
n x m: ones on the diagonal, zeros elsewhere.
)");

}  // namespace tensorgrad
