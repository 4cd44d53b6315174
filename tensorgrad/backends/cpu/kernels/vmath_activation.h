// Activations made of exp and log.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_log.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

TG_INLINE float silu(float x) {
  // e^-|x| at scale 2^32, so that a denormal e is rounded only once, after the product with x.
  float e = exp_negative(-abs(x), 32), n = x < 0 ? x * e : x;
  return over_one_plus(n, e * 0x1p-32f) * (x < 0 ? 0x1p-32f : 1.0f);
}
TG_INLINE double silu(double x) {
  double e = exp(-abs(x));
  return (x < 0 ? x * e : x) / (1.0 + e);
}
// s + x s (1 - s), with s (1 - s) = e / (1 + e)^2; where that is zero, x may be infinite.
template <class T>
TG_INLINE T silu_grad(T x) {
  T e = exp(-abs(x)), d = T(1) / (T(1) + e), t = e * d * d;
  T s = x < 0 ? e * d : d;
  return t == T(0) ? s : fma(x, t, s);
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|).
template <class T>
TG_INLINE T softplus(T x) {
  T y = log1p(exp(-abs(x)));
  return x > T(0) ? x + y : y;
}
TG_INLINE float log_sigmoid(float x) {
  float y = log1p(exp(-abs(x)));
  return (x < 0 ? x : 0) - y;
}
TG_INLINE double log_sigmoid(double x) {
  double y = log1p(exp(-abs(x)));
  return (x < 0 ? x : 0) - y;
}

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
