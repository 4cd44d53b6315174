// gelu and its derivative by pieces: the distribution of a standard normal Z on [0, 5) as 32 polynomials of
// degree 6. AVX-512 picks a coefficient for each lane out of a whole table by one instruction; without it,
// and beyond 5, the closed forms of vmath_erf.h serve, one function for every element in either case.
#pragma once
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/vmath_erf.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
#if defined(__AVX512F__)

struct Pieces {
  static constexpr int count = 32, degree = 6;
  static constexpr double end = 5.0, width = end / count;
  alignas(64) float centre[count];
  alignas(64) float coefficient[degree + 1][count];

  // derivatives(a, d) gives the function and its first seven derivatives at a.
  template <class F>
  explicit Pieces(const F& derivatives) {
    double d[degree + 2];
    for (int k = 0; k < count; ++k) {
      // Of many points about the middle, the one whose value a float holds best: the largest coefficient then
      // adds no error of its own (Gal and Bachelis, An accurate elementary mathematical library, 1991).
      double best = 1;
      for (int j = -64; j <= 64; ++j) {
        const float c = float((k + 0.5) * width + j * (width / 4096));
        derivatives(double(c), d);
        const double error = vm::abs(d[0] - double(float(d[0]))) / vm::abs(d[0]);
        if (error < best) best = error, centre[k] = c;
      }
      derivatives(double(centre[k]), d);
      double factorial = 1;
      for (int n = 1; n <= degree + 1; ++n) d[n] /= factorial *= n;
      // t^7 by Chebyshev's polynomial: 64 t^7 = 112 h^2 t^5 - 56 h^4 t^3 + 7 h^6 t, up to h^7, in [-h, h].
      const double h2 = width * width / 4, seventh = d[7] / 64;
      d[5] += 112 * h2 * seventh;
      d[3] -= 56 * h2 * h2 * seventh;
      d[1] += 7 * h2 * h2 * h2 * seventh;
      for (int n = 0; n <= degree; ++n) coefficient[n][k] = float(d[n]);
    }
  }
  TG_INLINE __m512 operator()(__m512 a) const {
    const __m512i k = _mm512_maskz_cvttps_epi32(0xffff, a * splat(float(count / end)));
    const auto pick = [&](const float* table) {
      return _mm512_permutex2var_ps(load(table), k, load(table + 16));
    };
    const __m512 t = a - pick(centre);
    __m512 y = pick(coefficient[degree]);
#pragma GCC unroll 6
    for (int n = degree - 1; n >= 0; --n) y = _mm512_fmadd_ps(y, t, pick(coefficient[n]));
    return y;
  }
};

// P(Z > a), and what phi times a polynomial adds to it: the n-th derivative of P(Z > a) is
// (-1)^n He_{n-1}(a) phi(a), with Hermite's He_{n+1} = a He_n - n He_{n-1} and He_{-1} = 0.
struct NormalDerivatives {
  double phi, hermite[10];
  explicit NormalDerivatives(double a)
      : phi(0x1.9884533d43651p-2 * __builtin_exp(-0.5 * a * a)), hermite{1, a} {
    for (int n = 1; n < 9; ++n) hermite[n + 1] = a * hermite[n] - n * hermite[n - 1];
  }
};
inline const Pieces& normal_tail_pieces() {
  static const Pieces pieces([](double a, double* d) {
    const NormalDerivatives at(a);
    d[0] = 0.5 * __builtin_erfc(a * 0x1.6a09e667f3bcdp-1);
    for (int n = 1; n < 8; ++n) d[n] = (n % 2 ? -1 : 1) * at.hermite[n - 1] * at.phi;
  });
  return pieces;
}
// P(Z > a) - a phi(a), which is gelu's derivative at -a; gelu'(a) is 1 less that.
inline const Pieces& gelu_slope_pieces() {
  static const Pieces pieces([](double a, double* d) {
    const NormalDerivatives at(a);
    d[0] = 0.5 * __builtin_erfc(a * 0x1.6a09e667f3bcdp-1) - a * at.phi;
    for (int n = 1; n < 8; ++n) d[n] = (n % 2 ? -1 : 1) * (at.hermite[n - 1] - at.hermite[n + 1]) * at.phi;
  });
  return pieces;
}

// store(i, within, f(x[i ... i + 15])) for each vector: f(x, n) of whole vectors from what the pieces say, n
// of x < 0 and 1 - n of the others; lanes beyond the pieces, and those that are no numbers, by far(x).
template <class F, class Far, class Store>
TG_INLINE void by_pieces(const float* x, size_t count, const Pieces& pieces, const F& f, const Far& far,
                         const Store& store) {
  for (size_t i = 0; i < count; i += 16) {
    const auto within = __mmask16(count - i < 16 ? (1u << (count - i)) - 1 : 0xffffu);
    const __m512 v = _mm512_maskz_loadu_ps(within, x + i), a = _mm512_abs_ps(v), n = pieces(a);
    const __mmask16 positive = _mm512_cmp_ps_mask(v, __m512{}, _CMP_GE_OQ);
    __m512 y = f(v, _mm512_mask_sub_ps(n, positive, splat(1.0f), n));
    const __mmask16 beyond = _mm512_cmp_ps_mask(a, splat(float(Pieces::end)), _CMP_NLT_UQ);
    if (beyond != 0) [[unlikely]] {
      alignas(64) float lanes[16];
      _mm512_store_ps(lanes, v);
      for (float& lane : lanes) lane = far(lane);
      y = _mm512_mask_load_ps(y, beyond, lanes);
    }
    store(i, within, y);
  }
}
#endif

struct Gelu {
  template <class T>
  TG_INLINE T operator()(T x) const {
    return vm::gelu(x);
  }
#if defined(__AVX512F__)
  TG_INLINE void all(const float* x, float* y, size_t count) const {
    by_pieces(
        x, count, normal_tail_pieces(), [](__m512 v, __m512 n) { return v * n; },
        [](float v) { return vm::gelu(v); },
        [&](size_t i, __mmask16 within, __m512 v) { _mm512_mask_storeu_ps(y + i, within, v); });
  }
#endif
};
// gelu'(x), and u gelu'(x).
struct GeluGrad {
  template <class T>
  TG_INLINE T operator()(T x) const {
    return vm::gelu_grad(x);
  }
  template <class T>
  TG_INLINE T operator()(T u, T x) const {
    return u * vm::gelu_grad(x);
  }
#if defined(__AVX512F__)
  TG_INLINE void all(const float* x, float* y, size_t count) const {
    slopes(x, count, [&](size_t i, __mmask16 within, __m512 v) { _mm512_mask_storeu_ps(y + i, within, v); });
  }
  TG_INLINE void all(const float* u, const float* x, float* y, size_t count) const {
    slopes(x, count, [&](size_t i, __mmask16 within, __m512 v) {
      _mm512_mask_storeu_ps(y + i, within, _mm512_maskz_loadu_ps(within, u + i) * v);
    });
  }
  template <class Store>
  static TG_INLINE void slopes(const float* x, size_t count, const Store& store) {
    by_pieces(
        x, count, gelu_slope_pieces(), [](__m512, __m512 n) { return n; },
        [](float v) { return vm::gelu_grad(v); }, store);
  }
#endif
};

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
