#include "tensorgrad/ops/matmul.h"

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/product.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

Tensor delivered(const char* name, const Out& out, Tensor result) {
  return out ? deliver(name, out, std::move(result)) : result;
}

}  // namespace

Tensor mm(const Tensor& input, const Tensor& mat2, Out out) {
  TG_CHECK(input.dim() == 2, Runtime, "self must be a matrix");
  TG_CHECK(mat2.dim() == 2, Runtime, "mat2 must be a matrix");
  TG_CHECK(input.sizes()[1] == mat2.sizes()[0], Runtime, "mat1 and mat2 shapes cannot be multiplied (",
           input.sizes()[0], "x", input.sizes()[1], " and ", mat2.sizes()[0], "x", mat2.sizes()[1], ")");
  common_device({&input, &mat2});
  TG_CHECK(input.dtype() == mat2.dtype(), Runtime,
           "expected m1 and m2 to have the same dtype, but got: ", c_type_name(input.dtype()),
           " != ", c_type_name(mat2.dtype()));
  if (input.sizes()[0] * mat2.sizes()[1] > 0) check_product_dtype("addmm_impl_cpu_", input.dtype());
  check_out_dtype(out, input.dtype());
  return delivered("mm", out, product("MmBackward0", input, false, mat2, false));
}
TG_OP(mm, "mm(Tensor input, Tensor mat2, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The product of two matrices, (n, k) @ (k, m), of one dtype.

Backward: u @ mat2^T for input, input^T @ u for mat2.
)");

Tensor bmm(const Tensor& input, const Tensor& mat2, Out out) {
  TG_CHECK(input.dim() == 3, Runtime, "batch1 must be a 3D tensor");
  TG_CHECK(mat2.dim() == 3, Runtime, "batch2 must be a 3D tensor");
  TG_CHECK(input.sizes()[0] == mat2.sizes()[0] && input.sizes()[2] == mat2.sizes()[1], Runtime,
           "Expected size for first two dimensions of batch2 tensor to be: [", input.sizes()[0], ", ",
           input.sizes()[2], "] but got: [", mat2.sizes()[0], ", ", mat2.sizes()[1], "].");
  common_device({&input, &mat2});
  TG_CHECK(input.dtype() == mat2.dtype(), Runtime, "expected scalar type ", dtype_scalar_name(input.dtype()),
           " but found ", dtype_scalar_name(mat2.dtype()));
  if (input.sizes()[0] * input.sizes()[1] * mat2.sizes()[2] > 0) check_product_dtype("bmm", input.dtype());
  check_out_dtype(out, input.dtype());
  return delivered("bmm", out, product("BmmBackward0", input, false, mat2, false));
}
TG_OP(bmm, "bmm(Tensor input, Tensor mat2, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The products of two batches of matrices, (b, n, k) @ (b, k, m), of one dtype.

Backward: as mm, for each matrix.
)");

Tensor mv(const Tensor& input, const Tensor& vec, Out out) {
  TG_CHECK(input.dim() > 0, Index, "Dimension specified as 0 but tensor has no dimensions");
  TG_CHECK(input.dim() == 2 && vec.dim() == 1, Runtime, "vector + matrix @ vector expected, got ", 1, ", ",
           input.dim(), ", ", vec.dim());
  TG_CHECK(input.sizes()[1] == vec.sizes()[0], Runtime, "size mismatch, got input (", input.sizes()[0],
           "), mat (", input.sizes()[0], "x", input.sizes()[1], "), vec (", vec.sizes()[0], ")");
  common_device({&input, &vec});
  TG_CHECK(input.dtype() == vec.dtype(), Runtime, "addmv input tensors must have the same dtype, but got ",
           dtype_scalar_name(vec.dtype()), ", ", dtype_scalar_name(input.dtype()), ", and ",
           dtype_scalar_name(vec.dtype()));
  check_product_dtype("addmv_impl_cpu", input.dtype());
  check_out_dtype(out, input.dtype());
  Tensor result = multiply_vector(input, vec, {input.sizes()[0]});
  if (out) result = deliver("mv", out, result);
  return record(
      "MvBackward0", result, out,
      saved(wants_gradient(vec) ? input : Tensor(), wants_gradient(input) ? vec : Tensor()),
      wrt(input, [](const Tensor& u, const Tensor&, const Tensor& vec) { return outer(u, vec); }),
      wrt(vec, [](const Tensor& u, const Tensor& matrix, const Tensor&) { return mv(t(matrix), u); }));
}
TG_OP(mv, "mv(Tensor input, Tensor vec, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The product of a matrix (n, k) and a vector (k) of one dtype.

Backward: outer(u, vec) for input, input^T @ u for vec.
)");

Tensor dot(const Tensor& input, const Tensor& tensor, Out out) {
  TG_CHECK(input.dim() == 1 && tensor.dim() == 1, Runtime, "1D tensors expected, but got ", input.dim(),
           "D and ", tensor.dim(), "D tensors");
  TG_CHECK(input.dtype() == tensor.dtype(), Runtime,
           "dot : expected both vectors to have same dtype, but found ", dtype_scalar_name(input.dtype()),
           " and ", dtype_scalar_name(tensor.dtype()));
  TG_CHECK(input.numel() == tensor.numel(), Runtime, "inconsistent tensor size, expected tensor ",
           input.sizes(), " and src ", tensor.sizes(), " to have the same number of elements, but got ",
           input.numel(), " and ", tensor.numel(), " elements respectively");
  common_device({&input, &tensor});
  check_product_dtype("dot", input.dtype());
  check_out_dtype(out, input.dtype());
  Tensor result = multiply_vector(input, tensor, {});
  if (out) result = deliver("dot", out, result);
  return record("DotBackward0", result, out,
                saved(wants_gradient(tensor) ? input : Tensor(), wants_gradient(input) ? tensor : Tensor()),
                wrt(input, [](const Tensor& u, const Tensor&, const Tensor& b) { return u * b; }),
                wrt(tensor, [](const Tensor& u, const Tensor& a, const Tensor&) { return u * a; }));
}
TG_OP(dot, "dot(Tensor input, Tensor tensor, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The sum of the products of two vectors of one size and dtype.

Backward: u * tensor for input, u * input for tensor.
)");

Tensor outer(const Tensor& input, const Tensor& vec2, Out out) {
  TG_CHECK(input.dim() == 1, Runtime, "outer: Expected 1-D argument self, but got ", input.dim(), "-D");
  TG_CHECK(vec2.dim() == 1, Runtime, "outer: Expected 1-D argument vec2, but got ", vec2.dim(), "-D");
  return mul(reshape(input, {input.sizes()[0], 1}), vec2, out);
}
TG_OP(outer, "outer(Tensor input, Tensor vec2, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
out[i, j] = input[i] * vec2[j].

Backward: u @ vec2 for input, u^T @ input for vec2.
)");
Tensor ger(const Tensor& input, const Tensor& vec2, Out out) { return outer(input, vec2, out); }
TG_OP(ger, "ger(Tensor input, Tensor vec2, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
outer() under its old name.
)");

namespace {

// The leading sizes of a batch, without the last two (of a vector: one) dimensions.
Shape batch_sizes(const Tensor& t) {
  Shape sizes;
  for (int64_t d = 0; d + 2 < t.dim(); d++) sizes.push_back(t.sizes()[d]);
  return sizes;
}

// A batch of matrices with its leading dimensions merged.
Tensor merged(const Tensor& t, const Shape& batch) {
  const int64_t rows = t.sizes()[t.dim() - 2], columns = t.sizes()[t.dim() - 1];
  Shape sizes = batch;
  sizes.push_back(rows);
  sizes.push_back(columns);
  const Tensor whole = t.sizes() == sizes ? t : expand(t, sizes);
  return batch.size() == 1 ? whole : reshape(whole, {count_elements(batch), rows, columns});
}

Tensor matmul_batched(const Tensor& input, const Tensor& other) {
  // PyTorch folds an empty batch into one matrix, and speaks of that.
  if (input.dim() == 1 && other.numel() == 0 && input.numel() != other.size(-2)) {
    int64_t rows = other.size(-1);
    for (int64_t d = 0; d + 2 < other.dim(); d++) rows *= other.sizes()[d];
    fail(ErrorKind::Runtime, "size mismatch, got input (", rows, "), mat (", rows, "x", other.size(-2),
         "), vec (", input.numel(), ")");
  }
  const Tensor a = input.dim() == 1 ? unsqueeze(input, 0) : input;
  const Tensor b = other.dim() == 1 ? unsqueeze(other, 1) : other;
  const Shape batch = broadcast_shapes(batch_sizes(a), batch_sizes(b));
  Shape sizes = batch;
  if (input.dim() > 1) sizes.push_back(a.sizes()[a.dim() - 2]);
  if (other.dim() > 1) sizes.push_back(b.sizes()[b.dim() - 1]);
  return reshape(bmm(merged(a, batch), merged(b, batch)), sizes);
}

// A batch times one matrix or vector is one product of all the batch's rows.
Tensor matmul_folded(const Tensor& input, const Tensor& other) {
  Shape sizes = input.sizes();
  const int64_t columns = sizes.back();
  sizes.pop_back();
  const Shape folded{count_elements(sizes), columns};
  // PyTorch does not fold what would need a copy, and its refusals name the product it takes instead.
  if (input.numel() > 0 && !view_strides(input.sizes(), input.strides(), folded))
    check_product_dtype("bmm", input.dtype());
  const Tensor rows = reshape(input, folded);
  if (other.dim() == 1) return reshape(mv(rows, other), sizes);
  sizes.push_back(other.sizes()[1]);
  return reshape(mm(rows, other), sizes);
}

}  // namespace

Tensor matmul(const Tensor& input, const Tensor& other, Out out) {
  const int64_t a = input.dim(), b = other.dim();
  TG_CHECK(a > 0 && b > 0, Runtime, "both arguments to matmul need to be at least 1D, but they are ", a,
           "D and ", b, "D");
  if (a == 2 && b == 2) return mm(input, other, out);
  if (a == 1 && b == 1) return dot(input, other, out);
  if (a == 2 && b == 1) return mv(input, other, out);
  Tensor result = a == 1 && b == 2  ? reshape(mm(unsqueeze(input, 0), other), {other.sizes()[1]})
                  : a > 2 && b <= 2 ? matmul_folded(input, other)
                                    : matmul_batched(input, other);
  return delivered("matmul", out, result);
}
TG_OP(matmul, "matmul(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
The matrix product, as Python's @: of two vectors their dot product; a vector joins a matrix as a row on the left, as a
column on the right, and its dimension is dropped again; dimensions before the last two are broadcast.

Backward: u @ other^T for input and input^T @ u for other, summed over the dimensions that were broadcast.
)");

}  // namespace tensorgrad
