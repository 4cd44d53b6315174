// Building blocks of the vector maths: bit casts, fused multiply-add, polynomials, powers of two.
//
// Every function in the vmath headers is a branch-free scalar function: a plain loop over it is vectorised by
// the compiler at whatever width the instruction set allows. Selections are conditional expressions over
// values that are both computed; special values (nan, infinities, -0.0, denormals) come out right through
// them. Polynomial coefficients are minimax fits (Remez) of the quantity and interval named beside them.
#pragma once
#include <stdint.h>

#ifdef __FMA__
#define TG_FMAF(a, b, c) __builtin_fmaf(a, b, c)
#define TG_FMAD(a, b, c) __builtin_fma(a, b, c)
#else
#define TG_FMAF(a, b, c) ((a) * (b) + (c))
#define TG_FMAD(a, b, c) ((a) * (b) + (c))
#endif
#define TG_INLINE __attribute__((always_inline)) inline

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

TG_INLINE int32_t bits(float x) { return __builtin_bit_cast(int32_t, x); }
TG_INLINE int64_t bits(double x) { return __builtin_bit_cast(int64_t, x); }
TG_INLINE float from_bits(int32_t i) { return __builtin_bit_cast(float, i); }
TG_INLINE double from_bits(int64_t i) { return __builtin_bit_cast(double, i); }
// Of the bits of a negative number or a nan the difference may leave the range: modulo 2^32 and 2^64 then.
TG_INLINE int32_t wrapped_difference(int32_t a, int32_t b) { return int32_t(uint32_t(a) - uint32_t(b)); }
TG_INLINE int64_t wrapped_difference(int64_t a, int64_t b) { return int64_t(uint64_t(a) - uint64_t(b)); }

constexpr float inf_f = __builtin_inff(), nan_f = __builtin_nanf("");
constexpr double inf_d = __builtin_inf(), nan_d = __builtin_nan("");

TG_INLINE float fma(float a, float b, float c) { return TG_FMAF(a, b, c); }
TG_INLINE double fma(double a, double b, double c) { return TG_FMAD(a, b, c); }
TG_INLINE float abs(float x) { return __builtin_fabsf(x); }
TG_INLINE double abs(double x) { return __builtin_fabs(x); }
TG_INLINE float copysign(float x, float s) { return __builtin_copysignf(x, s); }
TG_INLINE double copysign(double x, double s) { return __builtin_copysign(x, s); }
TG_INLINE float sqrt(float x) { return __builtin_sqrtf(x); }
TG_INLINE double sqrt(double x) { return __builtin_sqrt(x); }

// c0 + x*(c1 + x*(c2 + ...)).
template <class T>
TG_INLINE T poly(T, T c) {
  return c;
}
template <class T, class... C>
TG_INLINE T poly(T x, T c0, C... rest) {
  return fma(poly(x, T(rest)...), x, c0);
}

// Limits that let a nan through.
template <class T>
TG_INLINE T at_most(T x, T hi) {
  return x > hi ? hi : x;
}
template <class T>
TG_INLINE T at_least(T x, T lo) {
  return x < lo ? lo : x;
}

// Adding this constant and taking it away rounds to the nearest integer; the sum's low bits are that integer.
constexpr float magic_f = 0x1.8p23f;
constexpr double magic_d = 0x1.8p52;
// The integer nearest to x, of t = x + magic.
TG_INLINE int32_t rounded(float t) { return wrapped_difference(bits(t), bits(magic_f)); }
TG_INLINE int64_t rounded(double t) { return wrapped_difference(bits(t), bits(magic_d)); }

TG_INLINE float pow2i(int32_t n) {
  return from_bits(int32_t((uint32_t(n) + 127) << 23));
}  // n in [-126, 127]
TG_INLINE double pow2i(int64_t n) { return from_bits(int64_t((uint64_t(n) + 1023) << 52)); }

// p * 2^n in two steps, so that results may be denormal and overflow late.
TG_INLINE float scale2(float p, int32_t n) {
  int32_t h = n >> 1;
  return p * pow2i(h) * pow2i(n - h);
}
// n in [-2046, 2046]; 64-bit arithmetic shifts are missing below AVX-512, hence the offset.
TG_INLINE double scale2(double p, int64_t n) {
  int64_t h = int64_t((uint64_t(n) + 4096) >> 1) - 2048;
  return p * pow2i(h) * pow2i(wrapped_difference(n, h));
}

// The leading 12 bits of x; their square is exact.
TG_INLINE float head(float x) { return from_bits(bits(x) & int32_t(0xfffff000)); }

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
