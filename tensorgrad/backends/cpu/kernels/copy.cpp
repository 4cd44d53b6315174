// Copies, casts, fills and selection.
#include "tensorgrad/backends/cpu/kernels/copy_same.h"
#include "tensorgrad/backends/slots.h"
#ifdef __F16C__
#include <immintrin.h>
#endif

namespace tensorgrad::cpu::TG_ISA {
namespace {

// C++ leaves float -> integer out of range undefined; x86 (and PyTorch on it) goes through int64.
template <class To, class From>
TG_INLINE To cast(From value) {
  if constexpr (sizeof(To) < 8 && (sizeof(From) >= 4 && From(0.5) != From(0)) && To(0.5) == To(0))
    return To(int64_t(value));
  else
    return To(value);
}
template <>
TG_INLINE bool cast<bool, float>(float value) {
  return value != 0;
}
template <>
TG_INLINE bool cast<bool, double>(double value) {
  return value != 0;
}
#ifndef TG_PORTABLE
template <class To>
TG_INLINE To cast(Scalar value) {
  return value.is_floating() ? cast<To, double>(value.to_double()) : To(value.to_int());
}

// Between float and float16, eight at a time where the machine has instructions for it.
template <class To, class From>
void cast_halves(const Plan& p) {
#ifdef __F16C__
  for_each_run<2>(p, [&](char* const* data, int64_t n) {
    const int64_t so = p.strides[0][0], sa = p.strides[1][0];
    int64_t i = 0;
    if (so == int64_t(sizeof(To)) && sa == int64_t(sizeof(From)))
      for (; i + 8 <= n; i += 8) {
        if constexpr (sizeof(To) == 2) {
          const __m256 in = _mm256_loadu_ps(reinterpret_cast<const float*>(data[1]) + i);
          _mm_storeu_si128(reinterpret_cast<__m128i*>(data[0] + 2 * i), _mm256_cvtps_ph(in, 0));
        } else {
          const __m128i in = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data[1] + 2 * i));
          _mm256_storeu_ps(reinterpret_cast<float*>(data[0]) + i, _mm256_cvtph_ps(in));
        }
      }
    for (; i < n; i++) at<To>(data[0], i, so) = at<From>(data[1], i, sa);
  });
#else
  map_unary<To, From>(p, [](float value) { return value; });
#endif
}

// f of the type `t`, or false where `t` is none of these.
template <class F>
bool everyday_dtype(DType t, const F& f) {
  switch (t) {
    case DType::Float32: return f.template operator()<float>();
    case DType::Float64: return f.template operator()<double>();
    case DType::Int64: return f.template operator()<int64_t>();
    case DType::Int32: return f.template operator()<int32_t>();
    case DType::Bool: return f.template operator()<bool>();
    default: return false;
  }
}

#endif

}  // namespace

void copy(const Plan& p) {
#ifdef TG_PORTABLE
  dispatch_all(p.dtype, [&]<class From>() {
    dispatch_all(p.out_dtype, [&]<class To>() {
      using CF = compute_t<From>;
      using CT = compute_t<To>;
      map_unary<To, From>(p, [](CF value) { return cast<CT, CF>(value); });
    });
  });
#else
  if (p.dtype == p.out_dtype) {
    switch (element_size(p.dtype)) {
      case 1: return copy_same<uint8_t>(p);
      case 2: return copy_same<uint16_t>(p);
      case 4: return copy_same<uint32_t>(p);
      default: return copy_same<uint64_t>(p);
    }
  }
  if (p.dtype == DType::Float32 && p.out_dtype == DType::Float16) return cast_halves<Half, float>(p);
  if (p.dtype == DType::Float16 && p.out_dtype == DType::Float32) return cast_halves<float, Half>(p);
  if (p.dtype == DType::Float32 && p.out_dtype == DType::BFloat16)
    return map_unary<BFloat16, float>(p, [](float value) { return value; });
  if (p.dtype == DType::BFloat16 && p.out_dtype == DType::Float32)
    return map_unary<float, BFloat16>(p, [](float value) { return value; });
  // Casts between the dtypes of everyday work are worth vector code, the other seventy are not.
  const bool everyday = everyday_dtype(p.dtype, [&]<class From>() {
    return everyday_dtype(p.out_dtype, [&]<class To>() {
      map_unary<To, From>(p, [](From value) { return cast<To, From>(value); });
      return true;
    });
  });
  if (!everyday) portable::copy(p);
#endif
}

#ifndef TG_PORTABLE
void fill(const Plan& p, Scalar value) {
  const auto fill_with = [&]<class T>(T element) {
    const bool past = p.numel * int64_t(sizeof(T)) >= kPastCaches;
    const auto all = element - typename Moved<T, kVectorBytes>::V{};
    for_each_run<1>(
        p,
        [&](char* const* data, int64_t n) {
          const int64_t so = p.strides[0][0];
          if (so == int64_t(sizeof(T)))
            write_run(
                reinterpret_cast<T*>(data[0]), n, past, [&](int64_t) { return element; },
                [&](int64_t) { return all; });
          else
            for (int64_t i = 0; i < n; i++) at<T>(data[0], i, so) = element;
        },
        [&] { fence_moves(past); });
  };
  switch (p.out_dtype) {
    case DType::Bool: return fill_with(uint8_t(value.to_bool()));
    case DType::UInt8:
    case DType::Int8: return fill_with(uint8_t(cast<int8_t>(value)));
    case DType::Int16: return fill_with(uint16_t(cast<int16_t>(value)));
    case DType::Int32: return fill_with(uint32_t(cast<int32_t>(value)));
    case DType::Int64: return fill_with(uint64_t(cast<int64_t>(value)));
    case DType::Float16: return fill_with(value.to<Half>().bits);
    case DType::BFloat16: return fill_with(value.to<BFloat16>().bits);
    case DType::Float32: return fill_with(float_bits(value.to<float>()));
    case DType::Float64: return fill_with(__builtin_bit_cast(uint64_t, value.to<double>()));
  }
}

void where(const Plan& p) {
  const auto select = [&]<class T>() {
    for_each_run<4>(p, [&](char* const* data, int64_t n) {
      const int64_t so = p.strides[0][0], sc = p.strides[1][0], sa = p.strides[2][0], sb = p.strides[3][0];
      constexpr int64_t size = sizeof(T);
      T* out = reinterpret_cast<T*>(data[0]);
      const uint8_t* condition = reinterpret_cast<const uint8_t*>(data[1]);
      const T* a = reinterpret_cast<const T*>(data[2]);
      const T* b = reinterpret_cast<const T*>(data[3]);
      if (so == size && sc == 1 && sa == size && sb == size) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = condition[i] ? a[i] : b[i];
      } else if (so == size && sc == 1 && sa == 0 && sb == size) {
        const T scalar = *a;
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = condition[i] ? scalar : b[i];
      } else if (so == size && sc == 1 && sa == size && sb == 0) {
        const T scalar = *b;
#pragma GCC ivdep
        for (int64_t i = 0; i < n; i++) out[i] = condition[i] ? a[i] : scalar;
      } else {
        for (int64_t i = 0; i < n; i++)
          at<T>(data[0], i, so) = at<uint8_t>(data[1], i, sc) ? at<T>(data[2], i, sa) : at<T>(data[3], i, sb);
      }
    });
  };
  switch (element_size(p.out_dtype)) {
    case 1: return select.template operator()<uint8_t>();
    case 2: return select.template operator()<uint16_t>();
    case 4: return select.template operator()<uint32_t>();
    default: return select.template operator()<uint64_t>();
  }
}
#endif

}  // namespace tensorgrad::cpu::TG_ISA
