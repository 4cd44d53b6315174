#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/matmul.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/product.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// A factor of integers is an integer.
Scalar factor(Scalar s, DType t) { return is_floating(t) ? s : Scalar(s.to_int()); }
Tensor scaled(const Tensor& t, Scalar s) { return s.equals(1) ? t : t * factor(s, t.dtype()); }

// beta * input + alpha * (a @ b), unrecorded; input is expanded. beta 0 leaves NaN and infinity of input out.
Tensor combine(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  NoGradGuard guard;
  const DType t = a.dtype();
  const bool plain = factor(alpha, t).equals(1);
  if (plain && factor(beta, t).equals(1)) return multiply(a, false, b, false, Addend(input));
  Tensor result = scaled(multiply(a, false, b, false), alpha);
  return beta.equals(0) ? result : result + scaled(input, beta);
}

void check_in_place_sizes(const Out& out, const Shape& input, const Shape& result) {
  TG_CHECK(!out.in_place || input == result, Runtime, "Bad in-place call: input tensor size ", input,
           " and output tensor size ", result, " should match");
}

// mat1's gradient; the same for matrices and batches.
Tensor left_gradient(const char* name, const Tensor& u, const Tensor& b, Scalar alpha) {
  return scaled(product(name, u, false, b, true), alpha);
}
Tensor right_gradient(const char* name, const Tensor& u, const Tensor& a, Scalar alpha) {
  return scaled(product(name, a, true, u, false), alpha);
}

// One matrix as a batch of n.
Tensor for_each_batch(const Tensor& u, int64_t n) { return expand(u, {n, u.sizes()[0], u.sizes()[1]}); }

}  // namespace

Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, Scalar beta, Scalar alpha,
             Out out) {
  TG_CHECK(mat1.dim() == 2, Runtime, "mat1 must be a matrix, got ", mat1.dim(), "-D tensor");
  TG_CHECK(mat2.dim() == 2, Runtime, "mat2 must be a matrix, got ", mat2.dim(), "-D tensor");
  TG_CHECK(mat1.sizes()[1] == mat2.sizes()[0], Runtime, "mat1 and mat2 shapes cannot be multiplied (",
           mat1.sizes()[0], "x", mat1.sizes()[1], " and ", mat2.sizes()[0], "x", mat2.sizes()[1], ")");
  const Shape sizes{mat1.sizes()[0], mat2.sizes()[1]};
  check_in_place_sizes(out, input.sizes(), sizes);
  Tensor addend;
  {
    NoGradGuard guard;
    addend = expand(input, sizes);
  }
  common_device({&input, &mat1, &mat2});
  TG_CHECK(input.dtype() == mat2.dtype(), Runtime, "self and mat2 must have the same dtype, but got ",
           dtype_scalar_name(input.dtype()), " and ", dtype_scalar_name(mat2.dtype()));
  TG_CHECK(mat1.dtype() == mat2.dtype(), Runtime, "mat1 and mat2 must have the same dtype, but got ",
           dtype_scalar_name(mat1.dtype()), " and ", dtype_scalar_name(mat2.dtype()));
  check_product_dtype("addmm_impl_cpu_", mat1.dtype());
  Tensor result = combine(addend, mat1, mat2, beta, alpha);
  if (out) result = deliver("addmm", out, result);
  return record(
      "AddmmBackward0", result, out,
      saved(wants_gradient(mat2) ? mat1 : Tensor(), wants_gradient(mat1) ? mat2 : Tensor(), beta, alpha),
      wrt(input,
          [](const Tensor& u, const Tensor&, const Tensor&, Scalar beta, Scalar) { return scaled(u, beta); }),
      wrt(mat1, [](const Tensor& u, const Tensor&, const Tensor& b, Scalar,
                   Scalar alpha) { return left_gradient("MmBackward0", u, b, alpha); }),
      wrt(mat2, [](const Tensor& u, const Tensor& a, const Tensor&, Scalar, Scalar alpha) {
        return right_gradient("MmBackward0", u, a, alpha);
      }));
}
TG_OP(addmm,
      "addmm(Tensor input, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1, Tensor? out=None) -> "
      "Tensor",
      kFunction | kMethod | kInPlace, R"(
beta * input + alpha * (mat1 @ mat2); input is broadcast to the product's shape. With beta 0 input's values do not matter.

Backward: beta * u for input, alpha * u @ mat2^T for mat1, alpha * mat1^T @ u for mat2.
)");

Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, Scalar beta, Scalar alpha, Out out) {
  TG_CHECK(mat.dim() == 2 && vec.dim() == 1 && input.dim() <= 1, Runtime,
           "vector + matrix @ vector expected, got ", input.dim(), ", ", mat.dim(), ", ", vec.dim());
  const int64_t rows = mat.sizes()[0];
  TG_CHECK(mat.sizes()[1] == vec.sizes()[0] && (input.numel() == rows || input.numel() == 1), Runtime,
           "size mismatch, got input (", input.dim() ? input.sizes()[0] : 1, "), mat (", rows, "x",
           mat.sizes()[1], "), vec (", vec.sizes()[0], ")");
  common_device({&input, &mat, &vec});
  TG_CHECK(input.dtype() == mat.dtype() && mat.dtype() == vec.dtype(), Runtime,
           "addmv input tensors must have the same dtype, but got ", dtype_scalar_name(input.dtype()), ", ",
           dtype_scalar_name(mat.dtype()), ", and ", dtype_scalar_name(vec.dtype()));
  check_product_dtype("addmv_impl_cpu", mat.dtype());
  check_in_place_sizes(out, input.sizes(), {rows});
  Tensor result;
  {
    NoGradGuard guard;
    const Tensor addend = unsqueeze(expand(input, {rows}), 1);
    result = combine(addend, mat, unsqueeze(vec, 1), beta, alpha);
    result = reshape(result, {rows});
  }
  if (out) result = deliver("addmv", out, result);
  return record(
      "AddmvBackward0", result, out,
      saved(wants_gradient(vec) ? mat : Tensor(), wants_gradient(mat) ? vec : Tensor(), beta, alpha),
      wrt(input,
          [](const Tensor& u, const Tensor&, const Tensor&, Scalar beta, Scalar) { return scaled(u, beta); }),
      wrt(mat, [](const Tensor& u, const Tensor&, const Tensor& vec, Scalar,
                  Scalar alpha) { return scaled(outer(u, vec), alpha); }),
      wrt(vec, [](const Tensor& u, const Tensor& mat, const Tensor&, Scalar, Scalar alpha) {
        return scaled(mv(t(mat), u), alpha);
      }));
}
TG_OP(addmv,
      "addmv(Tensor input, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1, Tensor? out=None) -> "
      "Tensor",
      kFunction | kMethod | kInPlace | kInPlaceFunction, R"(
beta * input + alpha * (mat @ vec); input is broadcast.

Backward: beta * u for input, alpha * outer(u, vec) for mat, alpha * mat^T @ u for vec.
)");

Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta, Scalar alpha,
               Out out) {
  const Shape sizes{batch1.size(0), batch1.size(1), batch2.size(2)};
  check_in_place_sizes(out, input.sizes(), sizes);
  if (!is_expandable_to(input.sizes(), sizes)) expand(input, sizes);  // raises
  TG_CHECK(batch1.dim() == 3, Runtime, "batch1 must be a 3D tensor");
  TG_CHECK(batch2.dim() == 3, Runtime, "batch2 must be a 3D tensor");
  TG_CHECK(batch1.sizes()[0] == batch2.sizes()[0] && batch1.sizes()[2] == batch2.sizes()[1], Runtime,
           "Expected size for first two dimensions of batch2 tensor to be: [", batch1.sizes()[0], ", ",
           batch1.sizes()[2], "] but got: [", batch2.sizes()[0], ", ", batch2.sizes()[1], "].");
  common_device({&input, &batch1, &batch2});
  TG_CHECK(input.dtype() == batch1.dtype() && batch1.dtype() == batch2.dtype(), Runtime,
           "Input dtypes must be the same, got: input ", c_type_name(input.dtype()),
           ", batch1: ", c_type_name(batch1.dtype()), ", batch2: ", c_type_name(batch2.dtype()));
  check_product_dtype("baddbmm", batch1.dtype());
  Tensor result;
  {
    NoGradGuard guard;
    result = combine(expand(input, sizes), batch1, batch2, beta, alpha);
  }
  if (out) result = deliver("baddbmm", out, result);
  return record("BaddbmmBackward0", result, out,
                saved(wants_gradient(batch2) ? batch1 : Tensor(), wants_gradient(batch1) ? batch2 : Tensor(),
                      beta, alpha),
                wrt(input, [](const Tensor& u, const Tensor&, const Tensor&, Scalar beta,
                              Scalar) { return scaled(u, beta); }),
                wrt(batch1, [](const Tensor& u, const Tensor&, const Tensor& b, Scalar,
                               Scalar alpha) { return left_gradient("BmmBackward0", u, b, alpha); }),
                wrt(batch2, [](const Tensor& u, const Tensor& a, const Tensor&, Scalar, Scalar alpha) {
                  return right_gradient("BmmBackward0", u, a, alpha);
                }));
}
TG_OP(baddbmm,
      "baddbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
beta * input + alpha * bmm(batch1, batch2); input is broadcast to the product's shape.

Backward: as addmm, for each matrix.
)");

Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta, Scalar alpha,
              Out out) {
  const Shape sizes{batch1.size(1), batch2.size(2)};
  if (!is_expandable_to(input.sizes(), sizes)) expand(input, sizes);  // raises
  TG_CHECK(batch1.dim() == 3, Runtime, "batch1 must be a 3D tensor");
  TG_CHECK(batch2.dim() == 3, Runtime, "batch2 must be a 3D tensor");
  const int64_t batches = batch1.sizes()[0], length = batch1.sizes()[2];
  TG_CHECK(batches == batch2.sizes()[0], Runtime, "batch1 and batch2 must have same number of batches, got ",
           batches, " and ", batch2.sizes()[0]);
  TG_CHECK(length == batch2.sizes()[1], Runtime, "Incompatible matrix sizes for bmm (", sizes[0], "x", length,
           " and ", batch2.sizes()[1], "x", sizes[1], ")");
  const DType t = out ? out.target->dtype() : input.dtype();
  TG_CHECK(t == batch2.dtype(), Runtime, "self and mat2 must have the same dtype, but got ",
           dtype_scalar_name(t), " and ", dtype_scalar_name(batch2.dtype()));
  Tensor result;
  {
    // The batches side by side: one product with a sum of batches * length terms.
    NoGradGuard guard;
    const Tensor left = reshape(permute(batch1, {1, 0, 2}), {sizes[0], batches * length});
    result = addmm(expand(input, sizes), left, reshape(batch2, {batches * length, sizes[1]}), beta, alpha);
  }
  if (out) {
    if (out.in_place && input.sizes() != sizes) out.target->set_data(Tensor::empty(sizes, t, input.device()));
    result = deliver("addbmm", out, result);
  }
  return record(
      "AddbmmBackward0", result, out,
      saved(wants_gradient(batch2) ? batch1 : Tensor(), wants_gradient(batch1) ? batch2 : Tensor(), batches,
            beta, alpha),
      wrt(input, [](const Tensor& u, const Tensor&, const Tensor&, int64_t, Scalar beta,
                    Scalar) { return scaled(u, beta); }),
      wrt(batch1, [](const Tensor& u, const Tensor&, const Tensor& b, int64_t n, Scalar,
                     Scalar alpha) { return left_gradient("BmmBackward0", for_each_batch(u, n), b, alpha); }),
      wrt(batch2, [](const Tensor& u, const Tensor& a, const Tensor&, int64_t n, Scalar, Scalar alpha) {
        return right_gradient("BmmBackward0", for_each_batch(u, n), a, alpha);
      }));
}
TG_OP(addbmm,
      "addbmm(Tensor input, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
beta * input + alpha * (the sum of all matrices of bmm(batch1, batch2)); input is broadcast to one product's shape.

Backward: beta * u for input; as addmm for each matrix of the batches.
)");

Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, Scalar beta, Scalar alpha, Out out) {
  TG_CHECK(vec1.dim() == 1, Runtime, "addr: Expected 1-D argument vec1, but got ", vec1.dim(), "-D");
  TG_CHECK(vec2.dim() == 1, Runtime, "addr: Expected 1-D argument vec2, but got ", vec2.dim(), "-D");
  const Shape sizes{vec1.sizes()[0], vec2.sizes()[0]};
  TG_CHECK(!out.in_place || input.dim() == 2, Runtime, "2D tensor expected, got ", input.dim(),
           "D tensor for input");
  check_in_place_sizes(out, input.sizes(), sizes);
  const DType type = result_type({&input, &vec1, &vec2});
  const auto check_factor = [&](const char* name, Scalar s) {
    TG_CHECK(is_floating(type) || !s.is_floating(), Runtime, "For integral input tensors, argument ", name,
             " must not be a floating point number.");
  };
  check_factor("beta", beta);
  check_factor("alpha", alpha);
  Tensor result;
  {
    NoGradGuard guard;
    const Tensor addend = expand(input, sizes), a = to(vec1, type), b = to(vec2, type);
    if (type == DType::Bool) {  // sums are "or", and a factor keeps or drops
      result = alpha.equals(0) ? zeros(sizes, type, input.device()) : outer(a, b);
      if (!beta.equals(0)) result = maximum(result, addend);
    } else {
      result = scaled(outer(a, b), alpha);
      if (!beta.equals(0)) result = scaled(to(addend, type), beta) + result;
    }
  }
  if (out) result = deliver("addr", out, result);
  return record(
      "AddrBackward0", result, out,
      saved(wants_gradient(vec2) ? vec1 : Tensor(), wants_gradient(vec1) ? vec2 : Tensor(), beta, alpha),
      wrt(input,
          [](const Tensor& u, const Tensor&, const Tensor&, Scalar beta, Scalar) { return scaled(u, beta); }),
      wrt(vec1, [](const Tensor& u, const Tensor&, const Tensor& b, Scalar,
                   Scalar alpha) { return scaled(mv(u, to(b, u.dtype())), alpha); }),
      wrt(vec2, [](const Tensor& u, const Tensor& a, const Tensor&, Scalar, Scalar alpha) {
        return scaled(mv(t(u), to(a, u.dtype())), alpha);
      }));
}
TG_OP(addr,
      "addr(Tensor input, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1, Tensor? out=None) -> "
      "Tensor",
      kFunction | kMethod | kInPlace, R"(
beta * input + alpha * outer(vec1, vec2); input is broadcast.

Backward: beta * u for input, alpha * u @ vec2 for vec1, alpha * u^T @ vec1 for vec2.
)");

}  // namespace tensorgrad
