// Rounding and division with remainder, as Python and PyTorch define them.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_base.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

TG_INLINE float floor(float x) { return __builtin_floorf(x); }
TG_INLINE double floor(double x) { return __builtin_floor(x); }
TG_INLINE float ceil(float x) { return __builtin_ceilf(x); }
TG_INLINE double ceil(double x) { return __builtin_ceil(x); }
TG_INLINE float trunc(float x) { return __builtin_truncf(x); }
TG_INLINE double trunc(double x) { return __builtin_trunc(x); }
// Half to even (the rounding mode is never changed).
TG_INLINE float round_even(float x) { return __builtin_rintf(x); }
TG_INLINE double round_even(double x) { return __builtin_rint(x); }

TG_INLINE float rsqrt(float x) { return 1.0f / sqrt(x); }
TG_INLINE double rsqrt(double x) { return 1.0 / sqrt(x); }
TG_INLINE float reciprocal(float x) { return 1.0f / x; }
TG_INLINE double reciprocal(double x) { return 1.0 / x; }

// a - trunc(a / b) b, exactly. In double the quotient of two floats is exact enough while it is below 2^28,
// and the product and the difference are exact; larger quotients are rare lanes (vmath_block.h), as are all
// in double without fma.
TG_INLINE bool fmod_is_rare(float a, float b) {
  return !(abs(a) < abs(b) * 0x1p28f) & (abs(a) < inf_f) & (b != 0.0f);
}
TG_INLINE float fmod(float a, float b) {
  double n = a, d = abs(double(b)), q = __builtin_trunc(n / d);
  double r = abs(n) - abs(q) * d;
  r = r < 0.0 ? r + d : r;
  float y = copysign(float(r), a);
  return abs(b) == inf_f ? (abs(a) < inf_f ? a : nan_f) : y;
}
TG_INLINE double fmod(double a, double b) { return __builtin_fmod(a, b); }

// The sign of the divisor: r in [0, b) or (b, 0].
template <class T>
TG_INLINE T remainder_from(T r, T b) {
  return (r != T(0)) & ((b < T(0)) != (r < T(0))) ? r + b : r;
}
TG_INLINE float remainder(float a, float b) { return remainder_from(fmod(a, b), b); }
TG_INLINE double remainder(double a, double b) { return remainder_from(fmod(a, b), b); }

// The quotient belonging to that remainder: an integer, and -0.0 where a / b is a negative zero.
template <class T>
TG_INLINE T floor_divide_from(T a, T b, T r) {
  T q = (a - r) / b;
  q = (r != T(0)) & ((b < T(0)) != (r < T(0))) ? q - T(1) : q;
  T f = floor(q);
  f = q - f > T(0.5) ? f + T(1) : f;
  f = q == T(0) ? copysign(T(0), a / b) : f;
  return b == T(0) ? a / b : f;
}
TG_INLINE float floor_divide(float a, float b) { return floor_divide_from(a, b, fmod(a, b)); }
TG_INLINE double floor_divide(double a, double b) { return floor_divide_from(a, b, fmod(a, b)); }

// Integers; b == 0 is refused before, and the one overflow (lowest / -1) wraps.
template <class T>
TG_INLINE T int_remainder(T a, T b) {
  if (T(-1) < T(0) && b == T(-1)) return T(0);
  T r = T(a % b);
  return (r != 0) & ((b < T(0)) != (r < T(0))) ? T(r + b) : r;
}
template <class T>
TG_INLINE T int_floor_divide(T a, T b) {
  if (T(-1) < T(0) && b == T(-1)) return T(0 - uint64_t(a));
  T q = T(a / b), r = T(a % b);
  return (r != 0) & ((b < T(0)) != (r < T(0))) ? T(q - 1) : q;
}

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
