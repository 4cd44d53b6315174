// Exponential numbers, and the weighted choices that rest on them.
#include <math.h>

#include "tensorgrad/backends/cpu/kernels/random_engine.h"
#include "tensorgrad/backends/random_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

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

// n <= chunk_size numbers -log(1 - u) / lambda as they will be after rounding to float, if `to_float`.
inline void exponentials(RandomState& s, double* __restrict__ y, int64_t n, double lambda, bool to_float) {
  const double scale = -1.0 / lambda;
  alignas(64) double u[chunk_size];
  draw_uniform(s, u, n);
  // A float hides the last bits of log_unit, and does so safely where it is normal.
  if (!(to_float && lambda > 0x1p-60 && lambda < 0x1p60)) {
    for (int64_t i = 0; i < n; ++i) y[i] = scale * log1p(-u[i]);
    return;
  }
  uint64_t doubtful = 0;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = scale * log_unit(1.0 - u[i]) + 0.0;  // no negative zero
    doubtful |= near_midpoint(y[i]);
  }
  for (int64_t i = 0; doubtful && i < n; ++i) y[i] = near_midpoint(y[i]) ? scale * log1p(-u[i]) : y[i];
}

// The place of the largest of weight / exponential; NaN counts as largest, and of equals the first.
template <class T>
int64_t choose_one(RandomState& s, const T* weights, int64_t categories) {
  using W = wide_t<T>;
  alignas(64) double y[chunk_size];
  alignas(64) W keys[chunk_size];
  W best = -1;
  int64_t place = 0;
  bool found_nan = false;
  for (int64_t begin = 0; begin < categories; begin += chunk_size) {
    int64_t count = categories - begin < chunk_size ? categories - begin : chunk_size;
    exponentials(s, y, count, 1, sizeof(T) < 8);
    const T* __restrict__ w = weights + begin;
    int64_t above = 0;  // how many exceed the best so far
    for (int64_t i = 0; i < count; ++i) {
      W q = static_cast<W>(convert<T>(y[i]));
      keys[i] = static_cast<W>(convert<T>(static_cast<W>(w[i]) / q));
      above += !(keys[i] <= best);
    }
    for (int64_t i = 0; above > 0 && !found_nan && i < count; ++i) {
      if (keys[i] <= best) continue;
      found_nan = keys[i] != keys[i];
      best = keys[i];
      place = begin + i;
    }
  }
  return place;
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

void random_exponential(RandomState& state, void* out, DType dtype, int64_t n, double lambda) {
  alignas(64) double y[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    exponentials(state, y, count, lambda, dtype != DType::Float64);
    dispatch_floating(dtype, [&]<class T>() { convert(static_cast<T*>(out) + begin, y, count); });
  }
}

void random_choose_one(RandomState& state, const void* weights, DType dtype, int64_t rows, int64_t categories,
                       int64_t* out) {
  dispatch_floating(dtype, [&]<class T>() {
    for (int64_t row = 0; row < rows; ++row)
      out[row] = choose_one(state, static_cast<const T*>(weights) + row * categories, categories);
  });
}

int check_weights(const void* weights, DType dtype, int64_t rows, int64_t categories) {
  return dispatch_floating(dtype, [&]<class T>() {
    using W = wide_t<T>;
    const T* w = static_cast<const T*>(weights);
    int empty_rows = 0;
    for (int64_t row = 0; row < rows; ++row, w += categories) {
      int valid = 1, positive = 0;
      for (int64_t i = 0; i < categories; ++i) {
        W x = static_cast<W>(w[i]);
        valid &= (x >= 0) & (x < static_cast<W>(__builtin_inf()));
        positive |= x > 0;
      }
      if (!valid) return 1;
      empty_rows |= !positive;
    }
    return empty_rows ? 3 : 0;
  });
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
