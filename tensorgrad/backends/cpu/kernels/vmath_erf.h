// The error function and its inverse, the normal distribution, and gelu in both forms.
#pragma once
#include "tensorgrad/backends/cpu/kernels/vmath_log.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

// Tails of the normal distribution are e^(-t^2) times a function that is smooth in u = 1 / (1 + k t). That
// function moves up to 2.6 times as fast as u, so u comes with the part that its rounding lost.
struct Reciprocal {
  float u, low;
};
TG_INLINE Reciprocal tail_variable(float t, float k) {
#ifdef __FMA__
  float d = fma(t, k, 1.0f), d_low = fma(t, k, 1.0f - d), u = 1.0f / d;
  return {u, u * fma(-u, d_low, fma(-u, d, 1.0f))};
#else
  double w = 1.0 / (double(t) * k + 1.0);
  float u = float(w);
  return {u, float(w - u)};
#endif
}
// erfc(t) e^(t^2) = u P(u - 1/2), t in [0, 10.5].
TG_INLINE float erfc_ratio(float t) {
  auto [u, low] = tail_variable(t, 0.4375f);
  float p =
      poly((u - 0.5f) + low, 0x1.d2e08ap-2f, 0x1.548d66p-1f, 0x1.57f7c2p-1f, 0x1.8de5bcp-2f, 0x1.3d3516p-10f,
           -0x1.50c70ep-3f, -0x1.46b0a6p-5f, 0x1.59f58ep-4f, 0x1.37a4fap-6f, -0x1.45cbd8p-5f);
  return fma(u, p, low * p);
}
// P(Z > a) e^(a^2 / 2) for a standard normal Z, likewise, a in [0, 15].
TG_INLINE float normal_ratio(float a) {
  auto [u, low] = tail_variable(a, 0.3125f);
  float p =
      poly((u - 0.5f) + low, 0x1.d6f7dep-3f, 0x1.55a27ep-2f, 0x1.5446bap-2f, 0x1.7b0ae4p-3f, -0x1.0a1614p-7f,
           -0x1.529cc4p-4f, -0x1.d3f99ep-7f, 0x1.63acdep-5f, 0x1.88e88p-8f, -0x1.3ade52p-6f);
  return fma(u, p, low * p);
}
// ratio(t) e^(-scale a^2) 2^up. The square comes in two pieces, since an error of half an ulp in it would be
// magnified by a^2; e^r - 1 is multiplied in by fma, which saves two roundings.
TG_INLINE float times_exp_minus_square(float ratio, float a, float scale, int32_t up) {
#ifdef __FMA__
  float x = -scale * a * a, x_low = fma(-scale * a, a, -x);
#else
  float h = head(a), x = -(h * h) * scale, x_low = -(a - h) * (a + h) * scale;
#endif
  float t = fma(x, 0x1.715476p0f, magic_f), k = t - magic_f;
  float q = exp_minus_one(fma(k, -0x1.62e4p-1f, x), fma(k, -0x1.7f7d1cp-20f, x_low));
  return fma(ratio, q, ratio) * pow2i(rounded(t) + up);
}

TG_INLINE float erf(float x) {
  float a = abs(x), z = x * x;
  // erf(x) / x - 1 in x^2 on [0, 1].
  float small = fma(a,
                    poly(z, 0x1.06eba8p-3f, -0x1.812746p-2f, 0x1.ce2f0ap-4f, -0x1.b829d8p-6f, 0x1.562b1p-8f,
                         -0x1.bcd76ep-11f, 0x1.d8b63p-14f, -0x1.44caacp-17f),
                    a);
  float t = at_most(a, 4.0f);
  float large = 1.0f - exp_normal(-t * t) * erfc_ratio(t);
  return copysign(a < 1.0f ? small : large, x);
}
TG_INLINE float erfc(float x) {
  float a = at_most(abs(x), 10.5f);
  float y = times_exp_minus_square(erfc_ratio(a), a, 1.0f, 40) * 0x1p-40f;
  return x < 0 ? 2.0f - y : y;
}
TG_INLINE double erf(double x) { return __builtin_erf(x); }
TG_INLINE double erfc(double x) { return __builtin_erfc(x); }

// With w = -log(1 - x^2), erfinv(x) / x is smooth in w, and in sqrt(w) further out.
TG_INLINE float erfinv(float x) {
  double d = x, w = -log((1.0 - d) * (1.0 + d)), c = w - 2.5, s = sqrt(w) - 3.0;
  double centre =
      poly(c, 0x1.805c5d2022bbap+0, 0x1.f91e8ad6e9516p-3, -0x1.11c4ebd8614f6p-8, -0x1.48661525224ffp-10,
           0x1.c9e6cd5e5db7fp-13, -0x1.4d15cd4c23945p-18, -0x1.d0c207c4d6275p-19, 0x1.f48c1b9b65d28p-22,
           0x1.8f26672bacf4bp-26, -0x1.2e0e8521acc7dp-27);
  double tail =
      poly(s, 0x1.6a9efbde270d4p+1, 0x1.006dc4f0316bbp+0, 0x1.35802140a898ap-7, -0x1.f47eb79e22cf9p-8,
           0x1.74c035b1f94dbp-8, -0x1.d7ba8020a6c0bp-9, 0x1.84c491ceaba27p-10, -0x1.c34194926a57dp-15,
           -0x1.42d4fb8947199p-12, 0x1.dce4344da75dap-14);
  float y = float((w < 5.0 ? centre : tail) * d);
  y = abs(x) == 1.0f ? copysign(inf_f, x) : y;
  return abs(x) > 1.0f ? nan_f : y;
}
// The float approximation polished by two Newton steps on erf; erf's own error limits what is reached near 1.
TG_INLINE double erfinv(double x) {
  double a = abs(x);
  double w = -__builtin_log((1.0 - a) * (1.0 + a)), y;
  if (!(a < 1.0)) return a == 1.0 ? copysign(inf_d, x) : nan_d;
  if (w < 5.0) {
    double c = w - 2.5;
    y = a * poly(c, 0x1.805c5d2022bbap+0, 0x1.f91e8ad6e9516p-3, -0x1.11c4ebd8614f6p-8, -0x1.48661525224ffp-10,
                 0x1.c9e6cd5e5db7fp-13, -0x1.4d15cd4c23945p-18, -0x1.d0c207c4d6275p-19, 0x1.f48c1b9b65d28p-22,
                 0x1.8f26672bacf4bp-26, -0x1.2e0e8521acc7dp-27);
  } else {
    double l = w - 0.6931471805599453;  // -log of about 1 - a, and the leading terms of the tail
    y = __builtin_sqrt(l - 0.5 * __builtin_log(3.141592653589793 * l));
    y = y < 1.5 ? 1.5 : y;
  }
  for (int i = 0; i < 4; ++i) {
    double e = a < 0.5 ? __builtin_erf(y) - a : (1.0 - a) - __builtin_erfc(y);
    double step = e * 0.886226925452758 * __builtin_exp(y * y);
    y -= step / (1.0 + y * step);
  }
  return copysign(y, x);
}

// P(Z > a) * 2^40 for a standard normal Z; at that scale a product with x is rounded once.
TG_INLINE float normal_tail(float a) { return times_exp_minus_square(normal_ratio(a), a, 0.5f, 40); }

TG_INLINE float gelu(float x) {
  float a = abs(x), q = a > 14.5f ? 0.0f : normal_tail(at_most(a, 15.0f));
  return x >= 0 ? x * fma(q, -0x1p-40f, 1.0f) : x * q * 0x1p-40f;
}
// Phi(x) + x phi(x).
TG_INLINE float gelu_grad(float x) {
  float a = at_most(abs(x), 15.0f), e = times_exp_minus_square(1.0f, a, 0.5f, 40) * 0x1p-40f;
  float q = e * normal_ratio(a), d = a * e * 0x1.988454p-2f;
  return x >= 0 ? (1.0f - q) + d : q - d;
}
TG_INLINE double gelu(double x) { return 0.5 * x * __builtin_erfc(-x * 0x1.6a09e667f3bcdp-1); }
TG_INLINE double gelu_grad(double x) {
  return 0.5 * __builtin_erfc(-x * 0x1.6a09e667f3bcdp-1) + x * exp(-0.5 * x * x) * 0x1.9884533d43651p-2;
}

// x sigmoid(2v), v = sqrt(2/pi) (x + 0.044715 x^3), which is 0.5 x (1 + tanh v); 2v in double for the
// negative tail.
TG_INLINE float gelu_tanh(float x) {
  double a = abs(x), v = a * (-0x1.9884533d43651p0 - 0x1.2444f2a4d8b4bp-4 * (a * a));
  float e = v < -109.0 ? 0.0f : exp_to_float(v, 0x1p24f), n = x >= 0 ? x : x * e;
  return over_one_plus(n, e * 0x1p-24f) * (x >= 0 ? 1.0f : 0x1p-24f);
}
TG_INLINE float gelu_tanh_grad(float x) {
  float z = x * x, v2 = x * fma(z, 0x1.2444f2p-4f, 0x1.988454p0f),
        dv2 = fma(z, 0x1.b6676cp-3f, 0x1.988454p0f);
  float e = exp(-abs(v2)), d = 1.0f / (1.0f + e), s = x < 0 ? e * d : d;
  // s (1 - s) = e d^2; where it is zero, x and v' may be infinite.
  float t = e * d * d;
  return t == 0.0f ? s : fma(x * dv2, t, s);
}
TG_INLINE double gelu_tanh(double x) {
  double v = x * (0x1.9884533d43651p0 + 0x1.2444f2a4d8b4bp-4 * (x * x));
  return x * sigmoid(v);
}
TG_INLINE double gelu_tanh_grad(double x) {
  double z = x * x, v = x * (0x1.9884533d43651p0 + 0x1.2444f2a4d8b4bp-4 * z),
         dv = 0x1.9884533d43651p0 + 0x1.b6676bf7450f1p-3 * z;
  double s = sigmoid(v), t = s * sigmoid(-v);
  return t == 0.0 ? s : s + x * dv * t;
}

}  // namespace vm
}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
