// Moving elements of any type by whole vectors: loads and stores of runs, rearrangement of lanes, and stores
// that go past the caches.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tensorgrad/backends/cpu/kernels/lanes.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// A result of this size would only push other data out of the caches, and an ordinary store first reads the
// line that it then overwrites.
constexpr int64_t kPastCaches = int64_t(8) << 20;

template <class T, int bytes>
struct Moved {
  typedef T V __attribute__((vector_size(bytes)));
  typedef T Unaligned __attribute__((vector_size(bytes), aligned(alignof(T)), may_alias));
  static constexpr int width = bytes / int(sizeof(T));
};

template <class T, int bytes = kVectorBytes>
TG_INLINE typename Moved<T, bytes>::V load_moved(const T* p) {
  return *reinterpret_cast<const typename Moved<T, bytes>::Unaligned*>(p);
}
// Past the caches `p` must be aligned to the vector; fence_moves() comes before another thread may read.
template <bool past, class T, class V>
TG_INLINE void store_moved(T* p, V v) {
#if defined(__x86_64__)
  if constexpr (past && sizeof(V) == 16) return _mm_stream_si128(reinterpret_cast<__m128i*>(p), __m128i(v));
#endif
#if defined(__AVX__)
  if constexpr (past && sizeof(V) == 32)
    return _mm256_stream_si256(reinterpret_cast<__m256i*>(p), __m256i(v));
#endif
#if defined(__AVX512F__)
  if constexpr (past && sizeof(V) == 64)
    return _mm512_stream_si512(reinterpret_cast<__m512i*>(p), __m512i(v));
#endif
  *reinterpret_cast<typename Moved<T, int(sizeof(V))>::Unaligned*>(p) = v;
}
TG_INLINE void fence_moves(bool past) {
#if defined(__x86_64__)
  if (past) _mm_sfence();
#endif
}
TG_INLINE bool is_aligned(const void* p, int64_t to) {
  return reinterpret_cast<uintptr_t>(p) % uintptr_t(to) == 0;
}

// out[i] = scalar(i) for i < n; vector(i) gives the elements from i on.
template <class T, class S, class F>
TG_INLINE void write_run(T* out, int64_t n, bool past, const S& scalar, const F& vector) {
  constexpr int64_t width = Moved<T, kVectorBytes>::width;
  int64_t i = 0;
  if (past) {
    for (; i < n && !is_aligned(out + i, kVectorBytes); i++) out[i] = scalar(i);
    for (; i + width <= n; i += width) store_moved<true>(out + i, vector(i));
  } else {
    for (; i + width <= n; i += width) store_moved<false>(out + i, vector(i));
    if (i < n && n >= width) {
      store_moved<false>(out + n - width, vector(n - width));  // some elements twice
      return;
    }
  }
  for (; i < n; i++) out[i] = scalar(i);
}

// out[i] = element(i) for i < n, elements from here and there: two neighbours of four bytes go by one store,
// of which a core has fewer than of loads.
template <class T, class F>
TG_INLINE void write_each(T* out, int64_t n, const F& element) {
  int64_t i = 0;
  if constexpr (sizeof(T) == 4) {
    const auto pair = [&](int64_t j) {
      const T two[2] = {element(j), element(j + 1)};
      return __builtin_bit_cast(uint64_t, two);
    };
    for (; i + 4 <= n; i += 4) {
      const uint64_t first = pair(i), second = pair(i + 2);
      __builtin_memcpy(out + i, &first, 8);
      __builtin_memcpy(out + i + 2, &second, 8);
    }
  }
  for (; i < n; i++) out[i] = element(i);
}

// A line of memory that is about to be read (or written) here and there: no order that the processor would
// foresee. Of a tensor below kFar the caches have it anyway, and long lines would not stay until then.
constexpr int64_t kFar = int64_t(2) << 20, kLongLine = 16384;
template <bool written>
TG_INLINE void expect_line(const char* line, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(line + i, written);
}

// Two loads and two stores that overlap serve all lengths from one vector to two.
template <int bytes>
TG_INLINE void copy_ends(char* out, const char* in, int64_t n) {
  const auto first = load_moved<char, bytes>(in), last = load_moved<char, bytes>(in + n - bytes);
  store_moved<false>(out, first);
  store_moved<false>(out + n - bytes, last);
}
// Less than a vector.
TG_INLINE void copy_short(char* out, const char* in, int64_t n) {
  if (n > 32)
    copy_ends<kVectorBytes == 64 ? 32 : 16>(out, in, n);
  else if (n >= 16)
    copy_ends<16>(out, in, n);
  else if (n >= 8)
    copy_ends<8>(out, in, n);
  else if (n >= 4)
    copy_ends<4>(out, in, n);
  else if (n >= 2)
    copy_ends<2>(out, in, n);
  else if (n == 1)
    __builtin_memcpy(out, in, 1);
}
// n bytes that do not overlap; a call of memmove costs as much as a short run.
TG_INLINE void copy_run(char* out, const char* in, int64_t n, bool past) {
  if (past && n >= 2 * kVectorBytes) {
    // No ordinary store may touch a line that goes past the caches: it would fetch what is on its way out.
    int64_t i = -int64_t(reinterpret_cast<uintptr_t>(out)) & (kVectorBytes - 1);
    copy_short(out, in, i);
    for (; i + kVectorBytes <= n; i += kVectorBytes) store_moved<true>(out + i, load_moved<char>(in + i));
    copy_short(out + i, in + i, n - i);
  } else if (n > 2048) {
    __builtin_memmove(out, in, size_t(n));
  } else if (n >= kVectorBytes) {
#pragma GCC unroll 4
    for (int64_t i = 0; i + kVectorBytes < n; i += kVectorBytes)
      store_moved<false>(out + i, load_moved<char>(in + i));
    store_moved<false>(out + n - kVectorBytes, load_moved<char>(in + n - kVectorBytes));
  } else {
    copy_short(out, in, n);
  }
}

// The lanes Index::at(0), Index::at(1), ... of a and, counted on, b.
template <int... J>
struct Sequence {};
template <int n, int... J>
struct Count : Count<n - 1, n - 1, J...> {};
template <int... J>
struct Count<0, J...> {
  using Type = Sequence<J...>;
};
template <class Index, class V, int... J>
TG_INLINE V pick(V a, V b, Sequence<J...>) {
#ifdef __clang__
  return __builtin_shufflevector(a, b, Index::at(J)...);
#else
  return __builtin_shuffle(a, b, decltype(a < b){Index::at(J)...});
#endif
}

// Within every group of `group` lanes: the first halves of a and b, or the second ones, in turns.
template <int lanes, int group, int second>
struct Zipped {
  static constexpr int at(int j) {
    return j / group * group + second * group / 2 + j % group / 2 + j % 2 * lanes;
  }
};
// Of the groups of a and b every other one, from the first or from the second on.
template <int lanes, int group, int second>
struct EveryOther {
  static constexpr int at(int j) { return (2 * (j / group) + second) * group + j % group; }
};
template <int lanes>
struct Backwards {
  static constexpr int at(int j) { return lanes - 1 - j; }
};

template <class T>
TG_INLINE typename Moved<T, kVectorBytes>::V backwards(typename Moved<T, kVectorBytes>::V v) {
  constexpr int lanes = Moved<T, kVectorBytes>::width;
  return pick<Backwards<lanes>>(v, v, typename Count<lanes>::Type{});
}

// A square of elements with rows and columns exchanged. In groups of 16 bytes, which a register shuffles
// cheaply, `each` rows pass through log2(each) rounds of zipping, a perfect shuffle each; the groups of
// different rows then pass through rounds of taking every other one.
template <bool past, class T, int bytes>
TG_INLINE void transpose_tile(T* out, int64_t out_stride, const T* in, int64_t in_stride) {
  using V = typename Moved<T, bytes>::V;
  constexpr int lanes = Moved<T, bytes>::width, each = 16 / int(sizeof(T)), groups = lanes / each;
  using All = typename Count<lanes>::Type;
  V rows[lanes], next[lanes];
#pragma GCC unroll 16
  for (int i = 0; i < lanes; i++)
    rows[i] =
        load_moved<T, bytes>(reinterpret_cast<const T*>(reinterpret_cast<const char*>(in) + i * in_stride));
#pragma GCC unroll 4
  for (int g = 0; g < lanes; g += each) {
#pragma GCC unroll 4
    for (int round = 1; round < each; round *= 2) {
#pragma GCC unroll 8
      for (int i = 0; i < each / 2; i++) {
        next[2 * i] = pick<Zipped<lanes, each, 0>>(rows[g + i], rows[g + i + each / 2], All{});
        next[2 * i + 1] = pick<Zipped<lanes, each, 1>>(rows[g + i], rows[g + i + each / 2], All{});
      }
#pragma GCC unroll 16
      for (int i = 0; i < each; i++) rows[g + i] = next[i];
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < each; j++) {
#pragma GCC unroll 2
    for (int round = 1; round < groups; round *= 2) {
#pragma GCC unroll 2
      for (int i = 0; i < groups / 2; i++) {
        const V a = rows[2 * i * each + j], b = rows[(2 * i + 1) * each + j];
        next[i] = pick<EveryOther<lanes, each, 0>>(a, b, All{});
        next[i + groups / 2] = pick<EveryOther<lanes, each, 1>>(a, b, All{});
      }
#pragma GCC unroll 4
      for (int i = 0; i < groups; i++) rows[i * each + j] = next[i];
    }
#pragma GCC unroll 4
    for (int g = 0; g < groups; g++)
      store_moved<past>(reinterpret_cast<T*>(reinterpret_cast<char*>(out) + (g * each + j) * out_stride),
                        rows[g * each + j]);
  }
}

}  // namespace
}  // namespace tensorgrad::cpu::TG_ISA
