#include "tensorgrad/ops/scan.h"

#include "tensorgrad/backends/slots_reduce.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/arrange.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/gather.h"
#include "tensorgrad/ops/joining.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/sign.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

Tensor run_scan(Scan scan, const Tensor& input, int64_t dim, Tensor* places = nullptr) {
  NoGradGuard guard;
  const Tensor dense = contiguous(input);
  Tensor out = Tensor::empty(input.sizes(), input.dtype(), input.device());
  if (places) *places = Tensor::empty(input.sizes(), DType::Int64, input.device());
  if (out.numel() == 0) return out;
  ScanArgs args;
  args.in = dense.bytes();
  args.out = out.bytes();
  args.dtype = input.dtype();
  args.outer = args.length = args.inner = 1;
  for (int64_t d = 0; d < input.dim(); d++)
    (d < dim ? args.outer : d == dim ? args.length : args.inner) *= input.sizes()[d];
  args.scan = scan;
  args.places = places ? places->data<int64_t>() : nullptr;
  slots::scan(input.device(), args);
  return out;
}

DType scan_type(const Tensor& input, std::optional<DType> dtype) {
  return dtype.value_or(is_floating(input.dtype()) ? input.dtype() : DType::Int64);
}
Tensor in_type(const Tensor& input, DType t) {
  NoGradGuard guard;
  return to(input, t);
}

// The sum from each place to the end.
Tensor reversed_cumsum(const Tensor& x, int64_t dim) { return flip(cumsum(flip(x, {dim}), dim), {dim}); }

// d out_i / d x_k is the product of x_0 .. x_i without x_k, for i >= k.
Tensor cumprod_gradient(const Tensor& u, const Tensor& x, const Tensor& y, int64_t dim) {
  if (x.numel() == 0) return zeros_like(u);
  if (x.dim() == 0) return u;
  bool zero;
  {
    NoGradGuard guard;
    zero = !all(detach(x), {}).item().to_bool();
  }
  if (!zero) return reversed_cumsum(u * y, dim) / x;
  const int64_t n = x.sizes()[dim];
  TensorList slices;
  Shape one = x.sizes();
  one[dim] = 1;
  Tensor before = full(one, 1, x.dtype(), x.device());  // the product of what comes before k
  for (int64_t k = 0; k < n; k++) {
    Tensor total = narrow(u, dim, k, 1) * before;
    if (k + 1 < n) {
      const Tensor after = cumprod(narrow(x, dim, k + 1, n - k - 1), dim);
      total = total + sum(narrow(u, dim, k + 1, n - k - 1) * (after * before), {dim}, true);
    }
    slices.push_back(total);
    before = before * narrow(x, dim, k, 1);
  }
  return cat(slices, dim);
}

}  // namespace

Tensor cumsum(const Tensor& input, int64_t dim, std::optional<DType> dtype, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  Tensor result = deliver("cumsum", out, run_scan(Scan::Sum, in_type(input, scan_type(input, dtype)), d));
  return record("CumsumBackward0", result, out, saved(d), wrt(input, [](const Tensor& u, int64_t d) {
                  return u.dim() == 0 ? u : reversed_cumsum(u, d);
                }));
}
TG_OP(cumsum, "cumsum(Tensor input, int dim, *, ScalarType? dtype=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
Running sums along dim; integers and bool in int64.

Backward: the running sums of u from the end.
)");

Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  const Tensor before = out.before_write(input);
  Tensor result =
      deliver("cumprod", out, run_scan(Scan::Product, in_type(input, scan_type(input, dtype)), d));
  return record("CumprodBackward0", result, out, saved(before, result, d),
                wrt(before, [](const Tensor& u, const Tensor& x, const Tensor& y, int64_t d) {
                  return cumprod_gradient(u, to(x, u.dtype()), y, d);
                }));
}
TG_OP(cumprod, "cumprod(Tensor input, int dim, *, ScalarType? dtype=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
Running products along dim; integers and bool in int64.

Backward: the sum from each place on of u * out, divided by input; term by term where there are zeros.
)");

Tensor logcumsumexp(const Tensor& input, int64_t dim, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"logcumsumexp_out_cpu\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  Tensor result = deliver("logcumsumexp", out, run_scan(Scan::LogSumExp, input, d));
  return record("LogcumsumexpBackward0", result, out, saved(input, result, d),
                wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y, int64_t d) {
                  if (u.dim() == 0 || u.numel() == 0) return u;
                  // The sum of u exp(x - y) from each place on, in logarithms: positive and negative u apart.
                  const Tensor low = full({}, -__builtin_inf(), u.dtype(), u.device());
                  const auto part = [&](const Tensor& chosen) {
                    const Tensor logs = where(chosen, log(abs(u)), low);
                    return exp(flip(logcumsumexp(flip(logs - y, {d}), d), {d}) + x);
                  };
                  return part(gt(u, wrap_number(0))) - part(lt(u, wrap_number(0)));
                }));
}
TG_OP(logcumsumexp, "logcumsumexp(Tensor input, int dim, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      R"(
log of the running sums of exp(input) along dim, without overflow.

Backward: exp(input) times the sum from each place on of u * exp(-out).
)");

namespace {
std::tuple<Tensor, Tensor> running_extreme(const char* name, Scan scan, const Tensor& input, int64_t dim) {
  const int64_t d = wrap_dim(dim, input.dim());
  Tensor places;
  Tensor values = run_scan(scan, input, d, &places);
  Tensor result = record(name, values, saved(places, d, input.sizes()),
                         wrt(input, [](const Tensor& u, const Tensor& places, int64_t d, const Shape& sizes) {
                           return scatter_add(zeros(sizes, u.dtype(), u.device()), d, places, u);
                         }));
  return {result, places};
}
}  // namespace
std::tuple<Tensor, Tensor> cummax(const Tensor& input, int64_t dim) {
  return running_extreme("CummaxBackward0", Scan::Maximum, input, dim);
}
std::tuple<Tensor, Tensor> cummin(const Tensor& input, int64_t dim) {
  return running_extreme("CumminBackward0", Scan::Minimum, input, dim);
}
TG_OP(cummax, "cummax(Tensor input, int dim, *, Tensor? out=None) -> (Tensor values, Tensor indices)",
      kFunction | kMethod, R"(
Running maxima along dim and their places (the last of equals).

Backward: u added at the places.
)");
TG_OP(cummin, "cummin(Tensor input, int dim, *, Tensor? out=None) -> (Tensor values, Tensor indices)",
      kFunction | kMethod, R"(
Running minima along dim and their places (the last of equals).

Backward: u added at the places.
)");

}  // namespace tensorgrad
