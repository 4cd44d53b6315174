// The products that the public ones are made of, each closed under differentiation: transposition is an
// argument, so that no gradient needs a transposed view.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// op(a) @ op(b) for matrices, or for batches of matrices; sizes and dtypes have been checked. Records `name`.
Tensor product(const char* name, const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed);

// A tensor to be added, with the strides by which it covers the result.
struct Addend {
  const Tensor* tensor = nullptr;
  int64_t batch = 0, row = 0, column = 0;

  Addend() = default;
  Addend(const Tensor& t, int64_t batch, int64_t row, int64_t column)
      : tensor(&t), batch(batch), row(row), column(column) {}
  // Of the result's own sizes.
  explicit Addend(const Tensor& t) : tensor(&t) {
    const size_t d = t.sizes().size();
    batch = d == 3 ? t.strides()[0] : 0;
    row = t.strides()[d - 2];
    column = t.strides()[d - 1];
  }
};

// What product() computes, unrecorded, plus the addend if there is one.
Tensor multiply(const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed,
                const Addend& addend = {});
// (rows, k) @ (k), unrecorded; the matrix may be one row.
Tensor multiply_vector(const Tensor& matrix, const Tensor& vector, const Shape& sizes);

// NotImplementedError where there is no product of this dtype.
void check_product_dtype(const char* kernel, DType t);

}  // namespace tensorgrad
