// Reads and writes of slices at computed places.
#include "tensorgrad/backends/cpu/kernels/combine.h"
#include "tensorgrad/backends/cpu/kernels/moves.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

int64_t extent(int dims, const int64_t* sizes) {
  int64_t n = 1;
  for (int d = 0; d < dims; d++) n *= sizes[d];
  return n;
}
int64_t offset_at(int64_t i, int dims, const int64_t* sizes, const int64_t* strides) {
  int64_t offset = 0;
  for (int d = 0; d < dims; d++) {
    offset += i % sizes[d] * strides[d];
    i /= sizes[d];
  }
  return offset;
}
int64_t before_offset(const IndexArgs& a, int64_t b) {
  return offset_at(b, a.before_dims, a.before_sizes, a.before_strides);
}

// Where single elements of dense rows are indexed, the next row comes into the caches ahead of its turn.
template <bool written>
TG_INLINE void expect_next(const IndexArgs& a, const char* row) {
  if (a.before_dims == 0) return;
  const int64_t pitch = a.before_strides[0];
  if (pitch <= kLongLine && pitch * a.before_sizes[0] >= kFar &&
      a.count * int64_t(element_size(a.dtype)) >= pitch / 8)
    expect_line<written>(row + pitch, pitch);
}

// Calls run(data, stride, j, n) for the runs of elements [from, to) of the dimensions after the indexed one,
// j being the first one's place among them.
template <class F>
TG_INLINE void runs_after(const IndexArgs& a, char* data, int64_t from, int64_t to, const F& run) {
  if (a.after_dims <= 1) {
    const int64_t stride = a.after_dims ? a.after_strides[0] : 0;
    return run(data + from * stride, stride, from, to - from);
  }
  const int64_t length = a.after_sizes[0];
  while (from < to) {
    const int64_t column = from % length, n = length - column < to - from ? length - column : to - from;
    run(data + offset_at(from, a.after_dims, a.after_sizes, a.after_strides), a.after_strides[0], from, n);
    from += n;
  }
}

// Elements that an index names twice are written in order: threads share the outer dimensions, or slices of
// data by where they lie, never the indices.
template <class T, Combine K>
void set(const IndexArgs& a) {
  const int64_t before = extent(a.before_dims, a.before_sizes), after = extent(a.after_dims, a.after_sizes);
  const T* const values = reinterpret_cast<const T*>(a.values);
  const int64_t step = a.scalar ? 0 : int64_t(sizeof(T));
  const auto slice = [&](char* base, const T* in, int64_t i) {
    runs_after(a, base + a.offsets[i], 0, after, [&](char* data, int64_t stride, int64_t j, int64_t n) {
      combine_run<T, K>(data, stride,
                        reinterpret_cast<const char*>(in + (a.scalar ? 0 : i * after)) + j * step, step, n);
    });
  };
  if (before == 1 && a.count > 1 && a.count * after > 2 * kGrain && after >= 64) {
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (int64_t i = 0; i < a.count; i++) {
      first = a.offsets[i] < first ? a.offsets[i] : first;
      last = a.offsets[i] > last ? a.offsets[i] : last;
    }
    constexpr int64_t kParts = 8;
    const int64_t part = (last - first) / kParts + 1;
    return parallel_for(kParts, 1, [&](int64_t begin, int64_t end) {
      const int64_t from = first + begin * part, to = first + end * part;
      for (int64_t i = 0; i < a.count; i++)
        if (a.offsets[i] >= from && a.offsets[i] < to) slice(a.data, values, i);
    });
  }
  parallel_for(before, kGrain / (a.count * after + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      char* const base = a.data + before_offset(a, b);
      const T* in = values + (a.scalar ? 0 : b * a.count * after);
      if (after == 1) {
        expect_next<true>(a, base);
        for (int64_t i = 0; i < a.count; i++)
          combine<K>(*reinterpret_cast<T*>(base + a.offsets[i]), in[a.scalar ? 0 : i]);
      } else {
        for (int64_t i = 0; i < a.count; i++) slice(base, in, i);
      }
    }
  });
}

#ifndef TG_PORTABLE
// Single elements of a row, by way of a buffer where they go past the caches.
template <class T>
TG_INLINE void pick_elements(T* out, const char* base, const int64_t* offsets, int64_t n, bool past) {
  const auto element = [&](int64_t i) { return *reinterpret_cast<const T*>(base + offsets[i]); };
  if (!past) return write_each(out, n, element);
  constexpr int64_t block = 512;
  alignas(64) T buffer[block];
  for (int64_t from = 0; from < n; from += block) {
    const int64_t m = n - from < block ? n - from : block;
    write_each(buffer, m, [&](int64_t i) { return element(from + i); });
    copy_run(reinterpret_cast<char*>(out + from), reinterpret_cast<const char*>(buffer),
             m * int64_t(sizeof(T)), true);
  }
}

template <class T>
void get(const IndexArgs& a) {
  const int64_t before = extent(a.before_dims, a.before_sizes), after = extent(a.after_dims, a.after_sizes);
  const bool past = before * a.count * after * int64_t(sizeof(T)) >= kPastCaches;
  parallel_for(before * a.count, kGrain / 4 / (after + 1) + 1, [&](int64_t begin, int64_t end) {
    int64_t b = begin / a.count, i = begin % a.count;
    T* out = reinterpret_cast<T*>(a.values) + begin * after;
    for (int64_t k = begin; k < end; b++, i = 0) {
      char* const base = a.data + before_offset(a, b);
      const int64_t stop = a.count - i < end - k ? a.count : i + (end - k);
      k += stop - i;
      if (after == 1) {
        expect_next<false>(a, base);
        pick_elements(out, base, a.offsets + i, stop - i, past);
        out += stop - i;
        continue;
      }
      for (; i < stop; i++, out += after)
        runs_after(a, base + a.offsets[i], 0, after, [&](char* data, int64_t stride, int64_t j, int64_t n) {
          if (stride == int64_t(sizeof(T)))
            copy_run(reinterpret_cast<char*>(out + j), data, n * int64_t(sizeof(T)), past);
          else
            for (int64_t m = 0; m < n; m++) out[j + m] = at<T>(data, m, stride);
        });
    }
    fence_moves(past);
  });
}
#endif

}  // namespace

#ifdef TG_PORTABLE
void index_offsets(const OffsetArgs& a) {
  parallel_for(a.count, kGrain, [&](int64_t begin, int64_t end) {
    for (int k = 0; k < a.dims; k++) {
      const int64_t size = a.sizes[k], stride = a.strides[k];
      int64_t bad = -1;
      for (int64_t i = begin; i < end; i++) {
        const int64_t given = a.index[k][i];
        const int64_t index = given + (a.wrap && given < 0 ? size : 0);
        const bool outside = uint64_t(index) >= uint64_t(size);
        bad = outside && bad < 0 ? i : bad;
        const int64_t offset = outside ? 0 : index * stride;
        a.offsets[i] = k == 0 ? offset : a.offsets[i] + offset;
      }
      if (bad >= 0) {
        report(a.bad_value, a.index[k][bad]);
        __atomic_store_n(a.bad_dim, k, __ATOMIC_RELAXED);
      }
    }
  });
}
#else
void index_offsets(const OffsetArgs& a) { portable::index_offsets(a); }
void index_get(const IndexArgs& a) {
  by_width(a.dtype, [&]<class T>() { get<T>(a); });
}
#endif
void index_set(const IndexArgs& a, Combine how) {
  by_combine(how, a.dtype, [&]<class T, Combine K>() { set<T, K>(a); }, [&] { portable::index_set(a, how); });
}

}  // namespace tensorgrad::cpu::TG_ISA
