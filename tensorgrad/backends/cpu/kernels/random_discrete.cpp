// Coins, dropout, and distributions that need one double for each element.
#include <math.h>

#include "tensorgrad/backends/cpu/kernels/random_engine.h"
#include "tensorgrad/backends/random_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// u < p for u = k * 2^-53 is k < p * 2^53, and p * 2^53 is exact: whole numbers compare faster.
inline uint64_t threshold53(double p) { return static_cast<uint64_t>(__builtin_ceil(p * 0x1p53)); }

// Ones and zeros for n <= chunk_size elements.
inline void flip(RandomState& s, uint8_t* __restrict__ out, int64_t n, uint64_t threshold) {
  alignas(64) uint32_t words[2 * chunk_size];
  draw32(s, words, 2 * n);
  // Compared as two signed halves: 32-bit lanes are twice as many as 64-bit ones.
  const int32_t high_bound = static_cast<int32_t>(threshold >> 32);
  const int32_t low_bound = static_cast<int32_t>(static_cast<uint32_t>(threshold) ^ 0x80000000u);
  for (int64_t i = 0; i < n; ++i) {
    int32_t high = static_cast<int32_t>(words[2 * i] & 0x1fffffu);
    int32_t low = static_cast<int32_t>(words[2 * i + 1] ^ 0x80000000u);
    out[i] = (high < high_bound) | ((high == high_bound) & (low < low_bound));
  }
}

template <class T>
void scale(const T* __restrict__ in, const uint8_t* __restrict__ kept, T* __restrict__ out, int64_t n,
           double keep) {
  using W = wide_t<T>;
  const W factor = static_cast<W>(convert<T>(W(1) / static_cast<W>(keep)));
  for (int64_t i = 0; i < n; ++i) out[i] = convert<T>(static_cast<W>(in[i]) * (kept[i] ? factor : W(0)));
}

// `f` turns each uniform double into a value.
template <class F>
void fill(RandomState& s, void* out, DType dtype, int64_t n, F f) {
  alignas(64) double u[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    draw_uniform(s, u, count);
    for (int64_t i = 0; i < count; ++i) u[i] = f(u[i]);
    dispatch_all(dtype, [&]<class T>() { convert(static_cast<T*>(out) + begin, u, count); });
  }
}

template <class P>
bool bernoulli_each(RandomState& s, void* out, DType dtype, const P* p, int64_t n) {
  using W = wide_t<P>;
  alignas(64) W u[chunk_size];
  alignas(64) uint8_t hit[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    for (int64_t i = 0; i < count; ++i) {
      W chance = static_cast<W>(p[begin + i]);
      if (!(chance >= 0 && chance <= 1)) return false;
    }
    draw_uniform(s, u, count);
    for (int64_t i = 0; i < count; ++i) hit[i] = u[i] < static_cast<W>(p[begin + i]);
    dispatch_all(dtype, [&]<class T>() { convert(static_cast<T*>(out) + begin, hit, count); });
  }
  return true;
}

}  // namespace

void random_bernoulli(RandomState& state, void* out, DType dtype, int64_t n, double p) {
  const uint64_t threshold = threshold53(p);
  alignas(64) uint8_t hit[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    flip(state, hit, count, threshold);
    dispatch_all(dtype, [&]<class T>() { convert(static_cast<T*>(out) + begin, hit, count); });
  }
}

bool random_bernoulli_each(RandomState& state, void* out, DType dtype, const void* p, DType p_dtype,
                           int64_t n) {
  return dispatch_floating(
      p_dtype, [&]<class P>() { return bernoulli_each(state, out, dtype, static_cast<const P*>(p), n); });
}

void random_dropout(RandomState& state, const void* in, void* out, bool* kept, DType dtype, int64_t n,
                    double keep) {
  static_assert(sizeof(bool) == 1);
  uint8_t* mask = reinterpret_cast<uint8_t*>(kept);
  const uint64_t threshold = threshold53(keep);
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    flip(state, mask + begin, count, threshold);
    dispatch_floating(dtype, [&]<class T>() {
      scale(static_cast<const T*>(in) + begin, mask + begin, static_cast<T*>(out) + begin, count, keep);
    });
  }
}

void dropout_scale(const void* in, const bool* kept, void* out, DType dtype, int64_t n, double keep) {
  dispatch_floating(dtype, [&]<class T>() {
    scale(static_cast<const T*>(in), reinterpret_cast<const uint8_t*>(kept), static_cast<T*>(out), n, keep);
  });
}

void random_geometric(RandomState& state, void* out, DType dtype, int64_t n, double p) {
  const double scale = log1p(-p);
  fill(state, out, dtype, n, [=](double u) { return __builtin_ceil(log(u) / scale); });
}

void random_cauchy(RandomState& state, void* out, DType dtype, int64_t n, double median, double sigma) {
  fill(state, out, dtype, n, [=](double u) { return __builtin_fma(sigma, tan(M_PI * (u - 0.5)), median); });
}

}  // namespace tensorgrad::cpu::TG_ISA
