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

  // Lanes begin <= l < end: the others load as zero, and their memory is not touched.
#if defined(__AVX512F__)
  using Mask = unsigned;
  [[gnu::always_inline]] static inline Mask mask_between(int64_t begin, int64_t end) {
    return ((1u << end) - 1) & ~((1u << begin) - 1);
  }
  [[gnu::always_inline]] static inline V load_masked(const T* p, Mask mask) {
    if constexpr (sizeof(T) == 4) {
      return V(_mm512_maskz_loadu_ps(__mmask16(mask), p));
    } else {
      return V(_mm512_maskz_loadu_pd(__mmask8(mask), p));
    }
  }
#elif defined(__AVX2__)
  using Mask = __m256i;
  [[gnu::always_inline]] static inline Mask mask_between(int64_t begin, int64_t end) {
    if constexpr (sizeof(T) == 4) {
      const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
      return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(int(begin)), lane),
                                 _mm256_cmpgt_epi32(_mm256_set1_epi32(int(end)), lane));
    } else {
      const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
      return _mm256_andnot_si256(_mm256_cmpgt_epi64(_mm256_set1_epi64x(begin), lane),
                                 _mm256_cmpgt_epi64(_mm256_set1_epi64x(end), lane));
    }
  }
  [[gnu::always_inline]] static inline V load_masked(const T* p, Mask mask) {
    if constexpr (sizeof(T) == 4) {
      return V(_mm256_maskload_ps(p, mask));
    } else {
      return V(_mm256_maskload_pd(reinterpret_cast<const double*>(p), mask));
    }
  }
#else
  struct Mask {
    int64_t begin, end;
  };
  [[gnu::always_inline]] static inline Mask mask_between(int64_t begin, int64_t end) { return {begin, end}; }
  [[gnu::always_inline]] static inline V load_masked(const T* p, Mask mask) {
    if (mask.begin == 0 && mask.end == width) return load(p);
    V v{};
    for (int64_t i = mask.begin; i < mask.end; ++i) v[i] = p[i];
    return v;
  }
#endif
  [[gnu::always_inline]] static inline V load_n(const T* p, int count) {
    return load_masked(p, mask_between(0, count));
  }
  // Lanes 0, 2, 4, ... of the two vectors one behind the other.
  [[gnu::always_inline]] static inline V even_lanes(V low, V high) {
    if constexpr (width == 16) {
      return __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    } else if constexpr (width == 8) {
      return __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
    } else if constexpr (width == 4) {
      return __builtin_shufflevector(low, high, 0, 2, 4, 6);
    } else {
      return __builtin_shufflevector(low, high, 0, 2);
    }
  }
  // Lane i of the result is lane from[i].
  [[gnu::always_inline]] static inline V permute(V v, const uint8_t* from) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      return V(_mm512_maskz_permutexvar_ps(0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, bytes), __m512(v)));
    } else {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
      return V(_mm512_maskz_permutexvar_pd(0xff, _mm512_maskz_cvtepu8_epi64(0xff, bytes), __m512d(v)));
    }
#else
#if defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
      return V(_mm256_permutevar8x32_ps(__m256(v), _mm256_cvtepu8_epi32(bytes)));
    }
#endif
    T lanes[width];
    store(lanes, v);
    for (int i = 0; i < width; ++i) v[i] = lanes[from[i]];
    return v;
#endif
  }
  // The first `count` lanes.
  [[gnu::always_inline]] static inline void store_n(T* p, V v, int count) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      _mm512_mask_storeu_ps(p, __mmask16((1u << count) - 1), __m512(v));
    } else {
      _mm512_mask_storeu_pd(p, __mmask8((1u << count) - 1), __m512d(v));
    }
#else
#if defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      __m128 part = _mm256_castps256_ps128(__m256(v));
      if (count & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(__m256(v), 1);
        p += 4;
      }
      if (count & 2) {
        _mm_storel_pi(reinterpret_cast<__m64*>(p), part);
        part = _mm_movehl_ps(part, part);
        p += 2;
      }
      if (count & 1) _mm_store_ss(p, part);
      return;
    }
#endif
    T lanes[width];
    store(lanes, v);
    for (int i = 0; i < count; ++i) p[i] = lanes[i];
#endif
  }

  // p[0], p[2], p[4], ... from the first `count` lanes; what lies between is left as it is.
  [[gnu::always_inline]] static inline void store_every_second(T* p, V v, int count) {
#if defined(__AVX512F__)
    // Lane i goes to lane 2i of two vectors.
    const unsigned mask = 0x55555555u & unsigned((uint64_t(1) << (2 * count)) - 1);
    if constexpr (sizeof(T) == 4) {
      const __m512i low = _mm512_setr_epi32(0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0);
      const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
      _mm512_mask_storeu_ps(p, __mmask16(mask), _mm512_maskz_permutexvar_ps(0x5555, low, __m512(v)));
      _mm512_mask_storeu_ps(p + width, __mmask16(mask >> 16),
                            _mm512_maskz_permutexvar_ps(0x5555, high, __m512(v)));
    } else {
      const __m512i low = _mm512_setr_epi64(0, 0, 1, 0, 2, 0, 3, 0);
      const __m512i high = _mm512_add_epi64(low, _mm512_set1_epi64(4));
      _mm512_mask_storeu_pd(p, __mmask8(mask), _mm512_maskz_permutexvar_pd(0x55, low, __m512d(v)));
      _mm512_mask_storeu_pd(p + width, __mmask8(mask >> 8),
                            _mm512_maskz_permutexvar_pd(0x55, high, __m512d(v)));
    }
#else
    T lanes[width];
    store(lanes, v);
    for (int i = 0; i < count; ++i) p[2 * i] = lanes[i];
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
