// What a write does with the element that is there, for single elements and runs of them.
#pragma once
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/cpu/kernels/moves.h"
#include "tensorgrad/backends/slots_index.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// Calls f.template operator()<T>() with an unsigned type of this width.
template <class F>
void by_width(DType t, const F& f) {
  switch (element_size(t)) {
    case 1: return f.template operator()<uint8_t>();
    case 2: return f.template operator()<uint16_t>();
    case 4: return f.template operator()<uint32_t>();
    default: return f.template operator()<uint64_t>();
  }
}

// Calls f.template operator()<T, how>(). Assigning moves bits and adding floats is what gradients do: the
// levels have code of their own for these, `others` calls the portable copy for the rest.
template <class F, class Others>
void by_combine(Combine how, DType t, const F& f, const Others& others) {
#ifdef TG_PORTABLE
  (void)others;
  switch (how) {
    case Combine::Add: return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Add>(); });
    case Combine::Multiply:
      return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Multiply>(); });
    case Combine::Maximum:
      return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Maximum>(); });
    default: return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Minimum>(); });
  }
#else
  if (how == Combine::Assign)
    by_width(t, [&]<class T>() { f.template operator()<T, Combine::Assign>(); });
  else if (how == Combine::Add && t == DType::Float32)
    f.template operator()<float, Combine::Add>();
  else if (how == Combine::Add && t == DType::Float64)
    f.template operator()<double, Combine::Add>();
  else
    others();
#endif
}

template <Combine K, class T>
TG_INLINE void combine(T& to, T value) {
  using C = compute_t<T>;
  const C a = C(to), b = C(value);
  if constexpr (K == Combine::Assign)
    to = value;
  else if constexpr (K == Combine::Add)
    to = T(C(a + b));
  else if constexpr (K == Combine::Multiply)
    to = T(C(a * b));
  else if constexpr (K == Combine::Maximum)
    to = T(a != a || a > b ? a : b);
  else
    to = T(a != a || a < b ? a : b);
}

// n elements of `to` with n of `in`, which do not overlap; a stride of 0 stands for one value.
template <class T, Combine K>
TG_INLINE void combine_run(char* to, int64_t to_stride, const char* in, int64_t in_stride, int64_t n) {
  constexpr int64_t size = sizeof(T);
  T* const out = reinterpret_cast<T*>(to);
  const T* const values = reinterpret_cast<const T*>(in);
  if (to_stride == size && in_stride == size) {
    if constexpr (K == Combine::Assign) {
      copy_run(to, in, n * size, false);
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) combine<K>(out[i], values[i]);
    }
  } else if (to_stride == size && in_stride == 0) {
    const T value = *values;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) combine<K>(out[i], value);
  } else {
    for (int64_t i = 0; i < n; i++)
      combine<K>(at<T>(to, i, to_stride), *reinterpret_cast<const T*>(in + i * in_stride));
  }
}

// An index that is out of bounds; the first one that a thread meets stays.
TG_INLINE void report(int64_t* bad, int64_t value) {
  if (__atomic_load_n(bad, __ATOMIC_RELAXED) == INT64_MIN) __atomic_store_n(bad, value, __ATOMIC_RELAXED);
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
