// The products that the public ones are made of, each closed under differentiation: transposition is an argument, so
// that no gradient needs a transposed view.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// op(a) @ op(b) for matrices, or for batches of matrices; sizes and dtypes have been checked. Records `name`.
Tensor product(const char* name, const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed);

// What product() computes, unrecorded, plus `addend` where defined (expanded to the result's sizes).
Tensor multiply(const Tensor& a, bool a_transposed, const Tensor& b, bool b_transposed, const Tensor& addend);

// NotImplementedError where there is no product of this dtype.
void check_product_dtype(const char* kernel, DType t);
const char* c_type_name(DType t);  // "long int", as some of PyTorch's texts say it

}  // namespace tensorgrad
