// Smaller relatives of joining, splitting and arranging.
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arrange.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/joining.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

TensorList cut_at(const Tensor& input, const Ints& indices, int64_t d) {
  TensorList out;
  int64_t from = 0;
  for (int64_t to : indices) {
    out.push_back(slice(input, d, from, to));
    from = to;
  }
  out.push_back(slice(input, d, from, input.sizes()[d]));
  return out;
}
TensorList cut_evenly(const Tensor& input, int64_t sections, int64_t d) {
  const int64_t size = input.sizes()[d];
  Ints indices;
  int64_t at = 0;
  for (int64_t i = 0; i + 1 < sections; i++) indices.push_back(at += size / sections + (i < size % sections));
  return cut_at(input, indices, d);
}

}  // namespace

namespace {
Tensor lift(const Tensor& t, int64_t ndim) {
  if (t.dim() >= ndim) return t;
  if (t.dim() == 0) return reshape(t, ndim == 1 ? Shape{1} : ndim == 2 ? Shape{1, 1} : Shape{1, 1, 1});
  const Tensor two = t.dim() == 1 ? unsqueeze(t, 0) : t;
  return ndim == 3 ? unsqueeze(two, 2) : two;
}
Tensor column_stack(const TensorList& tensors) {
  TG_CHECK(!tensors.empty(), Runtime, "column_stack expects a non-empty TensorList");
  TensorList columns;
  for (const Tensor& t : tensors) columns.push_back(t.dim() <= 1 ? reshape(t, {t.numel(), 1}) : t);
  return cat(columns, 1);
}
Tensor atleast_1d(const Tensor& input) { return lift(input, 1); }
Tensor atleast_2d(const Tensor& input) { return lift(input, 2); }
Tensor atleast_3d(const Tensor& input) { return lift(input, 3); }
}  // namespace
TG_OP(column_stack, "column_stack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", kFunction,
      R"(
Vectors as the columns of a matrix.

Backward: to each tensor the part of u that it became.
)");
TG_OP(atleast_1d, "atleast_1d(Tensor input) -> Tensor", kFunction,
      R"(
input with at least one dimension; a view.

Backward: u in the shape of input.
)");
TG_OP(atleast_2d, "atleast_2d(Tensor input) -> Tensor", kFunction,
      R"(
input with at least two dimensions; a view.

Backward: u in the shape of input.
)");
TG_OP(atleast_3d, "atleast_3d(Tensor input) -> Tensor", kFunction,
      R"(
input with at least three dimensions; a view.

Backward: u in the shape of input.
)");

namespace {
TensorList split_along(const char* name, const Tensor& input, int64_t least, int64_t d, int64_t sections) {
  TG_CHECK(input.dim() >= least, Runtime, "torch.", name, " requires a tensor with at least ", least,
           " dimension, but got a tensor with ", input.dim(), " dimensions!");
  TG_CHECK(sections != 0 && input.sizes()[d] % sections == 0, Runtime, "torch.", name,
           " attempted to split along dimension ", d, ", but the size of the dimension ", input.sizes()[d],
           " is not divisible by the split_size ", sections, "!");
  return cut_evenly(input, sections, d);
}
TensorList split_places(const char* name, const Tensor& input, int64_t least, int64_t d,
                        const Ints& indices) {
  TG_CHECK(input.dim() >= least, Runtime, "torch.", name, " requires a tensor with at least ", least,
           " dimension, but got a tensor with ", input.dim(), " dimensions!");
  return cut_at(input, indices, d);
}
TensorList hsplit(const Tensor& x, int64_t n) { return split_along("hsplit", x, 1, x.dim() == 1 ? 0 : 1, n); }
TensorList vsplit(const Tensor& x, int64_t n) { return split_along("vsplit", x, 2, 0, n); }
TensorList dsplit(const Tensor& x, int64_t n) { return split_along("dsplit", x, 3, 2, n); }
TensorList hsplit_at(const Tensor& x, const Ints& at) {
  return split_places("hsplit", x, 1, x.dim() == 1 ? 0 : 1, at);
}
TensorList vsplit_at(const Tensor& x, const Ints& at) { return split_places("vsplit", x, 2, 0, at); }
TensorList dsplit_at(const Tensor& x, const Ints& at) { return split_places("dsplit", x, 3, 2, at); }
}  // namespace
#define TG_SPLIT_ROWS(NAME)                                                                \
  TG_OP(NAME, #NAME "(Tensor input, int sections) -> Tensor[]", kFunction | kMethod,       \
        "\nViews of equal length.\n\nBackward: u of each view in its place.\n");           \
  TG_OP(NAME##_at, #NAME "(Tensor input, int[] indices) -> Tensor[]", kFunction | kMethod, \
        "\nViews between places.\n\nBackward: u of each view in its place.\n")
TG_SPLIT_ROWS(hsplit);
TG_SPLIT_ROWS(vsplit);
TG_SPLIT_ROWS(dsplit);

namespace {
Tensor rot90(const Tensor& input, int64_t k, const Ints& dims) {
  TG_CHECK(dims.size() == 2, Runtime, "expected total rotation dims == 2, but got dims = ", dims.size());
  TG_CHECK(input.dim() >= 2, Runtime, "expected total dims >= 2, but got total dims = ", input.dim());
  TG_CHECK(dims[0] != dims[1] && std::abs(dims[0] - dims[1]) != input.dim(), Runtime,
           "expected rotation dims to be different, but got dim0 = ", dims[0], " and dim1 = ", dims[1]);
  for (int i = 0; i < 2; i++)
    TG_CHECK(dims[size_t(i)] < input.dim() && dims[size_t(i)] >= -input.dim(), Runtime, "Rotation dim", i,
             " out of range, dim", i, " = ", dims[size_t(i)]);
  switch (((k % 4) + 4) % 4) {
    case 1: return transpose(flip(input, {dims[1]}), dims[0], dims[1]);
    case 2: return flip(input, dims);
    case 3: return transpose(flip(input, {dims[0]}), dims[0], dims[1]);
    default: return clone(input);
  }
}
}  // namespace
TG_OP(rot90, "rot90(Tensor input, int k=1, int[] dims=[0,1]) -> Tensor", kFunction | kMethod, R"(
Turned by k right angles in the plane of dims, from the first towards the second.

Backward: u turned by -k right angles.
)");

namespace {
Tensor ravel(const Tensor& input) { return reshape(input, {-1}); }
Tensor diagflat(const Tensor& input, int64_t offset) {
  return diag(reshape(contiguous(input), {-1}), offset);
}
}  // namespace
TG_OP(ravel, "ravel(Tensor input) -> Tensor", kFunction | kMethod, R"(
reshape(-1): all elements in one dimension.

Backward: u in the shape of input.
)");
TG_OP(diagflat, "diagflat(Tensor input, int offset=0) -> Tensor", kFunction | kMethod,
      R"(
The flattened input on a diagonal.

Backward: the diagonal of u, in the shape of input.
)");

namespace {
Tensor triangle_indices(int64_t rows, int64_t columns, int64_t offset, bool lower,
                        const TensorOptions& options) {
  TG_CHECK(rows >= 0, Runtime, "row must be non-negative, got", rows);
  TG_CHECK(columns >= 0, Runtime, "col must be non-negative, got", columns);
  Ints r, c;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++)
      if (lower ? j - i <= offset : j - i >= offset) r.push_back(i), c.push_back(j);
  const int64_t n = int64_t(r.size());
  Tensor out = Tensor::empty({2, n}, DType::Int64);
  for (int64_t i = 0; i < n; i++) {
    out.data<int64_t>()[i] = r[size_t(i)];
    out.data<int64_t>()[n + i] = c[size_t(i)];
  }
  return to(out, options.dtype.value_or(DType::Int64), options.device);
}
Tensor tril_indices(int64_t row, int64_t col, int64_t offset, const TensorOptions& options) {
  return triangle_indices(row, col, offset, true, options);
}
Tensor triu_indices(int64_t row, int64_t col, int64_t offset, const TensorOptions& options) {
  return triangle_indices(row, col, offset, false, options);
}
}  // namespace
TG_OP(tril_indices, "tril_indices(int row, int col, int offset=0, *, Options options) -> Tensor", kFunction,
      "\n[2, n]: the rows and columns of a lower triangle, row by row.\n");
TG_OP(triu_indices, "triu_indices(int row, int col, int offset=0, *, Options options) -> Tensor", kFunction,
      "\n[2, n]: the rows and columns of an upper triangle, row by row.\n");

}  // namespace tensorgrad
