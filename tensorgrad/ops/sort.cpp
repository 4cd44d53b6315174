#include "tensorgrad/ops/sort.h"

#include <algorithm>

#include "tensorgrad/backends/slots_sort.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/gather.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

using Both = std::tuple<Tensor, Tensor>;

// The first k along d (wrapped), without history.
Both run_sort(const Tensor& input, int64_t d, int64_t k, bool descending) {
  NoGradGuard guard;
  if (input.dim() == 0) {
    Both both{clone(input), zeros({}, DType::Int64, input.device())};
    if (k == 1) return both;
  }
  const int64_t last = std::max<int64_t>(input.dim(), 1) - 1;
  const Tensor rows = contiguous(transpose(input, d, last));
  Shape sizes = rows.sizes();
  const int64_t length = sizes.empty() ? 1 : sizes[last];
  if (!sizes.empty()) sizes[last] = k;
  TG_CHECK(length < (int64_t(1) << 32), Runtime, "sort: a dimension of ", length, " elements is too long");
  Tensor values = Tensor::empty(sizes, input.dtype(), input.device());
  Tensor places = Tensor::empty(sizes, DType::Int64, input.device());
  if (values.numel() > 0)
    slots::sort_rows(input.device(), {rows.bytes(), values.bytes(), places.data<int64_t>(),
                                      rows.numel() / length, length, k, input.dtype(), descending});
  if (d != last) {
    values = contiguous(transpose(values, d, last));
    places = contiguous(transpose(places, d, last));
  }
  return {values, places};
}

// u goes back to the places that were taken along d.
Both record_places(const char* node, const Tensor& input, int64_t d, Both both) {
  auto& [values, places] = both;
  values = record(node, values, saved(places, d, input.sizes()),
                  wrt(input, [](const Tensor& u, const Tensor& places, int64_t d, const Shape& sizes) {
                    return scatter_back(u, d, places, sizes, true);
                  }));
  return both;
}

}  // namespace

Both sort(const Tensor& input, int64_t dim, bool descending) {
  const int64_t d = wrap_dim(dim, input.dim());
  return record_places("SortBackward0", input, d,
                       run_sort(input, d, input.dim() ? input.sizes()[d] : 1, descending));
}
Tensor argsort(const Tensor& input, int64_t dim, bool descending) {
  const int64_t d = wrap_dim(dim, input.dim());
  return std::get<1>(run_sort(input, d, input.dim() ? input.sizes()[d] : 1, descending));
}
namespace {
Both sort_stable(const Tensor& input, std::optional<bool>, int64_t dim, bool descending) {
  const int64_t d = wrap_dim(dim, input.dim());
  return record_places("SortBackward1", input, d,
                       run_sort(input, d, input.dim() ? input.sizes()[d] : 1, descending));
}
Tensor argsort_stable(const Tensor& input, bool, int64_t dim, bool descending) {
  return argsort(input, dim, descending);
}
Tensor msort(const Tensor& input) { return std::get<0>(sort(input, 0)); }
}  // namespace
TG_OP(sort,
      "sort(Tensor input, int dim=-1, bool descending=False, *, Tensor? out=None) -> (Tensor values, Tensor "
      "indices)",
      kFunction | kMethod, R"(
The elements in order along dim, and where each was. Equal elements keep their order; NaN is greatest.

Backward: u at the places.
)");
TG_OP(sort_stable,
      "sort(Tensor input, *, bool? stable, int dim=-1, bool descending=False, Tensor? out=None) -> (Tensor "
      "values, Tensor indices)",
      kFunction | kMethod, "\nThe elements in order along dim, and where each was; always stable.\n");
TG_OP(argsort, "argsort(Tensor input, int dim=-1, bool descending=False) -> Tensor", kFunction | kMethod,
      "\nint64: the indices that sort input along dim.\n");
TG_OP(argsort_stable, "argsort(Tensor input, *, bool stable, int dim=-1, bool descending=False) -> Tensor",
      kFunction | kMethod, "\nint64: the indices that sort input along dim; always stable.\n");
TG_OP(msort, "msort(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod,
      "\nsort() along dim 0, the values alone.\n");

Both topk(const Tensor& input, int64_t k, int64_t dim, bool largest, bool) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(k >= 0 && k <= (input.dim() ? input.sizes()[d] : 1), Runtime, "selected index k out of range");
  TG_CHECK(input.dtype() != DType::Bool, Runtime, "topk does not support bool dtypes on CPU");
  return record_places("TopkBackward0", input, d, run_sort(input, d, k, largest));
}
TG_OP(topk,
      "topk(Tensor input, int k, int dim=-1, bool largest=True, bool sorted=True, *, Tensor? out=None) -> "
      "(Tensor values, Tensor indices)",
      kFunction | kMethod, R"(
The k greatest (or smallest) elements along dim, in order, and their places; NaN is greatest.

Backward: u at the places.
)");

Both kthvalue(const Tensor& input, int64_t k, int64_t dim, bool keepdim) {
  const int64_t d = wrap_dim(dim, input.dim());
  const int64_t length = input.dim() ? input.sizes()[d] : 1;
  TG_CHECK(input.dim() == 0 || length > 0, Index, "kthvalue(): Expected reduction dim ", d,
           " to have non-zero size.");
  TG_CHECK(k >= 1 && k <= length, Runtime, "kthvalue(): selected number k out of range for dimension ", d);
  TG_CHECK(input.dtype() != DType::Bool, NotImplemented, "\"kthvalue_cpu\" not implemented for 'Bool'");
  NoGradGuard guard;
  const auto [values, places] = run_sort(input, d, k, false);
  Tensor value = values, place = places;
  if (input.dim() > 0) {
    value = narrow(values, d, k - 1, 1);
    place = narrow(places, d, k - 1, 1);
    if (!keepdim) {
      value = select(value, d, 0);
      place = select(place, d, 0);
    }
  }
  return {contiguous(value), contiguous(place)};
}
namespace {

Both record_reduced(const char* node, const Tensor& input, int64_t d, bool keepdim, Both both) {
  auto& [value, place] = both;
  value = record(node, value, saved(place, d, input.sizes(), keepdim),
                 wrt(input, [](const Tensor& u, const Tensor& place, int64_t d, const Shape& sizes,
                               bool keepdim) { return scatter_back(u, d, place, sizes, keepdim); }));
  return both;
}
Both kthvalue_op(const Tensor& input, int64_t k, int64_t dim, bool keepdim) {
  return record_reduced("KthvalueBackward0", input, wrap_dim(dim, input.dim()), keepdim,
                        kthvalue(input, k, dim, keepdim));
}

// The lower of the two in the middle; a NaN anywhere is the median unless it is ignored.
Both median_along(const char* name, const Tensor& input, int64_t dim, bool keepdim, bool skip_nan) {
  const int64_t d = wrap_dim(dim, input.dim()), length = input.dim() ? input.sizes()[d] : 1;
  TG_CHECK(length > 0 || input.dim() == 0, Index, name, "(): Expected reduction dim ", d,
           " to have non-zero size.");
  TG_CHECK(input.dtype() != DType::Bool, NotImplemented, "\"median_out\" not implemented for 'Bool'");
  NoGradGuard guard;
  const auto [values, places] = run_sort(input, d, length, false);
  if (input.dim() == 0) return {values, places};
  Tensor at = full(Shape(), (length - 1) / 2, DType::Int64);
  Shape one = input.sizes();
  one[d] = 1;
  at = expand(at, one);
  if (is_floating(input.dtype())) {
    const Tensor valid = sum(eq(values, values), {d}, true);  // NaN sort last
    at = skip_nan ? clamp(div(valid - Scalar(1), wrap_number(2), "floor"), Scalar(0))
                  : where(eq(valid, wrap_number(length)), at, valid);
  }
  Tensor value = gather(values, d, at), place = gather(places, d, at);
  if (!keepdim) {
    value = squeeze(value, {d});
    place = squeeze(place, {d});
  }
  return {contiguous(value), contiguous(place)};
}

// NaN, or what a conversion from it leaves in an integer.
Tensor median_of_nothing(DType t) {
  if (is_floating(t)) return full({}, __builtin_nan(""), t);
  return full({},
              t == DType::Int64   ? INT64_MIN
              : t == DType::Int32 ? INT32_MIN
                                  : int64_t(t == DType::Bool),
              t);
}

// Equal elements share the gradient.
Tensor median_of_all(const char* node, const Tensor& input, bool skip_nan) {
  TG_CHECK(input.dtype() != DType::Bool || input.numel() == 0, NotImplemented,
           "\"median_cpu\" not implemented for 'Bool'");
  Tensor value;
  if (input.numel() == 0) {
    value = median_of_nothing(input.dtype());
  } else {
    NoGradGuard guard;
    value = std::get<0>(median_along("median", reshape(input, {-1}), 0, false, skip_nan));
  }
  return record(node, value, saved(input, value),
                wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y) {
                  const Tensor chosen = logical_or(eq(x, y), logical_and(ne(x, x), ne(y, y)));
                  return to(chosen, u.dtype()) * (u / sum_all(chosen));
                }));
}
Tensor median(const Tensor& input) { return median_of_all("MedianBackward0", input, false); }
Tensor nanmedian(const Tensor& input) { return median_of_all("NanmedianBackward0", input, true); }
Both median_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return record_reduced("MedianBackward1", input, wrap_dim(dim, input.dim()), keepdim,
                        median_along("median", input, dim, keepdim, false));
}
Both nanmedian_dim(const Tensor& input, int64_t dim, bool keepdim) {
  return record_reduced("NanmedianBackward1", input, wrap_dim(dim, input.dim()), keepdim,
                        median_along("nanmedian", input, dim, keepdim, true));
}

}  // namespace
#define TG_MEDIAN_ROWS(NAME)                                                                                \
  TG_OP(NAME, #NAME "(Tensor input) -> Tensor", kFunction | kMethod,                                        \
        "\nThe lower median of all elements.\n\nBackward: u at its place.\n");                              \
  TG_OP(NAME##_dim, #NAME "(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", \
        kFunction | kMethod,                                                                                \
        "\nThe lower medians along dim and their places.\n\nBackward: u at the places.\n")
TG_MEDIAN_ROWS(median);
TG_MEDIAN_ROWS(nanmedian);
TG_OP(kthvalue_op,
      "kthvalue(Tensor input, int k, int dim=-1, bool keepdim=False, *, Tensor? out=None) -> (Tensor values, "
      "Tensor indices)",
      kFunction | kMethod, R"(
The k-th smallest element along dim (k from 1) and its place.

Backward: u at the place.
)");

}  // namespace tensorgrad
