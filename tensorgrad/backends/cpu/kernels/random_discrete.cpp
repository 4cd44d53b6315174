// Coins, dropout, and the distributions that need one double for each element.
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

// Logarithm of x in [2^-53, 1] to a few ULP: x = m * 2^k with m in [sqrt(1/2), sqrt(2)), and with s = (m-1) /
// (m+1) log m = 2 atanh s = 2 s (1 + s^2/3 + s^4/5 + ...).
TG_INLINE double log_unit(double x) {
  constexpr uint64_t sqrt_half = 0x3fe6a09e667f3bcdu, bias = 128;
  uint64_t bits = __builtin_bit_cast(uint64_t, x);
  uint64_t biased_k = (bits - sqrt_half + (bias << 52)) >> 52;
  double m = __builtin_bit_cast(double, bits + (bias << 52) - (biased_k << 52));
  double k = to_double53(biased_k) - static_cast<double>(bias);
  double f = m - 1.0;
  double s = f / (2.0 + f), z = s * s;
  double series = 1.0 / 23;
  series = series * z + 1.0 / 21;
  series = series * z + 1.0 / 19;
  series = series * z + 1.0 / 17;
  series = series * z + 1.0 / 15;
  series = series * z + 1.0 / 13;
  series = series * z + 1.0 / 11;
  series = series * z + 1.0 / 9;
  series = series * z + 1.0 / 7;
  series = series * z + 1.0 / 5;
  series = series * z + 1.0 / 3;
  double log_m = 2.0 * s + 2.0 * s * (z * series);
  constexpr double ln2_high = 0x1.62e42fefap-1, ln2_low = 0x1.cf79abc9e3b3ap-40;  // k * ln2_high is exact
  return k * ln2_high + (log_m + k * ln2_low);
}

// Whether y lies within 64 ULP of the middle between two floats, where errors of a few ULP decide how it
// rounds.
TG_INLINE uint64_t near_midpoint(double y) {
  uint64_t below = __builtin_bit_cast(uint64_t, y) & 0x1fffffffu;
  return below - (0x10000000u - 64u) < 128u;
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

template <class T>
int multinomial(RandomState& s, const T* weights, int64_t categories, int64_t samples, int64_t* out,
                wide_t<T>* sums) {
  using W = wide_t<T>;
  W sum = 0;
  for (int64_t i = 0; i < categories; ++i) {
    W w = static_cast<W>(weights[i]);
    if (!(w >= 0)) return 2;
    if (!__builtin_isfinite(w)) return 1;
    sum += w;
    sums[i] = sum;
  }
  if (!(sum > 0)) return 3;
  for (int64_t i = 0; i < categories; ++i) sums[i] /= sum;
  for (int64_t j = 0; j < samples; ++j) {
    double u = uniform64(s);
    int64_t left = 0, right = categories;
    while (right - left > 0) {
      int64_t middle = left + (right - left) / 2;
      if (static_cast<double>(sums[middle]) < u) {
        left = middle + 1;
      } else {
        right = middle;
      }
    }
    out[j] = left;
  }
  return 0;
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

void random_exponential(RandomState& state, void* out, DType dtype, int64_t n, double lambda) {
  const double scale = -1.0 / lambda;
  // A float hides the last bits of log_unit, and does so safely where it is normal.
  const bool rounds_to_float = dtype != DType::Float64 && lambda > 0x1p-60 && lambda < 0x1p60;
  if (!rounds_to_float) return fill(state, out, dtype, n, [=](double u) { return scale * log1p(-u); });
  alignas(64) double u[chunk_size], y[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    draw_uniform(state, u, count);
    uint64_t doubtful = 0;
    for (int64_t i = 0; i < count; ++i) {
      y[i] = scale * log_unit(1.0 - u[i]) + 0.0;  // no negative zero
      doubtful |= near_midpoint(y[i]);
    }
    for (int64_t i = 0; doubtful && i < count; ++i) y[i] = near_midpoint(y[i]) ? scale * log1p(-u[i]) : y[i];
    dispatch_floating(dtype, [&]<class T>() { convert(static_cast<T*>(out) + begin, y, count); });
  }
}

void random_geometric(RandomState& state, void* out, DType dtype, int64_t n, double p) {
  const double scale = log1p(-p);
  fill(state, out, dtype, n, [=](double u) { return __builtin_ceil(log(u) / scale); });
}

void random_cauchy(RandomState& state, void* out, DType dtype, int64_t n, double median, double sigma) {
  fill(state, out, dtype, n, [=](double u) { return __builtin_fma(sigma, tan(M_PI * (u - 0.5)), median); });
}

int random_multinomial(RandomState& state, const void* weights, DType dtype, int64_t rows, int64_t categories,
                       int64_t samples, int64_t* out, double* sums) {
  return dispatch_floating(dtype, [&]<class T>() {
    for (int64_t row = 0; row < rows; ++row) {
      int problem = multinomial(state, static_cast<const T*>(weights) + row * categories, categories, samples,
                                out + row * samples, reinterpret_cast<wide_t<T>*>(sums));
      if (problem != 0) return problem;
    }
    return 0;
  });
}

}  // namespace tensorgrad::cpu::TG_ISA
