// Arithmetic of two operands of one dtype.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/cpu/kernels/vmath_log.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
constexpr bool is_float = false;
template <>
constexpr bool is_float<float> = true;
template <>
constexpr bool is_float<double> = true;

template <class F, class Others>
void all_dtypes(const Plan& p, const F& f, const Others& others) {
  float_and_others(p.dtype, [&]<class T>() { map_binary<T, T>(p, f); }, others);
}
// Division leaves bool out, as the ops do: true is also its -1, and false its only other divisor.
template <class F, class Others>
void number_dtypes(const Plan& p, const F& f, const Others& others) {
  const auto of_type = [&]<class T>() {
    if constexpr (!__is_same(T, bool)) map_binary<T, T>(p, f);
  };
  float_and_others(p.dtype, of_type, others);
}
template <class F, class Others>
void floating_dtypes(const Plan& p, const F& f, const Others& others) {
  floats_only(p.dtype, [&]<class T>() { map_binary<T, T>(p, f); }, others);
}
template <class F, class Others>
void compare(const Plan& p, const F& f, const Others& others) {
  float_and_others(p.dtype, [&]<class T>() { map_binary<bool, T>(p, f); }, others);
}

template <class T>
TG_INLINE T floor_quotient(T a, T b) {
  if constexpr (is_float<T>) {
    // Python's floor division: exact through the remainder, so that 1 // 0.1 == 9.
    if (b == 0) return a / b;
    const T mod =
        sizeof(T) == 4 ? T(__builtin_fmodf(float(a), float(b))) : T(__builtin_fmod(double(a), double(b)));
    T quotient = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0)) quotient -= 1;
    if (quotient == 0)
      return sizeof(T) == 4 ? T(__builtin_copysignf(0.f, float(a / b)))
                            : T(__builtin_copysign(0., double(a / b)));
    const T floored =
        sizeof(T) == 4 ? T(__builtin_floorf(float(quotient))) : T(__builtin_floor(double(quotient)));
    return quotient - floored > T(0.5) ? floored + 1 : floored;
  } else {
    if (b == T(-1)) return T(-a);
    const T quotient = T(a / b);
    return T(quotient - ((a % b != 0) && ((a < 0) != (b < 0))));
  }
}
template <class T>
TG_INLINE T trunc_quotient(T a, T b) {
  if constexpr (is_float<T>)
    return sizeof(T) == 4 ? T(__builtin_truncf(float(a / b))) : T(__builtin_trunc(double(a / b)));
  else
    return b == T(-1) ? T(-a) : T(a / b);
}
template <class T>
TG_INLINE T trunc_remainder(T a, T b) {
  if constexpr (is_float<T>)
    return sizeof(T) == 4 ? T(__builtin_fmodf(float(a), float(b))) : T(__builtin_fmod(double(a), double(b)));
  else
    return b == T(-1) ? T(0) : T(a % b);
}
template <class T>
TG_INLINE T floor_remainder(T a, T b) {
  const T mod = trunc_remainder(a, b);
  return mod != 0 && (mod < 0) != (b < 0) ? T(mod + b) : mod;
}

template <class T>
TG_INLINE T power(T a, T b) {
  if constexpr (is_float<T>) {
    return vm::pow(a, b);
  } else {
    if (b < 0) return a == 1 ? T(1) : a == T(-1) ? (b & 1 ? T(-1) : T(1)) : T(0);
    T result = 1;
    for (; b; b = T(b >> 1)) {
      if (b & 1) result = T(result * a);
      a = T(a * a);
    }
    return result;
  }
}

template <class T>
TG_INLINE bool is_nan(T a) {
  return a != a;
}

}  // namespace

// Defines a kernel by its expression in a and b; what this level does not instantiate goes to the portable
// copy.
#define TG_BINARY(NAME, DTYPES, ...)                                                      \
  void NAME(const Plan& p) {                                                              \
    DTYPES(p, []<class T>(T a, T b) { return __VA_ARGS__; }, [&] { portable::NAME(p); }); \
  }

void add(const Plan& p, Scalar alpha) {
  const auto of_type = [&]<class T>() {
    using C = compute_t<T>;
    if constexpr (is_float<C>) {
      const C scale = alpha.to<C>();
      if (scale == 1)
        map_binary<T, T>(p, [](C a, C b) { return a + b; });
      else if (scale == -1)
        map_binary<T, T>(p, [](C a, C b) { return a - b; });
      else
        map_binary<T, T>(p, [scale](C a, C b) { return a + scale * b; });
    } else if constexpr (__is_same(T, bool)) {
      const bool scale = alpha.to_bool();
      map_binary<T, T>(p, [scale](bool a, bool b) { return a || (scale && b); });
    } else {
      const T scale = alpha.to<T>();
      map_binary<T, T>(p, [scale](T a, T b) { return T(a + scale * b); });
    }
  };
  float_and_others(p.dtype, of_type, [&] { portable::add(p, alpha); });
}

TG_BINARY(mul, all_dtypes, a* b)
TG_BINARY(div, floating_dtypes, a / b)
TG_BINARY(div_floor, number_dtypes, floor_quotient(a, b))
TG_BINARY(div_trunc, number_dtypes, trunc_quotient(a, b))
TG_BINARY(remainder, number_dtypes, floor_remainder(a, b))
TG_BINARY(fmod, number_dtypes, trunc_remainder(a, b))
TG_BINARY(pow, all_dtypes, power(a, b))
TG_BINARY(atan2, floating_dtypes,
          sizeof(T) == 4 ? T(__builtin_atan2f(float(a), float(b))) : T(__builtin_atan2(double(a), double(b))))
TG_BINARY(maximum, all_dtypes, is_nan(a) || a > b ? a : b)
TG_BINARY(minimum, all_dtypes, is_nan(a) || a < b ? a : b)
TG_BINARY(fmax, all_dtypes, is_nan(b) || a > b ? a : b)
TG_BINARY(fmin, all_dtypes, is_nan(b) || a < b ? a : b)
TG_BINARY(eq, compare, a == b)
TG_BINARY(ne, compare, a != b)
TG_BINARY(lt, compare, a < b)
TG_BINARY(le, compare, a <= b)
TG_BINARY(gt, compare, a > b)
TG_BINARY(ge, compare, a >= b)
TG_BINARY(logical_and, compare, (a != 0) & (b != 0))
TG_BINARY(logical_or, compare, (a != 0) | (b != 0))
TG_BINARY(logical_xor, compare, (a != 0) != (b != 0))

#ifdef TG_PORTABLE
namespace {
template <class F>
void integer_dtypes(const Plan& p, const F& f) {
  integers(p.dtype, [&]<class T>() { map_binary<T, T>(p, f); });
}
template <class T>
bool beyond(T bits) {
  return bits < 0 || uint64_t(bits) >= sizeof(T) * 8;
}
}  // namespace
void bitwise_and(const Plan& p) {
  integer_dtypes(p, []<class T>(T a, T b) { return T(a & b); });
}
void bitwise_or(const Plan& p) {
  integer_dtypes(p, []<class T>(T a, T b) { return T(a | b); });
}
void bitwise_xor(const Plan& p) {
  integer_dtypes(p, []<class T>(T a, T b) { return T(a ^ b); });
}
void bitwise_left_shift(const Plan& p) {
  integer_dtypes(p, []<class T>(T a, T b) { return beyond(b) ? T(0) : T(uint64_t(a) << b); });
}
void bitwise_right_shift(const Plan& p) {
  integer_dtypes(p, []<class T>(T a, T b) { return beyond(b) ? T(a < 0 ? -1 : 0) : T(a >> b); });
}
#else
void bitwise_and(const Plan& p) { portable::bitwise_and(p); }
void bitwise_or(const Plan& p) { portable::bitwise_or(p); }
void bitwise_xor(const Plan& p) { portable::bitwise_xor(p); }
void bitwise_left_shift(const Plan& p) { portable::bitwise_left_shift(p); }
void bitwise_right_shift(const Plan& p) { portable::bitwise_right_shift(p); }
#endif

}  // namespace tensorgrad::cpu::TG_ISA
