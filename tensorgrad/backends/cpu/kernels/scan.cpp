// Running sums, products and extremes along the middle dimension of [outer, length, inner].
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots_reduce.h"

namespace tensorgrad::cpu::TG_ISA {
#ifdef TG_PORTABLE
namespace {

// Runs walk(first element, stride between elements) for every line along `length`.
template <class F>
void each_line(const ReduceArgs& a, const F& walk) {
  parallel_for(a.outer * a.inner, kGrain / (a.length + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; k++) walk(k / a.inner * a.length * a.inner + k % a.inner);
  });
}

// Floats accumulate in double, as PyTorch's do.
template <class T, class Acc, class F>
void running(const ScanArgs& a, Acc start, const F& step) {
  const T* in = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  if (a.inner == 1) {
    // A sum waits for the one before it: several rows at once fill the time.
    constexpr int64_t kRows = 4;
    const auto rows = [&]<int64_t count>(int64_t row) {
      const T* from = in + row * a.length;
      T* to = out + row * a.length;
      Acc total[count];
      for (int64_t r = 0; r < count; r++) total[r] = start;
      for (int64_t i = 0; i < a.length; i++)
#pragma GCC unroll 4
        for (int64_t r = 0; r < count; r++) {
          total[r] = step(total[r], Acc(from[r * a.length + i]));
          to[r * a.length + i] = T(total[r]);
        }
    };
    parallel_for(a.outer, (kGrain / (a.length + 1) / kRows + 1) * kRows, [&](int64_t begin, int64_t end) {
      for (; begin + kRows <= end; begin += kRows) rows.template operator()<kRows>(begin);
      for (; begin < end; begin++) rows.template operator()<1>(begin);
    });
    return;
  }
  constexpr int64_t kTile = 128;
  const int64_t tiles = (a.inner + kTile - 1) / kTile;
  parallel_for(a.outer * tiles, kGrain / (a.length * kTile + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      const int64_t c0 = t % tiles * kTile, width = a.inner - c0 < kTile ? a.inner - c0 : kTile;
      int64_t at = t / tiles * a.length * a.inner + c0;
      Acc total[kTile];
      for (int64_t c = 0; c < width; c++) total[c] = start;
      for (int64_t r = 0; r < a.length; r++, at += a.inner)
        for (int64_t c = 0; c < width; c++) {
          total[c] = step(total[c], Acc(in[at + c]));
          out[at + c] = T(total[c]);
        }
    }
  });
}

// The last of equal extremes is the one whose place is kept.
template <class T, bool Greatest>
void extremes(const ScanArgs& a) {
  using C = compute_t<T>;
  const T* in = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  each_line(a, [&](int64_t first) {
    C best = C(in[first]);
    int64_t place = 0;
    for (int64_t i = 0; i < a.length; i++) {
      const int64_t at = first + i * a.inner;
      const C x = C(in[at]);
      if (x != x || (best == best && (Greatest ? x >= best : x <= best))) best = x, place = i;
      out[at] = T(best);
      a.places[at] = place;
    }
  });
}

template <class T>
constexpr bool is_floating_type =
    __is_same(T, float) || __is_same(T, double) || __is_same(T, Half) || __is_same(T, BFloat16);

template <class T>
void scan_type(const ScanArgs& a) {
  if constexpr (is_floating_type<T>) {
    switch (a.scan) {
      case Scan::Sum:
        if constexpr (sizeof(T) == 2)
          return running<T, float>(a, 0, [](float t, float x) { return t + x; });
        else
          return running<T, double>(a, 0, [](double t, double x) { return t + x; });
      case Scan::Product:
        if constexpr (sizeof(T) == 2)
          return running<T, float>(a, 1, [](float t, float x) { return t * x; });
        else
          return running<T, double>(a, 1, [](double t, double x) { return t * x; });
      case Scan::LogSumExp:
        return running<T, double>(a, -__builtin_inf(), [](double t, double x) {
          const double low = t < x ? t : x, high = t < x ? x : t;
          if (t != t || x != x) return __builtin_nan("");
          if (low == high && __builtin_isinf(low)) return low;
          return high + __builtin_log1p(__builtin_exp(low - high));
        });
      default: break;
    }
  } else {
    if (a.scan == Scan::Sum) return running<T, uint64_t>(a, 0, [](uint64_t t, uint64_t x) { return t + x; });
    if (a.scan == Scan::Product)
      return running<T, uint64_t>(a, 1, [](uint64_t t, uint64_t x) { return t * x; });
  }
  a.scan == Scan::Maximum ? extremes<T, true>(a) : extremes<T, false>(a);
}

}  // namespace

void scan(const ScanArgs& args) {
  dispatch_all(args.dtype, [&]<class T>() { scan_type<T>(args); });
}
#else
void scan(const ScanArgs& args) { portable::scan(args); }
#endif

}  // namespace tensorgrad::cpu::TG_ISA
