// Arithmetic of the optimizers' kernels, rounded where PyTorch's operations round.
#pragma once

namespace tensorgrad::cpu::TG_ISA {
namespace {

#ifdef __FMA__
inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
template <class T>
inline T fused(T a, T b, T c) {
  return a * b + c;
}
#endif
inline float root(float x) { return __builtin_sqrtf(x); }
inline double root(double x) { return __builtin_sqrt(x); }
// From `start` to `end` by `weight`, counted from the nearer end.
template <class T>
inline T lerp(T start, T end, T weight) {
  const T step = end - start;
  return weight < T(0.5) ? fused(weight, step, start) : fused(weight - T(1), step, end);
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
