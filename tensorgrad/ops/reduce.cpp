#include "tensorgrad/ops/reduce.h"

#include <algorithm>

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduction.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {

Reduction::Reduction(const Tensor& input, const Ints& dims, bool keepdim) {
  const int64_t ndim = input.dim();
  dims_ = dims.empty() ? Ints() : wrap_dims(dims, ndim);
  if (dims.empty())
    for (int64_t d = 0; d < ndim; d++) dims_.push_back(d);
  bool reduced[64] = {};
  if (ndim > 0)
    for (int64_t d : dims_) reduced[d] = true;
  args.outer = args.length = args.inner = 1;
  // Adjacent reduced dimensions of a contiguous tensor need no copy.
  int64_t first = ndim, last = -1, count = 0;
  for (int64_t d = 0; d < ndim; d++) {
    if (reduced[d]) {
      first = std::min(first, d);
      last = d;
      count++;
      if (keepdim) sizes.push_back(1);
      args.length *= input.sizes()[d];
    } else {
      sizes.push_back(input.sizes()[d]);
    }
  }
  if (input.is_contiguous() && (count == 0 || last - first + 1 == count)) {
    source_ = input;
    for (int64_t d = 0; d < first; d++) args.outer *= input.sizes()[d];
    for (int64_t d = last + 1; d < ndim && count > 0; d++) args.inner *= input.sizes()[d];
  } else {
    Ints order;
    for (int64_t d = 0; d < ndim; d++)
      if (!reduced[d]) order.push_back(d), args.outer *= input.sizes()[d];
    for (int64_t d = 0; d < ndim; d++)
      if (reduced[d]) order.push_back(d);
    NoGradGuard guard;
    source_ = contiguous(permute(input, order));
  }
  args.in = source_.bytes();
  args.dtype = input.dtype();
}

Tensor restore_reduced(const Tensor& u, const Ints& dims, const Shape& sizes, bool keepdim) {
  if (keepdim || sizes.empty()) return u;
  Shape kept = sizes;
  if (dims.empty())
    for (int64_t& size : kept) size = 1;
  for (int64_t d : dims) kept[wrap_dim(d, int64_t(sizes.size()))] = 1;
  return reshape(u, kept);
}

Tensor sum(const Tensor& input, const Ints& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  const DType t = dtype.value_or(is_floating(input.dtype()) ? input.dtype() : DType::Int64);
  Tensor source = input;
  if (input.dtype() != t || !is_floating(t)) {
    NoGradGuard guard;
    source = to(input, is_floating(t) ? t : DType::Int64);
  }
  Reduction reduction(source, dims, keepdim);
  Tensor result = Tensor::empty(reduction.sizes, source.dtype(), source.device());
  reduction.args.out = result.bytes();
  if (result.numel() > 0) slots::reduce_sum(result.device(), reduction.args);
  if (result.dtype() != t) result = to(result, t);
  if (out) result = deliver("sum", out, result);
  const char* name = dims.empty() && !keepdim ? "SumBackward0" : "SumBackward1";
  return record(name, result, out, saved(dims, input.sizes(), keepdim),
                wrt(input, [](const Tensor& u, const Ints& dims, const Shape& sizes, bool keepdim) {
                  return expand(restore_reduced(u, dims, sizes, keepdim), sizes);
                }));
}
TG_OP(sum, "sum(Tensor input, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
Sums over dim (one or several; None or []: all), in dtype if given; integers and bool sum in int64.

Backward: u, expanded to the shape of input.
)");

Tensor sum_all(const Tensor& input, std::optional<DType> dtype) { return sum(input, {}, false, dtype); }
TG_OP(sum_all, "sum(Tensor input, *, ScalarType? dtype=None) -> Tensor", kFunction | kMethod, R"(
Sums all elements.
)");

}  // namespace tensorgrad
