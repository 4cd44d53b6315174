// Activations made of exp and log.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_log.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

TG_INLINE float silu(float x) {
  // sigmoid at scale 2^40, so that a denormal result is rounded only once; 1 from 64 on, where x 2^40 might
  // overflow, and 0 from -115 on.
  float s = 1.0f / one_plus_exp_scaled(-x);
  s = x < -115.0f ? 0.0f : s;
  return x > 64.0f ? x : x * s * 0x1p-40f;
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
