// Comparisons, logic and bits of two operands, and what follows from them.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor eq(const Tensor& input, const Tensor& other, Out out = {});
Tensor ne(const Tensor& input, const Tensor& other, Out out = {});
Tensor lt(const Tensor& input, const Tensor& other, Out out = {});
Tensor le(const Tensor& input, const Tensor& other, Out out = {});
Tensor gt(const Tensor& input, const Tensor& other, Out out = {});
Tensor ge(const Tensor& input, const Tensor& other, Out out = {});
Tensor logical_and(const Tensor& input, const Tensor& other, Out out = {});
Tensor logical_or(const Tensor& input, const Tensor& other, Out out = {});
Tensor logical_xor(const Tensor& input, const Tensor& other, Out out = {});
Tensor bitwise_and(const Tensor& input, const Tensor& other, Out out = {});
Tensor bitwise_or(const Tensor& input, const Tensor& other, Out out = {});
Tensor bitwise_xor(const Tensor& input, const Tensor& other, Out out = {});
Tensor bitwise_left_shift(const Tensor& input, const Tensor& other, Out out = {});
Tensor bitwise_right_shift(const Tensor& input, const Tensor& other, Out out = {});
Tensor isclose(const Tensor& input, const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
               bool equal_nan = false);
bool allclose(const Tensor& input, const Tensor& other, double rtol = 1e-5, double atol = 1e-8,
              bool equal_nan = false);
bool equal(const Tensor& input, const Tensor& other);

}  // namespace tensorgrad
