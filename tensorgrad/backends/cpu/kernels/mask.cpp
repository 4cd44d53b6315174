// Where a mask is set: counting, positions, and moving elements to and from there. A group of eight elements
// is taken at a time, without a branch: all eight are moved and the place in the dense operand advances by as
// many as are set.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/cpu/kernels/moves.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// For every eight bits: where the set ones are, in order, and how many are set before each.
struct Octets {
  uint8_t position[256][8], before[256][8];
  constexpr Octets() : position(), before() {
    for (int bits = 0; bits < 256; bits++)
      for (int k = 0, count = 0; k < 8; k++) {
        before[bits][k] = uint8_t(count);
        if (bits >> k & 1) position[bits][count++] = uint8_t(k);
      }
  }
};
constexpr Octets kOctets;

// Eight bytes of 0 or 1 as bits: the product gathers bit 0 of byte k at bit 56 + k.
TG_INLINE unsigned octet(const uint8_t* mask) {
  uint64_t eight;
  __builtin_memcpy(&eight, mask, 8);
  return unsigned(eight * 0x0102040810204080 >> 56);
}

#if defined(__AVX2__)
TG_INLINE __m128i eight_bytes(const void* p) { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
// Indices of 32-bit lanes; for `half` 0 or 1 those of the 64-bit lanes that four bytes name.
TG_INLINE __m256i lanes_of(const uint8_t* eight) { return _mm256_cvtepu8_epi32(eight_bytes(eight)); }
TG_INLINE __m256i pairs_of(const uint8_t* four) {
  int32_t all;
  __builtin_memcpy(&all, four, 4);
  const __m256i twice = _mm256_slli_epi64(_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(all)), 1);
  return _mm256_or_si256(_mm256_or_si256(twice, _mm256_slli_epi64(twice, 32)),
                         _mm256_set1_epi64x(int64_t(1) << 32));
}
// The bytes of the 16-bit lanes that eight bytes name.
TG_INLINE __m128i bytes_of(const uint8_t* eight) {
  const __m128i twice = _mm_slli_epi16(eight_bytes(eight), 1);
  return _mm_or_si128(_mm_unpacklo_epi8(twice, twice), _mm_set1_epi16(0x0100));
}
#endif

// out[0..8) = the set ones of data[0..8), and anything after them.
template <class T>
TG_INLINE void take_set(T* out, const T* data, unsigned bits) {
  const uint8_t* const position = kOctets.position[bits];
#if defined(__AVX2__)
  if constexpr (sizeof(T) == 8) {
    const unsigned first = bits & 15, second = bits >> 4;
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data)),
                  b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + 4));
    __m256i* const then = reinterpret_cast<__m256i*>(out + __builtin_popcount(first));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm256_permutevar8x32_epi32(a, pairs_of(kOctets.position[first])));
    _mm256_storeu_si256(then, _mm256_permutevar8x32_epi32(b, pairs_of(kOctets.position[second])));
  } else if constexpr (sizeof(T) == 4) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permutevar8x32_epi32(a, lanes_of(position)));
  } else if constexpr (sizeof(T) == 2) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(a, bytes_of(position)));
  } else {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out),
                     _mm_shuffle_epi8(eight_bytes(data), eight_bytes(position)));
  }
#else
  for (int k = 0; k < 8; k++) out[k] = data[position[k]];
#endif
}

// The set ones of data[0..8) = values[0], values[1], ...; reads eight values.
template <class T>
TG_INLINE void put_set(T* data, const T* values, unsigned bits, const uint8_t* mask) {
  const uint8_t* const before = kOctets.before[bits];
#if defined(__AVX2__)
  const __m128i set = _mm_sub_epi8(_mm_setzero_si128(), eight_bytes(mask));
  if constexpr (sizeof(T) == 8) {
    for (int half = 0; half < 2; half++) {
      __m256i* const to = reinterpret_cast<__m256i*>(data + 4 * half);
      const unsigned four = half ? bits >> 4 : bits & 15;
      const T* const from = values + (half ? __builtin_popcount(bits & 15) : 0);
      const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      const __m256i chosen = _mm256_cvtepi8_epi64(half ? _mm_srli_si128(set, 4) : set);
      _mm256_storeu_si256(
          to, _mm256_blendv_epi8(_mm256_loadu_si256(to),
                                 _mm256_permutevar8x32_epi32(a, pairs_of(kOctets.before[four])), chosen));
    }
  } else if constexpr (sizeof(T) == 4) {
    __m256i* const to = reinterpret_cast<__m256i*>(data);
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values));
    _mm256_storeu_si256(
        to, _mm256_blendv_epi8(_mm256_loadu_si256(to), _mm256_permutevar8x32_epi32(a, lanes_of(before)),
                               _mm256_cvtepi8_epi32(set)));
  } else if constexpr (sizeof(T) == 2) {
    __m128i* const to = reinterpret_cast<__m128i*>(data);
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
    _mm_storeu_si128(to, _mm_blendv_epi8(_mm_loadu_si128(to), _mm_shuffle_epi8(a, bytes_of(before)),
                                         _mm_cvtepi8_epi16(set)));
  } else {
    __m128i* const to = reinterpret_cast<__m128i*>(data);
    const __m128i chosen = _mm_shuffle_epi8(eight_bytes(values), eight_bytes(before));
    _mm_storel_epi64(to, _mm_blendv_epi8(eight_bytes(data), chosen, set));
  }
#else
  (void)bits;
  for (int k = 0; k < 8; k++) data[k] = mask[k] ? values[before[k]] : data[k];
#endif
}

// Calls group(i, at, bits) for eight elements from i on whose set ones lie from `at` on in the dense operand,
// where that has room for eight, and single(i, at) for set elements beside.
template <class G, class S>
TG_INLINE void walk_set(const uint8_t* mask, int64_t from, int64_t to, int64_t at, int64_t stop,
                        const G& group, const S& single) {
  int64_t i = from;
  for (; i + 8 <= to && at + 8 <= stop; i += 8) {
    const unsigned bits = octet(mask + i);
    group(i, at, bits);
    at += __builtin_popcount(bits);
  }
  for (; i + 8 <= to; i += 8)
    for (unsigned bits = octet(mask + i); bits; bits &= bits - 1) single(i + __builtin_ctz(bits), at++);
  for (; i < to; i++)
    if (mask[i]) single(i, at++);
}

// Calls share(from, to, at, stop) for every chunk: its elements, and their places in the dense operand.
template <class F>
void each_chunk(const MaskArgs& a, const F& share) {
  parallel_for((a.numel + kMaskChunk - 1) / kMaskChunk, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const int64_t from = c * kMaskChunk, to = from + kMaskChunk < a.numel ? from + kMaskChunk : a.numel;
      share(from, to, a.chunks[c], a.chunks[c + 1]);
    }
  });
}

template <class F>
void by_size(int64_t size, const F& f) {
  switch (size) {
    case 1: return f.template operator()<uint8_t>();
    case 2: return f.template operator()<uint16_t>();
    case 4: return f.template operator()<uint32_t>();
    default: return f.template operator()<uint64_t>();
  }
}

}  // namespace

void mask_count(const MaskArgs& a) {
  using V = Moved<uint8_t, kVectorBytes>::V;
  parallel_for((a.numel + kMaskChunk - 1) / kMaskChunk, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      const int64_t to = (c + 1) * kMaskChunk < a.numel ? (c + 1) * kMaskChunk : a.numel;
      int64_t total = 0, i = c * kMaskChunk;
      while (i + kVectorBytes <= to) {
        V sums{};  // of at most 255 each
        for (int n = 0; n < 255 && i + kVectorBytes <= to; n++, i += kVectorBytes)
          sums += load_moved(a.mask + i);
        for (int k = 0; k < kVectorBytes; k++) total += sums[k];
      }
      for (; i < to; i++) total += a.mask[i];
      a.chunks[c] = total;
    }
  });
}

void mask_positions(const MaskArgs& a, int dims, const int64_t* sizes, int64_t* out) {
  const int64_t total = a.chunks[(a.numel + kMaskChunk - 1) / kMaskChunk], columns = sizes[dims - 1];
  int64_t* const last = out + (dims - 1) * total;
  each_chunk(a, [&](int64_t from, int64_t to, int64_t at, int64_t stop) {
    int64_t index[kMaxDims];  // of the row
    for (int64_t rest = from / columns, d = dims - 2; d >= 0; rest /= sizes[d--]) index[d] = rest % sizes[d];
    for (int64_t i = from, column = from % columns; i < to; column = 0) {
      const int64_t n = columns - column < to - i ? columns - column : to - i, first = at;
      walk_set(
          a.mask + i, 0, n, at, stop,
          [&](int64_t k, int64_t place, unsigned bits) {
            for (int j = 0; j < 8; j++) last[place + j] = column + k + kOctets.position[bits][j];
            at = place + __builtin_popcount(bits);
          },
          [&](int64_t k, int64_t place) {
            last[place] = column + k;
            at = place + 1;
          });
      for (int d = 0; d < dims - 1; d++)
        for (int64_t place = first; place < at; place++) out[d * total + place] = index[d];
      i += n;
      for (int d = dims - 2; d >= 0 && ++index[d] == sizes[d]; d--) index[d] = 0;
    }
  });
}

void mask_select(const MaskArgs& a, const void* data, void* out, int64_t size) {
  by_size(size, [&]<class T>() {
    const T* const in = static_cast<const T*>(data);
    T* const to = static_cast<T*>(out);
    each_chunk(a, [&](int64_t from, int64_t end, int64_t at, int64_t stop) {
      walk_set(
          a.mask, from, end, at, stop,
          [&](int64_t i, int64_t place, unsigned bits) { take_set(to + place, in + i, bits); },
          [&](int64_t i, int64_t place) { to[place] = in[i]; });
    });
  });
}

void mask_put(const MaskArgs& a, void* data, const void* values, int64_t size) {
  by_size(size, [&]<class T>() {
    T* const to = static_cast<T*>(data);
    const T* const in = static_cast<const T*>(values);
    each_chunk(a, [&](int64_t from, int64_t end, int64_t at, int64_t stop) {
      walk_set(
          a.mask, from, end, at, stop,
          [&](int64_t i, int64_t place, unsigned bits) { put_set(to + i, in + place, bits, a.mask + i); },
          [&](int64_t i, int64_t place) { to[i] = in[place]; });
    });
  });
}

}  // namespace tensorgrad::cpu::TG_ISA
