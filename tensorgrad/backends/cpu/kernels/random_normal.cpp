// Normal numbers: Box-Muller one by one in double, or in blocks of 16 from 8 + 8 uniforms.
#include <math.h>

#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/random_engine.h"
#include "tensorgrad/backends/random_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int block = 16, half_block = 8;

double next_normal(RandomState& s) {
  if (s.has_normal) {
    double kept = s.normal;
    s.has_normal = 0;
    s.normal = 0;
    return kept;
  }
  double u1 = uniform64(s), u2 = uniform64(s);
  double radius = __builtin_sqrt(-2 * log1p(-u2));
  double angle = 2 * M_PI * u1;
  s.normal = radius * sin(angle);
  s.has_normal = 1;
  return radius * cos(angle);
}

template <class T>
void one_by_one(RandomState& s, T* out, int64_t n, double mean, double std) {
  for (int64_t i = 0; i < n; ++i) out[i] = convert<T>(__builtin_fma(next_normal(s), std, mean));
}

// Logarithm of x in (0, 1], normal: Cephes' single-precision polynomial on [sqrt(1/2), sqrt(2)).
TG_INLINE float log_unit(float x) {
  uint32_t bits = __builtin_bit_cast(uint32_t, x);
  float e = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126);
  float m = __builtin_bit_cast(float, (bits & 0x007fffffu) | 0x3f000000u);
  bool small = m < 0.707106781186547524f;
  e = small ? e - 1.0f : e;
  m = (m - 1.0f) + (small ? m : 0.0f);
  float z = m * m;
  float y = 7.0376836292e-2f;
  y = fma32(y, m, -1.1514610310e-1f);
  y = fma32(y, m, 1.1676998740e-1f);
  y = fma32(y, m, -1.2420140846e-1f);
  y = fma32(y, m, 1.4249322787e-1f);
  y = fma32(y, m, -1.6668057665e-1f);
  y = fma32(y, m, 2.0000714765e-1f);
  y = fma32(y, m, -2.4999993993e-1f);
  y = fma32(y, m, 3.3333331174e-1f);
  y = y * m;
  y = fma32(y, z, e * -2.12194440e-4f);
  y = fma32(z, -0.5f, y);
  m = m + y;
  return fma32(e, 0.693359375f, m);
}

// Sine and cosine of x in [0, 2 pi): Cephes' single-precision polynomials on [-pi/4, pi/4].
TG_INLINE void sin_cos(float x, float& sine, float& cosine) {
  int32_t j = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;
  float y = static_cast<float>(j);
  uint32_t sine_sign = static_cast<uint32_t>(j & 4) << 29;
  uint32_t cosine_sign = static_cast<uint32_t>(~(j - 2) & 4) << 29;
  bool swap = (j & 2) != 0;
  x = fma32(y, -0.78515625f, x);
  x = fma32(y, -2.4187564849853515625e-4f, x);
  x = fma32(y, -3.77489497744594108e-8f, x);
  float z = x * x;
  float p = 2.443315711809948e-5f;
  p = fma32(p, z, -1.388731625493765e-3f);
  p = fma32(p, z, 4.166664568298827e-2f);
  p = p * z;
  p = fma32(p, z, -(z * 0.5f));
  p = p + 1.0f;
  float q = -1.9515295891e-4f;
  q = fma32(q, z, 8.3321608736e-3f);
  q = fma32(q, z, -1.6666654611e-1f);
  q = q * z;
  q = fma32(q, x, x);
  sine = __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, swap ? p : q) ^ sine_sign);
  cosine = __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, swap ? q : p) ^ cosine_sign);
}

TG_INLINE void box_muller(float u1, float u2, float mean, float std, float& first, float& second) {
  float radius = __builtin_sqrtf(-2.0f * log_unit(1.0f - u1));
  float sine, cosine;
  sin_cos(6.283185307179586f * u2, sine, cosine);
  first = fma32(radius * cosine, std, mean);
  second = fma32(radius * sine, std, mean);
}

inline void box_muller(double u1, double u2, double mean, double std, double& first, double& second) {
  double radius = __builtin_sqrt(-2.0 * log(1.0 - u1));
  double angle = 2 * M_PI * u2;
  first = __builtin_fma(radius * cos(angle), std, mean);
  second = __builtin_fma(radius * sin(angle), std, mean);
}

// Turns the uniforms d[0 .. n), n a multiple of 16 and at most chunk_size, into normals. Firsts and seconds
// of all blocks are laid side by side, so that vectors may be wider than half a block.
template <class W>
void normals_from_uniforms(W* d, int64_t n, W mean, W std) {
  alignas(64) W first[chunk_size / 2], second[chunk_size / 2];
  for (int64_t i = 0; i < n / 2; i += half_block) {
    __builtin_memcpy(first + i, d + 2 * i, half_block * sizeof(W));
    __builtin_memcpy(second + i, d + 2 * i + half_block, half_block * sizeof(W));
  }
  for (int64_t i = 0; i < n / 2; ++i) {
    W a, b;
    box_muller(first[i], second[i], mean, std, a, b);
    first[i] = a;
    second[i] = b;
  }
  for (int64_t i = 0; i < n / 2; i += half_block) {
    __builtin_memcpy(d + 2 * i, first + i, half_block * sizeof(W));
    __builtin_memcpy(d + 2 * i + half_block, second + i, half_block * sizeof(W));
  }
}

// The elements after the last whole block get a block of their own that ends at n. PyTorch fills them with
// uniforms before, except in 16 bits.
template <class T>
void last_block(RandomState& s, T* out, int64_t n, wide_t<T> mean, wide_t<T> std) {
  if (n % block == 0) return;
  wide_t<T> u[block];
  if constexpr (sizeof(T) > 2) draw_uniform(s, u, n % block);
  draw_uniform(s, u, block);
  normals_from_uniforms(u, block, mean, std);
  convert(out + n - block, u, block);
}

template <class T>
void in_blocks(RandomState& s, T* out, int64_t n, double mean, double std) {
  using W = wide_t<T>;
  const W m = static_cast<W>(mean), d = static_cast<W>(std);
  const int64_t body = n - n % block;
  alignas(64) W u[chunk_size];
  if constexpr (sizeof(T) > 2) {
    // Only the draws must follow each other: the mathematics takes longer, and runs in parallel where that
    // pays.
    constexpr int64_t grain = sizeof(T) == 8 ? 4 : 64;
    const int64_t chunks = (body + chunk_size - 1) / chunk_size;
    if (chunks > grain) {
      for (int64_t begin = 0; begin < body; begin += chunk_size)
        draw_uniform(s, out + begin, body - begin < chunk_size ? body - begin : chunk_size);
      parallel_for(chunks, grain, [&](int64_t first, int64_t last) {
        for (int64_t c = first; c < last; ++c) {
          int64_t begin = c * chunk_size, left = body - begin;
          normals_from_uniforms(out + begin, left < chunk_size ? left : chunk_size, m, d);
        }
      });
      return last_block(s, out, n, m, d);
    }
  }
  for (int64_t begin = 0; begin < body; begin += chunk_size) {
    int64_t count = body - begin < chunk_size ? body - begin : chunk_size;
    draw_uniform(s, u, count);
    normals_from_uniforms(u, count, m, d);
    convert(out + begin, u, count);
  }
  last_block(s, out, n, m, d);
}

}  // namespace

void random_normal(RandomState& state, void* out, DType dtype, int64_t n, double mean, double std,
                   bool in_order) {
  dispatch_floating(dtype, [&]<class T>() {
    if (in_order || n < block) {
      one_by_one(state, static_cast<T*>(out), n, mean, std);
    } else {
      in_blocks(state, static_cast<T*>(out), n, mean, std);
    }
  });
}

void random_log_normal(RandomState& state, void* out, DType dtype, int64_t n, double mean, double std) {
  dispatch_floating(dtype, [&]<class T>() {
    T* o = static_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) o[i] = convert<T>(exp(__builtin_fma(next_normal(state), std, mean)));
  });
}

}  // namespace tensorgrad::cpu::TG_ISA
