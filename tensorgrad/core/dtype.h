// Element types, their properties, and PyTorch's promotion lattice.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tensorgrad/core/half.h"

namespace tensorgrad {

enum class DType : uint8_t { UInt8, Int8, Int16, Int32, Int64, Float16, Float32, Float64, Bool, BFloat16 };
inline constexpr int kDTypeCount = 10;

inline constexpr bool is_floating(DType t) {
  return t == DType::Float16 || t == DType::Float32 || t == DType::Float64 || t == DType::BFloat16;
}
inline constexpr bool is_integral(DType t) { return !is_floating(t) && t != DType::Bool; }
inline constexpr bool is_reduced_float(DType t) { return t == DType::Float16 || t == DType::BFloat16; }
inline constexpr size_t element_size(DType t) {
  constexpr uint8_t sizes[] = {1, 1, 2, 4, 8, 2, 4, 8, 1, 2};
  return sizes[size_t(t)];
}

const char* dtype_name(DType t);         // "float32"
const char* dtype_scalar_name(DType t);  // "Float", as PyTorch's messages say it
const char* dtype_tensor_name(DType t);  // "torch.FloatTensor"
const char* c_type_name(DType t);        // "long int", as some of PyTorch's texts say it
DType promote_types(DType a, DType b);
bool can_cast(DType from, DType to);
DType default_dtype();
void set_default_dtype(DType t);

template <DType>
struct ctype_of;
template <class>
struct dtype_of_t;
#define TG_CTYPE(D, C)                       \
  template <>                                \
  struct ctype_of<DType::D> {                \
    using type = C;                          \
  };                                         \
  template <>                                \
  struct dtype_of_t<C> {                     \
    static constexpr DType value = DType::D; \
  };
// clang-format off
TG_CTYPE(UInt8, uint8_t)
TG_CTYPE(Int8, int8_t)
TG_CTYPE(Int16, int16_t)
TG_CTYPE(Int32, int32_t)
TG_CTYPE(Int64, int64_t)
TG_CTYPE(Float16, Half)
TG_CTYPE(Float32, float) TG_CTYPE(Float64, double) TG_CTYPE(Bool, bool) TG_CTYPE(BFloat16, BFloat16)
// clang-format on
#undef TG_CTYPE
    template <class T>
    inline constexpr DType dtype_of = dtype_of_t<T>::value;

// dispatch_all(dtype, [&]<class T>() { ... }) calls the lambda with the element's C++ type.
template <class F>
TG_INLINE decltype(auto) dispatch_all(DType t, F&& f) {
  switch (t) {
    case DType::UInt8: return f.template operator()<uint8_t>();
    case DType::Int8: return f.template operator()<int8_t>();
    case DType::Int16: return f.template operator()<int16_t>();
    case DType::Int32: return f.template operator()<int32_t>();
    case DType::Int64: return f.template operator()<int64_t>();
    case DType::Float16: return f.template operator()<Half>();
    case DType::Float64: return f.template operator()<double>();
    case DType::Bool: return f.template operator()<bool>();
    case DType::BFloat16: return f.template operator()<BFloat16>();
    case DType::Float32: break;
  }
  return f.template operator()<float>();
}
template <class F>
TG_INLINE decltype(auto) dispatch_floating(DType t, F&& f) {
  switch (t) {
    case DType::Float16: return f.template operator()<Half>();
    case DType::Float64: return f.template operator()<double>();
    case DType::BFloat16: return f.template operator()<BFloat16>();
    default: break;
  }
  return f.template operator()<float>();
}

}  // namespace tensorgrad
