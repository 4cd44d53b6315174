// Products of vectors, matrices and batches of matrices.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor mm(const Tensor& input, const Tensor& mat2, Out out = {});
Tensor bmm(const Tensor& input, const Tensor& mat2, Out out = {});
Tensor mv(const Tensor& input, const Tensor& vec, Out out = {});
Tensor dot(const Tensor& input, const Tensor& tensor, Out out = {});
Tensor outer(const Tensor& input, const Tensor& vec2, Out out = {});
Tensor matmul(const Tensor& input, const Tensor& other, Out out = {});

Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, Scalar beta = 1, Scalar alpha = 1,
             Out out = {});
Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, Scalar beta = 1, Scalar alpha = 1,
             Out out = {});
Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1,
               Scalar alpha = 1, Out out = {});

Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, Scalar beta = 1,
              Scalar alpha = 1, Out out = {});
Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, Scalar beta = 1, Scalar alpha = 1,
            Out out = {});
// The product of two or more matrices in the cheapest order; the first and the last may be vectors.
Tensor multi_dot(const TensorList& tensors, Out out = {});

// input @ weight^T + bias; bias may be undefined.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, Out out = {});

}  // namespace tensorgrad
