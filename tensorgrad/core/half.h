// float16 and bfloat16 as storage formats: arithmetic converts to float and rounds to nearest even on the way
// back.
#pragma once
#include <stdint.h>

namespace tensorgrad {

#define TG_INLINE __attribute__((always_inline)) inline

TG_INLINE uint32_t float_bits(float value) { return __builtin_bit_cast(uint32_t, value); }
TG_INLINE float bits_float(uint32_t bits) { return __builtin_bit_cast(float, bits); }

struct Half {
  uint16_t bits;
  Half() = default;
  TG_INLINE Half(float value) : bits(from_float(value)) {}
  TG_INLINE operator float() const { return to_float(bits); }

  // The exponent is rebased by a multiplication with 2^112, which also normalises denormals.
  TG_INLINE static float to_float(uint16_t half) {
    const uint32_t magnitude = (half & 0x7fffu) << 13;
    const float rebased = bits_float(magnitude) * bits_float(0x77800000u);
    const uint32_t infinite = rebased >= 65536.0f ? 0x7f800000u : 0u;
    return bits_float(float_bits(rebased) | infinite | (uint32_t(half & 0x8000u) << 16));
  }

  TG_INLINE static uint16_t from_float(float value) {
    const uint32_t bits = float_bits(value), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    const uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    // Adding 0.5 aligns a denormal's bits to the end of the mantissa, rounding in hardware.
    const uint32_t denormal = float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000u;
    const uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    const uint32_t finite = magnitude < 0x38800000u ? denormal : normal;
    return uint16_t(sign | (magnitude >= 0x47800000u ? special : finite));
  }
};

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  TG_INLINE BFloat16(float value) : bits(from_float(value)) {}
  TG_INLINE operator float() const { return bits_float(uint32_t(bits) << 16); }

  TG_INLINE static uint16_t from_float(float value) {
    const uint32_t bits = float_bits(value);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
  }
};

}  // namespace tensorgrad
