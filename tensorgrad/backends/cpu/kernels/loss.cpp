// Losses: elementwise distances with their derivatives, and the fused cross entropy of class indices.
#include "tensorgrad/backends/cpu/kernels/blocks.h"
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/vmath.h"
#include "tensorgrad/backends/row_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
template <class T>
TG_INLINE T smooth(T d, T beta) {
  const T z = vm::abs(d);
  return z < beta ? T(0.5) * z * z / beta : z - T(0.5) * beta;
}
template <class T>
TG_INLINE T huber_of(T d, T delta) {
  const T z = vm::abs(d);
  return z <= delta ? T(0.5) * z * z : delta * (z - T(0.5) * delta);
}
template <class T>
TG_INLINE T clamped_log(T x) {
  const T y = vm::log(x);
  return y < T(-100) ? T(-100) : y;
}
template <class T>
TG_INLINE T clamped_log1p(T x) {
  const T y = vm::log1p(x);
  return y < T(-100) ? T(-100) : y;
}
}  // namespace

TG_PAIR0(squared_difference, (a - b) * (a - b))
TG_PAIR0(absolute_difference, vm::abs(a - b))
TG_PAIR1(smooth_l1, smooth(a - b, c0))
TG_PAIR1(huber, huber_of(a - b, c0))
// a: probability, b: target
TG_PAIR0(cross_entropy_of_bits, (b - T(1)) * clamped_log1p(-a) - b * clamped_log(a))
// a: logit, b: target; log(1 + e^-a) + (1 - b) a, arranged so that nothing overflows
TG_PAIR0(cross_entropy_of_logits, (a < T(0) ? T(0) : a) - a * b + vm::log1p(vm::exp(-vm::abs(a))))

namespace {

// in: x [outer, n], target int64 [outer], weight [n] or null; out: loss [outer], log of the sum of
// exponentials [outer].
template <class T>
void rows_forward(const Rows& p) {
  const T *x = static_cast<const T*>(p.in[0]), *weight = static_cast<const T*>(p.in[2]);
  const int64_t* target = static_cast<const int64_t*>(p.in[1]);
  T *loss = static_cast<T*>(p.out[0]), *lse = static_cast<T*>(p.out[1]);
  const int64_t n = p.n;
  parallel_for(p.outer, n >= kGrain / 4 ? 1 : kGrain / 4 / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    constexpr int64_t block = 1024;
    alignas(64) T e[block];
    for (int64_t r = begin; r < end; r++) {
      const T *row = x + r * n, top = row_max(row, n);
      T sum = 0;
      for (int64_t b = 0; b < n; b += block) {
        const int64_t m = n - b < block ? n - b : block;
        for (int64_t i = 0; i < m; i++) e[i] = vm::exp_below(row[b + i] - top);
        sum += row_sum(e, m);
      }
      const T l = vm::log(sum);
      lse[r] = top + l;
      const int64_t t = target[r];
      loss[r] = t == p.integer ? T(0) : (weight ? weight[t] : T(1)) * (l - (row[t] - top));
    }
  });
}

// in: x, target, weight, lse, the factor of each row [outer] or one (stride 0); out: dx = scale factor w[t]
// (softmax - onehot).
template <class T>
void rows_backward(const Rows& p) {
  const T *x = static_cast<const T*>(p.in[0]), *weight = static_cast<const T*>(p.in[2]);
  const int64_t* target = static_cast<const int64_t*>(p.in[1]);
  const T *lse = static_cast<const T*>(p.in[3]), *factor = static_cast<const T*>(p.in[4]);
  T* dx = static_cast<T*>(p.out[0]);
  const T scale = T(p.number[1]);
  const int64_t n = p.n, stride = int64_t(p.number[0]);
  parallel_for(p.outer, n >= kGrain / 4 ? 1 : kGrain / 4 / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const T* row = x + r * n;
      T* out = dx + r * n;
      const int64_t t = target[r];
      if (t == p.integer) {
        for (int64_t i = 0; i < n; i++) out[i] = 0;
        continue;
      }
      const T f = factor[r * stride] * scale * (weight ? weight[t] : T(1)), l = lse[r];
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) out[i] = vm::exp_below(row[i] - l) * f;
      out[t] -= f;
    }
  });
}

// in: log-probabilities [outer, n, inner], target [outer, inner], weight or null; out: loss [outer, inner].
template <class T>
void picked_forward(const Rows& p) {
  const T *x = static_cast<const T*>(p.in[0]), *weight = static_cast<const T*>(p.in[2]);
  const int64_t* target = static_cast<const int64_t*>(p.in[1]);
  T* loss = static_cast<T*>(p.out[0]);
  for (int64_t o = 0; o < p.outer; o++)
    for (int64_t i = 0; i < p.inner; i++) {
      const int64_t at = o * p.inner + i, t = target[at];
      loss[at] = t == p.integer ? T(0) : -(weight ? weight[t] : T(1)) * x[(o * p.n + t) * p.inner + i];
    }
}
// in: factor [outer, inner] or one (number[0]: its stride), target, weight; out: dx, zero but at the targets.
template <class T>
void picked_backward(const Rows& p) {
  const T *factor = static_cast<const T*>(p.in[0]), *weight = static_cast<const T*>(p.in[2]);
  const int64_t *target = static_cast<const int64_t*>(p.in[1]), stride = int64_t(p.number[0]);
  T* dx = static_cast<T*>(p.out[0]);
  const int64_t size = p.n * p.inner;
  parallel_for(p.outer, size >= kGrain ? 1 : kGrain / (size + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) {
      for (int64_t i = 0; i < size; i++) dx[o * size + i] = 0;
      for (int64_t i = 0; i < p.inner; i++) {
        const int64_t at = o * p.inner + i, t = target[at];
        if (t != p.integer)
          dx[o * size + t * p.inner + i] = -(weight ? weight[t] : T(1)) * factor[at * stride];
      }
    }
  });
}

}  // namespace

void nll_loss(const Rows& p) {
  p.dtype == DType::Float64 ? picked_forward<double>(p) : picked_forward<float>(p);
}
void nll_loss_backward(const Rows& p) {
  p.dtype == DType::Float64 ? picked_backward<double>(p) : picked_backward<float>(p);
}
void cross_entropy(const Rows& p) {
  p.dtype == DType::Float64 ? rows_forward<double>(p) : rows_forward<float>(p);
}
void cross_entropy_backward(const Rows& p) {
  p.dtype == DType::Float64 ? rows_backward<double>(p) : rows_backward<float>(p);
}

}  // namespace tensorgrad::cpu::TG_ISA
