#include "tensorgrad/ops/index_dim.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

bool is_index(const Tensor& t) { return t.dtype() == DType::Int64 || t.dtype() == DType::Int32; }
Tensor as_vector(const Tensor& t) { return t.dim() == 0 ? t.window({1}, {1}, t.storage_offset()) : t; }

// Byte offsets of the slices; `bad` is called with an index that is out of bounds.
template <class Bad>
Tensor slice_offsets(const Tensor& data, int64_t dim, const Tensor& index, bool wrap, const Bad& bad) {
  NoGradGuard guard;
  const Tensor at = contiguous(to(index, DType::Int64));
  Tensor offsets = Tensor::empty(at.sizes(), DType::Int64, at.device());
  if (at.numel() == 0) return offsets;
  int64_t bad_value = INT64_MIN;
  int bad_dim = -1;
  OffsetArgs args;
  args.offsets = offsets.data<int64_t>();
  args.count = at.numel();
  args.dims = 1;
  args.index[0] = at.data<int64_t>();
  args.sizes[0] = data.sizes()[dim];
  args.strides[0] = data.strides()[dim] * int64_t(data.element_size());
  args.wrap = wrap;
  args.bad_value = &bad_value;
  args.bad_dim = &bad_dim;
  slots::index_offsets(data.device(), args);
  if (bad_dim >= 0) bad(bad_value);
  return offsets;
}

void read_slices(const Tensor& out, const Tensor& data, int64_t dim, const Tensor& offsets) {
  if (out.numel() > 0) slots::index_get(data.device(), index_args(data, dim, 1, offsets, out));
}
void write_slices(const Tensor& data, int64_t dim, const Tensor& offsets, const Tensor& values, Combine how,
                  bool scalar) {
  if (offsets.numel() == 0 || data.numel() == 0 || values.numel() == 0) return;
  NoGradGuard guard;
  const Tensor source = contiguous(values);
  IndexArgs args = index_args(data, dim, 1, offsets, source);
  args.scalar = scalar;
  slots::index_set(data.device(), args, how);
}

auto out_of_bounds(ErrorKind kind, const char* prefix, int64_t dim, int64_t size) {
  return [=](int64_t value) {
    fail(kind, prefix, "index ", value, " is out of bounds for dimension ", dim, " with size ", size);
  };
}

}  // namespace

Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(index.dim() <= 1, Index, "index_select(): Index is supposed to be a vector");
  TG_CHECK(is_index(index), Runtime, "index_select(): Expected dtype int32 or int64 for index");
  TG_CHECK(input.dim() > 0 || index.numel() == 1, Runtime,
           "index_select(): Index to scalar can have only 1 value, got ", index.numel(), " value(s)");
  const Tensor data = as_vector(input);
  TG_CHECK(data.sizes()[d] > 0 || index.numel() == 0, Runtime,
           "index_select(): self indexing axis dim should be positive");
  const Tensor offsets = slice_offsets(data, d, as_vector(index), false,
                                       [](int64_t) { fail(ErrorKind::Index, "index out of range in self"); });
  Shape sizes = data.sizes();
  sizes[d] = offsets.numel();
  Tensor result = Tensor::empty(input.dim() == 0 ? Shape() : sizes, input.dtype(), input.device());
  read_slices(result, data, d, offsets);
  result = deliver("index_select", out, result, {&input, &index});
  return record("IndexSelectBackward0", result, out, saved(index, d, input.sizes()),
                wrt(input, [](const Tensor& u, const Tensor& index, int64_t d, const Shape& sizes) {
                  return index_add(zeros(sizes, u.dtype(), u.device()), d, index, u);
                }));
}
TG_OP(index_select, "index_select(Tensor input, int dim, Tensor index, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod,
      R"(
The slices of input along dim at index (a vector of int64 or int32). A copy.

Backward: u added into zeros at the indices.
)");

Tensor index_add(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha,
                 Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(index.dim() <= 1, Index,
           "index_add_(): Index is supposed to be a vector, but got dim: ", index.dim(),
           " with type: ", dtype_scalar_name(index.dtype()), " and size: ", index.sizes());
  TG_CHECK(is_index(index), Runtime,
           "index_add_(): Expected dtype int32/int64 for index but got: ", dtype_scalar_name(index.dtype()));
  TG_CHECK(input.dtype() == source.dtype(), Runtime, "index_add_(): self (", dtype_scalar_name(input.dtype()),
           ") and source (", dtype_scalar_name(source.dtype()), ") must have the same scalar type");
  TG_CHECK(source.dim() == 0 || d < source.dim(), Runtime, "index_add_(): Indexing dim ", d,
           " is out of bounds of the source tensor with dim ", source.dim());
  const int64_t given = source.dim() == 0 ? 1 : source.sizes()[d];
  TG_CHECK(source.dim() > 0 || index.numel() == 1, Index,
           "Dimension specified as 0 but tensor has no dimensions");
  TG_CHECK(index.numel() == given, Runtime, "index_add_(): Number of indices (", index.numel(),
           ") should be equal to source.size(dim): (", given, "), for dim: ", d);
  Shape expected = input.sizes(), have = source.sizes();
  if (!expected.empty() && !have.empty()) {
    expected.erase(d);
    have.erase(d);
    TG_CHECK(expected == have, Runtime,
             "source tensor shape must match self tensor shape, excluding the specified "
             "dimension. Got self.shape = ",
             input.sizes(), " source.shape = ", source.sizes());
  }
  Tensor result = writable(out, input);
  const Tensor data = as_vector(result);
  const Tensor offsets = slice_offsets(data, d, as_vector(index), false,
                                       [](int64_t) { fail(ErrorKind::Index, "index out of range in self"); });
  {
    NoGradGuard guard;
    // As a number of the input's dtype: 2.5 is 2 for integers, and the product must not be of a higher kind.
    const Tensor scaled = alpha.equals(1) ? source : mul(source, to(wrap_number(alpha), input.dtype()));
    write_slices(data, d, offsets, scaled, Combine::Add, false);
  }
  result = deliver("index_add", out, result);
  return record(
      "IndexAddBackward0", result, out, saved(index, d, alpha, source.sizes()),
      wrt(input, [](const Tensor& u, const Tensor&, int64_t, Scalar, const Shape&) { return u; }),
      wrt(source, [](const Tensor& u, const Tensor& index, int64_t d, Scalar alpha, const Shape& sizes) {
        const Tensor chosen = reshape(index_select(u, d, index), sizes);
        return alpha.equals(1) ? chosen : chosen * alpha;
      }));
}
TG_OP(index_add,
      "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1, Tensor? out=None) -> "
      "Tensor",
      kFunction | kMethod | kInPlace, R"(
input with alpha times the slices of source added at index along dim, repeated indices too.

Backward: u for input, alpha * u at the indices for source.
)");

Tensor index_copy(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& source, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(index.dim() < 2, Index, "index_copy_(): Index should have dimension 1 or 0 (got ", index.dim(),
           ")");
  TG_CHECK(
      input.dim() == source.dim() || source.dim() == 0 || input.dim() == 0, Index,
      "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
      "dimensionality (",
      source.dim(), "), destination dimensionality (", input.dim(), ")");
  TG_CHECK(index.dtype() == DType::Int64, Index, "index_copy_(): Expected a long tensor for index, but got ",
           dtype_scalar_name(index.dtype()));
  TG_CHECK(input.dtype() == source.dtype(), Runtime,
           "index_copy_(): self and source expected to have the same dtype, but got (self) ",
           dtype_scalar_name(input.dtype()), " and (source) ", dtype_scalar_name(source.dtype()));
  Shape expected = input.sizes(), have = source.sizes();
  if (!expected.empty()) expected.erase(d);
  if (!have.empty()) have.erase(d);
  TG_CHECK(expected == have || source.dim() == 0 || input.dim() == 0, Runtime,
           "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ",
           expected.empty() ? int64_t(0) : expected[0], " at dimension ", d,
           " and source slice shape: ", have.empty() ? int64_t(0) : have[0], " at dimension 0.");
  const int64_t given = source.dim() == 0 ? 1 : source.sizes()[d];
  if (source.dim() == 0)
    TG_CHECK(index.numel() == 1, Index,
             "index_copy_(): When source is scalar, index should have one element (got ", index.numel(), ")");
  else
    TG_CHECK(index.numel() == given, Index, "index_copy_(): Number of indices (", index.numel(),
             ") should be equal to source.size(dim) (", given, ")");
  Tensor result = writable(out, input);
  const Tensor data = as_vector(result);
  const Tensor offsets =
      slice_offsets(data, d, as_vector(index), false,
                    out_of_bounds(ErrorKind::Index, "index_copy_(): ", d, data.sizes()[d]));
  write_slices(data, d, offsets, source, Combine::Assign, source.numel() == 1);
  result = deliver("index_copy", out, result);
  return record(
      "IndexCopyBackward0", result, out, saved(index, d, source.sizes()),
      wrt(input, [](const Tensor& u, const Tensor& index, int64_t d,
                    const Shape&) { return index_fill(u, d, index, zeros({}, u.dtype(), u.device())); }),
      wrt(source, [](const Tensor& u, const Tensor& index, int64_t d, const Shape& sizes) {
        return reshape(index_select(u, d, index), sizes);
      }));
}
TG_OP(index_copy,
      "index_copy(Tensor input, int dim, Tensor index, Tensor source, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with the slices of source written at index along dim.

Backward: u with zeros at the indices for input, u at the indices for source.
)");

Tensor index_fill(const Tensor& input, int64_t dim, const Tensor& index, const Tensor& value, Out out) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(value.dim() == 0, Runtime,
           "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ", value.dim(),
           " dimension(s).");
  TG_CHECK(index.dtype() == DType::Int64, Index, "index_fill_(): Expected dtype int64 for index.");
  TG_CHECK(index.dim() <= 1, Runtime, "Index has to be a vector/scalar");
  Tensor result = writable(out, input);
  const Tensor data = as_vector(result);
  const Tensor offsets =
      slice_offsets(data, d, as_vector(index), true, out_of_bounds(ErrorKind::Index, "", d, data.sizes()[d]));
  {
    NoGradGuard guard;
    write_slices(data, d, offsets, to(value, input.dtype()), Combine::Assign, true);
  }
  result = deliver("index_fill", out, result);
  return record(
      value.impl()->wrapped_number ? "IndexFillBackward0" : "IndexFillBackward1", result, out,
      saved(index, d),
      wrt(input, [](const Tensor& u, const Tensor& index,
                    int64_t d) { return index_fill(u, d, index, zeros({}, u.dtype(), u.device())); }),
      wrt(value, [](const Tensor& u, const Tensor& index, int64_t d) {
        return sum_all(u - index_fill(u, d, index, zeros({}, u.dtype(), u.device())));
      }));
}
TG_OP(index_fill, "index_fill(Tensor input, int dim, Tensor index, Operand value) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input with value, a number or a 0-d tensor, in the slices at index along dim.

Backward: u with zeros at the indices for input, the sum of u there for value.
)");

Tensor take(const Tensor& input, const Tensor& index, Out out) {
  TG_CHECK(index.dtype() == DType::Int64, Runtime, "take(): Expected a long tensor for index, but got ",
           dtype_scalar_name(index.dtype()));
  TG_CHECK(input.numel() > 0 || index.numel() == 0, Index, "take(): tried to take from an empty tensor");
  const int64_t numel = input.numel();
  Tensor flat;
  {
    NoGradGuard guard;
    flat = reshape(contiguous(input), {-1});
  }
  const Tensor offsets = slice_offsets(flat, 0, index, true, [=](int64_t value) {
    fail(ErrorKind::Index, "out of range: tried to access index ", value, " on a tensor of ", numel,
         " elements.");
  });
  Tensor result = Tensor::empty(index.sizes(), input.dtype(), input.device());
  read_slices(result, flat, 0, offsets);
  result = deliver("take", out, result, {&input, &index});
  return record("TakeBackward0", result, out, saved(index, input.sizes()),
                wrt(input, [](const Tensor& u, const Tensor& index, const Shape& sizes) {
                  const Tensor all = zeros({count_elements(sizes)}, u.dtype(), u.device());
                  return reshape(index_put_(all, {index}, u, true), sizes);
                }));
}
TG_OP(take, "take(Tensor input, Tensor index, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The elements of input, seen as a vector, at index (int64), in the shape of index.

Backward: u added into zeros at the indices.
)");

}  // namespace tensorgrad
