// exp and what is made of it: exp2, expm1, sinh, cosh, tanh, sigmoid.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_base.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

// (e^r - 1 - r) / r^2 on |r| <= ln2/2.
TG_INLINE float exp_tail(float r) {
  return poly(r, 0x1p-1f, 0x1.5554aep-3f, 0x1.555484p-5f, 0x1.12296cp-7f, 0x1.6d9ac4p-10f);
}
TG_INLINE double exp_tail(double r) {
  return poly(r, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555555ap-5, 0x1.111111110f622p-7,
              0x1.6c16c16c14393p-10, 0x1.a01a01b024151p-13, 0x1.a01a01b0f2f5ap-16, 0x1.71ddf7a4b311bp-19,
              0x1.27e4c51e8ddcfp-22, 0x1.af600a128eed0p-26, 0x1.1f962f7839483p-29);
}

// x = n ln2 + r + low. The head of ln2 has so few bits that n * head and r are exact, without fma too.
template <class T>
struct ExpParts;
template <>
struct ExpParts<float> {
  int32_t n;
  float r, low;
};
template <>
struct ExpParts<double> {
  int64_t n;
  double r, low;
};
TG_INLINE ExpParts<float> exp_split(float x) {
  float t = fma(x, 0x1.715476p0f, magic_f), k = t - magic_f;
  return {rounded(t), fma(k, -0x1.62e4p-1f, x), k * -0x1.7f7d1cp-20f};
}
TG_INLINE ExpParts<double> exp_split(double x) {
  double t = fma(x, 0x1.71547652b82fep0, magic_d), k = t - magic_d;
  return {rounded(t), fma(k, -0x1.62e42fefp-1, x), k * -0x1.473de6af278edp-34};
}

// e^(r + low) - 1, with r added last: one rounding of its size.
template <class T>
TG_INLINE T exp_minus_one(T r, T low) {
  T s = r + low;
  return r + fma(s * s, exp_tail(s), low);
}

// e^x * 2^up for x in [-200, 200].
TG_INLINE float exp_scaled(float x, int32_t up) {
  auto [n, r, low] = exp_split(x);
  return scale2(1.0f + exp_minus_one(r, low), n + up);
}
TG_INLINE float exp(float x) { return exp_scaled(at_least(at_most(x, 90.0f), -105.0f), 0); }

// e^x for |x| <= 87, where the result is normal.
TG_INLINE float exp_normal(float x) {
  auto [n, r, low] = exp_split(x);
  return (1.0f + exp_minus_one(r, low)) * pow2i(n);
}

// e^x * 2^up for x <= 0 in one step; zero below -(up + 126) ln2, so that up decides how far denormals reach.
// The low part joins r, whose rounding costs a quarter of an ULP. Far below, n is of no meaning, nor is y.
TG_INLINE float exp_negative(float x, int32_t up) {
  float lowest = float(up + 126) * -0x1.62e42ep-1f;
  float t = fma(x, 0x1.715476p0f, magic_f), k = t - magic_f;
  float r = fma(k, -0x1.7f7d1cp-20f, fma(k, -0x1.62e4p-1f, x));
  float y = fma(r, fma(r, exp_tail(r), 1.0f), 1.0f) * pow2i(wrapped_difference(bits(t), bits(magic_f) - up));
  return x < lowest ? 0.0f : y;
}

// e^x for x <= 0, and for nan.
TG_INLINE float exp_below(float x) { return exp_negative(x, 0); }

// e^w for w in double: the reduction keeps all of w, the rest is float work.
TG_INLINE float exp_to_float(double w, float factor = 1.0f) {
  w = at_least(at_most(w, 110.0), -110.0);
  double t = w * 0x1.71547652b82fep0 + magic_d, k = t - magic_d;
  float r = float(w - k * 0x1.62e42fefa39efp-1);
  return scale2((1.0f + fma(r * r, exp_tail(r), r)) * factor, int32_t(rounded(t)));
}

TG_INLINE double exp_scaled(double x, int32_t up) {
  x = at_least(at_most(x, 711.0), -746.0);
  auto [n, r, low] = exp_split(x);
  return scale2(1.0 + exp_minus_one(r, low), n + up);
}
TG_INLINE double exp(double x) { return exp_scaled(x, 0); }
TG_INLINE double exp_below(double x) { return exp(x); }

TG_INLINE float exp2(float x) {
  x = at_least(at_most(x, 130.0f), -152.0f);
  float t = x + magic_f, r = (x - (t - magic_f)) * 0x1.62e43p-1f;
  return scale2(1.0f + fma(r * r, exp_tail(r), r), rounded(t));
}
TG_INLINE double exp2(double x) {
  x = at_least(at_most(x, 1026.0), -1080.0);
  double t = x + magic_d, r = (x - (t - magic_d)) * 0x1.62e42fefa39efp-1;
  return scale2(1.0 + fma(r * r, exp_tail(r), r), rounded(t));
}

// 2^n (e^r - 1) + (2^n - 1), at half scale so that n = 128 does not overflow early.
TG_INLINE float expm1(float x) {
  auto [n, r, low] = exp_split(at_least(at_most(x, 88.9f), -20.0f));
  float s = pow2i(n - 1);
  float y = fma(s, exp_minus_one(r, low), s - 0.5f);
  return copysign(y + y, x);
}
TG_INLINE double expm1(double x) {
  auto [n, r, low] = exp_split(at_least(at_most(x, 709.9), -50.0));
  double s = pow2i(n - 1);
  double y = fma(s, exp_minus_one(r, low), s - 0.5);
  return copysign(y + y, x);
}

// n / (1 + e) for e in [0, 1]; what rounding takes from 1 + e is made good through a crude 1 / (1 + e).
TG_INLINE float over_one_plus(float n, float e) {
  float d = 1.0f + e, low = e - (d - 1.0f), y = n / d;
  return fma(y * fma(e, 0.5f, -1.0f), low, y);
}
TG_INLINE double over_one_plus(double n, double e) { return n / (1.0 + e); }

// (1 + e^x) 2^-40 for any x: the scale leaves room for e^115, whose reciprocal is zero.
TG_INLINE float one_plus_exp_scaled(float x) {
  auto [n, r, low] = exp_split(at_least(at_most(x, 115.0f), -58.0f));
  float s = pow2i(n - 40);
  return fma(exp_minus_one(r, low), s, 0x1p-40f) + s;
}
TG_INLINE float sigmoid(float x) { return 0x1p-40f / one_plus_exp_scaled(-x); }
// Through e^-|x|, which cannot overflow.
TG_INLINE double sigmoid(double x) {
  double e = exp(-abs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

TG_INLINE float tanh(float x) {
  float a = abs(x), z = x * x;
  // (tanh x - x) / x^3 as a polynomial in x^2, |x| <= 0.625.
  float small = fma(
      a * z, poly(z, -0x1.555534p-2f, 0x1.110768p-3f, -0x1.b84434p-5f, 0x1.5255e4p-6f, -0x1.76a66cp-8f), a);
  float large = 1.0f - 2.0f / (exp_normal(at_most(a + a, 20.0f)) + 1.0f);
  return copysign(a < 0.625f ? small : large, x);
}
TG_INLINE double tanh(double x) {
  double e = expm1(-2.0 * at_most(abs(x), 24.0));
  double large = expm1(at_most(2.0 * abs(x), 48.0));
  // Below 1/2 the quotient of two small quantities, above it one minus a small one.
  return copysign(abs(x) < 0.5 ? -e / (e + 2.0) : 1.0 - 2.0 / (large + 2.0), x);
}

TG_INLINE float sinh(float x) {
  float a = abs(x), z = x * x;
  // (sinh x - x) / x^3 in x^2, |x| <= 1.
  float small = fma(a * z, poly(z, 0x1.555556p-3f, 0x1.111136p-7f, 0x1.9ffe12p-13f, 0x1.7a267ep-19f), a);
  float h = exp_scaled(at_most(a, 91.0f), -1);
  return copysign(a < 1.0f ? small : h - 0.25f / h, x);
}
TG_INLINE float cosh(float x) {
  float h = exp_scaled(at_most(abs(x), 91.0f), -1);
  return h + 0.25f / h;
}
TG_INLINE double sinh(double x) {
  double a = abs(x), e = expm1(at_most(a, 40.0));
  double h = exp_scaled(a, -1);
  return copysign(a < 20.0 ? 0.5 * (e + e / (e + 1.0)) : h, x);
}
TG_INLINE double cosh(double x) {
  double h = exp_scaled(abs(x), -1);
  return h + 0.25 / h;
}

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
