#include "tensorgrad/ops/gather.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

Tensor as_index(const char* op, const Tensor& index) {
  TG_CHECK(index.dtype() == DType::Int64 || index.dtype() == DType::Int32 || index.numel() == 0, Runtime, op,
           "(): Expected dtype int32/int64 for index");
  NoGradGuard guard;
  return to(index, DType::Int64);
}
Tensor at_least_1d(const Tensor& t) { return t.dim() == 0 ? t.window({1}, {1}, t.storage_offset()) : t; }

// t as the indexed operand: the index's sizes, standing still along dim.
Tensor standing_along(const Tensor& t, int64_t dim, const Shape& sizes) {
  Ints strides = t.strides();
  strides[dim] = 0;
  return t.window(sizes, strides, t.storage_offset());
}

void gather_into(const Tensor& out, const Tensor& input, int64_t dim, const Tensor& index) {
  if (index.numel() == 0) return;
  const Tensor source = at_least_1d(input), at = at_least_1d(index), to = at_least_1d(out);
  int64_t bad = INT64_MIN;
  const GatherArgs args{source.sizes()[dim], source.strides()[dim] * int64_t(source.element_size()), &bad};
  Plan plan;
  build_plan(plan, to, at, standing_along(source, dim, at.sizes()));
  slots::gather(input.device(), plan, args);
  TG_CHECK(bad == INT64_MIN, Runtime, "index ", bad, " is out of bounds for dimension ", dim, " with size ",
           args.size);
}

void scatter_into(const Tensor& out, int64_t dim, const Tensor& index, const Tensor& src, Combine how) {
  if (index.numel() == 0) return;
  const Tensor to = at_least_1d(out), at = at_least_1d(index);
  Tensor from = at_least_1d(src);
  if (!(from.sizes() == at.sizes())) from = from.window(at.sizes(), from.strides(), from.storage_offset());
  int64_t bad = INT64_MIN;
  const GatherArgs args{to.sizes()[dim], to.strides()[dim] * int64_t(to.element_size()), &bad};
  Plan plan;
  build_plan(plan, standing_along(to, dim, at.sizes()), at, from);
  slots::scatter(out.device(), plan, args, how);
  TG_CHECK(bad == INT64_MIN, Runtime, "index ", bad, " is out of bounds for dimension ", dim, " with size ",
           args.size);
}

// What scatters share. `src` is undefined where a number is scattered.
int64_t check_scatter(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(!src.defined() || src.dtype() == input.dtype(), Runtime,
           "scatter(): Expected self.dtype to be equal to src.dtype");
  if (index.numel() == 0) return d;
  const int64_t ndim = std::max<int64_t>(input.dim(), 1);
  TG_CHECK(std::max<int64_t>(index.dim(), 1) == ndim, Runtime,
           "Index tensor must have the same number of dimensions as self tensor");
  TG_CHECK(!src.defined() || std::max<int64_t>(src.dim(), 1) == ndim, Runtime,
           "Index tensor must have the same number of dimensions as src tensor");
  const Tensor i = at_least_1d(index), s = at_least_1d(input);
  bool fits = true;
  for (int64_t k = 0; k < ndim; k++) {
    fits &= k == d || i.sizes()[k] <= s.sizes()[k];
    if (src.defined()) fits &= i.sizes()[k] <= at_least_1d(src).sizes()[k];
  }
  if (src.defined())
    TG_CHECK(fits, Runtime, "Expected index ", index.sizes(), " to be no larger than self ", input.sizes(),
             " apart from dimension ", d, " and to be no larger size than src ", src.sizes());
  else
    TG_CHECK(fits, Runtime, "Expected index ", index.sizes(), " to be no larger than self ", input.sizes(),
             " apart from dimension ", d);
  return d;
}

}  // namespace

Tensor gather(const Tensor& input, int64_t dim, const Tensor& index, bool, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  const Tensor at = as_index("gather", index);
  if (index.numel() > 0) {
    TG_CHECK(std::max<int64_t>(input.dim(), 1) == std::max<int64_t>(index.dim(), 1), Runtime,
             "Index tensor must have the same number of dimensions as input tensor");
    for (int64_t k = 0; k < index.dim() && input.dim() > 0; k++)
      TG_CHECK(k == d || index.sizes()[k] <= input.sizes()[k], Runtime, "Size does not match at dimension ",
               k, " expected index ", index.sizes(), " to be no larger than self ", input.sizes(),
               " apart from dimension ", d);
  }
  check_out_dtype(out, input.dtype());
  Tensor result = Tensor::empty(index.sizes(), input.dtype(), input.device());
  gather_into(result, input, d, at);
  result = deliver("gather", out, result, {&input, &index});
  return record("GatherBackward0", result, out, saved(at, d, input.sizes()),
                wrt(input, [](const Tensor& u, const Tensor& at, int64_t d, const Shape& sizes) {
                  return scatter_add(zeros(sizes, u.dtype(), u.device()), d, at, u);
                }));
}
TG_OP(gather,
      "gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
The elements of input whose index along dim is given by index (int64), in the shape of index.

Backward: u added into zeros at the indices.
)");

Tensor scatter(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src, Out out) {
  const Tensor at = as_index("scatter", index);
  const int64_t d = check_scatter(input, dim, index, src);
  Tensor result = writable(out, input);
  scatter_into(result, d, at, src, Combine::Assign);
  result = deliver("scatter", out, result);
  return record(
      "ScatterBackward0", result, out, saved(at, d),
      wrt(input, [](const Tensor& u, const Tensor& at,
                    int64_t d) { return scatter(u, d, at, zeros(at.sizes(), u.dtype(), u.device())); }),
      wrt(src, [](const Tensor& u, const Tensor& at, int64_t d) { return gather(u, d, at); }));
}
Tensor scatter_value(const Tensor& input, int64_t dim, const Tensor& index, Scalar value, Out out) {
  const Tensor at = as_index("scatter", index);
  const int64_t d = check_scatter(input, dim, index, {});
  Tensor result = writable(out, input);
  const Tensor number = full({}, value, input.dtype(), input.device());
  if (index.numel() > 0)
    scatter_into(result, d, at, expand(number, at_least_1d(index).sizes()), Combine::Assign);
  result = deliver("scatter", out, result);
  return record("ScatterBackward1", result, out, saved(at, d),
                wrt(input, [](const Tensor& u, const Tensor& at, int64_t d) {
                  return scatter(u, d, at, zeros(at.sizes(), u.dtype(), u.device()));
                }));
}
namespace {
Tensor scatter_combine(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
                       std::string_view reduce, Out out) {
  TG_CHECK(reduce == "add" || reduce == "multiply", Runtime,
           "reduce argument must be either add or multiply.");
  const Tensor at = as_index("scatter", index);
  const int64_t d = check_scatter(input, dim, index, src);
  TG_CHECK(!grad_enabled() || (!input.requires_grad() && !src.requires_grad()), Runtime,
           "the derivative for 'scatter' is not implemented.");
  Tensor result = writable(out, input);
  scatter_into(result, d, at, src, reduce == "add" ? Combine::Add : Combine::Multiply);
  return deliver("scatter", out, result);
}
Tensor scatter_value_combine(const Tensor& input, int64_t dim, const Tensor& index, Scalar value,
                             std::string_view reduce, Out out) {
  TG_CHECK(reduce == "add" || reduce == "multiply", Runtime,
           "reduce argument must be either add or multiply.");
  const Tensor number = full({}, value, input.dtype(), input.device());
  return scatter_combine(input, dim, index, expand(number, index.sizes()), reduce, out);
}
}  // namespace
TG_OP(scatter, "scatter(Tensor input, int dim, Tensor index, Tensor src, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with the elements of src written at index (int64) along dim.

Backward: u with zeros at the indices for input, u gathered at them for src.
)");
TG_OP(scatter_value,
      "scatter(Tensor input, int dim, Tensor index, Scalar value, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with value written at index (int64) along dim.

Backward: u with zeros at the indices.
)");
TG_OP(scatter_combine,
      "scatter(Tensor input, int dim, Tensor index, Tensor src, *, str reduce, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with the elements of src added ("add") or multiplied ("multiply") in at index along dim. No gradient.
)");
TG_OP(scatter_value_combine,
      "scatter(Tensor input, int dim, Tensor index, Scalar value, *, str reduce, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with value added ("add") or multiplied ("multiply") in at index along dim. No gradient.
)");

Tensor scatter_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src, Out out) {
  const Tensor at = as_index("scatter", index);
  const int64_t d = check_scatter(input, dim, index, src);
  Tensor result = writable(out, input);
  scatter_into(result, d, at, src, Combine::Add);
  result = deliver("scatter_add", out, result);
  return record("ScatterAddBackward0", result, out, saved(at, d),
                wrt(input, [](const Tensor& u, const Tensor&, int64_t) { return u; }),
                wrt(src, [](const Tensor& u, const Tensor& at, int64_t d) { return gather(u, d, at); }));
}
TG_OP(scatter_add,
      "scatter_add(Tensor input, int dim, Tensor index, Tensor src, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with the elements of src added in at index (int64) along dim, repeated indices too.

Backward: u for input, u gathered at the indices for src.
)");

namespace {

// How many elements, self included or not, met at every place.
Tensor meetings(const Tensor& like, int64_t d, const Tensor& at, bool include_self) {
  const Tensor start = full(like.sizes(), include_self ? 1 : 0, like.dtype(), like.device());
  return scatter_add(start, d, at, full(at.sizes(), 1, like.dtype(), like.device()));
}

TensorList scatter_reduce_gradient(const Upstream& up, const Tensor& x, const Tensor& src, const Tensor& y,
                                   const Tensor& at, int64_t d, int64_t kind, bool include_self) {
  const Tensor& u = up[0];
  const Tensor zero = zeros({}, u.dtype(), u.device());
  Tensor for_self, for_src;
  if (kind == 0) {  // sum
    for_self = u;
    for_src = gather(u, d, at);
  } else if (kind == 1) {  // prod: by division, zeros apart
    const Tensor self_part = where(eq(x, wrap_number(0)), full({}, 1, u.dtype(), u.device()), x);
    const Tensor without_self =
        scatter_reduce(full(x.sizes(), 1, u.dtype(), u.device()), d, at, src, "prod", true);
    for_self = u * without_self;
    if (!include_self) for_self = u;
    const Tensor is_zero = eq(src, wrap_number(0));
    const Tensor masked = where(is_zero, full({}, 1, u.dtype(), u.device()), src);
    const Tensor zero_count =
        scatter_add(zeros(x.sizes(), u.dtype(), u.device()), d, at, to(is_zero, u.dtype()));
    const Tensor start = include_self ? x : full(x.sizes(), 1, u.dtype(), u.device());
    const Tensor nonzero_product = scatter_reduce(start, d, at, masked, "prod", true);
    const Tensor zeros_here = gather(zero_count, d, at), others = gather(nonzero_product, d, at) / masked;
    const Tensor dies = logical_or(gt(zeros_here, wrap_number(1)),
                                   logical_and(eq(zeros_here, wrap_number(1)), eq(is_zero, wrap_number(0))));
    for_src = gather(u, d, at) * where(dies, zero, others);
  } else if (kind == 2) {  // mean
    Tensor count = meetings(u, d, at, include_self);
    count = masked_fill(count, eq(count, wrap_number(0)), wrap_number(1));
    for_self = u / count;
    for_src = gather(u, d, at) / gather(count, d, at);
  } else {  // amax, amin: ties share
    const Tensor result_here = gather(y, d, at);
    const Tensor self_wins = to(eq(x, y), u.dtype()), src_wins = to(eq(src, result_here), u.dtype());
    const Tensor winners =
        scatter_add(include_self ? self_wins : zeros(x.sizes(), u.dtype(), u.device()), d, at, src_wins);
    const Tensor share = u / masked_fill(winners, eq(winners, wrap_number(0)), wrap_number(1));
    for_self = include_self ? self_wins * share : u;
    for_src = src_wins * gather(share, d, at);
  }
  if (!include_self) for_self = scatter(for_self, d, at, zeros(at.sizes(), u.dtype(), u.device()));
  return {up.needs(0) ? for_self : Tensor(), up.needs(1) ? for_src : Tensor()};
}

}  // namespace

Tensor scatter_reduce(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self, Out out) {
  int64_t kind = -1;
  constexpr std::string_view kinds[] = {"sum", "prod", "mean", "amax", "amin"};
  for (int64_t k = 0; k < 5; k++)
    if (reduce == kinds[k]) kind = k;
  TG_CHECK(kind >= 0, Runtime, "reduce argument must be either sum, prod, mean, amax or amin, got ", reduce);
  const Tensor at = as_index("scatter", index);
  const int64_t d = check_scatter(input, dim, index, src);
  TG_CHECK(kind != 2 || input.dtype() != DType::Bool, NotImplemented,
           "\"scatter_gather_tensor_cpu_reduce_mean\" not implemented for 'Bool'");
  const Tensor before = out.before_write(input);
  Tensor result;
  {
    NoGradGuard guard;
    result = writable(out, input);
    if (!include_self && index.numel() > 0) {
      // The places that are written start from the identity.
      const bool floating = is_floating(input.dtype());
      Tensor identity = full(at.sizes(), kind == 1 ? 1 : 0, input.dtype(), input.device());
      if (kind >= 3) {
        const double infinite = kind == 3 ? -__builtin_inf() : __builtin_inf();
        if (floating)
          fill_(identity, infinite);
        else
          identity = src;  // any element that meets there will do
      }
      scatter_into(result, d, at, identity, Combine::Assign);
    }
    constexpr Combine how[] = {Combine::Add, Combine::Multiply, Combine::Add, Combine::Maximum,
                               Combine::Minimum};
    scatter_into(result, d, at, src, how[kind]);
    if (kind == 2) {
      Tensor count = meetings(input, d, at, include_self);
      count = masked_fill(count, eq(count, wrap_number(0)), wrap_number(1));
      div(result, count, is_floating(input.dtype()) ? std::optional<std::string_view>() : "floor",
          Out::in_place_of(result));
    }
    result = deliver("scatter_reduce", out, result);
  }
  const bool needs = grad_enabled() && (before.requires_grad() || src.requires_grad());
  return record_jointly("ScatterReduceBackward0", result, out, {before, src},
                        saved(needs && kind != 0 ? before : Tensor(), needs && kind != 0 ? src : Tensor(),
                              needs && kind >= 3 ? result : Tensor(), at, d, kind, include_self),
                        [](const Upstream& up, const Tensor& x, const Tensor& src, const Tensor& y,
                           const Tensor& at, int64_t d, int64_t kind, bool include_self) {
                          return scatter_reduce_gradient(up, x, src, y, at, d, kind, include_self);
                        });
}
TG_OP(scatter_reduce,
      "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool "
      "include_self=True, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with the elements of src reduced in at index (int64) along dim: sum, prod, mean, amax or amin; without include_self
the elements of input that are written do not count.

Backward: of the sum, product or mean at each place; ties of an extreme share.
)");

Tensor take_along_dim(const Tensor& input, const Tensor& indices, std::optional<int64_t> dim) {
  TG_CHECK(indices.dtype() == DType::Int64, Runtime,
           "torch.take_along_dim(): dtype of indices should be Long but got ",
           dtype_scalar_name(indices.dtype()));
  if (!dim) {
    const Tensor flat = reshape(indices, {-1});
    return gather(reshape(input, {-1}), 0, remainder(flat, wrap_number(std::max<int64_t>(input.numel(), 1))));
  }
  TG_CHECK(input.dim() == indices.dim(), Runtime,
           "torch.take_along_dim(): input and indices should have the same number of dimensions, but got ",
           input.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const int64_t d = wrap_dim(*dim, input.dim());
  Shape input_sizes = input.sizes(), index_sizes = indices.sizes();
  if (input.dim() > 0) {
    input_sizes[d] = 1;
    index_sizes[d] = 1;
    const Shape common = broadcast_shapes(input_sizes, index_sizes);
    input_sizes = index_sizes = common;
    input_sizes[d] = input.sizes()[d];
    index_sizes[d] = indices.sizes()[d];
  }
  const int64_t size = input.dim() > 0 ? input.sizes()[d] : 1;
  const Tensor at = remainder(expand(indices, index_sizes), wrap_number(std::max<int64_t>(size, 1)));
  return gather(expand(input, input_sizes), d, at);
}
TG_OP(take_along_dim,
      "take_along_dim(Tensor input, Tensor indices, int? dim=None, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
gather() with the other dimensions broadcast; without dim of the flattened input.
)");

Tensor scatter_back(const Tensor& u, int64_t dim, const Tensor& index, const Shape& sizes, bool keepdim) {
  const Tensor start = zeros(sizes, u.dtype(), u.device());
  if (sizes.empty()) return scatter(start, 0, index, u);
  return keepdim ? scatter(start, dim, index, u)
                 : scatter(start, dim, unsqueeze(index, dim), unsqueeze(u, dim));
}

}  // namespace tensorgrad
