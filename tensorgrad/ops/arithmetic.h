// Arithmetic of two operands.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor add(const Tensor& input, const Tensor& other, Scalar alpha = 1, Out out = {});
Tensor sub(const Tensor& input, const Tensor& other, Scalar alpha = 1, Out out = {});
Tensor rsub(const Tensor& input, const Tensor& other, Scalar alpha = 1);
Tensor mul(const Tensor& input, const Tensor& other, Out out = {});
// rounding_mode: none, "floor" or "trunc"
Tensor div(const Tensor& input, const Tensor& other, std::optional<std::string_view> rounding_mode = {},
           Out out = {});
Tensor floor_divide(const Tensor& input, const Tensor& other, Out out = {});
Tensor remainder(const Tensor& input, const Tensor& other, Out out = {});
Tensor fmod(const Tensor& input, const Tensor& other, Out out = {});
Tensor pow(const Tensor& input, const Tensor& exponent, Out out = {});
Tensor neg(const Tensor& input, Out out = {});

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& a) { return neg(a); }
Tensor operator+(const Tensor& a, Scalar b);
Tensor operator-(const Tensor& a, Scalar b);
Tensor operator*(const Tensor& a, Scalar b);
Tensor operator/(const Tensor& a, Scalar b);
Tensor operator+(Scalar a, const Tensor& b);
Tensor operator-(Scalar a, const Tensor& b);
Tensor operator*(Scalar a, const Tensor& b);
Tensor operator/(Scalar a, const Tensor& b);

}  // namespace tensorgrad
