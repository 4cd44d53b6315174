// Pointwise kernels with numbers, and of three operands.
#include "tensorgrad/backends/cpu/kernels/blocks.h"
#include "tensorgrad/backends/cpu/kernels/vmath_log.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
constexpr bool is_float = __is_same(T, float) || __is_same(T, double);

template <class T>
TG_INLINE T root(T x) {
  if constexpr (sizeof(T) == 4)
    return __builtin_sqrtf(x);
  else
    return __builtin_sqrt(x);
}
template <class T>
T integer_power(T a, int64_t b) {
  if constexpr (__is_same(T, bool)) {
    return a || b == 0;
  } else {
    uint64_t result = 1, base = uint64_t(int64_t(a));
    for (; b > 0; b >>= 1) {
      if (b & 1) result *= base;
      base *= base;
    }
    return T(result);
  }
}

// The exponent comes as an array: the compiler would make a loop of its own for each sort of a single one,
// and vector code of none of them.
template <class T>
void power_loop(const T* x, T* out, int64_t n, const Numbers& numbers) {
  T exponent[kBlock];
  for (T& each : exponent) each = T(numbers.value[0]);
  for (int64_t from = 0; from < n; from += kBlock) {
    const int64_t m = n - from < kBlock ? n - from : kBlock;
#pragma GCC ivdep
    for (int64_t i = 0; i < m; i++) out[from + i] = vm::pow(x[from + i], exponent[i]);
  }
}

template <class T, class F>
void map_ternary(const Plan& p, const F& f) {
  for_each_run<4>(p, [&](char* const* data, int64_t n) {
    const int64_t so = p.strides[0][0], sa = p.strides[1][0], sb = p.strides[2][0], sc = p.strides[3][0];
    using C = compute_t<T>;
    constexpr int64_t size = sizeof(T);
    T* out = reinterpret_cast<T*>(data[0]);
    const T* a = reinterpret_cast<const T*>(data[1]);
    const T* b = reinterpret_cast<const T*>(data[2]);
    const T* c = reinterpret_cast<const T*>(data[3]);
    if (so == size && sa == size && sb == size && sc == size) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) out[i] = T(f(C(a[i]), C(b[i]), C(c[i])));
#ifndef TG_PORTABLE
    } else if (so == size && sa == size && sb == size && sc == 0) {
      const C last = C(*c);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) out[i] = T(f(C(a[i]), C(b[i]), last));
#endif
    } else {
      for (int64_t i = 0; i < n; i++)
        at<T>(data[0], i, so) =
            T(f(C(at<T>(data[1], i, sa)), C(at<T>(data[2], i, sb)), C(at<T>(data[3], i, sc))));
    }
  });
}

}  // namespace

void clamp(const Plan& p, const Scalar* low, const Scalar* high) {
  const auto of_type = [&]<class T>() {
    using C = compute_t<T>;
    if constexpr (!__is_same(T, bool)) {
      const C lo = low ? low->to<C>() : C(0), hi = high ? high->to<C>() : C(0);
      if (low && high)
        map_unary<T, T>(p, [=](C x) {
          const C raised = x < lo ? lo : x;
          return raised > hi ? hi : raised;
        });
      else if (low)
        map_unary<T, T>(p, [=](C x) { return x < lo ? lo : x; });
      else
        map_unary<T, T>(p, [=](C x) { return x > hi ? hi : x; });
    }
  };
  float_and_others(p.dtype, of_type, [&] { portable::clamp(p, low, high); });
}

void pow_number(const Plan& p, Scalar exponent) {
  const auto of_type = [&]<class T>() {
    using C = compute_t<T>;
    if constexpr (!is_float<C>) {
      const int64_t b = exponent.to_int();
      if (b == 2)
        map_unary<T, T>(p, [](C x) { return integer_power<C>(x, 2); });
      else
        map_unary<T, T>(p, [b](C x) { return integer_power<C>(x, b); });
    } else {
      const double number = exponent.to_double();
      if (number == 2)
        map_unary<T, T>(p, [](C x) { return x * x; });
      else if (number == 3)
        map_unary<T, T>(p, [](C x) { return x * x * x; });
      else if (number == 0.5)
        map_unary<T, T>(p, [](C x) { return root(x); });
      else if (number == -0.5)
        map_unary<T, T>(p, [](C x) { return 1 / root(x); });
      else if (number == -1)
        map_unary<T, T>(p, [](C x) { return 1 / x; });
      else if (number == -2)
        map_unary<T, T>(p, [](C x) { return 1 / (x * x); });
      else
        run_loop1(p, power_loop<float>, power_loop<double>, {number});
    }
  };
  float_and_others(p.dtype, of_type, [&] { portable::pow_number(p, exponent); });
}

void lerp(const Plan& p) {
  // From the nearer end, so that both ends are met exactly.
  floats_only(
      p.dtype,
      [&]<class T>() {
        using C = compute_t<T>;
        map_ternary<T>(p, [](C a, C b, C w) {
          const C difference = b - a, magnitude = w < 0 ? -w : w;
          const C from_a = a + w * difference, from_b = b - difference * (1 - w);
          return magnitude < C(0.5) ? from_a : from_b;
        });
      },
      [&] { portable::lerp(p); });
}
void scaled_difference(const Plan& p) {
  floats_only(
      p.dtype,
      [&]<class T>() {
        using C = compute_t<T>;
        map_ternary<T>(p, [](C a, C b, C c) { return (a - b) * c; });
      },
      [&] { portable::scaled_difference(p); });
}
void addcmul(const Plan& p, Scalar value) {
  float_and_others(
      p.dtype,
      [&]<class T>() {
        using C = compute_t<T>;
        const C scale = value.to<C>();
        map_ternary<T>(p, [scale](C a, C b, C c) { return C(a + C(scale * b) * c); });
      },
      [&] { portable::addcmul(p, value); });
}
void addcdiv(const Plan& p, Scalar value) {
  floats_only(
      p.dtype,
      [&]<class T>() {
        using C = compute_t<T>;
        const C scale = value.to<C>();
        map_ternary<T>(p, [scale](C a, C b, C c) { return C(a + scale * b / c); });
      },
      [&] { portable::addcdiv(p, value); });
}
void xlogy(const Plan& p) {
  floats_only(
      p.dtype,
      [&]<class T>() {
        using C = compute_t<T>;
        map_binary<T, T>(p, [](C a, C b) -> C {
          if (b != b) return b;
          if (a == 0) return 0;
          if constexpr (sizeof(C) == 4)
            return a * __builtin_logf(b);
          else
            return a * __builtin_log(b);
        });
      },
      [&] { portable::xlogy(p); });
}

}  // namespace tensorgrad::cpu::TG_ISA
