// Mean and variance in one reading: each block's mean, then its squared distances while it is in the cache;
// blocks join by Chan's formula in double. TG_PORTABLE compiles the types other than float and double.
#include "tensorgrad/backends/cpu/kernels/fold.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

struct Moments {
  double count = 0, mean = 0, squares = 0;
};
TG_INLINE Moments join(const Moments& a, const Moments& b) {
  if (b.count == 0) return a;
  if (a.count == 0) return b;
  const double count = a.count + b.count, distance = b.mean - a.mean;
  return {count, a.mean + distance * (b.count / count),
          a.squares + b.squares + distance * distance * (a.count * b.count / count)};
}

constexpr int64_t kMomentBlock = 2048;

template <class T>
Moments of_block(const T* in, int64_t n) {
  using C = compute_t<T>;
  constexpr int kLanes = 32;
  C sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int l = 0; l < kLanes; l++) sums[l] += C(in[i + l]);
  double total = 0;
  for (int l = 0; l < kLanes; l++) total += double(sums[l]);
  for (; i < n; i++) total += double(C(in[i]));
  const double mean = total / double(n);
  const C center = C(mean);
  C squares[kLanes] = {}, drift[kLanes] = {};
  for (i = 0; i + kLanes <= n; i += kLanes)
    for (int l = 0; l < kLanes; l++) {
      const C distance = C(in[i + l]) - center;
      squares[l] += distance * distance;
      drift[l] += distance;
    }
  double square_total = 0, drift_total = 0;
  for (int l = 0; l < kLanes; l++) square_total += double(squares[l]), drift_total += double(drift[l]);
  for (; i < n; i++) {
    const C distance = C(in[i]) - center;
    square_total += double(distance * distance);
    drift_total += double(distance);
  }
  // The rounding of the centre is taken back out.
  return {double(n), double(center) + drift_total / double(n),
          square_total - drift_total * drift_total / double(n)};
}
template <class T>
Moments of_run(const T* in, int64_t n) {
  if (n <= kMomentBlock) return n > 0 ? of_block(in, n) : Moments{};
  const int64_t half = (n / 2 + kMomentBlock - 1) / kMomentBlock * kMomentBlock;
  return join(of_run(in, half), of_run(in + half, n - half));
}

template <class T>
void put(const MomentArgs& args, int64_t at, const Moments& m) {
  using C = compute_t<T>;
  if (args.mean) static_cast<T*>(args.mean)[at] = T(C(m.count > 0 ? m.mean : __builtin_nan("")));
  if (!args.out) return;
  const double variance = m.count > 0 ? (m.squares < 0 ? 0 : m.squares) / args.divisor : __builtin_nan("");
  static_cast<T*>(args.out)[at] = T(C(args.root ? __builtin_sqrt(variance) : variance));
}

template <class T>
void of_columns(const MomentArgs& args, const T* in, int64_t out_at, int64_t begin, int64_t end) {
  using C = compute_t<T>;
  constexpr int64_t kTile = 64, kRows = 128;
  for (int64_t c0 = begin; c0 < end; c0 += kTile) {
    const int64_t width = end - c0 < kTile ? end - c0 : kTile;
    Moments total[kTile];
    for (int64_t r0 = 0; r0 < args.length; r0 += kRows) {
      const int64_t rows = args.length - r0 < kRows ? args.length - r0 : kRows;
      const T* block = in + r0 * args.inner + c0;
      C center[kTile] = {}, squares[kTile] = {}, drift[kTile] = {};
      for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < width; c++) center[c] += C(block[r * args.inner + c]);
      for (int64_t c = 0; c < width; c++) center[c] /= C(rows);
      for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < width; c++) {
          const C distance = C(block[r * args.inner + c]) - center[c];
          squares[c] += distance * distance;
          drift[c] += distance;
        }
      for (int64_t c = 0; c < width; c++) {
        const double shift = double(drift[c]);
        total[c] = join(total[c], {double(rows), double(center[c]) + shift / double(rows),
                                   double(squares[c]) - shift * shift / double(rows)});
      }
    }
    for (int64_t c = 0; c < width; c++) put<T>(args, out_at + c0 + c, total[c]);
  }
}

template <class T>
void moments(const MomentArgs& args) {
  const T* in = static_cast<const T*>(args.in);
  const int64_t length = args.length, inner = args.inner;
  if (inner == 1 && args.outer == 1 && length > 4 * kGrain) {
    constexpr int64_t kPieces = 64;
    const int64_t piece = (length + kPieces - 1) / kPieces;
    Moments parts[kPieces];
    parallel_for(kPieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t from = i * piece, to = from + piece < length ? from + piece : length;
        if (from < to) parts[i] = of_run(in + from, to - from);
      }
    });
    for (int64_t width = kPieces / 2; width > 0; width /= 2)
      for (int64_t i = 0; i < width; i++) parts[i] = join(parts[i], parts[i + width]);
    put<T>(args, 0, parts[0]);
  } else if (inner == 1) {
    parallel_for(args.outer, kGrain / (length + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) put<T>(args, o, of_run(in + o * length, length));
    });
  } else if (args.outer == 1) {
    parallel_for(inner, (kGrain / (length + 1) / 64 + 1) * 64,
                 [&](int64_t begin, int64_t end) { of_columns<T>(args, in, 0, begin, end); });
  } else {
    parallel_for(args.outer, kGrain / (length * inner + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) of_columns<T>(args, in + o * length * inner, o * inner, 0, inner);
    });
  }
}

}  // namespace

void reduce_moments(const MomentArgs& args) {
  floats_only(args.dtype, [&]<class T>() { moments<T>(args); }, [&] { portable::reduce_moments(args); });
}

}  // namespace tensorgrad::cpu::TG_ISA
