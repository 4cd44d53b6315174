// Reads and writes where each element has an index of its own along one dimension.
#include "tensorgrad/backends/cpu/kernels/combine.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t kIndices = 512;  // checked at a time, before any of them is used

// Whether all of n indices are in [0, size): neither they nor what they leave to size - 1 is negative.
TG_INLINE bool all_within(const char* index, int64_t stride, int64_t n, int64_t size) {
  int64_t signs = 0;
  if (stride == 8) {
    const int64_t* const dense = reinterpret_cast<const int64_t*>(index);
    for (int64_t i = 0; i < n; i++) signs |= dense[i] | (size - 1 - (dense[i] & INT64_MAX));
  } else {
    for (int64_t i = 0; i < n; i++) {
      const int64_t value = *reinterpret_cast<const int64_t*>(index + i * stride);
      signs |= value | (size - 1 - (value & INT64_MAX));
    }
  }
  return signs >= 0;
}

// What becomes of places in the indexed operand and elements of the other one: of one pair, and of a dense
// run of n <= kIndices.
struct Reading {
  bool past;
  template <class T>
  TG_INLINE void one(const T& place, T& element) const {
    element = place;
  }
  template <class T, class P>
  TG_INLINE void all(T* run, int64_t n, const P& place) const {
    if (!past) return write_each(run, n, place);
    alignas(64) T buffer[kIndices];
    write_each(buffer, n, place);
    copy_run(reinterpret_cast<char*>(run), reinterpret_cast<const char*>(buffer), n * int64_t(sizeof(T)),
             true);
  }
};
template <Combine K>
struct Writing {
  template <class T>
  TG_INLINE void one(T& place, const T& element) const {
    combine<K>(place, element);
  }
  template <class T, class P>
  TG_INLINE void all(const T* run, int64_t n, const P& place) const {
    for (int64_t i = 0; i < n; i++) combine<K>(place(i), run[i]);
  }
};

// One run of the plan: three operands, `data[indexed]` the one that is read or written at the indices
// data[1], and the other one, walked by position.
template <int indexed, class T, class M>
TG_INLINE void indexed_run(const Plan& p, const GatherArgs& args, char* const* data, int64_t n,
                           const M& move) {
  constexpr int walked = 2 - indexed;
  constexpr int64_t size = sizeof(T);
  const int64_t at_stride = p.strides[indexed][0], index_stride = p.strides[1][0];
  const int64_t walked_stride = p.strides[walked][0], step = args.stride;
  const bool in_line = at_stride == 0 && step == size, dense = index_stride == 8 && walked_stride == size;
  const int64_t line_bytes = args.size * size;
  if (in_line && p.ndim > 1 && n >= args.size / 8 && line_bytes <= kLongLine &&
      p.numel / n * line_bytes >= kFar)
    expect_line<indexed == 0>(data[indexed] + p.strides[indexed][1], line_bytes);
  for (int64_t from = 0; from < n; from += kIndices) {
    const int64_t m = n - from < kIndices ? n - from : kIndices;
    const char* const index = data[1] + from * index_stride;
    char* const place = data[indexed] + from * at_stride;
    char* const other = data[walked] + from * walked_stride;
    const int64_t* const indices = reinterpret_cast<const int64_t*>(index);
    if (!all_within(index, index_stride, m, args.size)) {
      for (int64_t i = 0; i < m; i++) {
        const int64_t value = *reinterpret_cast<const int64_t*>(index + i * index_stride);
        if (uint64_t(value) >= uint64_t(args.size))
          report(args.bad, value);
        else
          move.one(at<T>(place + i * at_stride, value, step), at<T>(other, i, walked_stride));
      }
    } else if (dense && in_line) {
      T* const line = reinterpret_cast<T*>(place);
      move.all(reinterpret_cast<T*>(other), m, [&](int64_t i) -> T& { return line[indices[i]]; });
    } else if (dense) {
      move.all(reinterpret_cast<T*>(other), m,
               [&](int64_t i) -> T& { return at<T>(place + i * at_stride, indices[i], step); });
    } else {
      for (int64_t i = 0; i < m; i++)
        move.one(
            at<T>(place + i * at_stride, *reinterpret_cast<const int64_t*>(index + i * index_stride), step),
            at<T>(other, i, walked_stride));
    }
  }
}

// Plan dimensions along which the scattered operand moves can be shared between threads; the widest is.
int split_dim(const Plan& p) {
  int best = -1;
  for (int d = 0; d < p.ndim; d++)
    if (p.strides[0][d] != 0 && (best < 0 || p.sizes[d] >= p.sizes[best])) best = d;
  return best;
}

template <class T, Combine K>
void scatter_all(const Plan& p, const GatherArgs& args) {
  const int split = split_dim(p);
  const int64_t pieces = split < 0 ? 1 : p.sizes[split];
  const int64_t each = p.numel / pieces;
  parallel_for(pieces, kGrain / (each + 1) + 1, [&](int64_t begin, int64_t end) {
    // A plan of this share, walked in order.
    int64_t sizes[kMaxDims], index[kMaxDims] = {};
    for (int d = 0; d < p.ndim; d++) sizes[d] = d == split ? end - begin : p.sizes[d];
    char* data[3];
    for (int k = 0; k < 3; k++) data[k] = p.data[k] + (split < 0 ? 0 : begin * p.strides[k][split]);
    const int64_t inner = split == 0 ? end - begin : p.sizes[0], outer = each * (end - begin) / inner;
    for (int64_t o = 0; o < outer; o++) {
      indexed_run<0, T>(p, args, data, inner, Writing<K>{});
      for (int d = 1; d < p.ndim; d++) {
        for (int k = 0; k < 3; k++) data[k] += p.strides[k][d];
        if (++index[d] < sizes[d]) break;
        index[d] = 0;
        for (int k = 0; k < 3; k++) data[k] -= p.strides[k][d] * sizes[d];
      }
    }
  });
}

}  // namespace

#ifndef TG_PORTABLE
void gather(const Plan& p, const GatherArgs& args) {
  by_width(p.out_dtype, [&]<class T>() {
    const bool past = p.numel * int64_t(sizeof(T)) >= kPastCaches;
    for_each_run<3>(
        p, [&](char* const* data, int64_t n) { indexed_run<2, T>(p, args, data, n, Reading{past}); },
        [&] { fence_moves(past); });
  });
}
#endif
void scatter(const Plan& p, const GatherArgs& args, Combine how) {
  by_combine(
      how, p.out_dtype, [&]<class T, Combine K>() { scatter_all<T, K>(p, args); },
      [&] { portable::scatter(p, args, how); });
}

}  // namespace tensorgrad::cpu::TG_ISA
