// Means, products and counts.
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/arrange.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/joining.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/reduce_kernel.h"
#include "tensorgrad/ops/scan.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

Tensor in_type(const Tensor& input, DType t) {
  NoGradGuard guard;
  return to(input, t);
}

}  // namespace

namespace {
Tensor mean_as(const char* node, const Tensor& input, const Ints& dims, bool keepdim,
               std::optional<DType> dtype, const Out& out) {
  const DType t = dtype.value_or(input.dtype());
  TG_CHECK(is_floating(t), Runtime, "mean(): could not infer output dtype. ", dtype ? "Optional" : "Input",
           " dtype must be either a floating point or complex dtype. Got: ", dtype_scalar_name(t));
  const int64_t count = reduced_count(input, dims);
  Tensor result = run_fold(Fold::Sum, in_type(input, t), dims, keepdim, t, double(count));
  result = deliver("mean", out, result);
  return record(
      node, result, out, saved(dims, input.sizes(), keepdim, count),
      wrt(input, [](const Tensor& u, const Ints& dims, const Shape& sizes, bool keepdim, int64_t count) {
        return expand(restore_reduced(u, dims, sizes, keepdim), sizes) / Scalar(count);
      }));
}
}  // namespace
Tensor mean_all(const Tensor& input, std::optional<DType> dtype) {
  return mean_as("MeanBackward0", input, {}, false, dtype, {});
}
Tensor mean(const Tensor& input, const Ints& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  return mean_as("MeanBackward1", input, dims, keepdim, dtype, out);
}
TG_OP(mean_all, "mean(Tensor input, *, ScalarType? dtype=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
The mean of all elements, of a floating type or in dtype.
)");
TG_OP(mean,
      "mean(Tensor input, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor? out=None) -> "
      "Tensor",
      kFunction | kMethod, R"(
The mean over dim (one or several; None or []: all).

Backward: u / n, expanded to the shape of input.
)");

Tensor nansum(const Tensor& input, const Ints& dims, bool keepdim, std::optional<DType> dtype, Out out) {
  if (!is_floating(input.dtype())) return sum(input, dims, keepdim, dtype, out);
  const DType t = dtype.value_or(input.dtype());
  Tensor result = run_fold(Fold::NanSum, is_floating(t) ? in_type(input, t) : input, dims, keepdim,
                           is_floating(t) ? t : input.dtype());
  result = deliver("nansum", out, in_type(result, t));
  return record("NansumBackward0", result, out, saved(input, dims, keepdim),
                wrt(input, [](const Tensor& u, const Tensor& x, const Ints& dims, bool keepdim) {
                  return expand(restore_reduced(u, dims, x.sizes(), keepdim), x.sizes()) *
                         to(eq(x, x), u.dtype());
                }));
}
TG_OP(nansum,
      "nansum(Tensor input, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod, R"(
The sum over dim with NaN as zero.

Backward: u where input is not NaN.
)");

Tensor nanmean(const Tensor& input, const Ints& dims, bool keepdim, std::optional<DType> dtype) {
  TG_CHECK(is_floating(input.dtype()), Runtime,
           "nanmean(): expected input to have floating point or complex dtype but got ",
           dtype_scalar_name(input.dtype()));
  const Tensor total = nansum(input, dims, keepdim, dtype);
  return total / run_fold(Fold::CountNotNan, in_type(input, input.dtype()), dims, keepdim, DType::Int64);
}
TG_OP(nanmean,
      "nanmean(Tensor input, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod, R"(
The mean over dim of the elements that are not NaN.

Backward: u / n where input is not NaN, else 0; n counts what is not.
)");

Tensor count_nonzero(const Tensor& input, const Ints& dims) {
  return run_fold(Fold::CountNonzero, input, dims, false, DType::Int64);
}
namespace {
Tensor count_nonzero_dim(const Tensor& input, std::optional<int64_t> dim) {
  return count_nonzero(input, dim ? Ints{*dim} : Ints{});
}
}  // namespace
TG_OP(count_nonzero_dim, "count_nonzero(Tensor input, int? dim=None) -> Tensor", kFunction | kMethod, R"(
int64: how many elements are not zero, along dim or in all.
)");
TG_OP(count_nonzero, "count_nonzero(Tensor input, int[] dim) -> Tensor", kFunction | kMethod, R"(
int64: how many elements are not zero over several dimensions.
)");

namespace {

// The product of all other elements along dim, without dividing: from the left times from the right.
Tensor product_of_others(const Tensor& x, int64_t dim) {
  const int64_t n = x.sizes()[dim];
  Shape one = x.sizes();
  one[dim] = 1;
  const Tensor ones = full(one, 1, x.dtype(), x.device());
  const Tensor left = cumprod(cat({ones, narrow(x, dim, 0, n - 1)}, dim), dim);
  const Tensor right = flip(cumprod(cat({ones, narrow(flip(x, {dim}), dim, 0, n - 1)}, dim), dim), {dim});
  return left * right;
}
bool any_zero(const Tensor& x) {
  NoGradGuard guard;
  return x.numel() > 0 && !all(detach(x), {}).item().to_bool();
}
Tensor prod_gradient(const Tensor& u, const Tensor& x, const Tensor& y, int64_t dim) {
  if (x.numel() == 0) return zeros_like(x);
  return any_zero(x) ? u * product_of_others(x, dim) : u * (y / x);
}
DType prod_type(const Tensor& input, std::optional<DType> dtype) {
  return dtype.value_or(is_floating(input.dtype()) ? input.dtype() : DType::Int64);
}
Tensor run_prod(const Tensor& input, DType t, const Ints& dims, bool keepdim) {
  const bool integers = !is_floating(t) && !is_floating(input.dtype());
  return in_type(run_fold(Fold::Product, integers ? input : in_type(input, t), dims, keepdim,
                          is_floating(t) ? t : DType::Int64),
                 t);
}

}  // namespace

Tensor prod(const Tensor& input, int64_t dim, bool keepdim, std::optional<DType> dtype, Out out) {
  Tensor result = deliver("prod", out, run_prod(input, prod_type(input, dtype), {dim}, keepdim));
  return record("ProdBackward1", result, out, saved(input, result, dim, keepdim),
                wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y, int64_t dim, bool keepdim) {
                  if (x.dim() == 0) return u;
                  const int64_t d = wrap_dim(dim, x.dim());
                  const Ints dims{d};
                  return prod_gradient(restore_reduced(u, dims, x.sizes(), keepdim), to(x, u.dtype()),
                                       restore_reduced(y, dims, x.sizes(), keepdim), d);
                }));
}
Tensor prod_all(const Tensor& input, std::optional<DType> dtype) {
  Tensor result = run_prod(input, prod_type(input, dtype), {}, false);
  return record("ProdBackward0", result, saved(input, result),
                wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y) {
                  if (x.dim() == 0) return u;
                  return reshape(prod_gradient(u, reshape(to(x, u.dtype()), {-1}), y, 0), x.sizes());
                }));
}
TG_OP(prod_all, "prod(Tensor input, *, ScalarType? dtype=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
The product of all elements; integers and bool in int64.

Backward: u * the product of the other elements, right with zeros too.
)");
TG_OP(
    prod,
    "prod(Tensor input, int dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor? out=None) -> Tensor",
    kFunction | kMethod, R"(
The product along dim; integers and bool in int64.

Backward: u * the product of the other elements, right with zeros too.
)");

// Logic.
namespace {
Tensor truth(Fold fold, const Tensor& input, const Ints& dims, bool keepdim) {
  Tensor out = run_fold(fold, input, dims, keepdim, DType::Bool);
  return input.dtype() == DType::UInt8 ? to(out, DType::UInt8) : out;
}
// An empty list of dimensions reduces nothing.
Tensor truth_dims(Fold fold, const Tensor& input, const std::optional<Ints>& dims, bool keepdim) {
  if (dims && dims->empty())
    return to(ne(input, wrap_number(0)), input.dtype() == DType::UInt8 ? DType::UInt8 : DType::Bool);
  return truth(fold, input, dims.value_or(Ints()), keepdim);
}
Tensor any_all(const Tensor& input) { return truth(Fold::Any, input, {}, false); }
Tensor any_dims(const Tensor& input, std::optional<Ints> dims, bool keepdim) {
  return truth_dims(Fold::Any, input, dims, keepdim);
}
Tensor all_all(const Tensor& input) { return truth(Fold::All, input, {}, false); }
Tensor all_dims(const Tensor& input, std::optional<Ints> dims, bool keepdim) {
  return truth_dims(Fold::All, input, dims, keepdim);
}
}  // namespace
Tensor any(const Tensor& input, const Ints& dims, bool keepdim) {
  return truth(Fold::Any, input, dims, keepdim);
}
Tensor all(const Tensor& input, const Ints& dims, bool keepdim) {
  return truth(Fold::All, input, dims, keepdim);
}
TG_OP(any_all, "any(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      "\nbool: whether any element is not zero.\n");
TG_OP(any_dims, "any(Tensor input, int[1]? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, "\nbool: whether any element over dim is not zero.\n");
TG_OP(all_all, "all(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      "\nbool: whether no element is zero.\n");
TG_OP(all_dims, "all(Tensor input, int[1]? dim=None, bool keepdim=False, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, "\nbool: whether no element over dim is zero.\n");

}  // namespace tensorgrad
