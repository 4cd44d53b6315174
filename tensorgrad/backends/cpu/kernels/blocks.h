// Pointwise kernels on floating types by blocks: an op is one plain loop over contiguous float and one over
// double. Half and bfloat16, strided and broadcast operands pass through a small buffer of the compute type,
// so that every layout and type runs the same vector code and no op is compiled more than twice per level.
#pragma once
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/cpu/kernels/vmath_block.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t kBlock = 512;

// Up to three numbers that an op takes beside its operands.
struct Numbers {
  double value[3];
};

template <class T>
using Loop1 = void (*)(const T* a, T* out, int64_t n, const Numbers& numbers);
template <class T>
using Loop2 = void (*)(const T* a, const T* b, T* out, int64_t n, const Numbers& numbers);

// F is called with one element and the numbers; or, by vmath_block.h, with one element alone.
template <class T, class F>
void loop1(const T* a, T* out, int64_t n, const Numbers& numbers) {
  if constexpr (requires { F{}(*a); }) {
    vm::map(a, out, size_t(n), F{});
  } else {
    const T c0 = T(numbers.value[0]), c1 = T(numbers.value[1]), c2 = T(numbers.value[2]);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = F{}(a[i], c0, c1, c2);
  }
}
template <class T, class F>
void loop2(const T* a, const T* b, T* out, int64_t n, const Numbers& numbers) {
  if constexpr (requires { F{}(*a, *b); }) {
    vm::map(a, b, out, size_t(n), F{});
  } else {
    const T c0 = T(numbers.value[0]), c1 = T(numbers.value[1]), c2 = T(numbers.value[2]);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = F{}(a[i], b[i], c0, c1, c2);
  }
}

// A block of an operand as contiguous elements of the compute type; the operand itself where it is that
// already.
template <class C, class T>
inline const C* load_block(const char* data, int64_t stride, int64_t n, C* buffer) {
  const T* in = reinterpret_cast<const T*>(data);
  if (stride == int64_t(sizeof(T))) {
    if constexpr (__is_same(C, T)) return in;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) buffer[i] = C(in[i]);
  } else if (stride == 0) {
    const C value = C(*in);
    for (int64_t i = 0; i < n; i++) buffer[i] = value;
  } else {
    for (int64_t i = 0; i < n; i++) buffer[i] = C(at<T>(const_cast<char*>(data), i, stride));
  }
  return buffer;
}
template <class C, class T>
inline void store_block(const C* buffer, char* data, int64_t stride, int64_t n) {
  T* out = reinterpret_cast<T*>(data);
  if (stride == int64_t(sizeof(T))) {
    if (static_cast<const void*>(buffer) == data) return;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = T(buffer[i]);
  } else {
    for (int64_t i = 0; i < n; i++) at<T>(data, i, stride) = T(buffer[i]);
  }
}
// Where the loop may write straight into the output.
template <class C, class T>
inline C* block_target(char* data, int64_t stride, C* buffer) {
  if constexpr (__is_same(C, T))
    if (stride == int64_t(sizeof(T))) return reinterpret_cast<C*>(data);
  return buffer;
}

template <class C, class T>
void walk1(const Plan& p, Loop1<C> loop, const Numbers& numbers) {
  for_each_run<2>(p, [&](char* const* data, int64_t n) {
    const int64_t so = p.strides[0][0], sa = p.strides[1][0];
    if (__is_same(C, T) && so == int64_t(sizeof(T)) && sa == so)
      return loop(reinterpret_cast<const C*>(data[1]), reinterpret_cast<C*>(data[0]), n, numbers);
    alignas(64) C in[kBlock], out[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = n - i < kBlock ? n - i : kBlock;
      C* target = block_target<C, T>(data[0] + i * so, so, out);
      loop(load_block<C, T>(data[1] + i * sa, sa, m, in), target, m, numbers);
      store_block<C, T>(target, data[0] + i * so, so, m);
    }
  });
}
template <class C, class T>
void walk2(const Plan& p, Loop2<C> loop, const Numbers& numbers) {
  for_each_run<3>(p, [&](char* const* data, int64_t n) {
    const int64_t so = p.strides[0][0], sa = p.strides[1][0], sb = p.strides[2][0];
    if (__is_same(C, T) && so == int64_t(sizeof(T)) && sa == so && sb == so)
      return loop(reinterpret_cast<const C*>(data[1]), reinterpret_cast<const C*>(data[2]),
                  reinterpret_cast<C*>(data[0]), n, numbers);
    alignas(64) C a[kBlock], b[kBlock], out[kBlock];
    for (int64_t i = 0; i < n; i += kBlock) {
      const int64_t m = n - i < kBlock ? n - i : kBlock;
      C* target = block_target<C, T>(data[0] + i * so, so, out);
      loop(load_block<C, T>(data[1] + i * sa, sa, m, a), load_block<C, T>(data[2] + i * sb, sb, m, b), target,
           m, numbers);
      store_block<C, T>(target, data[0] + i * so, so, m);
    }
  });
}

inline void run_loop1(const Plan& p, Loop1<float> f, Loop1<double> d, const Numbers& numbers = {}) {
  switch (p.dtype) {
    case DType::Float64: return walk1<double, double>(p, d, numbers);
    case DType::Float16: return walk1<float, Half>(p, f, numbers);
    case DType::BFloat16: return walk1<float, BFloat16>(p, f, numbers);
    default: return walk1<float, float>(p, f, numbers);
  }
}
inline void run_loop2(const Plan& p, Loop2<float> f, Loop2<double> d, const Numbers& numbers = {}) {
  switch (p.dtype) {
    case DType::Float64: return walk2<double, double>(p, d, numbers);
    case DType::Float16: return walk2<float, Half>(p, f, numbers);
    case DType::BFloat16: return walk2<float, BFloat16>(p, f, numbers);
    default: return walk2<float, float>(p, f, numbers);
  }
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA

// Defines a kernel by its expression in x (and the numbers c0, c1, c2), or in a and b.
#define TG_LOOP1(NAME, ...)                               \
  namespace {                                             \
  struct NAME##_loop {                                    \
    template <class T>                                    \
    TG_INLINE T operator()(T x, T c0, T c1, T c2) const { \
      (void)c0, (void)c1, (void)c2;                       \
      return T(__VA_ARGS__);                              \
    }                                                     \
  };                                                      \
  }
#define TG_LOOP2(NAME, ...)                                    \
  namespace {                                                  \
  struct NAME##_loop {                                         \
    template <class T>                                         \
    TG_INLINE T operator()(T a, T b, T c0, T c1, T c2) const { \
      (void)c0, (void)c1, (void)c2;                            \
      return T(__VA_ARGS__);                                   \
    }                                                          \
  };                                                           \
  }
#define TG_UNARY0(NAME, ...)  \
  TG_LOOP1(NAME, __VA_ARGS__) \
  void NAME(const Plan& p) { run_loop1(p, loop1<float, NAME##_loop>, loop1<double, NAME##_loop>); }
#define TG_UNARY1(NAME, ...)                                                     \
  TG_LOOP1(NAME, __VA_ARGS__)                                                    \
  void NAME(const Plan& p, double c0) {                                          \
    run_loop1(p, loop1<float, NAME##_loop>, loop1<double, NAME##_loop>, {{c0}}); \
  }
#define TG_UNARY2(NAME, ...)                                                         \
  TG_LOOP1(NAME, __VA_ARGS__)                                                        \
  void NAME(const Plan& p, double c0, double c1) {                                   \
    run_loop1(p, loop1<float, NAME##_loop>, loop1<double, NAME##_loop>, {{c0, c1}}); \
  }
#define TG_UNARY3(NAME, ...)                                                             \
  TG_LOOP1(NAME, __VA_ARGS__)                                                            \
  void NAME(const Plan& p, double c0, double c1, double c2) {                            \
    run_loop1(p, loop1<float, NAME##_loop>, loop1<double, NAME##_loop>, {{c0, c1, c2}}); \
  }
#define TG_PAIR0(NAME, ...)   \
  TG_LOOP2(NAME, __VA_ARGS__) \
  void NAME(const Plan& p) { run_loop2(p, loop2<float, NAME##_loop>, loop2<double, NAME##_loop>); }
#define TG_PAIR1(NAME, ...)                                                      \
  TG_LOOP2(NAME, __VA_ARGS__)                                                    \
  void NAME(const Plan& p, double c0) {                                          \
    run_loop2(p, loop2<float, NAME##_loop>, loop2<double, NAME##_loop>, {{c0}}); \
  }
#define TG_PAIR2(NAME, ...)                                                          \
  TG_LOOP2(NAME, __VA_ARGS__)                                                        \
  void NAME(const Plan& p, double c0, double c1) {                                   \
    run_loop2(p, loop2<float, NAME##_loop>, loop2<double, NAME##_loop>, {{c0, c1}}); \
  }
#define TG_PAIR3(NAME, ...)                                                              \
  TG_LOOP2(NAME, __VA_ARGS__)                                                            \
  void NAME(const Plan& p, double c0, double c1, double c2) {                            \
    run_loop2(p, loop2<float, NAME##_loop>, loop2<double, NAME##_loop>, {{c0, c1, c2}}); \
  }
