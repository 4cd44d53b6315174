// Sorting rows by keys: elements become unsigned integers of the same order, which are sorted by digits
// (least first, so equal elements keep their order), or by insertion where a row or the wanted part of it is
// short.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/slots_sort.h"

namespace tensorgrad::cpu::TG_ISA {
#ifdef TG_PORTABLE
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
    if (number != number) return K(~K(0));
    K bits;
    __builtin_memcpy(&bits, &value, sizeof(K));
    if (number == 0) bits = 0;
    return K(bits & top ? ~bits : bits | top);
  }
}

constexpr int64_t kShort = 48;

// Keeps the k smallest keys of the row, sorted, with their places.
template <class K>
void insert_sorted(const K* keys, int64_t n, K* best, uint32_t* places, int64_t k) {
  int64_t have = 0;
  for (int64_t i = 0; i < n; i++) {
    const K x = keys[i];
    if (have == k && !(x < best[k - 1])) continue;
    int64_t at = have < k ? have++ : k - 1;
    for (; at > 0 && x < best[at - 1]; at--) best[at] = best[at - 1], places[at] = places[at - 1];
    best[at] = x;
    places[at] = uint32_t(i);
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
void sort_all(const SortArgs& a) {
  using K = typename key_of<T>::type;
  const int64_t n = a.length;
  const bool few = n <= kShort || (a.k <= kShort && a.k * 8 <= n);
  parallel_for(a.rows, kGrain / 8 / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    char* const memory =
        static_cast<char*>(thread_scratch(Scratch::accumulate, size_t(n) * 2 * (sizeof(K) + 4) + 64));
    K* const keys = reinterpret_cast<K*>(memory);
    K* const spare_keys = keys + n;
    uint32_t* const places = reinterpret_cast<uint32_t*>(memory + (size_t(n) * 2 * sizeof(K) + 15) / 16 * 16);
    for (int64_t r = begin; r < end; r++) {
      const T* in = static_cast<const T*>(a.in) + r * n;
      T* values = static_cast<T*>(a.values) + r * a.k;
      int64_t* out = a.places + r * a.k;
      const K turn = a.descending ? K(~K(0)) : K(0);
      for (int64_t i = 0; i < n; i++) keys[i] = K(key(in[i]) ^ turn);
      const uint32_t* order = places;
      if (few)
        insert_sorted(keys, n, spare_keys, places, a.k);
      else
        order = sort_digits(keys, places, spare_keys, places + n, n);
      for (int64_t i = 0; i < a.k; i++) {
        values[i] = in[order[i]];
        out[i] = order[i];
      }
    }
  });
}

}  // namespace

void sort_rows(const SortArgs& args) {
  dispatch_all(args.dtype, [&]<class T>() { sort_all<T>(args); });
}
#else
void sort_rows(const SortArgs& args) { portable::sort_rows(args); }
#endif

}  // namespace tensorgrad::cpu::TG_ISA
