#pragma once
// The vectors that the matrix kernels are written in: one register of the level's width, float or double.
// Included by kernel files only; everything here is private to the file that includes it.
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int tile_rows = 14;  // 14 x 2 accumulators, 2 of b, 1 of a: 31 of 32 registers
#elif defined(__AVX2__)
constexpr int tile_rows = 6;  // 12 + 2 + 1 of 16
#elif defined(__x86_64__)
constexpr int tile_rows = 4;  // without fma the product needs registers too
#else
constexpr int tile_rows = 8;
#endif
constexpr int vector_bytes = TG_VECTOR_BYTES;

template <class T>
struct Simd {
  static constexpr int width = vector_bytes / int(sizeof(T));
  typedef T V __attribute__((vector_size(vector_bytes)));
  typedef T Unaligned __attribute__((vector_size(vector_bytes), aligned(alignof(T)), may_alias));

  [[gnu::always_inline]] static inline V zero() { return V{}; }
  [[gnu::always_inline]] static inline V load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
  [[gnu::always_inline]] static inline void store(T* p, V v) { *reinterpret_cast<Unaligned*>(p) = v; }
  [[gnu::always_inline]] static inline V broadcast(T x) { return x - V{}; }  // folds; x + 0 would not, for -0

  // The first `count` lanes; the others are zero, or left as they are.
  [[gnu::always_inline]] static inline V load_n(const T* p, int count) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return V(_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), p));
    } else {
      return V(_mm512_maskz_loadu_pd(__mmask8((1u << count) - 1), p));
    }
#else
    V v{};
    for (int i = 0; i < count; ++i) v[i] = p[i];
    return v;
#endif
  }
  [[gnu::always_inline]] static inline void store_n(T* p, V v, int count) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      _mm512_mask_storeu_ps(p, __mmask16((1u << count) - 1), __m512(v));
    } else {
      _mm512_mask_storeu_pd(p, __mmask8((1u << count) - 1), __m512d(v));
    }
#else
    T lanes[width];
    store(lanes, v);
    for (int i = 0; i < count; ++i) p[i] = lanes[i];
#endif
  }

  [[gnu::always_inline]] static inline V fma(V a, V b, V c) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return V(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
    } else {
      return V(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c)));
    }
#elif defined(__FMA__)
    if constexpr (sizeof(T) == 4) {
      return V(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
    } else {
      return V(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
    }
#elif defined(__ARM_NEON) && defined(__aarch64__)
    if constexpr (sizeof(T) == 4) {
      return V(vfmaq_f32(float32x4_t(c), float32x4_t(a), float32x4_t(b)));
    } else {
      return V(vfmaq_f64(float64x2_t(c), float64x2_t(a), float64x2_t(b)));
    }
#else
    return a * b + c;
#endif
  }
};

// The scalar twin of fma: the same rounding as the vector one has at this level.
template <class T>
[[gnu::always_inline]] inline T fma_scalar(T a, T b, T c) {
#if defined(__FMA__) || defined(__aarch64__)
  if constexpr (sizeof(T) == 4)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
