// Loops over the vector maths. A function object F has `template <class T> T operator()(T) const`; where some
// lanes need a slow path it also has `bool rare(T)` and `T slow(T)`: a block with a rare lane is finished by
// a second, scalar pass. One that has `all(x, y, n)` for the type walks the elements itself.
#pragma once
#include <stddef.h>

#include "tensorgrad/backends/cpu/kernels/vmath_round.h"
#include "tensorgrad/backends/cpu/kernels/vmath_trig.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
namespace vm {

// y[i] = f(x[i]); y may be x itself (but not overlap it otherwise).
template <class T, class U, class F>
TG_INLINE void map(const T* x, U* y, size_t n, F f) {
  if constexpr (requires { f.all(x, y, n); }) {
    f.all(x, y, n);
  } else if constexpr (requires { f.rare(x[0]); }) {
    constexpr size_t block = 512;
    for (size_t b = 0; b < n; b += block) {
      size_t m = n - b < block ? n - b : block;
      const T* p = x + b;
      U* q = y + b;
      int any = 0;
      for (size_t i = 0; i < m; ++i) any |= f.rare(p[i]);
      if (any) {
        for (size_t i = 0; i < m; ++i) q[i] = f.rare(p[i]) ? f.slow(p[i]) : f(p[i]);
      } else {
#pragma GCC ivdep
        for (size_t i = 0; i < m; ++i) q[i] = f(p[i]);
      }
    }
  } else {
#pragma GCC ivdep
    for (size_t i = 0; i < n; ++i) y[i] = f(x[i]);
  }
}

// z[i] = f(x[i], y[i]), with the same second pass.
template <class T, class U, class F>
TG_INLINE void map(const T* x, const T* y, U* z, size_t n, F f) {
  if constexpr (requires { f.all(x, y, z, n); }) {
    f.all(x, y, z, n);
  } else if constexpr (requires { f.rare(x[0], y[0]); }) {
    constexpr size_t block = 512;
    for (size_t b = 0; b < n; b += block) {
      size_t m = n - b < block ? n - b : block;
      const T *p = x + b, *q = y + b;
      U* r = z + b;
      int any = 0;
      for (size_t i = 0; i < m; ++i) any |= f.rare(p[i], q[i]);
      if (any) {
        for (size_t i = 0; i < m; ++i) r[i] = f.rare(p[i], q[i]) ? f.slow(p[i], q[i]) : f(p[i], q[i]);
      } else {
#pragma GCC ivdep
        for (size_t i = 0; i < m; ++i) r[i] = f(p[i], q[i]);
      }
    }
  } else {
#pragma GCC ivdep
    for (size_t i = 0; i < n; ++i) z[i] = f(x[i], y[i]);
  }
}

}  // namespace vm

struct Sin {
  template <class T>
  TG_INLINE T operator()(T x) const {
    return vm::sin(x);
  }
  TG_INLINE bool rare(float x) const { return (vm::abs(x) > vm::trig_limit_f) & (vm::abs(x) < vm::inf_f); }
  TG_INLINE bool rare(double x) const { return (vm::abs(x) > vm::trig_limit_d) & (vm::abs(x) < vm::inf_d); }
  TG_INLINE float slow(float x) const { return __builtin_sinf(x); }
  TG_INLINE double slow(double x) const { return __builtin_sin(x); }
};
struct Cos : Sin {
  template <class T>
  TG_INLINE T operator()(T x) const {
    return vm::cos(x);
  }
  TG_INLINE float slow(float x) const { return __builtin_cosf(x); }
  TG_INLINE double slow(double x) const { return __builtin_cos(x); }
};
struct Tan : Sin {
  template <class T>
  TG_INLINE T operator()(T x) const {
    return vm::tan(x);
  }
  TG_INLINE float slow(float x) const { return __builtin_tanf(x); }
  TG_INLINE double slow(double x) const { return __builtin_tan(x); }
};

// Division with remainder: a rare quotient is one too large for the exact product (vmath_round.h).
struct Fmod {
  template <class T>
  TG_INLINE T operator()(T a, T b) const {
    return vm::fmod(a, b);
  }
  TG_INLINE bool rare(float a, float b) const { return vm::fmod_is_rare(a, b); }
  TG_INLINE bool rare(double, double) const { return false; }
  template <class T>
  TG_INLINE T slow(T a, T b) const {
    return T(__builtin_fmod(a, b));
  }
};
struct Remainder : Fmod {
  template <class T>
  TG_INLINE T operator()(T a, T b) const {
    return vm::remainder(a, b);
  }
  template <class T>
  TG_INLINE T slow(T a, T b) const {
    return vm::remainder_from(T(__builtin_fmod(a, b)), b);
  }
};
struct FloorDivide : Fmod {
  template <class T>
  TG_INLINE T operator()(T a, T b) const {
    return vm::floor_divide(a, b);
  }
  template <class T>
  TG_INLINE T slow(T a, T b) const {
    return vm::floor_divide_from(a, b, T(__builtin_fmod(a, b)));
  }
};

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
