// Logarithms, the inverse hyperbolic functions, and pow.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_exp.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

// x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt 2).
struct LogPartsF {
  float k, f;
};
TG_INLINE LogPartsF log_split(float x) {
  bool denormal = x < 0x1p-126f;
  int32_t i = wrapped_difference(bits(denormal ? x * 0x1p23f : x), 0x3f3504f3);
  int32_t e = (i >> 23) - (denormal ? 23 : 0);
  return {float(e), from_bits((i & 0x7fffff) + 0x3f3504f3) - 1.0f};
}
// log(1 + f) - f.
TG_INLINE float log_tail(float f) {
  float z = f * f;
  float p = poly(f, 0x1.555548p-2f, -0x1.000006p-2f, 0x1.99a4bap-3f, -0x1.555c58p-3f, 0x1.2336ecp-3f,
                 -0x1.fc1f9ep-4f, 0x1.e6f5ecp-4f, -0x1.de4f3ep-4f, 0x1.146302p-4f);
  return fma(f * z, p, -0.5f * z);
}
// y where log is regular; at 0 -inf, below nan, at inf and nan x itself.
template <class T>
TG_INLINE T log_special(T x, T y) {
  y = x < T(inf_d) ? y : x;
  T edge = x == T(0) ? -T(inf_d) : T(nan_d);
  return x > T(0) ? y : edge;
}

TG_INLINE float log(float x) {
  auto [k, f] = log_split(x);
  float y = fma(k, 0x1.62e4p-1f, fma(k, 0x1.7f7d1cp-20f, log_tail(f)) + f);
  return log_special(x, y);
}
// f and the multiplier in two pieces whose leading product is exact.
TG_INLINE float log2(float x) {
  auto [k, f] = log_split(x);
  float h = head(f), low = fma(log_tail(f) + (f - h), 0x1.715476p0f, h * 0x1.47652cp-12f);
  return log_special(x, k + fma(h, 0x1.714p0f, low));
}
TG_INLINE float log10(float x) {
  auto [k, f] = log_split(x);
  float h = head(f), low = fma(log_tail(f) + (f - h), 0x1.bcb7b2p-2f, h * 0x1.7b1526p-14f);
  low = fma(k, 0x1.3509f8p-18f, low);
  return log_special(x, fma(k, 0x1.344p-2f, fma(h, 0x1.bcap-2f, low)));
}

// 1 + x = 2^k (1 + f) with f taken from x itself, so that nothing is lost for small x.
TG_INLINE float log1p(float x) {
  float u = 1.0f + x;
  int32_t i = wrapped_difference(bits(u), 0x3f3504f3), e = i >> 23;
  float s = from_bits((127 - e) << 23), k = float(e);
  float f = e > 24 ? from_bits((i & 0x7fffff) + 0x3f3504f3) - 1.0f : fma(x, s, s - 1.0f);
  float y = fma(k, 0x1.62e4p-1f, fma(k, 0x1.7f7d1cp-20f, log_tail(f)) + f);
  return x == 0.0f ? x : log_special(u, y);
}

struct LogPartsD {
  double k, f;
};
// Only 64-bit operations that every instruction set has as vectors: no arithmetic shift, no conversion.
TG_INLINE double exponent_of(int64_t biased) {
  return from_bits(biased | 0x4330000000000000) - (0x1p52 + 1023.0);
}
TG_INLINE LogPartsD log_split(double x) {
  bool denormal = x < 0x1p-1022;
  int64_t i = wrapped_difference(bits(denormal ? x * 0x1p54 : x), 0x3fe6a09e667f3bcd);
  double k = exponent_of(int64_t((uint64_t(i) + 0x3ff0000000000000) >> 52)) - (denormal ? 54.0 : 0.0);
  return {k, from_bits((i & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd) - 1.0};
}
// log(1 + f) - f through s = f / (2 + f): log(1 + f) = 2 atanh s.
TG_INLINE double log_tail(double f) {
  double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
  double r = z * poly(z, 0x1.5555555555596p-1, 0x1.999999997e72ep-2, 0x1.249249434841ep-2,
                      0x1.c71c50e01ae17p-3, 0x1.74667f779d35ep-3, 0x1.399ae194a6cfcp-3, 0x1.2f4da822b7cb9p-3);
  return s * (half + r) - half;
}
TG_INLINE double log(double x) {
  auto [k, f] = log_split(x);
  double y = fma(k, 0x1.62e42fefp-1, fma(k, 0x1.473de6af278edp-34, log_tail(f)) + f);
  return log_special(x, y);
}
// The leading 26 bits of f.
TG_INLINE double head(double f) { return from_bits(bits(f) & int64_t(0xfffffffff8000000)); }
TG_INLINE double log2(double x) {
  auto [k, f] = log_split(x);
  double h = head(f), low = fma(log_tail(f) + (f - h), 0x1.71547652b82fep0, h * 0x1.4ae0bf85ddf44p-26);
  return log_special(x, k + fma(h, 0x1.715476p0, low));
}
TG_INLINE double log10(double x) {
  auto [k, f] = log_split(x);
  double h = head(f), low = fma(log_tail(f) + (f - h), 0x1.bcb7b1526e50ep-2, h * 0x1.49b9438ca9aaep-28);
  low = fma(k, 0x1.ef3fde623e256p-35, low);
  return log_special(x, fma(k, 0x1.34413509p-2, fma(h, 0x1.bcb7b1p-2, low)));
}
TG_INLINE double log1p(double x) {
  double u = 1.0 + x;
  int64_t i = wrapped_difference(bits(u), 0x3fe6a09e667f3bcd);
  int64_t biased = int64_t((uint64_t(i) + 0x3ff0000000000000) >> 52);
  double k = exponent_of(biased), s = from_bits((2046 - biased) << 52);
  double f = k > 53.0 ? from_bits((i & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd) - 1.0 : fma(x, s, s - 1.0);
  double y = fma(k, 0x1.62e42fefp-1, fma(k, 0x1.473de6af278edp-34, log_tail(f)) + f);
  return x == 0.0 ? x : log_special(u, y);
}

// The inverse hyperbolic functions of a float, in double: float's squares do not overflow there.
TG_INLINE float asinh(float x) {
  double a = abs(x), q = a * a;
  float y = float(log1p(a + q / (1.0 + sqrt(q + 1.0))));
  return copysign(abs(x) < inf_f ? y : abs(x), x);
}
TG_INLINE float acosh(float x) {
  double t = double(x) - 1.0;
  return t < 0.0 ? nan_f : float(log1p(t + sqrt(t * (t + 2.0))));
}
TG_INLINE float atanh(float x) {
  double a = abs(x);
  return copysign(float(0.5 * log1p(2.0 * a / (1.0 - a))), x);
}
TG_INLINE double asinh(double x) { return __builtin_asinh(x); }
TG_INLINE double acosh(double x) { return __builtin_acosh(x); }
TG_INLINE double atanh(double x) { return __builtin_atanh(x); }

// |x|^y in double: a logarithm good to 2^-37, then e^w with a float polynomial.
TG_INLINE float pow(float x, float y) {
  float a = abs(x);
  bool denormal = a < 0x1p-126f;
  int32_t i = bits(denormal ? a * 0x1p23f : a) - 0x3f3504f3;
  int32_t e = (i >> 23) - (denormal ? 23 : 0);
  double f = double(from_bits((i & 0x7fffff) + 0x3f3504f3)) - 1.0, s = f / (2.0 + f), z = s * s;
  double l = s * (2.0 + z * poly(z, 0x1.555554fa6d4cdp-1, 0x1.999a80b3389d7p-2, 0x1.24373326dedfap-2,
                                 0x1.e33899e6c7bbdp-3));
  l += double(e) * 0x1.62e42fefa39efp-1;
  l = a == 0.0f ? -inf_d : (a < inf_f ? l : double(a));
  float r = exp_to_float(double(y) * l);
  // An odd integer y keeps the sign of x; any other y that is no integer has no real power of a negative x.
  float half = 0.5f * y;
  bool integer = __builtin_truncf(y) == y, odd = integer & (__builtin_truncf(half) != half);
  r = odd ? copysign(r, x) : r;
  r = ((x < 0.0f) & !integer & (a < inf_f)) ? nan_f : r;
  r = ((a == 1.0f) & (abs(y) == inf_f)) ? 1.0f : r;
  return ((y == 0.0f) | (x == 1.0f)) ? 1.0f : r;
}
TG_INLINE double pow(double x, double y) { return __builtin_pow(x, y); }

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
