// softmax, log_softmax and their gradients along any dimension of a dense tensor.
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/cpu/kernels/vmath.h"
#include "tensorgrad/backends/row_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T, bool log>
struct Forward {
  static void row(const T* x, T* y, int64_t n) {
    const T top = row_max(x, n);
    if constexpr (log) {
      const T shift = log_of_sum(x, top, n);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) y[i] = (x[i] - top) - shift;
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) y[i] = vm::exp_below(x[i] - top);
      const T scale = T(1) / row_sum(y, n);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) y[i] *= scale;
    }
  }
  // log of the sum of e^(x - top), by blocks that stay in the first-level cache.
  static T log_of_sum(const T* x, T top, int64_t n, bool below = true) {
    constexpr int64_t block = 1024;
    alignas(64) T e[block];
    T sum = 0;
    for (int64_t b = 0; b < n; b += block) {
      const int64_t m = n - b < block ? n - b : block;
      if (below)
        for (int64_t i = 0; i < m; i++) e[i] = vm::exp_below(x[b + i] - top);
      else
        for (int64_t i = 0; i < m; i++) e[i] = vm::exp(x[b + i] - top);
      sum += row_sum(e, m);
    }
    return vm::log(sum);
  }
  // Columns of [n, inner], a group at a time.
  static void columns(const T* x, T* y, int64_t n, int64_t inner, int64_t width) {
    T top[kColumns], sum[kColumns];
    for (int64_t j = 0; j < width; j++) top[j] = x[j], sum[j] = 0;
    for (int64_t k = 1; k < n; k++)
      for (int64_t j = 0; j < width; j++) top[j] = x[k * inner + j] > top[j] ? x[k * inner + j] : top[j];
    for (int64_t k = 0; k < n; k++) {
      const T* in = x + k * inner;
      T* out = y + k * inner;
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) {
        const T d = in[j] - top[j], e = vm::exp_below(d);
        sum[j] += e;
        out[j] = log ? d : e;
      }
    }
    for (int64_t j = 0; j < width; j++) sum[j] = log ? vm::log(sum[j]) : T(1) / sum[j];
    for (int64_t k = 0; k < n; k++) {
      T* out = y + k * inner;
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) out[j] = log ? out[j] - sum[j] : out[j] * sum[j];
    }
  }
  static constexpr int64_t kColumns = 256;
};

// From u and the result y: softmax y (u - sum(u y)), log_softmax u - e^y sum(u).
template <class T, bool log>
struct Backward {
  static void row(const T* u, const T* y, T* out, int64_t n) {
    const T sum = log ? row_sum(u, n) : row_dot(u, y, n);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) out[i] = log ? u[i] - vm::exp_below(y[i]) * sum : y[i] * (u[i] - sum);
  }
  static void columns(const T* u, const T* y, T* out, int64_t n, int64_t inner, int64_t width) {
    T sum[Forward<T, log>::kColumns];
    for (int64_t j = 0; j < width; j++) sum[j] = 0;
    for (int64_t k = 0; k < n; k++)
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++)
        sum[j] += log ? u[k * inner + j] : u[k * inner + j] * y[k * inner + j];
    for (int64_t k = 0; k < n; k++)
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) {
        const int64_t i = k * inner + j;
        out[i] = log ? u[i] - vm::exp_below(y[i]) * sum[j] : y[i] * (u[i] - sum[j]);
      }
  }
};

template <class T>
TG_INLINE T finite_or_zero(T x) {
  return vm::abs(x) == T(vm::inf_d) ? T(0) : x;
}

// log(sum(e^x)); where the maximum is infinite, without subtracting it.
template <class T>
struct LogSum {
  static void row(const T* x, T* y, int64_t n) {
    const T greatest = row_max(x, n), top = finite_or_zero(greatest);
    *y = top + Forward<T, true>::log_of_sum(x, top, n, top == greatest);
  }
  static void columns(const T* x, T* y, int64_t n, int64_t inner, int64_t width) {
    T top[Forward<T, true>::kColumns];
    for (int64_t j = 0; j < width; j++) top[j] = x[j], y[j] = 0;
    for (int64_t k = 1; k < n; k++)
      for (int64_t j = 0; j < width; j++) top[j] = x[k * inner + j] > top[j] ? x[k * inner + j] : top[j];
    for (int64_t j = 0; j < width; j++) top[j] = finite_or_zero(top[j]);
    for (int64_t k = 0; k < n; k++)
#pragma GCC ivdep
      for (int64_t j = 0; j < width; j++) y[j] += vm::exp(x[k * inner + j] - top[j]);
    for (int64_t j = 0; j < width; j++) y[j] = top[j] + vm::log(y[j]);
  }
};

// Calls row(offset) for each row where inner is 1, else columns(offset, width) for each group of columns.
template <class R, class C>
inline void for_each_row(const Rows& p, const R& row, const C& columns) {
  const int64_t size = p.n * p.inner;
  if (p.inner == 1) {
    parallel_for(p.outer, p.n >= kGrain / 4 ? 1 : kGrain / 4 / (p.n + 1) + 1,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t r = begin; r < end; r++) row(r * size);
                 });
    return;
  }
  constexpr int64_t width = 256;
  const int64_t groups = (p.inner + width - 1) / width, cost = p.n * (p.inner < width ? p.inner : width);
  parallel_for(p.outer * groups, cost >= kGrain / 4 ? 1 : kGrain / 4 / cost + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; i++) {
                   const int64_t first = i % groups * width;
                   columns(i / groups * size + first, p.inner - first < width ? p.inner - first : width);
                 }
               });
}

template <class T, bool log>
void forward(const Rows& p) {
  const T* x = static_cast<const T*>(p.in[0]);
  T* y = static_cast<T*>(p.out[0]);
  using F = Forward<T, log>;
  for_each_row(
      p, [&](int64_t at) { F::row(x + at, y + at, p.n); },
      [&](int64_t at, int64_t width) { F::columns(x + at, y + at, p.n, p.inner, width); });
}
template <class T, bool log>
void backward(const Rows& p) {
  const T* u = static_cast<const T*>(p.in[0]);
  const T* y = static_cast<const T*>(p.in[1]);
  T* out = static_cast<T*>(p.out[0]);
  using B = Backward<T, log>;
  for_each_row(
      p, [&](int64_t at) { B::row(u + at, y + at, out + at, p.n); },
      [&](int64_t at, int64_t width) { B::columns(u + at, y + at, out + at, p.n, p.inner, width); });
}

template <class T>
void log_sum(const Rows& p) {
  const T* x = static_cast<const T*>(p.in[0]);
  T* y = static_cast<T*>(p.out[0]);
  const int64_t size = p.n * p.inner;
  for_each_row(
      p, [&](int64_t at) { LogSum<T>::row(x + at, y + at / size, p.n); },
      [&](int64_t at, int64_t width) {
        LogSum<T>::columns(x + at, y + at / size * p.inner + at % size, p.n, p.inner, width);
      });
}

}  // namespace

void logsumexp(const Rows& p) { p.dtype == DType::Float64 ? log_sum<double>(p) : log_sum<float>(p); }
void softmax(const Rows& p) {
  p.dtype == DType::Float64 ? forward<double, false>(p) : forward<float, false>(p);
}
void log_softmax(const Rows& p) {
  p.dtype == DType::Float64 ? forward<double, true>(p) : forward<float, true>(p);
}
void softmax_backward(const Rows& p) {
  p.dtype == DType::Float64 ? backward<double, false>(p) : backward<float, false>(p);
}
void log_softmax_backward(const Rows& p) {
  p.dtype == DType::Float64 ? backward<double, true>(p) : backward<float, true>(p);
}

}  // namespace tensorgrad::cpu::TG_ISA
