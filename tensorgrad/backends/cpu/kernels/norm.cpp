// Normalisations: statistics and gradients of rows (layer_norm, rms_norm, group_norm) and of channels
// (batch_norm).
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/row_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

inline int64_t rows_per_chunk(int64_t n) { return n >= kGrain / 4 ? 1 : kGrain / 4 / (n + 1) + 1; }

template <class T>
void norm_rows(const Rows& p) {
  const T *x = static_cast<const T*>(p.in[0]), *w = static_cast<const T*>(p.in[1]),
          *b = static_cast<const T*>(p.in[2]);
  T *y = static_cast<T*>(p.out[0]), *mean = static_cast<T*>(p.out[1]), *rstd = static_cast<T*>(p.out[2]);
  const T eps = T(p.number[0]);
  const bool centred = p.integer == 0;
  const int64_t n = p.n;
  parallel_for(p.outer, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const T* in = x + r * n;
      T* out = y + r * n;
      const T m = centred ? row_sum(in, n) / T(n) : T(0);
      const T s = T(1) / vm::sqrt(row_squares(in, m, n) / T(n) + eps);
      if (mean) mean[r] = m;
      rstd[r] = s;
      const T shift = -m * s;
      if (w && b) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = (in[i] * s + shift) * w[i] + b[i];
      } else if (w) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = (in[i] * s + shift) * w[i];
      } else {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = in[i] * s + shift;
      }
    }
  });
}

// With g = u w and h = (x - mean) rstd:  dx = rstd (g - mean(g) - h mean(g h)).
template <class T>
void norm_rows_backward(const Rows& p) {
  const T *u = static_cast<const T*>(p.in[0]), *x = static_cast<const T*>(p.in[1]),
          *w = static_cast<const T*>(p.in[2]);
  const T *mean = static_cast<const T*>(p.in[3]), *rstd = static_cast<const T*>(p.in[4]);
  T* dx = static_cast<T*>(p.out[0]);
  const int64_t n = p.n;
  const bool centred = p.integer == 0;
  parallel_for(p.outer, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const T *g = u + r * n, *in = x + r * n;
      T* out = dx + r * n;
      const T m = mean ? mean[r] : T(0), s = rstd[r];
      const Vector<T> mv = splat(m);
      T sum = 0, dot = 0;
      if (w) {
        if (centred) sum = row_dot(g, w, n);
        dot = reduce_row(n, T(0), Plus{}, [&](auto at) { return at(g) * at(w) * (at(in) - mv); });
      } else {
        if (centred) sum = row_sum(g, n);
        dot = reduce_row(n, T(0), Plus{}, [&](auto at) { return at(g) * (at(in) - mv); });
      }
      // out = g s - x slope - shift
      const T slope = dot * s * s * s / T(n), shift = sum * s / T(n) - slope * m;
      if (w) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = g[i] * w[i] * s - in[i] * slope - shift;
      } else {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = g[i] * s - in[i] * slope - shift;
      }
    }
  });
}

// Weight and bias gradients: sums over the rows, columns split over the threads.
template <class T>
void norm_rows_parameters(const Rows& p) {
  const T *u = static_cast<const T*>(p.in[0]), *x = static_cast<const T*>(p.in[1]);
  const T *mean = static_cast<const T*>(p.in[2]), *rstd = static_cast<const T*>(p.in[3]);
  T *dw = static_cast<T*>(p.out[0]), *db = static_cast<T*>(p.out[1]);
  const int64_t n = p.n, per_column = p.outer + 1;
  const int64_t grain = per_column >= kGrain / 4 ? 64 : (kGrain / 4 / per_column + 64) / 64 * 64;
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    if (dw)
      for (int64_t i = begin; i < end; i++) dw[i] = 0;
    if (db)
      for (int64_t i = begin; i < end; i++) db[i] = 0;
    // Block by block of columns, whose sums the nearest cache holds, and four rows at once.
    constexpr int64_t width = 512;
    for (int64_t from = begin; from < end; from += width) {
      const int64_t to = from + width < end ? from + width : end;
      const auto rows = [&]<int count>(int64_t r) {
        T m[count], s[count];
        for (int k = 0; k < count; k++) m[k] = mean ? mean[r + k] : T(0), s[k] = rstd[r + k];
        const T *g = u + r * n, *in = x + r * n;
#pragma GCC ivdep
        for (int64_t i = from; i < to; i++) {
          T weight = dw ? dw[i] : T(0), bias = db ? db[i] : T(0);
#pragma GCC unroll 4
          for (int k = 0; k < count; k++) {
            weight += g[k * n + i] * ((in[k * n + i] - m[k]) * s[k]);
            bias += g[k * n + i];
          }
          if (dw) dw[i] = weight;
          if (db) db[i] = bias;
        }
      };
      int64_t r = 0;
      for (; r + 4 <= p.outer; r += 4) rows.template operator()<4>(r);
      for (; r < p.outer; r++) rows.template operator()<1>(r);
    }
  });
}

// x is [outer, n, inner] with n channels. A channel's sum: over runs of `inner`, or column-wise where inner
// is 1.
template <class T, class V, class S>
inline void channel_sums(const Rows& p, T* result, const V& run_sum, const S& element) {
  const int64_t channels = p.n, inner = p.inner;
  if (inner >= 8) {
    const int64_t cost = p.outer * inner;
    parallel_for(channels, cost >= kGrain / 4 ? 1 : kGrain / 4 / (cost + 1) + 1,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t c = begin; c < end; c++) {
                     T sum = 0, lost = 0;  // compensated: as many runs as the batch has samples
                     for (int64_t o = 0; o < p.outer; o++) {
                       const T term = run_sum((o * channels + c) * inner, c) - lost, next = sum + term;
                       lost = (next - sum) - term;
                       sum = next;
                     }
                     result[c] = sum;
                   }
                 });
    return;
  }
  const int64_t cost = p.outer * inner + 1;
  const int64_t grain = cost >= kGrain / 4 ? 32 : (kGrain / 4 / cost + 32) / 32 * 32;
  parallel_for(channels, grain, [&](int64_t begin, int64_t end) {
    constexpr int64_t width = 64;
    for (int64_t c0 = begin; c0 < end; c0 += width) {
      const int64_t m = end - c0 < width ? end - c0 : width;
      double sum[width];
      for (int64_t j = 0; j < m; j++) sum[j] = 0;
      for (int64_t o = 0; o < p.outer; o++)
        for (int64_t i = 0; i < inner; i++) {
          const int64_t at = (o * channels + c0) * inner + i;
#pragma GCC ivdep
          for (int64_t j = 0; j < m; j++) sum[j] += double(element(at + j * inner, c0 + j));
        }
      for (int64_t j = 0; j < m; j++) result[c0 + j] = T(sum[j]);
    }
  });
}

template <class T>
void stats(const Rows& p) {
  const T* x = static_cast<const T*>(p.in[0]);
  T *mean = static_cast<T*>(p.out[0]), *variance = static_cast<T*>(p.out[1]),
    *rstd = static_cast<T*>(p.out[2]);
  const T eps = T(p.number[0]);
  const int64_t inner = p.inner;
  const T count = T(p.outer * inner);
  channel_sums(
      p, mean, [&](int64_t at, int64_t) { return row_sum(x + at, inner); },
      [&](int64_t at, int64_t) { return x[at]; });
  for (int64_t c = 0; c < p.n; c++) mean[c] /= count;
  channel_sums(
      p, variance, [&](int64_t at, int64_t c) { return row_squares(x + at, mean[c], inner); },
      [&](int64_t at, int64_t c) { return (x[at] - mean[c]) * (x[at] - mean[c]); });
  for (int64_t c = 0; c < p.n; c++) {
    variance[c] /= count;
    rstd[c] = T(1) / vm::sqrt(variance[c] + eps);
  }
}

template <class T>
void backward_sums(const Rows& p) {
  const T *u = static_cast<const T*>(p.in[0]), *x = static_cast<const T*>(p.in[1]);
  const T* mean = static_cast<const T*>(p.in[2]);
  T *sum = static_cast<T*>(p.out[0]), *dot = static_cast<T*>(p.out[1]);
  const int64_t inner = p.inner;
  channel_sums(
      p, sum, [&](int64_t at, int64_t) { return row_sum(u + at, inner); },
      [&](int64_t at, int64_t) { return u[at]; });
  channel_sums(
      p, dot,
      [&](int64_t from, int64_t c) {
        const Vector<T> m = splat(mean[c]);
        return reduce_row(inner, T(0), Plus{}, [&](auto at) { return at(u + from) * (at(x + from) - m); });
      },
      [&](int64_t at, int64_t c) { return u[at] * (x[at] - mean[c]); });
}

// of_channel(c) gives the function of an element that makes channel c of out.
template <class T, class F>
inline void per_channel(const Rows& p, T* out, const F& of_channel) {
  const int64_t channels = p.n, inner = p.inner;
  if (inner == 1) {
    parallel_for(p.outer, kGrain / (channels + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++)
#pragma GCC ivdep
        for (int64_t c = 0; c < channels; c++) out[o * channels + c] = of_channel(c)(o * channels + c);
    });
    return;
  }
  parallel_for(p.outer * channels, kGrain / (inner + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const auto f = of_channel(r % channels);
#pragma GCC ivdep
      for (int64_t i = r * inner; i < (r + 1) * inner; i++) out[i] = f(i);
    }
  });
}

template <class T>
void batch_forward(const Rows& p) {
  const T *x = static_cast<const T*>(p.in[0]), *mean = static_cast<const T*>(p.in[1]);
  const T *rstd = static_cast<const T*>(p.in[2]), *w = static_cast<const T*>(p.in[3]),
          *b = static_cast<const T*>(p.in[4]);
  per_channel(p, static_cast<T*>(p.out[0]), [=](int64_t c) {
    const T scale = w ? rstd[c] * w[c] : rstd[c], shift = (b ? b[c] : T(0)) - mean[c] * scale;
    return [=](int64_t i) { return x[i] * scale + shift; };
  });
}

// a (u - mean(u) - (x - mean) k), a = rstd w, k = rstd^2 mean(u (x - mean)); with fixed statistics a u alone.
template <class T>
void batch_backward(const Rows& p) {
  const T *u = static_cast<const T*>(p.in[0]), *x = static_cast<const T*>(p.in[1]),
          *mean = static_cast<const T*>(p.in[2]);
  const T *rstd = static_cast<const T*>(p.in[3]), *w = static_cast<const T*>(p.in[4]);
  const T *sum = static_cast<const T*>(p.in[5]), *dot = static_cast<const T*>(p.in[6]);
  T* dx = static_cast<T*>(p.out[0]);
  if (p.integer == 1) {
    per_channel(p, dx, [=](int64_t c) {
      const T a = w ? rstd[c] * w[c] : rstd[c];
      return [=](int64_t i) { return u[i] * a; };
    });
    return;
  }
  const T share = T(1) / T(p.outer * p.inner);
  per_channel(p, dx, [=](int64_t c) {
    const T a = w ? rstd[c] * w[c] : rstd[c], slope = -a * (dot[c] * share) * rstd[c] * rstd[c];
    const T shift = -a * (sum[c] * share) - slope * mean[c];
    return [=](int64_t i) { return u[i] * a + (x[i] * slope + shift); };
  });
}

}  // namespace

#define TG_BOTH_FLOATS(NAME, FUNCTION) \
  void NAME(const Rows& p) { p.dtype == DType::Float64 ? FUNCTION<double>(p) : FUNCTION<float>(p); }
TG_BOTH_FLOATS(layer_norm, norm_rows)
TG_BOTH_FLOATS(layer_norm_backward, norm_rows_backward)
TG_BOTH_FLOATS(layer_norm_parameters, norm_rows_parameters)
TG_BOTH_FLOATS(channel_stats, stats)
TG_BOTH_FLOATS(channel_backward_sums, backward_sums)
TG_BOTH_FLOATS(batch_norm, batch_forward)
TG_BOTH_FLOATS(batch_norm_backward, batch_backward)

}  // namespace tensorgrad::cpu::TG_ISA
