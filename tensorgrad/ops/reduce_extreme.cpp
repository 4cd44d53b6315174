// Greatest and smallest elements, and their places.
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/gather.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/reduce_kernel.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

void check_not_empty(const char* name, const Tensor& input, const Ints& dims) {
  if (input.numel() > 0) return;
  TG_CHECK(!dims.empty(), Runtime, name,
           "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
           "reduction dim with the 'dim' argument.");
  for (int64_t dim : dims) {
    const int64_t d = wrap_dim(dim, input.dim());
    TG_CHECK(input.sizes()[d] != 0, Index, name, "(): Expected reduction dim ", d, " to have non-zero size.");
  }
}

// Ties share the gradient evenly.
Tensor shared_gradient(const Tensor& u, const Tensor& x, const Tensor& y, const Ints& dims, bool keepdim,
                       bool nan_equal) {
  const Tensor grad = restore_reduced(u, dims, x.sizes(), keepdim);
  const Tensor extreme = restore_reduced(y, dims, x.sizes(), keepdim);
  Tensor winners = eq(x, extreme);
  if (nan_equal) winners = logical_or(winners, logical_and(ne(x, x), ne(extreme, extreme)));
  winners = to(winners, u.dtype());
  Ints all = dims;
  if (all.empty())
    for (int64_t d = 0; d < x.dim(); d++) all.push_back(d);
  return grad / sum(winners, all, true) * winners;
}

Tensor extreme(const char* name, const char* node, Fold fold, const Tensor& input, const Ints& dims,
               bool keepdim, const Out& out, bool nan_equal = false) {
  check_not_empty(name, input, dims);
  Tensor result = deliver(name, out, run_fold(fold, input, dims, keepdim, input.dtype()));
  return record(
      node, result, out, saved(input, result, dims, keepdim, nan_equal),
      wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y, const Ints& dims, bool keepdim,
                    bool nan_equal) { return shared_gradient(u, x, y, dims, keepdim, nan_equal); }));
}

// Values (unless null) and places along one dimension.
Tensor run_arg(bool greatest, const Tensor& input, const Ints& dims, bool keepdim, Tensor* values) {
  Reduction reduction(input, dims, keepdim, true);
  Tensor places = Tensor::empty(reduction.sizes, DType::Int64, input.device());
  ArgArgs args{reduction.args, places.data<int64_t>(), greatest};
  args.out = nullptr;
  if (values) {
    *values = Tensor::empty(reduction.sizes, input.dtype(), input.device());
    args.out = values->bytes();
  }
  if (places.numel() > 0) slots::reduce_arg(input.device(), args);
  return places;
}

std::tuple<Tensor, Tensor> extreme_along(const char* name, const char* node, bool greatest,
                                         const Tensor& input, int64_t dim, bool keepdim) {
  const int64_t d = wrap_dim(dim, input.dim());
  check_not_empty(name, input, {dim});
  Tensor values;
  const Tensor places = run_arg(greatest, input, {d}, keepdim, &values);
  Tensor result = record(node, values, saved(places, d, input.sizes(), keepdim),
                         wrt(input, [](const Tensor& u, const Tensor& places, int64_t d, const Shape& sizes,
                                       bool keepdim) { return scatter_back(u, d, places, sizes, keepdim); }));
  return {result, places};
}

Tensor place_of(const char* name, bool greatest, const Tensor& input, std::optional<int64_t> dim,
                bool keepdim) {
  TG_CHECK(input.dtype() != DType::Bool, Runtime, name, "(): does not support bool input");
  if (!dim) {
    TG_CHECK(input.numel() > 0, Index, name,
             "(): Expected reduction dim to be specified for input.numel() == 0.");
    return run_arg(greatest, input, {}, keepdim, nullptr);
  }
  wrap_dim(*dim, input.dim());
  check_not_empty(name, input, {*dim});
  return run_arg(greatest, input, {*dim}, keepdim, nullptr);
}

}  // namespace

Tensor amax(const Tensor& input, const Ints& dims, bool keepdim, Out out) {
  return extreme("amax", "AmaxBackward0", Fold::Maximum, input, dims, keepdim, out);
}
Tensor amin(const Tensor& input, const Ints& dims, bool keepdim, Out out) {
  return extreme("amin", "AminBackward0", Fold::Minimum, input, dims, keepdim, out);
}
TG_OP(amax, "amax(Tensor input, int[1] dim=[], bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
The greatest element over dim (one or several; []: all); NaN where there is one.

Backward: u shared evenly by the elements that are greatest.
)");
TG_OP(amin, "amin(Tensor input, int[1] dim=[], bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
The smallest element over dim (one or several; []: all); NaN where there is one.

Backward: u shared evenly by the elements that are smallest.
)");

Tensor max_all(const Tensor& input) {
  return extreme("max", "MaxBackward1", Fold::Maximum, input, {}, false, {}, true);
}
Tensor min_all(const Tensor& input) {
  return extreme("min", "MinBackward1", Fold::Minimum, input, {}, false, {}, true);
}
std::tuple<Tensor, Tensor> max(const Tensor& input, int64_t dim, bool keepdim) {
  return extreme_along("max", "MaxBackward0", true, input, dim, keepdim);
}
std::tuple<Tensor, Tensor> min(const Tensor& input, int64_t dim, bool keepdim) {
  return extreme_along("min", "MinBackward0", false, input, dim, keepdim);
}
TG_OP(max_all, "max(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The greatest of all elements; NaN if there is one.

Backward: u shared evenly by the elements that are greatest.
)");
TG_OP(maximum, "max(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      "\nmaximum(input, other).\n");
TG_OP(
    max,
    "max(Tensor input, int dim, bool keepdim=False, *, Tensor? out=None) -> (Tensor values, Tensor indices)",
    kFunction | kMethod, R"(
The greatest elements along dim and their places (the first of equals).

Backward: u at the places.
)");
TG_OP(min_all, "min(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The smallest of all elements; NaN if there is one.

Backward: u shared evenly by the elements that are smallest.
)");
TG_OP(minimum, "min(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      "\nminimum(input, other).\n");
TG_OP(
    min,
    "min(Tensor input, int dim, bool keepdim=False, *, Tensor? out=None) -> (Tensor values, Tensor indices)",
    kFunction | kMethod, R"(
The smallest elements along dim and their places (the first of equals).

Backward: u at the places.
)");

Tensor argmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim) {
  return place_of("argmax", true, input, dim, keepdim);
}
Tensor argmin(const Tensor& input, std::optional<int64_t> dim, bool keepdim) {
  return place_of("argmin", false, input, dim, keepdim);
}
TG_OP(argmax, "argmax(Tensor input, int? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
int64: the place of the greatest element (the first of equals) along dim, or in the flattened input.
)");
TG_OP(argmin, "argmin(Tensor input, int? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
int64: the place of the smallest element (the first of equals) along dim, or in the flattened input.
)");

namespace {
std::tuple<Tensor, Tensor> aminmax(const Tensor& input, std::optional<int64_t> dim, bool keepdim) {
  if (!dim) {
    TG_CHECK(input.numel() > 0, Runtime,
             "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
  } else {
    const int64_t d = wrap_dim(*dim, input.dim());
    TG_CHECK(input.dim() == 0 || input.sizes()[d] != 0, Index, "aminmax: Expected reduction dim ", d,
             " to have non-zero size.");
  }
  const Ints dims = dim ? Ints{*dim} : Ints{};
  return {extreme("aminmax", "AminmaxBackward0", Fold::Minimum, input, dims, keepdim, {}),
          extreme("aminmax", "AminmaxBackward0", Fold::Maximum, input, dims, keepdim, {})};
}
}  // namespace
TG_OP(aminmax,
      "aminmax(Tensor input, *, int? dim=None, bool keepdim=False, Tensor? out=None) -> (Tensor min, Tensor "
      "max)",
      kFunction | kMethod, R"(
The smallest and the greatest element along dim, or of all.

Backward: u shared evenly by the elements that were taken.
)");

}  // namespace tensorgrad
