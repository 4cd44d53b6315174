// Uniform reals and integers, permutations.
#include "tensorgrad/backends/cpu/kernels/random_engine.h"
#include "tensorgrad/backends/random_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
void uniform(RandomState& s, T* out, int64_t n, double from, double to) {
  using W = wide_t<T>;
  const W low = static_cast<W>(from), width = static_cast<W>(to) - low;
  const T first = convert<T>(low), last = convert<T>(static_cast<W>(to));
  alignas(64) W u[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    draw_uniform(s, u, count);
    T* __restrict__ o = out + begin;
    if (low == 0 && width == 1) {
      for (int64_t i = 0; i < count; ++i) {
        T x = convert<T>(u[i]);
        o[i] = x == last ? first : x;
      }
    } else {
      for (int64_t i = 0; i < count; ++i) {
        T x = convert<T>(fma_any(u[i], width, low));
        o[i] = x == last ? first : x;
      }
    }
  }
}

// Remainder by multiplication (Lemire's): inverse = 2^64 / divisor rounded up; exact for all 32-bit numbers.
struct Remainder32 {
  uint64_t inverse;
  uint32_t divisor;
  explicit Remainder32(uint32_t d) : inverse(~0ULL / d + 1), divisor(d) {}
  uint32_t operator()(uint32_t x) const {
    return static_cast<uint32_t>((static_cast<unsigned __int128>(inverse * x) * divisor) >> 64);
  }
};

// `f` turns each of n words into an element.
template <class T, class F>
void fill32(RandomState& s, T* out, int64_t n, F f) {
  alignas(64) uint32_t words[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    draw32(s, words, count);
    T* __restrict__ o = out + begin;
    for (int64_t i = 0; i < count; ++i) o[i] = convert<T>(f(words[i]));
  }
}

template <class T, class F>
void fill64(RandomState& s, T* out, int64_t n, F f) {
  alignas(64) uint64_t words[chunk_size];
  for (int64_t begin = 0; begin < n; begin += chunk_size) {
    int64_t count = n - begin < chunk_size ? n - begin : chunk_size;
    draw64(s, words, count);
    T* __restrict__ o = out + begin;
    for (int64_t i = 0; i < count; ++i) o[i] = convert<T>(f(words[i]));
  }
}

template <class T>
void integers(RandomState& s, T* out, int64_t n, uint64_t range, int64_t base) {
  // Sums wrap around, as they do in PyTorch.
  const uint64_t offset = static_cast<uint64_t>(base);
  if (range == 0) {
    fill64(s, out, n, [=](uint64_t r) { return static_cast<int64_t>(r + offset); });
  } else if (range >= 1ULL << 28) {
    fill64(s, out, n, [=](uint64_t r) { return static_cast<int64_t>(r % range + offset); });
  } else if ((range & (range - 1)) == 0) {
    const uint32_t mask = static_cast<uint32_t>(range) - 1;
    fill32(s, out, n, [=](uint32_t r) { return static_cast<int64_t>((r & mask) + offset); });
  } else {
    const Remainder32 remainder(static_cast<uint32_t>(range));
    fill32(s, out, n, [=](uint32_t r) { return static_cast<int64_t>(remainder(r) + offset); });
  }
}

// The places to swap with are known ahead of the swaps, so that far ones can be on their way from memory.
template <class T>
void permutation(RandomState& s, T* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = convert<T>(i);
  constexpr int64_t ahead = 24;
  alignas(64) uint32_t words[chunk_size];
  alignas(64) int64_t places[chunk_size];
  const bool wide_draws = n >= UINT32_MAX / 20;  // where the remainder of 32 bits would be visibly uneven
  for (int64_t begin = 0; begin < n - 1; begin += chunk_size) {
    int64_t count = n - 1 - begin < chunk_size ? n - 1 - begin : chunk_size;
    if (wide_draws) {
      for (int64_t i = 0; i < count; ++i)
        places[i] = begin + i + static_cast<int64_t>(draw64(s) % static_cast<uint64_t>(n - begin - i));
    } else {
      draw32(s, words, count);
      for (int64_t i = 0; i < count; ++i)
        places[i] = begin + i + words[i] % static_cast<uint32_t>(n - begin - i);
    }
    for (int64_t i = 0; i < count; ++i) {
      if (i + ahead < count) __builtin_prefetch(out + places[i + ahead], 1);
      T kept = out[begin + i];
      out[begin + i] = out[places[i]];
      out[places[i]] = kept;
    }
  }
}

}  // namespace

void random_uniform(RandomState& state, void* out, DType dtype, int64_t n, double from, double to) {
  dispatch_floating(dtype, [&]<class T>() { uniform(state, static_cast<T*>(out), n, from, to); });
}

void random_integers(RandomState& state, void* out, DType dtype, int64_t n, uint64_t range, int64_t base) {
  dispatch_all(dtype, [&]<class T>() { integers(state, static_cast<T*>(out), n, range, base); });
}

void random_all_integers(RandomState& s, void* out, DType dtype, int64_t n) {
  auto low_bits = [&]<class T>(T* o, uint32_t mask) {
    fill32(s, o, n, [=](uint32_t r) { return r & mask; });
  };
  auto below = [&]<class T>(T* o, uint32_t bound) { fill32(s, o, n, Remainder32(bound)); };
  switch (dtype) {
    case DType::Bool: return low_bits(static_cast<bool*>(out), 1);
    case DType::UInt8: return low_bits(static_cast<uint8_t*>(out), UINT8_MAX);
    case DType::Int8: return low_bits(static_cast<int8_t*>(out), INT8_MAX);
    case DType::Int16: return low_bits(static_cast<int16_t*>(out), INT16_MAX);
    case DType::Int32: return low_bits(static_cast<int32_t*>(out), INT32_MAX);
    case DType::Int64:
      return fill64(s, static_cast<int64_t*>(out), n, [](uint64_t r) { return r & INT64_MAX; });
    case DType::Float32: return below(static_cast<float*>(out), (1u << 24) + 1);
    case DType::Float16: return below(static_cast<Half*>(out), (1u << 11) + 1);
    case DType::BFloat16: return below(static_cast<BFloat16*>(out), (1u << 8) + 1);
    case DType::Float64:
      return fill64(s, static_cast<double*>(out), n, [](uint64_t r) { return r % ((1ULL << 53) + 1); });
  }
}

void random_permutation(RandomState& state, void* out, DType dtype, int64_t n) {
  dispatch_all(dtype, [&]<class T>() { permutation(state, static_cast<T*>(out), n); });
}

}  // namespace tensorgrad::cpu::TG_ISA
