#include "tensorgrad/ops/reduce.h"

#include <algorithm>

#include "tensorgrad/backends/slots_reduce.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduction.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {

namespace {

struct Dim {
  int64_t size, stride, index;
  bool reduced;
};

// Whether the dimensions, outermost first, tile memory without gaps, and the reduced ones are neighbours in
// it.
bool reads_in_place(const SmallVector<Dim, 8>& dims, bool ordered) {
  int64_t expected = 1, last_kept = -1, last_reduced = -1, changes = 0;
  for (size_t k = dims.size(); k-- > 0;) {
    if (dims[k].stride != expected) return false;
    expected *= dims[k].size;
  }
  for (size_t k = 0; k < dims.size(); k++) {
    const Dim& d = dims[k];
    if (k > 0 && d.reduced != dims[k - 1].reduced) changes++;
    int64_t& last = d.reduced ? last_reduced : last_kept;
    if (d.index < last && (!d.reduced || ordered)) return false;
    last = d.index;
  }
  const bool starts_kept = !dims.empty() && !dims[0].reduced;
  return changes <= (starts_kept ? 2 : 1);
}

}  // namespace

Reduction::Reduction(const Tensor& input, const Ints& dims, bool keepdim, bool ordered) {
  const int64_t ndim = input.dim();
  TG_CHECK(ndim <= 64, Runtime, "only tensors with up to 64 dims are supported");
  bool reduced[kMaxDims] = {};
  if (ndim > 0)
    for (int64_t d : wrap_dims(dims, ndim)) reduced[d] = true;
  else
    wrap_dims(dims, ndim);
  if (dims.empty())
    for (int64_t d = 0; d < ndim; d++) reduced[d] = true;
  args.outer = args.length = args.inner = 1;
  SmallVector<Dim, 8> order;  // by stride, outermost first
  for (int64_t d = 0; d < ndim; d++) {
    const int64_t size = input.sizes()[d];
    if (!reduced[d])
      sizes.push_back(size);
    else if (keepdim)
      sizes.push_back(1);
    if (size == 1) continue;
    order.push_back({size, input.strides()[d], d, reduced[d]});
    if (!input.is_contiguous())
      for (size_t k = order.size() - 1; k > 0 && order[k - 1].stride < order[k].stride; k--)
        std::swap(order[k - 1], order[k]);
  }
  args.dtype = input.dtype();
  if (input.numel() > 0 && reads_in_place(order, ordered)) {
    source_ = input;
    bool passed = false;
    for (const Dim& d : order) {
      passed |= d.reduced;
      (d.reduced ? args.length : passed ? args.inner : args.outer) *= d.size;
    }
  } else {
    Ints permutation;
    for (int64_t d = 0; d < ndim; d++)
      if (!reduced[d]) permutation.push_back(d), args.outer *= input.sizes()[d];
    for (int64_t d = 0; d < ndim; d++)
      if (reduced[d]) permutation.push_back(d), args.length *= input.sizes()[d];
    NoGradGuard guard;
    source_ = contiguous(permute(input, permutation));
  }
  args.in = source_.bytes();
}

Tensor restore_reduced(const Tensor& u, const Ints& dims, const Shape& sizes, bool keepdim) {
  if (keepdim || sizes.empty()) return u;
  Shape kept = sizes;
  if (dims.empty())
    for (int64_t& size : kept) size = 1;
  for (int64_t d : dims) kept[wrap_dim(d, int64_t(sizes.size()))] = 1;
  return reshape(u, kept);
}

int64_t reduced_count(const Tensor& input, const Ints& dims) {
  if (dims.empty() || input.dim() == 0) return input.numel();
  int64_t count = 1;
  for (int64_t d : dims) count *= input.sizes()[wrap_dim(d, input.dim())];
  return count;
}

namespace {
Tensor sum_as(const char* node, const Tensor& input, const Ints& dims, bool keepdim,
              std::optional<DType> dtype, const Out& out) {
  const DType t = dtype.value_or(is_floating(input.dtype()) ? input.dtype() : DType::Int64);
  TG_CHECK(is_floating(t) || !grad_enabled() || !input.requires_grad(), Runtime,
           "Autograd not support dtype: ", dtype_scalar_name(t));
  Tensor source = input;
  const bool counts =
      !is_floating(t) && !is_floating(input.dtype());  // integers are read as they are, summed in int64
  if (input.dtype() != t && !counts) {
    NoGradGuard guard;
    source = to(input, t);
  }
  Reduction reduction(source, dims, keepdim);
  const DType summed = t == DType::Bool ? t : is_floating(t) ? t : DType::Int64;
  Tensor result = Tensor::empty(reduction.sizes, summed, source.device());
  reduction.args.out = result.bytes();
  FoldArgs args{reduction.args, t == DType::Bool ? Fold::Any : Fold::Sum, summed};
  if (result.numel() > 0) slots::reduce_fold(result.device(), args);
  if (result.dtype() != t) result = to(result, t);
  if (out) result = deliver("sum", out, result);
  return record(node, result, out, saved(dims, input.sizes(), keepdim),
                wrt(input, [](const Tensor& u, const Ints& dims, const Shape& sizes, bool keepdim) {
                  return expand(restore_reduced(u, dims, sizes, keepdim), sizes);
                }));
}
}  // namespace

Tensor sum(const Tensor& input, const Ints& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  return sum_as("SumBackward1", input, dims, keepdim, dtype, out);
}
TG_OP(sum,
      "sum(Tensor input, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor? out=None) -> "
      "Tensor",
      kFunction | kMethod, R"(
Sums over dim (one or several; None or []: all), in dtype if given; integers and bool sum in int64.

Backward: u, expanded to the shape of input.
)");

Tensor sum_all(const Tensor& input, std::optional<DType> dtype) {
  return sum_as("SumBackward0", input, {}, false, dtype, {});
}
TG_OP(sum_all, "sum(Tensor input, *, ScalarType? dtype=None) -> Tensor", kFunction | kMethod, R"(
Sums all elements.
)");

}  // namespace tensorgrad
