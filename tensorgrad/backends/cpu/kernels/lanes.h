// Sums and extremes of contiguous rows with vector accumulators. The number of lanes is the same at every
// instruction-set level, and so is the order of additions.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "tensorgrad/backends/cpu/kernels/vmath_base.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
constexpr int kLaneBytes = 128;

template <class T>
struct Lanes {
  typedef T Vector __attribute__((vector_size(kVectorBytes)));
  static constexpr int width = kVectorBytes / int(sizeof(T)), count = kLaneBytes / kVectorBytes,
                       all = width * count;
};
template <class T>
using Vector = typename Lanes<T>::Vector;

template <class T>
TG_INLINE Vector<T> load(const T* p) {
  Vector<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
TG_INLINE void store(T* p, Vector<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}
template <class T>
TG_INLINE Vector<T> splat(T x) {
  return x - Vector<T>{};
}

// The first `count` elements at p; what the other lanes hold is left open.
template <class T>
TG_INLINE Vector<T> load_first(const T* p, int64_t count) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return Vector<T>(_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), p));
  else
    return Vector<T>(_mm512_maskz_loadu_pd(__mmask8((1u << count) - 1), p));
#else
  Vector<T> v{};
  for (int j = 0; j < Lanes<T>::width; j++) v[j] = j < count ? p[j] : T(0);
  return v;
#endif
}
// The first `count` lanes of v, and `rest` in the others.
template <class T>
TG_INLINE Vector<T> keep_first(Vector<T> v, int64_t count, T rest) {
  Vector<T> lane;
  for (int j = 0; j < Lanes<T>::width; j++) lane[j] = T(j);
  return lane < splat(T(count)) ? v : splat(rest);
}

// a > b ? a : b and a < b ? a : b: b where one of them is not a number. Of vectors that is one instruction,
// which compilers do not find by themselves.
template <class T>
TG_INLINE T greater_of(T a, T b) {
  return a > b ? a : b;
}
template <class T>
TG_INLINE T lesser_of(T a, T b) {
  return a < b ? a : b;
}
#if defined(__AVX512F__)
TG_INLINE Vector<float> greater_of(Vector<float> a, Vector<float> b) {
  return _mm512_maskz_max_ps(0xffff, a, b);
}
TG_INLINE Vector<double> greater_of(Vector<double> a, Vector<double> b) {
  return _mm512_maskz_max_pd(0xff, a, b);
}
TG_INLINE Vector<float> lesser_of(Vector<float> a, Vector<float> b) {
  return _mm512_maskz_min_ps(0xffff, a, b);
}
TG_INLINE Vector<double> lesser_of(Vector<double> a, Vector<double> b) {
  return _mm512_maskz_min_pd(0xff, a, b);
}
#elif defined(__AVX__)
TG_INLINE Vector<float> greater_of(Vector<float> a, Vector<float> b) { return _mm256_max_ps(a, b); }
TG_INLINE Vector<double> greater_of(Vector<double> a, Vector<double> b) { return _mm256_max_pd(a, b); }
TG_INLINE Vector<float> lesser_of(Vector<float> a, Vector<float> b) { return _mm256_min_ps(a, b); }
TG_INLINE Vector<double> lesser_of(Vector<double> a, Vector<double> b) { return _mm256_min_pd(a, b); }
#elif defined(__x86_64__)
TG_INLINE Vector<float> greater_of(Vector<float> a, Vector<float> b) { return _mm_max_ps(a, b); }
TG_INLINE Vector<double> greater_of(Vector<double> a, Vector<double> b) { return _mm_max_pd(a, b); }
TG_INLINE Vector<float> lesser_of(Vector<float> a, Vector<float> b) { return _mm_min_ps(a, b); }
TG_INLINE Vector<double> lesser_of(Vector<double> a, Vector<double> b) { return _mm_min_pd(a, b); }
#endif

// Combines lane j with lane j + half, for half = width/2, ..., 1; the result is in lane 0.
template <int half, class T, class C>
TG_INLINE T fold(Vector<T> v, const C& combine) {
  if constexpr (half == 0) {
    return v[0];
  } else {
    constexpr int width = Lanes<T>::width;
#ifdef __clang__
    Vector<T> turned;
    for (int j = 0; j < width; j++) turned[j] = v[(j + half) % width];
#else
    decltype(v < v) mask;
    for (int j = 0; j < width; j++) mask[j] = (j + half) % width;
    const Vector<T> turned = __builtin_shuffle(v, mask);
#endif
    return fold<half / 2, T>(combine(v, turned), combine);
  }
}
template <class T, class C>
TG_INLINE T fold_lanes(Vector<T> v, const C& combine) {
  return fold<Lanes<T>::width / 2, T>(v, combine);
}

// Combines term(at) over n places; at(p) gives the elements of p there, a vector of them.
template <class T, class C, class F>
TG_INLINE Vector<T> reduce_lanes(int64_t n, T identity, const C& combine, const F& term) {
  using L = Lanes<T>;
  Vector<T> acc[L::count];
  for (int k = 0; k < L::count; k++) acc[k] = splat(identity);
  int64_t i = 0;
  for (; i + L::all <= n; i += L::all)
    for (int k = 0; k < L::count; k++)
      acc[k] = combine(acc[k], term([&](const T* p) { return load(p + i + k * L::width); }));
  for (int k = 0; k < L::count; k++, i += L::width) {
    if (i + L::width <= n) {
      acc[k] = combine(acc[k], term([&](const T* p) { return load(p + i); }));
    } else if (i < n) {
      const Vector<T> last = term([&](const T* p) { return load_first(p + i, n - i); });
      acc[k] = combine(acc[k], keep_first(last, n - i, identity));
    }
  }
  for (int half = L::count / 2; half; half /= 2)
    for (int k = 0; k < half; k++) acc[k] = combine(acc[k], acc[k + half]);
  return acc[0];
}
template <class T, class C, class F>
TG_INLINE T reduce_row(int64_t n, T identity, const C& combine, const F& term) {
  return fold_lanes<T>(reduce_lanes(n, identity, combine, term), combine);
}

struct Plus {
  template <class T>
  TG_INLINE T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  template <class T>
  TG_INLINE T operator()(T a, T b) const {
    return greater_of(a, b);
  }
};

template <class T>
TG_INLINE T row_max(const T* x, int64_t n) {
  return reduce_row(n, -T(__builtin_inf()), Larger{}, [&](auto at) { return at(x); });
}
template <class T>
TG_INLINE T row_sum(const T* x, int64_t n) {
  return reduce_row(n, T(0), Plus{}, [&](auto at) { return at(x); });
}
template <class T>
TG_INLINE T row_dot(const T* x, const T* y, int64_t n) {
  return reduce_row(n, T(0), Plus{}, [&](auto at) { return at(x) * at(y); });
}
// sum of (x - mean)^2
template <class T>
TG_INLINE T row_squares(const T* x, T mean, int64_t n) {
  const Vector<T> m = splat(mean);
  return reduce_row(n, T(0), Plus{}, [&](auto at) {
    const Vector<T> d = at(x) - m;
    return d * d;
  });
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
