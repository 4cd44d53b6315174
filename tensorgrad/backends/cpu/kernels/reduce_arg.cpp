// Extremes with their places. Over a contiguous row: the extreme at reading speed, then a search that ends at
// its first occurrence. TG_PORTABLE compiles the types other than float and double.
#include "tensorgrad/backends/cpu/kernels/fold.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T, bool Greatest>
struct Better {
  using In = T;
  using Acc = compute_t<T>;
  static constexpr bool vectors = __is_same(T, float) || __is_same(T, double);
  Acc start;
  TG_INLINE Acc identity() const { return start; }
  template <class V>
  TG_INLINE V term(V x) const {
    return x;
  }
  template <class V>
  TG_INLINE V join(V a, V x) const {
    const V best = Greatest ? greater_of(x, a) : lesser_of(x, a);
    return x != x ? x : best;
  }
};

template <class T>
int64_t find(const T* in, int64_t n, compute_t<T> value) {
  using C = compute_t<T>;
  constexpr int64_t kBlock = 64;
  int64_t i = 0;
  const bool nan = value != value;
  for (; i + kBlock <= n; i += kBlock) {
    int hits = 0;
    if (nan)
      for (int64_t k = 0; k < kBlock; k++) hits |= C(in[i + k]) != C(in[i + k]);
    else
      for (int64_t k = 0; k < kBlock; k++) hits |= C(in[i + k]) == value;
    if (hits) break;
  }
  for (; i < n; i++)
    if (nan ? C(in[i]) != C(in[i]) : C(in[i]) == value) return i;
  return 0;
}

template <class T, bool Greatest>
void along_row(const ArgArgs& args) {
  using C = compute_t<T>;
  const T* in = static_cast<const T*>(args.in);
  T* out = static_cast<T*>(args.out);
  const auto put = [&](int64_t o, C value) {
    args.places[o] = find(in + o * args.length, args.length, value);
    if (out) out[o] = T(value);
  };
  // Any element is an identity of an extreme.
  if (args.outer == 1) return fold_all(Better<T, Greatest>{C(in[0])}, args, put);
  parallel_for(args.outer, kGrain / (args.length + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++)
      put(o, fold_run(Better<T, Greatest>{C(in[o * args.length])}, in + o * args.length, args.length));
  });
}

template <class T, bool Greatest>
void along_column(const ArgArgs& args) {
  using C = compute_t<T>;
  constexpr int64_t kTile = 128;
  const int64_t tiles = (args.inner + kTile - 1) / kTile;
  parallel_for(args.outer * tiles, kGrain / (args.length * kTile + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const int64_t o = t / tiles, c0 = t % tiles * kTile;
      const int64_t width = args.inner - c0 < kTile ? args.inner - c0 : kTile;
      const T* in = static_cast<const T*>(args.in) + o * args.length * args.inner + c0;
      C best[kTile];
      int32_t place[kTile];
      for (int64_t c = 0; c < width; c++) best[c] = C(in[c]), place[c] = 0;
      for (int64_t r = 1; r < args.length; r++) {
        const T* row = in + r * args.inner;
        for (int64_t c = 0; c < width; c++) {
          const C x = C(row[c]), b = best[c];
          const bool wins = (Greatest ? x > b : x < b) | ((x != x) & (b == b));
          best[c] = wins ? x : b;
          place[c] = wins ? int32_t(r) : place[c];
        }
      }
      for (int64_t c = 0; c < width; c++) {
        args.places[o * args.inner + c0 + c] = place[c];
        if (args.out) static_cast<T*>(args.out)[o * args.inner + c0 + c] = T(best[c]);
      }
    }
  });
}

}  // namespace

void reduce_arg(const ArgArgs& args) {
  const auto of_type = [&]<class T>() {
    if (args.inner == 1)
      args.greatest ? along_row<T, true>(args) : along_row<T, false>(args);
    else
      args.greatest ? along_column<T, true>(args) : along_column<T, false>(args);
  };
  float_and_others(args.dtype, of_type, [&] { portable::reduce_arg(args); });
}

}  // namespace tensorgrad::cpu::TG_ISA
