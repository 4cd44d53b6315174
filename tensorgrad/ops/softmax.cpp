#include "tensorgrad/ops/softmax.h"

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/reduction.h"
#include "tensorgrad/ops/rows.h"

namespace tensorgrad {
namespace {

// slot(inputs...) along dim; the result has the type of the last input.
template <class Slot, class... Inputs>
Tensor along(Slot& slot, int64_t dim, const Inputs&... inputs) {
  const Tensor* const all[] = {&inputs...};
  const Tensor& like = *all[sizeof...(Inputs) - 1];
  const DType compute = row_type(like.dtype());
  const Tensor sources[] = {dense(inputs, compute)...};
  Tensor result = Tensor::empty(like.sizes(), compute, like.device());
  Rows p = rows_of(like.sizes(), dim, compute);
  for (size_t k = 0; k < sizeof...(Inputs); k++) p.in[k] = sources[k].bytes();
  p.out[0] = result.bytes();
  if (!empty(p)) slot(like.device(), p);
  return result.dtype() == like.dtype() ? result : to(result, like.dtype());
}

// The sum over dim, broadcast against the input.
Tensor sum_along(const Tensor& t, int64_t dim) { return t.dim() == 0 ? t : sum(t, {dim}, true); }

Tensor softmax_backward(const Tensor& u, const Tensor& y, int64_t dim) {
  if (!grad_enabled()) return along(slots::softmax_backward, dim, u, y);
  const Tensor weighted = u * y;
  return weighted - y * sum_along(weighted, dim);
}
Tensor log_softmax_backward(const Tensor& u, const Tensor& y, int64_t dim) {
  if (!grad_enabled()) return along(slots::log_softmax_backward, dim, u, y);
  return u - exp(y) * sum_along(u, dim);
}

// PyTorch's choice where dim is left out.
int64_t implicit_dim(const Tensor& input, std::optional<int64_t> dim) {
  if (dim) return *dim;
  return input.dim() == 0 || input.dim() == 1 || input.dim() == 3 ? 0 : 1;
}

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype, Out out) {
  const Tensor x = dtype ? to(input, *dtype) : input;
  const int64_t d = wrap_dim(dim, x.dim());
  TG_CHECK(is_floating(x.dtype()) || x.numel() == 0, NotImplemented, "\"softmax_",
           d + 1 < x.dim() ? "" : "lastdim_", "kernel_impl\" not implemented for '",
           dtype_scalar_name(x.dtype()), "'");
  Tensor result = deliver("softmax", out, along(slots::softmax, d, x));
  return record(
      "SoftmaxBackward0", result, out, saved(result, d),
      wrt(x, [](const Tensor& u, const Tensor& y, int64_t d) { return softmax_backward(u, y, d); }));
}
TG_OP(softmax, "softmax(Tensor input, int dim, ScalarType? dtype=None, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
out = e^input / sum(e^input) along dim; input is cast to dtype first, if given.

Backward: out * (u - sum(u * out)).
)");

Tensor log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype, Out out) {
  const Tensor x = dtype ? to(input, *dtype) : input;
  const int64_t d = wrap_dim(dim, x.dim());
  TG_CHECK(is_floating(x.dtype()) || x.numel() == 0, NotImplemented, "\"log_softmax_",
           d + 1 < x.dim() ? "" : "lastdim_", "kernel_impl\" not implemented for '",
           dtype_scalar_name(x.dtype()), "'");
  Tensor result = deliver("log_softmax", out, along(slots::log_softmax, d, x));
  return record(
      "LogSoftmaxBackward0", result, out, saved(result, d),
      wrt(x, [](const Tensor& u, const Tensor& y, int64_t d) { return log_softmax_backward(u, y, d); }));
}
TG_OP(log_softmax,
      "log_softmax(Tensor input, int dim, ScalarType? dtype=None, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
out = input - log(sum(e^input)) along dim; input is cast to dtype first, if given.

Backward: u - e^out * sum(u).
)");

static Tensor special_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  return softmax(input, dim, dtype);
}
TG_OP(special_softmax, "special.softmax(Tensor input, int dim, *, ScalarType? dtype=None) -> Tensor",
      kFunction, "The same as softmax.");
static Tensor special_log_softmax(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  return log_softmax(input, dim, dtype);
}
TG_OP(special_log_softmax, "special.log_softmax(Tensor input, int dim, *, ScalarType? dtype=None) -> Tensor",
      kFunction, "The same as log_softmax.");

static Tensor softmax_functional(const Tensor& input, std::optional<int64_t> dim, int64_t,
                                 std::optional<DType> dtype) {
  return softmax(input, implicit_dim(input, dim), dtype);
}
TG_OP(softmax_functional,
      "softmax(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None) -> Tensor",
      kFunctional, R"(
out = e^input / sum(e^input) along dim.

Backward: out * (u - sum(u * out)) along dim.
)");
static Tensor log_softmax_functional(const Tensor& input, std::optional<int64_t> dim, int64_t,
                                     std::optional<DType> dtype) {
  return log_softmax(input, implicit_dim(input, dim), dtype);
}
TG_OP(log_softmax_functional,
      "log_softmax(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None) -> Tensor",
      kFunctional, R"(
out = input - log(sum(e^input)) along dim.

Backward: u - softmax(input) * sum(u) along dim.
)");
static Tensor softmin_functional(const Tensor& input, std::optional<int64_t> dim, int64_t,
                                 std::optional<DType> dtype) {
  return softmax(-input, implicit_dim(input, dim), dtype);
}
TG_OP(softmin_functional,
      "softmin(Tensor input, int? dim=None, int _stacklevel=3, ScalarType? dtype=None) -> Tensor",
      kFunctional, R"(
softmax(-input) along dim.

Backward: -out * (u - sum(u * out)).
)");

Tensor logsumexp(const Tensor& input, const Ints& dim, bool keepdim, Out out) {
  const DType t = to_floating(input.dtype()), compute = row_type(t);
  const Tensor x = dense(input, compute);
  Reduction reduction(x, dim, keepdim);
  Tensor result = Tensor::empty(reduction.sizes, compute, input.device());
  Rows p;
  p.dtype = compute;
  p.outer = reduction.args.outer, p.n = reduction.args.length, p.inner = reduction.args.inner;
  p.in[0] = reduction.args.in, p.out[0] = result.bytes();
  if (p.n == 0)
    fill_(result, -__builtin_inf());
  else if (!empty(p))
    slots::logsumexp(input.device(), p);
  result = deliver("logsumexp", out, to(result, t));
  return record(
      "LogsumexpBackward0", result, out, saved(input, result, dim, keepdim),
      wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y, const Ints& dim, bool keepdim) {
        const Tensor top = restore_reduced(y, dim, x.sizes(), keepdim);
        return restore_reduced(u, dim, x.sizes(), keepdim) * exp(x - top);
      }));
}
TG_OP(logsumexp, "logsumexp(Tensor input, int[1] dim, bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
out = log(sum(e^input)) over dim, computed so that nothing overflows.

Backward: u * e^(input - out).
)");

}  // namespace tensorgrad
