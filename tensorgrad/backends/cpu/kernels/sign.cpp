// Signs, negations and classes of values: functions of one operand of any type.
#include "tensorgrad/backends/cpu/kernels/blocks.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
// Unsigned arithmetic, so that the lowest integer stays itself instead of overflowing.
template <class T>
TG_INLINE T negated(T x) {
  return T(0 - uint64_t(x));
}
template <>
TG_INLINE float negated(float x) {
  return -x;
}
template <>
TG_INLINE double negated(double x) {
  return -x;
}
template <class T>
TG_INLINE T magnitude(T x) {
  return x < T(0) ? negated(x) : x;
}
template <>
TG_INLINE float magnitude(float x) {
  return __builtin_fabsf(x);
}
template <>
TG_INLINE double magnitude(double x) {
  return __builtin_fabs(x);
}
template <class T>
TG_INLINE T sign_of(T x) {
  return T(T(T(0) < x) - T(x < T(0)));
}
template <class T>
TG_INLINE bool is_inf(T) {
  return false;
}
template <>
TG_INLINE bool is_inf(float x) {
  return __builtin_fabsf(x) == __builtin_inff();
}
template <>
TG_INLINE bool is_inf(double x) {
  return __builtin_fabs(x) == __builtin_inf();
}
template <class T>
TG_INLINE bool is_negative(T x) {
  return x < T(0);
}
template <>
TG_INLINE bool is_negative(float x) {
  return __builtin_signbit(x);
}
template <>
TG_INLINE bool is_negative(double x) {
  return __builtin_signbit(x);
}
}  // namespace

#ifdef TG_PORTABLE
#define TG_ANY_TYPE(NAME, ...)                                                                  \
  void NAME(const Plan& p) {                                                                    \
    integers(p.dtype, [&]<class T>() { map_unary<T, T>(p, [](T x) { return __VA_ARGS__; }); }); \
  }
#else
#define TG_ANY_TYPE(NAME, ...)                                           \
  TG_LOOP1(NAME, __VA_ARGS__)                                            \
  void NAME(const Plan& p) {                                             \
    if (!is_floating(p.dtype)) return portable::NAME(p);                 \
    run_loop1(p, loop1<float, NAME##_loop>, loop1<double, NAME##_loop>); \
  }
#endif
TG_ANY_TYPE(neg, negated(x))
TG_ANY_TYPE(abs, magnitude(x))
TG_ANY_TYPE(sign, sign_of(x))
TG_ANY_TYPE(relu, x < T(0) ? T(0) : x)

#define TG_PREDICATE(NAME, ...)                                                                        \
  void NAME(const Plan& p) {                                                                           \
    float_and_others(                                                                                  \
        p.dtype,                                                                                       \
        [&]<class T>() { map_unary<bool, T>(p, [](compute_t<T> x) -> bool { return __VA_ARGS__; }); }, \
        [&] { portable::NAME(p); });                                                                   \
  }
TG_PREDICATE(logical_not, x == 0)
TG_PREDICATE(isinf, is_inf(x))
TG_PREDICATE(isfinite, !is_inf(x) & (x == x))
TG_PREDICATE(isposinf, is_inf(x) & (x > 0))
TG_PREDICATE(isneginf, is_inf(x) & (x < 0))
TG_PREDICATE(signbit, is_negative(x))

#ifdef TG_PORTABLE
void bitwise_not(const Plan& p) {
  integers(p.dtype, [&]<class T>() {
    map_unary<T, T>(p, [](T x) {
      if constexpr (__is_same(T, bool))
        return !x;
      else
        return T(~x);
    });
  });
}
#else
void bitwise_not(const Plan& p) { portable::bitwise_not(p); }
#endif

}  // namespace tensorgrad::cpu::TG_ISA
