// Sorting rows by keys: elements become unsigned integers of the same order. Of a few wanted elements each is
// put in its place; short rows go through a network, several rows at once; others are sorted by digits (least
// first, so equal elements keep their order). TG_PORTABLE compiles the types other than float and double.
#include "tensorgrad/backends/cpu/kernels/lanes.h"
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots_sort.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
struct key_of;
template <>
struct key_of<uint8_t> {
  using type = uint8_t;
};
template <>
struct key_of<int8_t> {
  using type = uint8_t;
};
template <>
struct key_of<bool> {
  using type = uint8_t;
};
template <>
struct key_of<int16_t> {
  using type = uint16_t;
};
template <>
struct key_of<Half> {
  using type = uint16_t;
};
template <>
struct key_of<BFloat16> {
  using type = uint16_t;
};
template <>
struct key_of<int32_t> {
  using type = uint32_t;
};
template <>
struct key_of<float> {
  using type = uint32_t;
};
template <>
struct key_of<int64_t> {
  using type = uint64_t;
};
template <>
struct key_of<double> {
  using type = uint64_t;
};

template <class T>
TG_INLINE auto key(T value) {
  using K = typename key_of<T>::type;
  constexpr K top = K(K(1) << (sizeof(K) * 8 - 1));
  if constexpr (__is_same(T, bool) || __is_same(T, uint8_t)) {
    return K(value);
  } else if constexpr (__is_same(T, int8_t) || __is_same(T, int16_t) || __is_same(T, int32_t) ||
                       __is_same(T, int64_t)) {
    return K(K(value) ^ top);
  } else {
    const compute_t<T> number = value;
    const K bits = number == 0 ? K(0) : __builtin_bit_cast(K, value);
    const K ordered = bits & top ? K(~bits) : K(bits | top);
    return number != number ? K(~K(0)) : ordered;
  }
}

// A key above its place: no two are equal, and of equal keys the first is the least.
template <class K>
struct numbers_of {
  using type = uint64_t;
};
template <>
struct numbers_of<uint64_t> {
  __extension__ using type = unsigned __int128;
};
template <class K>
TG_INLINE auto numbered(K key, int64_t place) {
  using N = typename numbers_of<K>::type;
  return N(N(key) << 4 * sizeof(N) | N(place));
}

// The k least of the row, in order; beyond it the greatest key 32 times. The number that is put in its place
// takes the same path wherever that is: branches on it would be foreseen by nobody. Most blocks of a row have
// none to put.
template <class K, class N>
void keep_least(const K* keys, int64_t n, N* best, int64_t k) {
  const auto insert = [&](int64_t i, int64_t have) {
    N x = numbered(keys[i], i);
    for (int64_t j = 0; j < have; j++) {
      const N b = best[j];
      best[j] = x < b ? x : b;
      x = x < b ? b : x;
    }
    return x;
  };
  for (int64_t i = 0; i < k; i++) best[i] = insert(i, i);
  // At the start, where the limit falls fast, it is taken anew more often.
  for (int64_t begin = k, width = 0; begin < n; begin += width) {
    width = begin < 32 ? begin : 32;
    const K limit = K(best[k - 1] >> 4 * sizeof(N));
    uint32_t less = 0;
    for (int i = 0; i < 32; i++) less |= keys[begin + i] < limit ? uint32_t(1) << i : 0;
    less &= ~uint32_t(0) >> (32 - width);
    for (; less; less &= less - 1) insert(begin + __builtin_ctz(less), k);
  }
}

// Batcher's merge exchange (Knuth, volume 3, 5.2.2 M): what it compares depends on n alone, so that every
// lane of a vector sorts a row of its own.
using Row = Vector<int64_t>;
constexpr int64_t kRows = Lanes<int64_t>::width;

void exchange(Row* numbers, int64_t n) {
  int64_t first = 1;
  while (first * 2 < n) first *= 2;
  for (int64_t p = first; p > 0; p /= 2) {
    int64_t r = 0, d = p;
    for (int64_t q = first;; q /= 2) {
      for (int64_t base = r; base < n - d; base += 2 * p) {
        const int64_t end = base + p < n - d ? base + p : n - d;
        for (int64_t i = base; i < end; i++) {
          const Row a = numbers[i], b = numbers[i + d];
          numbers[i] = a < b ? a : b;
          numbers[i + d] = a < b ? b : a;
        }
      }
      if (q == p) break;
      d = q - p;
      r = p;
    }
  }
}

// Sorts places by keys; `spare` arrays are of the same length. Returns the array that holds the sorted
// places.
template <class K>
uint32_t* sort_digits(K* keys, uint32_t* places, K* spare_keys, uint32_t* spare_places, int64_t n) {
  constexpr int kDigits = int(sizeof(K));
  uint32_t counts[kDigits][256];
  __builtin_memset(counts, 0, sizeof counts);
  for (int64_t i = 0; i < n; i++)
    for (int d = 0; d < kDigits; d++) counts[d][uint8_t(keys[i] >> (8 * d))]++;
  for (int64_t i = 0; i < n; i++) places[i] = uint32_t(i);
  for (int d = 0; d < kDigits; d++) {
    uint32_t* const count = counts[d];
    if (count[uint8_t(keys[0] >> (8 * d))] == uint32_t(n)) continue;  // one digit throughout
    uint32_t total = 0;
    for (int b = 0; b < 256; b++) {
      const uint32_t own = count[b];
      count[b] = total;
      total += own;
    }
    for (int64_t i = 0; i < n; i++) {
      const uint32_t to = count[uint8_t(keys[i] >> (8 * d))]++;
      spare_keys[to] = keys[i];
      spare_places[to] = places[i];
    }
    K* const k = keys;
    keys = spare_keys;
    spare_keys = k;
    uint32_t* const p = places;
    places = spare_places;
    spare_places = p;
  }
  return places;
}

template <class T>
void put(const SortArgs& a, int64_t row, int64_t i, uint32_t place) {
  static_cast<T*>(a.values)[row * a.k + i] = static_cast<const T*>(a.in)[row * a.length + place];
  a.places[row * a.k + i] = place;
}

// Rows [begin, end), at most kRows of them, through the network.
template <class T>
void sort_together(const SortArgs& a, int64_t begin, int64_t end) {
  using K = typename key_of<T>::type;
  const int64_t n = a.length;
  const K turn = a.descending ? K(~K(0)) : K(0);
  Row* const rows = static_cast<Row*>(thread_scratch(Scratch::accumulate, size_t(n) * sizeof(Row)));
  int64_t* const numbers = reinterpret_cast<int64_t*>(rows);
  for (int64_t r = begin; r < end; r++) {
    const T* in = static_cast<const T*>(a.in) + r * n;
    for (int64_t i = 0; i < n; i++) {
      const uint64_t number = numbered(K(key(in[i]) ^ turn), i);
      numbers[i * kRows + r - begin] = int64_t(number ^ uint64_t(1) << 63);  // the order of signed numbers
    }
  }
  exchange(rows, n);
  for (int64_t r = begin; r < end; r++)
    for (int64_t i = 0; i < a.k; i++) put<T>(a, r, i, uint32_t(numbers[i * kRows + r - begin]));
}

constexpr int64_t kFew = 48;

template <class T>
void sort_all(const SortArgs& a) {
  using K = typename key_of<T>::type;
  const int64_t n = a.length;
  const bool few = a.k > 0 && a.k <= kFew && (a.k * 8 <= n || n <= 16);
  // The network's work grows by n log^2 n, and its width is wasted on a single row.
  const bool together = !few && sizeof(K) <= 4 && n <= (a.rows > kRows / 2 ? 64 * kRows : 64);
  if (together) {
    if constexpr (sizeof(K) <= 4) {
      const int64_t groups = (a.rows + kRows - 1) / kRows;
      parallel_for(groups, kGrain / 8 / (n * kRows + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; g++)
          sort_together<T>(a, g * kRows, a.rows < (g + 1) * kRows ? a.rows : (g + 1) * kRows);
      });
    }
    return;
  }
  using N = typename numbers_of<K>::type;
  parallel_for(a.rows, kGrain / 8 / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    char* const memory =
        static_cast<char*>(thread_scratch(Scratch::accumulate, size_t(n + 32) * 2 * (sizeof(K) + 4)));
    K* const keys = reinterpret_cast<K*>(memory);
    uint32_t* const places = reinterpret_cast<uint32_t*>(memory + (size_t(n) * 2 * sizeof(K) + 15) / 16 * 16);
    for (int64_t r = begin; r < end; r++) {
      const T* in = static_cast<const T*>(a.in) + r * n;
      const K turn = a.descending ? K(~K(0)) : K(0);
      for (int64_t i = 0; i < n; i++) keys[i] = K(key(in[i]) ^ turn);
      if (few) {
        for (int64_t i = n; i < n + 32; i++) keys[i] = K(~K(0));
        N best[kFew];
        keep_least(keys, n, best, a.k);
        for (int64_t i = 0; i < a.k; i++) put<T>(a, r, i, uint32_t(best[i]));
      } else {
        const uint32_t* order = sort_digits(keys, places, keys + n, places + n, n);
        for (int64_t i = 0; i < a.k; i++) put<T>(a, r, i, order[i]);
      }
    }
  });
}

}  // namespace

void sort_rows(const SortArgs& args) {
  float_and_others(args.dtype, [&]<class T>() { sort_all<T>(args); }, [&] { portable::sort_rows(args); });
}

}  // namespace tensorgrad::cpu::TG_ISA
