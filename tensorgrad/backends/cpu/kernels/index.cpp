// Reads and writes at computed places. They move single elements or runs of bytes, so one copy serves every
// level.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {

#ifdef TG_PORTABLE
namespace {

// Calls f.template operator()<T>() with an unsigned type of this width.
template <class F>
void by_width(DType t, const F& f) {
  switch (element_size(t)) {
    case 1: return f.template operator()<uint8_t>();
    case 2: return f.template operator()<uint16_t>();
    case 4: return f.template operator()<uint32_t>();
    default: return f.template operator()<uint64_t>();
  }
}

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

template <class T>
struct Joined {
  using C = compute_t<T>;
  template <Combine K>
  static TG_INLINE void into(T& to, T value) {
    const C a = C(to), b = C(value);
    if constexpr (K == Combine::Assign)
      to = value;
    else if constexpr (K == Combine::Add)
      to = T(C(a + b));
    else if constexpr (K == Combine::Multiply)
      to = T(C(a * b));
    else if constexpr (K == Combine::Maximum)
      to = T(a != a || a > b ? a : b);
    else
      to = T(a != a || a < b ? a : b);
  }
};

// Calls run(data, values, n) for elements [from, to) of the dimensions after the indexed one.
template <class T, class F>
TG_INLINE void along_after(const IndexArgs& a, char* data, int64_t from, int64_t to, const F& element) {
  if (a.after_dims <= 1) {
    const int64_t stride = a.after_dims ? a.after_strides[0] : 0;
    if (stride == int64_t(sizeof(T))) {
      T* const run = reinterpret_cast<T*>(data);
      for (int64_t j = from; j < to; j++) element(run[j], j);
    } else {
      for (int64_t j = from; j < to; j++) element(*reinterpret_cast<T*>(data + j * stride), j);
    }
    return;
  }
  for (int64_t j = from; j < to; j++)
    element(*reinterpret_cast<T*>(data + offset_at(j, a.after_dims, a.after_sizes, a.after_strides)), j);
}

template <class T>
void get(const IndexArgs& a) {
  const int64_t before = extent(a.before_dims, a.before_sizes), after = extent(a.after_dims, a.after_sizes);
  const bool dense = a.after_dims == 1 && a.after_strides[0] == int64_t(sizeof(T));
  parallel_for(before * a.count, kGrain / 4 / (after + 1) + 1, [&](int64_t begin, int64_t end) {
    int64_t b = begin / a.count, i = begin % a.count;
    char* base = a.data + offset_at(b, a.before_dims, a.before_sizes, a.before_strides);
    T* out = reinterpret_cast<T*>(a.values) + begin * after;
    for (int64_t k = begin; k < end;) {
      const int64_t stop = k + a.count - i < end ? i + (a.count - i) : i + (end - k);
      k += stop - i;
      if (after == 1)
        for (; i < stop; i++) *out++ = *reinterpret_cast<const T*>(base + a.offsets[i]);
      else if (dense)
        for (; i < stop; i++, out += after)
          __builtin_memcpy(out, base + a.offsets[i], size_t(after) * sizeof(T));
      else
        for (; i < stop; i++, out += after)
          along_after<T>(a, base + a.offsets[i], 0, after, [&](T& element, int64_t j) { out[j] = element; });
      i = 0;
      base = a.data + offset_at(++b, a.before_dims, a.before_sizes, a.before_strides);
    }
  });
}

// Elements that an index names twice are written in order: threads share the outer dimensions, or columns of
// the inner ones, never the indices.
template <class T, Combine K>
void set(const IndexArgs& a) {
  const int64_t before = extent(a.before_dims, a.before_sizes), after = extent(a.after_dims, a.after_sizes);
  const T* const values = reinterpret_cast<const T*>(a.values);
  const auto rows = [&](int64_t b, int64_t from, int64_t to) {
    char* const base = a.data + offset_at(b, a.before_dims, a.before_sizes, a.before_strides);
    if (a.scalar) {
      const T value = *values;
      for (int64_t i = 0; i < a.count; i++)
        along_after<T>(a, base + a.offsets[i], from, to,
                       [&](T& element, int64_t) { Joined<T>::template into<K>(element, value); });
      return;
    }
    const T* in = values + b * a.count * after;
    for (int64_t i = 0; i < a.count; i++, in += after)
      along_after<T>(a, base + a.offsets[i], from, to,
                     [&](T& element, int64_t j) { Joined<T>::template into<K>(element, in[j]); });
  };
  const int64_t work = a.count * after;
  if (before > 1 || after < 64)
    parallel_for(before, kGrain / (work + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; b++) rows(b, 0, after);
    });
  else
    parallel_for(after, kGrain / (a.count + 1) + 32,
                 [&](int64_t begin, int64_t end) { rows(0, begin, end); });
}

template <class F>
void by_combine(Combine how, DType t, const F& f) {
  switch (how) {
    case Combine::Assign: return by_width(t, [&]<class T>() { f.template operator()<T, Combine::Assign>(); });
    case Combine::Add: return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Add>(); });
    case Combine::Multiply:
      return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Multiply>(); });
    case Combine::Maximum:
      return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Maximum>(); });
    default: return dispatch_all(t, [&]<class T>() { f.template operator()<T, Combine::Minimum>(); });
  }
}

// The first one that a thread meets stays.
void report(int64_t* bad, int64_t value) {
  if (__atomic_load_n(bad, __ATOMIC_RELAXED) == INT64_MIN) __atomic_store_n(bad, value, __ATOMIC_RELAXED);
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
    const int64_t outer = each * (end - begin) / sizes[0];
    for (int64_t o = 0; o < outer; o++) {
      for (int64_t i = 0; i < sizes[0]; i++) {
        int64_t at_index = at<int64_t>(data[1], i, p.strides[1][0]);
        if (uint64_t(at_index) >= uint64_t(args.size)) {
          report(args.bad, at_index);
          continue;
        }
        Joined<T>::template into<K>(
            *reinterpret_cast<T*>(data[0] + i * p.strides[0][0] + at_index * args.stride),
            at<T>(data[2], i, p.strides[2][0]));
      }
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

void index_get(const IndexArgs& a) {
  by_width(a.dtype, [&]<class T>() { get<T>(a); });
}
void index_set(const IndexArgs& a, Combine how) {
  by_combine(how, a.dtype, [&]<class T, Combine K>() { set<T, K>(a); });
}

void gather(const Plan& p, const GatherArgs& args) {
  by_width(p.out_dtype, [&]<class T>() {
    for_each_run<3>(p, [&](char* const* data, int64_t n) {
      const int64_t so = p.strides[0][0], si = p.strides[1][0], sa = p.strides[2][0];
      for (int64_t i = 0; i < n; i++) {
        const int64_t index = at<int64_t>(data[1], i, si);
        if (uint64_t(index) >= uint64_t(args.size)) {
          report(args.bad, index);
          continue;
        }
        at<T>(data[0], i, so) = *reinterpret_cast<const T*>(data[2] + i * sa + index * args.stride);
      }
    });
  });
}
void scatter(const Plan& p, const GatherArgs& args, Combine how) {
  by_combine(how, p.out_dtype, [&]<class T, Combine K>() { scatter_all<T, K>(p, args); });
}

void mask_count(const MaskArgs& a) {
  parallel_for((a.numel + kMaskChunk - 1) / kMaskChunk, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const int64_t from = c * kMaskChunk, to = from + kMaskChunk < a.numel ? from + kMaskChunk : a.numel;
      int64_t total = 0;
      for (int64_t i = from; i < to; i++) total += a.mask[i];
      a.chunks[c] = total;
    }
  });
}

namespace {
// Calls put(position in the mask, position in the output) for every set element.
template <class F>
void each_set(const MaskArgs& a, const F& put) {
  parallel_for((a.numel + kMaskChunk - 1) / kMaskChunk, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const int64_t from = c * kMaskChunk, to = from + kMaskChunk < a.numel ? from + kMaskChunk : a.numel;
      int64_t at_out = a.chunks[c], i = from;
      const int64_t stop = a.chunks[c + 1];
      for (; i + 8 <= to; i += 8) {
        uint64_t eight;
        __builtin_memcpy(&eight, a.mask + i, 8);
        if (eight == 0) continue;
        if (at_out + 8 <= stop) {
          // Room for eight: write always, advance where set.
          for (int k = 0; k < 8; k++) {
            put(i + k, at_out);
            at_out += (eight >> (8 * k)) & 1;
          }
        } else {
          for (int k = 0; k < 8; k++)
            if ((eight >> (8 * k)) & 1) put(i + k, at_out++);
        }
      }
      for (; i < to; i++)
        if (a.mask[i]) put(i, at_out++);
    }
  });
}
}  // namespace

void mask_positions(const MaskArgs& a, int64_t* out) {
  each_set(a, [&](int64_t from, int64_t to) { out[to] = from; });
}
void mask_select(const MaskArgs& a, const void* data, void* out, int64_t size) {
  const auto select = [&]<class T>() {
    each_set(a,
             [&](int64_t from, int64_t to) { static_cast<T*>(out)[to] = static_cast<const T*>(data)[from]; });
  };
  switch (size) {
    case 1: return select.template operator()<uint8_t>();
    case 2: return select.template operator()<uint16_t>();
    case 4: return select.template operator()<uint32_t>();
    default: return select.template operator()<uint64_t>();
  }
}
#else
void index_offsets(const OffsetArgs& a) { portable::index_offsets(a); }
void index_get(const IndexArgs& a) { portable::index_get(a); }
void index_set(const IndexArgs& a, Combine how) { portable::index_set(a, how); }
void gather(const Plan& p, const GatherArgs& args) { portable::gather(p, args); }
void scatter(const Plan& p, const GatherArgs& args, Combine how) { portable::scatter(p, args, how); }
void mask_count(const MaskArgs& a) { portable::mask_count(a); }
void mask_positions(const MaskArgs& a, int64_t* out) { portable::mask_positions(a, out); }
void mask_select(const MaskArgs& a, const void* data, void* out, int64_t size) {
  portable::mask_select(a, data, out, size);
}
#endif

}  // namespace tensorgrad::cpu::TG_ISA
