// Circular functions and their inverses.
//
// sin, cos and tan reduce x by multiples of pi/2 kept in pieces, which holds for |x| <= *_limit; beyond it
// (rare) the C library is asked: vmath_block.h takes such lanes in a second pass, so that the loop stays
// branch-free.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_base.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

constexpr float trig_limit_f = 0x1p17f;
constexpr double trig_limit_d = 0x1p20;

struct QuarterF {
  float r;    // x - k pi/2
  int32_t k;  // its low bits count
};
TG_INLINE QuarterF quarter(float x) {
  float t = fma(x, 0x1.45f306p-1f, magic_f), k = t - magic_f;
#ifdef __FMA__
  float r = fma(k, 0x1.ee59dap-50f, fma(k, 0x1.777a5cp-25f, fma(k, -0x1.921fb6p0f, x)));
#else
  double d = k;
  float r = float((double(x) - d * 0x1.921fb544p0) - d * 0x1.0b4611a626331p-34);
#endif
  return {r, bits(t)};
}
struct QuarterD {
  double r;
  int64_t k;
};
TG_INLINE QuarterD quarter(double x) {
  double t = fma(x, 0x1.45f306dc9c883p-1, magic_d), k = t - magic_d;
#ifdef __FMA__
  double r = fma(k, 0x1.f1976b8p-110, fma(k, -0x1.1a62633145c07p-54, fma(k, -0x1.921fb54442d18p0, x)));
#else
  // Three pieces of 33 bits; k has at most 20.
  double r = ((x - k * 0x1.921fb544p0) - k * 0x1.0b4611a6p-34) - k * 0x1.3198a2e037073p-69;
#endif
  return {r, bits(t)};
}

TG_INLINE float sin_poly(float r, float z) {
  return fma(r * z, poly(z, -0x1.555546p-3f, 0x1.11075cp-7f, -0x1.994cf8p-13f), r);
}
TG_INLINE float cos_poly(float z) {
  return fma(z * z, poly(z, 0x1.55554ap-5f, -0x1.6c0c88p-10f, 0x1.9a00fap-16f), fma(z, -0.5f, 1.0f));
}
TG_INLINE double sin_poly(double r, double z) {
  return fma(
      r * z,
      poly(z, -0x1.5555555555555p-3, 0x1.111111111110bp-7, -0x1.a01a01a018ad2p-13, 0x1.71de3a5337ed3p-19,
           -0x1.ae645296315c0p-26, 0x1.61209151d6aabp-33, -0x1.aaa48f0db4ffcp-41),
      r);
}
TG_INLINE double cos_poly(double z) {
  double h = 0.5 * z, w = 1.0 - h;
  double p =
      z * z *
      poly(z, 0x1.5555555555555p-5, -0x1.6c16c16c16c10p-10, 0x1.a01a01a018ddbp-16, -0x1.27e4fb75fc636p-22,
           0x1.1eed8ca265304p-29, -0x1.939336c29ae9ap-37, 0x1.aac4fa951cdf8p-45);
  return w + (((1.0 - w) - h) + p);
}

TG_INLINE float sin(float x) {
  auto [r, k] = quarter(x);
  float z = r * r, y = k & 1 ? cos_poly(z) : sin_poly(r, z);
  y = from_bits(bits(y) ^ int32_t(uint32_t(k & 2) << 30));
  return x == 0.0f ? x : y;
}
TG_INLINE float cos(float x) {
  auto [r, k] = quarter(x);
  float z = r * r, y = k & 1 ? sin_poly(r, z) : cos_poly(z);
  return from_bits(bits(y) ^ int32_t(uint32_t((k + 1) & 2) << 30));
}
TG_INLINE double sin(double x) {
  auto [r, k] = quarter(x);
  double z = r * r, y = k & 1 ? cos_poly(z) : sin_poly(r, z);
  y = from_bits(bits(y) ^ int64_t(uint64_t(k & 2) << 62));
  return x == 0.0 ? x : y;
}
TG_INLINE double cos(double x) {
  auto [r, k] = quarter(x);
  double z = r * r, y = k & 1 ? sin_poly(r, z) : cos_poly(z);
  return from_bits(bits(y) ^ int64_t(uint64_t((k + 1) & 2) << 62));
}
// In double with short polynomials: the quotient of two floats would round too often.
TG_INLINE float tan(float x) {
  float t = fma(x, 0x1.45f306p-1f, magic_f);
  double k = t - magic_f;
  double r = (double(x) - k * 0x1.921fb544p0) - k * 0x1.0b4611a626331p-34, z = r * r;
  double s = r + r * z *
                     poly(z, -0x1.5555554cb2f7cp-3, 0x1.11110890c571bp-7, -0x1.a00f98fa2d7d4p-13,
                          0x1.6cd7326355518p-19);
  double c = 1.0 - 0.5 * z +
             z * z *
                 poly(z, 0x1.5555554f48afbp-5, -0x1.6c16b892acc90p-10, 0x1.a0111c0ec6643p-16,
                      -0x1.2429faac350e6p-22);
  bool odd = bits(t) & 1;
  float y = float(odd ? -c : s) / float(odd ? s : c);
  return x == 0.0f ? x : y;
}
TG_INLINE double tan(double x) { return __builtin_tan(x); }

// (asin x - x) / x^3 in x^2 on [0, 0.36].
TG_INLINE float asin_poly(float x, float z) {
  return fma(x * z,
             poly(z, 0x1.555564p-3f, 0x1.332b1p-4f, 0x1.6f29b8p-5f, 0x1.d2d39p-6f, 0x1.0dc36ep-5f,
                  -0x1.be9644p-7f, 0x1.c8abfp-5f),
             x);
}
// Above 0.6 through the half angle: asin a = pi/2 - 2 asin sqrt((1 - a) / 2).
TG_INLINE float asin(float x) {
  float a = abs(x), h = 0.5f - 0.5f * a;
  bool large = a > 0.6f;
  float z = large ? h : a * a, p = asin_poly(large ? sqrt(h) : a, z);
  return copysign(large ? 0x1.921fb6p0f - (p + p + 0x1.777a5cp-25f) : p, x);
}
TG_INLINE float acos(float x) {
  float a = abs(x), h = 0.5f - 0.5f * a;
  bool large = a > 0.6f;
  float z = large ? h : a * a, p = asin_poly(large ? sqrt(h) : a, z), d = p + p;
  float small = 0x1.921fb6p0f - (copysign(p, x) + 0x1.777a5cp-25f);
  return large ? (x > 0 ? d : 0x1.921fb6p1f - (d + 0x1.777a5cp-24f)) : small;
}
TG_INLINE float atan(float x) {
  float a = abs(x);
  bool large = a > 1.0f;
  float t = large ? 1.0f / a : a, z = t * t;
  // (atan x - x) / x^3 in x^2 on [0, 1].
  float p = poly(z, -0x1.555552p-2f, 0x1.9997fep-3f, -0x1.247512p-3f, 0x1.c507dep-4f, -0x1.693b38p-4f,
                 0x1.14e58p-4f, -0x1.704404p-5f, 0x1.7501dap-6f, -0x1.e6a092p-8f, 0x1.29a1dep-10f);
  p = fma(t * z, p, t);
  return copysign(large ? 0x1.921fb6p0f - (p + 0x1.777a5cp-25f) : p, x);
}
TG_INLINE double asin(double x) { return __builtin_asin(x); }
TG_INLINE double acos(double x) { return __builtin_acos(x); }
TG_INLINE double atan(double x) { return __builtin_atan(x); }

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
