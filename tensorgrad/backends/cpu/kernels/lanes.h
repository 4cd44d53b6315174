// Sums and maxima of contiguous rows with vector accumulators. The number of lanes is the same at every
// instruction-set level, and so is the order of additions.
#pragma once
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
TG_INLINE Vector<T> splat(T x) {
  return x - Vector<T>{};
}

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

// combine over term(i) for i < n: vector_term loads Lanes<T>::width elements from i on, scalar_term one.
template <class T, class C, class V, class S>
TG_INLINE T reduce_row(int64_t n, T identity, const C& combine, const V& vector_term, const S& scalar_term) {
  using L = Lanes<T>;
  if (n < L::all) {
    T total = identity;
    for (int64_t i = 0; i < n; i++) total = combine(total, scalar_term(i));
    return total;
  }
  Vector<T> acc[L::count];
  for (int k = 0; k < L::count; k++) acc[k] = vector_term(int64_t(k) * L::width);
  int64_t i = L::all;
  for (; i + L::all <= n; i += L::all)
    for (int k = 0; k < L::count; k++) acc[k] = combine(acc[k], vector_term(i + k * L::width));
  if (i < n) {
    alignas(64) T rest[L::all];
    for (int j = 0; j < L::all; j++) rest[j] = i + j < n ? scalar_term(i + j) : identity;
    for (int k = 0; k < L::count; k++) acc[k] = combine(acc[k], load(rest + k * L::width));
  }
  for (int half = L::count / 2; half; half /= 2)
    for (int k = 0; k < half; k++) acc[k] = combine(acc[k], acc[k + half]);
  return fold<L::width / 2, T>(acc[0], combine);
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
    return a > b ? a : b;
  }
};

template <class T>
TG_INLINE T row_max(const T* x, int64_t n) {
  return reduce_row<T>(
      n, -T(__builtin_inf()), Larger{}, [&](int64_t i) { return load(x + i); },
      [&](int64_t i) { return x[i]; });
}
template <class T>
TG_INLINE T row_sum(const T* x, int64_t n) {
  return reduce_row<T>(
      n, T(0), Plus{}, [&](int64_t i) { return load(x + i); }, [&](int64_t i) { return x[i]; });
}
template <class T>
TG_INLINE T row_dot(const T* x, const T* y, int64_t n) {
  return reduce_row<T>(
      n, T(0), Plus{}, [&](int64_t i) { return load(x + i) * load(y + i); },
      [&](int64_t i) { return x[i] * y[i]; });
}
// sum of (x - mean)^2
template <class T>
TG_INLINE T row_squares(const T* x, T mean, int64_t n) {
  const Vector<T> m = splat(mean);
  return reduce_row<T>(
      n, T(0), Plus{},
      [&](int64_t i) {
        const Vector<T> d = load(x + i) - m;
        return d * d;
      },
      [&](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
