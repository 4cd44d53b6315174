// How kernels walk a plan: runs along the innermost dimension, in parallel, with a loop of its own for each
// layout the compiler can vectorise.
#pragma once
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/backends/cpu/kernels/moves.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t kGrain = 32768;  // elements a thread should have to be worth waking

// Calls run(data pointers, n) for every innermost run, whose strides are p.strides[k][0], and done() after a
// thread's share of them.
template <int N, class F, class D>
inline void for_each_run(const Plan& p, const F& run, const D& done) {
  if (p.numel == 0) return;
  const int64_t inner = p.sizes[0], outer = p.numel / inner;
  if (p.ndim == 1) {
    parallel_for(inner, kGrain, [&](int64_t begin, int64_t end) {
      char* data[N];
      for (int k = 0; k < N; k++) data[k] = p.data[k] + begin * p.strides[k][0];
      run(data, end - begin);
      done();
    });
    return;
  }
  const int64_t grain = inner >= kGrain ? 1 : kGrain / inner + 1;
  parallel_for(outer, grain, [&](int64_t begin, int64_t end) {
    const int ndim = p.ndim;
    int64_t index[kMaxDims];
    char* data[N];
    for (int k = 0; k < N; k++) data[k] = p.data[k];
    int64_t rest = begin;
    for (int d = 1; d < ndim; d++) {
      index[d] = rest % p.sizes[d];
      rest /= p.sizes[d];
      for (int k = 0; k < N; k++) data[k] += index[d] * p.strides[k][d];
    }
    for (int64_t i = begin; i < end; i++) {
      run(data, inner);
      for (int d = 1; d < ndim; d++) {
        for (int k = 0; k < N; k++) data[k] += p.strides[k][d];
        if (++index[d] < p.sizes[d]) break;
        index[d] = 0;
        for (int k = 0; k < N; k++) data[k] -= p.strides[k][d] * p.sizes[d];
      }
    }
    done();
  });
}
template <int N, class F>
inline void for_each_run(const Plan& p, const F& run) {
  for_each_run<N>(p, run, [] {});
}

template <class T>
inline T& at(char* base, int64_t i, int64_t stride) {
  return *reinterpret_cast<T*>(base + i * stride);
}

// Half and bfloat16 compute in float.
template <class T>
struct compute {
  using type = T;
};
template <>
struct compute<Half> {
  using type = float;
};
template <>
struct compute<BFloat16> {
  using type = float;
};
template <class T>
using compute_t = typename compute<T>::type;

// The vector levels instantiate float and double. The other types are compiled once, as the level `portable`:
// kernel files that mention TG_PORTABLE are compiled for it too, and `others` calls that copy.
#ifdef TG_PORTABLE
template <class F, class Others>
inline void float_and_others(DType t, const F& f, const Others&) {
  switch (t) {
    case DType::UInt8: return f.template operator()<uint8_t>();
    case DType::Int8: return f.template operator()<int8_t>();
    case DType::Int16: return f.template operator()<int16_t>();
    case DType::Int32: return f.template operator()<int32_t>();
    case DType::Int64: return f.template operator()<int64_t>();
    case DType::Bool: return f.template operator()<bool>();
    case DType::Float16: return f.template operator()<Half>();
    default: return f.template operator()<BFloat16>();
  }
}
// For ops that are defined on floating types alone.
template <class F, class Others>
inline void floats_only(DType t, const F& f, const Others&) {
  t == DType::Float16 ? f.template operator()<Half>() : f.template operator()<BFloat16>();
}
#else
template <class F, class Others>
inline void float_and_others(DType t, const F& f, const Others& others) {
  if (t == DType::Float32) return f.template operator()<float>();
  if (t == DType::Float64) return f.template operator()<double>();
  others();
}
template <class F, class Others>
inline void floats_only(DType t, const F& f, const Others& others) {
  float_and_others(t, f, others);
}
#endif
// Integers and bool, compiled as `portable` alone.
template <class F>
inline void integers(DType t, const F& f) {
  switch (t) {
    case DType::UInt8: return f.template operator()<uint8_t>();
    case DType::Int8: return f.template operator()<int8_t>();
    case DType::Int16: return f.template operator()<int16_t>();
    case DType::Int32: return f.template operator()<int32_t>();
    case DType::Bool: return f.template operator()<bool>();
    default: return f.template operator()<int64_t>();
  }
}

// Whether a dense pointwise result of R from operands of T goes past the caches: where all that the op
// touches would not stay there, and the result is not an operand, whose lines are there already.
template <class R, class T, int operands>
inline bool goes_past([[maybe_unused]] const Plan& p) {
#ifndef TG_PORTABLE
  if (p.strides[0][0] != int64_t(sizeof(R))) return false;
  int64_t bytes = p.numel * int64_t(sizeof(R));
  if (bytes < kPastCaches) return false;
  for (int k = 1; k <= operands; k++) {
    if (p.data[k] == p.data[0]) return false;
    bool whole = true;
    for (int d = 0; d < p.ndim; d++) whole &= p.strides[k][d] != 0;
    if (whole) bytes += p.numel * int64_t(sizeof(T));
  }
  return bytes > 4 * kPastCaches;
#else
  return false;
#endif
}
// write(to, from, n) for the elements of a dense run: all at once, or block by block into a buffer, from
// where whole vectors go past the caches.
template <class R, class F>
inline void write_blocks(R* out, int64_t count, [[maybe_unused]] bool past, const F& write) {
#ifndef TG_PORTABLE
  constexpr int64_t block = 1024, size = sizeof(R), width = kVectorBytes / size;
  alignas(64) R buffer[block];
  for (int64_t from = 0; from < count;) {
    const int64_t rest = count - from;
    if (past && rest >= width && is_aligned(out + from, kVectorBytes)) {
      const int64_t n = rest < block ? rest / width * width : block;
      write(buffer, from, n);
      char* to = reinterpret_cast<char*>(out + from);
      for (int64_t i = 0; i < n * size; i += kVectorBytes)
        store_moved<true>(to + i, load_moved(reinterpret_cast<const char*>(buffer) + i));
      from += n;
    } else {
      const int64_t apart = (-int64_t(reinterpret_cast<uintptr_t>(out + from)) & (kVectorBytes - 1)) / size;
      const int64_t n = past && apart > 0 && apart < rest ? apart : rest;
      write(out + from, from, n);
      from += n;
    }
  }
#else
  write(out, 0, count);
#endif
}

template <class R, class T, class F>
inline void map_unary(const Plan& p, const F& f) {
  const bool past = goes_past<R, T, 1>(p);
  const auto run = [&](char* const* data, int64_t count) {
    const int64_t so = p.strides[0][0], sa = p.strides[1][0];
    using C = compute_t<T>;
    R* out = reinterpret_cast<R*>(data[0]);
    const T* a = reinterpret_cast<const T*>(data[1]);
    if (so == int64_t(sizeof(R)) && sa == int64_t(sizeof(T))) {
      write_blocks(out, count, past, [&](R* to, int64_t from, int64_t n) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) to[i] = R(f(C(a[from + i])));
      });
    } else {
      for (int64_t i = 0; i < count; i++) at<R>(data[0], i, so) = R(f(C(at<T>(data[1], i, sa))));
    }
  };
  for_each_run<2>(p, run, [&] { fence_moves(past); });
}

template <class R, class T, class F>
inline void map_binary(const Plan& p, const F& f) {
  const bool past = goes_past<R, T, 2>(p);
  const auto run = [&](char* const* data, int64_t count) {
    const int64_t so = p.strides[0][0], sa = p.strides[1][0], sb = p.strides[2][0];
    using C = compute_t<T>;
    constexpr int64_t size = sizeof(T);
    const bool dense = so == int64_t(sizeof(R));
    R* out = reinterpret_cast<R*>(data[0]);
    const T* a = reinterpret_cast<const T*>(data[1]);
    const T* b = reinterpret_cast<const T*>(data[2]);
    if (dense && sa == size && sb == size) {
      write_blocks(out, count, past, [&](R* to, int64_t from, int64_t n) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) to[i] = R(f(C(a[from + i]), C(b[from + i])));
      });
#ifndef TG_PORTABLE
    } else if (dense && sa == size && sb == 0) {
      const C scalar = C(*b);
      write_blocks(out, count, past, [&](R* to, int64_t from, int64_t n) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) to[i] = R(f(C(a[from + i]), scalar));
      });
    } else if (dense && sa == 0 && sb == size) {
      const C scalar = C(*a);
      write_blocks(out, count, past, [&](R* to, int64_t from, int64_t n) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) to[i] = R(f(scalar, C(b[from + i])));
      });
#endif
    } else {
      for (int64_t i = 0; i < count; i++)
        at<R>(data[0], i, so) = R(f(C(at<T>(data[1], i, sa)), C(at<T>(data[2], i, sb))));
    }
  };
  for_each_run<3>(p, run, [&] { fence_moves(past); });
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
