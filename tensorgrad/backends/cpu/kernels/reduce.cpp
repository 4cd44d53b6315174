// Sums over the middle dimension of [outer, length, inner]. The order of additions is a function of the shape
// alone.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

constexpr int64_t kBlock =
    512;  // elements a lane set sums before it joins the tree: bounds the rounding error

// Sums n contiguous elements: lanes within a block, blocks pairwise.
template <class T, class A>
A sum_run(const T* in, int64_t n) {
  if (n <= kBlock) {
    constexpr int kLanes = 32;
    A lanes[kLanes] = {};
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      for (int l = 0; l < kLanes; l++) lanes[l] += A(in[i + l]);
    for (int l = 0; i + l < n; l++) lanes[l] += A(in[i + l]);
    for (int width = kLanes / 2; width > 0; width /= 2)
      for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
    return lanes[0];
  }
  const int64_t half = (n / 2 + kBlock - 1) / kBlock * kBlock;
  return sum_run<T, A>(in, half) + sum_run<T, A>(in + half, n - half);
}

// Sums rows of `inner` contiguous elements into one row, kTile columns at a time.
template <class T, class A>
void sum_rows(const T* in, T* out, int64_t length, int64_t inner, int64_t begin, int64_t end) {
  constexpr int64_t kTile = 128;
  for (int64_t c0 = begin; c0 < end; c0 += kTile) {
    const int64_t width = end - c0 < kTile ? end - c0 : kTile;
    A total[kTile] = {};
    for (int64_t r0 = 0; r0 < length; r0 += kBlock) {
      const int64_t r1 = r0 + kBlock < length ? r0 + kBlock : length;
      A part[kTile] = {};
      for (int64_t r = r0; r < r1; r++) {
        const T* row = in + r * inner + c0;
        if (width == kTile)
          for (int64_t c = 0; c < kTile; c++) part[c] += A(row[c]);
        else
          for (int64_t c = 0; c < width; c++) part[c] += A(row[c]);
      }
      for (int64_t c = 0; c < kTile; c++) total[c] += part[c];
    }
    for (int64_t c = 0; c < width; c++) out[c0 + c] = T(total[c]);
  }
}

template <class T, class A>
void reduce(const ReduceArgs& args) {
  const T* in = static_cast<const T*>(args.in);
  T* out = static_cast<T*>(args.out);
  const int64_t length = args.length, inner = args.inner;
  if (inner == 1 && args.outer == 1 && length > 4 * kGrain) {
    constexpr int64_t kPieces = 64;  // of a single long run, whatever the number of threads
    const int64_t piece = (length + kPieces - 1) / kPieces;
    A parts[kPieces] = {};
    parallel_for(kPieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t from = i * piece, to = from + piece < length ? from + piece : length;
        if (from < to) parts[i] = sum_run<T, A>(in + from, to - from);
      }
    });
    for (int64_t width = kPieces / 2; width > 0; width /= 2)
      for (int64_t i = 0; i < width; i++) parts[i] += parts[i + width];
    out[0] = T(parts[0]);
  } else if (inner == 1) {
    parallel_for(args.outer, kGrain / (length + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) out[o] = T(sum_run<T, A>(in + o * length, length));
    });
  } else if (args.outer == 1) {
    parallel_for(inner, (kGrain / (length + 1) / 128 + 1) * 128,
                 [&](int64_t begin, int64_t end) { sum_rows<T, A>(in, out, length, inner, begin, end); });
  } else {
    parallel_for(args.outer, kGrain / (length * inner + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++)
        sum_rows<T, A>(in + o * length * inner, out + o * inner, length, inner, 0, inner);
    });
  }
}

}  // namespace

void reduce_sum(const ReduceArgs& args) {
#ifdef TG_PORTABLE
  switch (args.dtype) {
    case DType::Float16: return reduce<Half, float>(args);
    case DType::BFloat16: return reduce<BFloat16, float>(args);
    default: return reduce<int64_t, int64_t>(args);  // integers are widened before they are summed
  }
#else
  if (args.dtype == DType::Float32) return reduce<float, float>(args);
  if (args.dtype == DType::Float64) return reduce<double, double>(args);
  portable::reduce_sum(args);
#endif
}

}  // namespace tensorgrad::cpu::TG_ISA
