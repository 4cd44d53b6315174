#pragma once

// The Mersenne twister in bulk, for the kernel files that draw random numbers. A fill works in chunks: draw
// words into a buffer that stays in the first-level cache, turn them into numbers there, convert to the type
// of the result.

#include <stddef.h>
#include <stdint.h>

#include "tensorgrad/core/dtype.h"
#include "tensorgrad/core/random_state.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t chunk_size = 1024;

inline uint32_t twist(uint32_t upper, uint32_t lower) {
  uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
  return (y >> 1) ^ (-(lower & 1u) & 0x9908b0dfu);
}

// Each word depends on its successor and on the word 397 further (modulo 624), so runs of 227 words are
// independent.
[[gnu::noinline]] void regenerate(RandomState& s) {
  constexpr int n = RandomState::size, m = 397;
  uint32_t* __restrict__ w = s.words;
  for (int i = 0; i < n - m; ++i) w[i] = w[i + m] ^ twist(w[i], w[i + 1]);
  for (int i = n - m; i < 2 * (n - m); ++i) w[i] = w[i + m - n] ^ twist(w[i], w[i + 1]);
  for (int i = 2 * (n - m); i < n - 1; ++i) w[i] = w[i + m - n] ^ twist(w[i], w[i + 1]);
  w[n - 1] = w[m - 1] ^ twist(w[n - 1], w[0]);
  s.next = 0;
}

inline uint32_t temper(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

// The next n words of the stream.
inline void draw32(RandomState& s, uint32_t* __restrict__ out, int64_t n) {
  while (n > 0) {
    if (s.next == 0 || s.next >= RandomState::size) regenerate(s);
    int64_t left = RandomState::size - s.next;
    int64_t count = n < left ? n : left;
    const uint32_t* __restrict__ words = s.words + s.next;
    for (int64_t i = 0; i < count; ++i) out[i] = temper(words[i]);
    s.next += static_cast<uint32_t>(count);
    out += count;
    n -= count;
  }
}

inline uint32_t draw32(RandomState& s) {
  if (s.next == 0 || s.next >= RandomState::size) regenerate(s);
  return temper(s.words[s.next++]);
}

// n draws of 64 bits: the word drawn first is the upper half. n is at most chunk_size.
inline void draw64(RandomState& s, uint64_t* __restrict__ out, int64_t n) {
  alignas(64) uint32_t words[2 * chunk_size];
  draw32(s, words, 2 * n);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<uint64_t>(words[2 * i]) << 32 | words[2 * i + 1];
}

inline uint64_t draw64(RandomState& s) {
  uint64_t high = draw32(s);
  return high << 32 | draw32(s);
}

constexpr uint64_t mask53 = (1ULL << 53) - 1;

// Exact for x < 2^53 and in instructions that every level has: the halves become doubles by planting them in
// the mantissas of 2^52 and 2^84.
inline double to_double53(uint64_t x) {
  double low = __builtin_bit_cast(double, (x & 0xffffffffu) | 0x4330000000000000u);
  double high = __builtin_bit_cast(double, (x >> 32) | 0x4530000000000000u);
  return (high - (0x1p84 + 0x1p52)) + low;
}

inline double uniform64(RandomState& s) { return to_double53(draw64(s) & mask53) * 0x1p-53; }

// n floats in [0, 1); n is at most chunk_size.
inline void draw_uniform(RandomState& s, float* __restrict__ out, int64_t n) {
  alignas(64) uint32_t words[chunk_size];
  draw32(s, words, n);
  for (int64_t i = 0; i < n; ++i)
    out[i] = static_cast<float>(static_cast<int32_t>(words[i] & 0xffffffu)) * 0x1p-24f;
}

inline void draw_uniform(RandomState& s, double* __restrict__ out, int64_t n) {
  alignas(64) uint64_t words[chunk_size];
  draw64(s, words, n);
  for (int64_t i = 0; i < n; ++i) out[i] = to_double53(words[i] & mask53) * 0x1p-53;
}

// a * b + c rounded once, also where the instruction set has no such instruction: the product is exact in
// double; the sum is rounded to odd there, so that rounding it again to float cannot go wrong.
TG_INLINE float fma32(float a, float b, float c) {
#ifdef __FP_FAST_FMAF
  return __builtin_fmaf(a, b, c);
#else
  double product = static_cast<double>(a) * b;
  double addend = c;
  double sum = product + addend;
  double part = sum - product;
  double error = (product - (sum - part)) + (addend - part);
  int64_t bits = __builtin_bit_cast(int64_t, sum);
  bool same_sign = (error > 0) == (sum > 0);
  int64_t step = same_sign ? 1 : -1;
  bool inexact = error < 0 || error > 0;  // not for infinities and NaN
  bits += inexact && (bits & 1) == 0 ? step : 0;
  return static_cast<float>(__builtin_bit_cast(double, bits));
#endif
}

TG_INLINE float fma_any(float a, float b, float c) { return fma32(a, b, c); }
TG_INLINE double fma_any(double a, double b, double c) { return __builtin_fma(a, b, c); }

// Random values become the element type as a C++ cast would make them, the 16-bit floats by way of float.
template <class T, class From>
inline T convert(From value) {
  if constexpr (__is_same(T, Half) || __is_same(T, BFloat16)) {
    return T(static_cast<float>(value));
  } else if constexpr (From(0.5) != From(0) && T(0.5) == T(0)) {
    return static_cast<T>(static_cast<int64_t>(value));  // wraps around, where C++ would leave it open
  } else {
    return static_cast<T>(value);
  }
}

template <class T, class From>
inline void convert(T* __restrict__ out, const From* __restrict__ values, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = convert<T>(values[i]);
}

// The type that PyTorch draws uniform and normal numbers in.
template <class T>
struct wide {
  using type = float;
};
template <>
struct wide<double> {
  using type = double;
};
template <class T>
using wide_t = typename wide<T>::type;

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
