#include "tensorgrad/ops/product.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/core/work.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {
namespace {

void run(const Tensor& out, const GemmArgs& args) {
  multiply_adds += args.batch * args.m * args.n * args.k;
  slots::gemm(out.device(), args);
}

}  // namespace

void check_product_dtype(const char* kernel, DType t) {
  TG_CHECK(t != DType::Bool, NotImplemented, "\"", kernel, "\" not implemented for 'Bool'");
}

Tensor multiply(const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed,
                const Addend& addend) {
  const size_t batched = a.dim() == 3;
  const size_t a_rows = batched + a_transposed, a_columns = batched + !a_transposed;
  const size_t b_rows = batched + b_transposed, b_columns = batched + !b_transposed;
  GemmArgs args;
  args.dtype = a.dtype();
  args.m = a.sizes()[a_rows];
  args.k = a.sizes()[a_columns];
  args.n = b.sizes()[b_columns];
  args.a_row = a.strides()[a_rows];
  args.a_col = a.strides()[a_columns];
  args.b_row = b.strides()[b_rows];
  args.b_col = b.strides()[b_columns];
  Shape sizes;
  if (batched) {
    args.batch = a.sizes()[0];
    args.a_batch = a.strides()[0];
    args.b_batch = b.strides()[0];
    args.c_batch = args.m * args.n;
    sizes.push_back(args.batch);
  }
  sizes.push_back(args.m);
  sizes.push_back(args.n);
  Tensor out = Tensor::empty(sizes, a.dtype(), a.device());
  if (out.numel() == 0) return out;
  args.a = a.bytes();
  args.b = b.bytes();
  args.c = out.bytes();
  args.c_row = args.n;
  if (addend.tensor) {
    args.bias = addend.tensor->bytes();
    args.bias_batch = addend.batch;
    args.bias_row = addend.row;
    args.bias_col = addend.column;
  }
  run(out, args);
  return out;
}

Tensor multiply_vector(const Tensor& matrix, const Tensor& vector, const Shape& sizes) {
  GemmArgs args;
  args.dtype = matrix.dtype();
  args.m = matrix.dim() == 2 ? matrix.sizes()[0] : 1;
  args.n = 1;
  args.k = vector.sizes()[0];
  args.a_row = matrix.dim() == 2 ? matrix.strides()[0] : 1;
  args.a_col = matrix.strides().back();
  args.b_row = vector.strides()[0];
  args.b_col = 1;
  args.c_row = 1;
  Tensor out = Tensor::empty(sizes, matrix.dtype(), matrix.device());
  if (out.numel() == 0) return out;
  args.a = matrix.bytes();
  args.b = vector.bytes();
  args.c = out.bytes();
  run(out, args);
  return out;
}

Tensor product(const char* name, const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed) {
  Tensor out = multiply(a, a_transposed, b, b_transposed);
  // c = A B with A = a or a^T: the gradient by A is u B^T, by a itself that or its transpose B u^T.
  return record(
      name, out, Out{},
      saved(name, wants_gradient(b) ? a : Tensor(), a_transposed, wants_gradient(a) ? b : Tensor(),
            b_transposed),
      wrt(a, [](const Tensor& u, const char* name, const Tensor&, bool ta, const Tensor& b,
                bool tb) { return ta ? product(name, b, tb, u, true) : product(name, u, false, b, !tb); }),
      wrt(b, [](const Tensor& u, const char* name, const Tensor& a, bool ta, const Tensor&, bool tb) {
        return tb ? product(name, u, true, a, ta) : product(name, a, !ta, u, false);
      }));
}

}  // namespace tensorgrad
