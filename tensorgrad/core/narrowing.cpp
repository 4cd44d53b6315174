#include "tensorgrad/core/narrowing.h"

#include <cmath>
#include <limits>

#include "tensorgrad/core/check.h"

namespace tensorgrad {
namespace {

template <class T>
bool fits_integer(const Scalar& value) {
  using Limits = std::numeric_limits<T>;
  // The bounds of int64 are not doubles: -2^63 is, and the first double beyond the other is 2^63.
  const double low = Limits::is_signed ? double(Limits::min()) : -double(Limits::max());
  if (value.is_floating()) {
    const double d = value.to_double();
    return d >= low && (sizeof(T) == 8 ? d < 9223372036854775808.0 : d <= double(Limits::max()));
  }
  if (sizeof(T) == 8) return true;
  return double(value.to_int()) >= low && double(value.to_int()) <= double(Limits::max());
}

const char* integer_name(DType dtype) {
  switch (dtype) {
    case DType::UInt8: return "uint8_t";
    case DType::Int8: return "int8_t";
    case DType::Int16: return "int16_t";
    case DType::Int64: return "int64_t";
    default: return c_type_name(dtype);
  }
}

}  // namespace

double largest_finite(DType dtype) {
  switch (dtype) {
    case DType::Float16: return 65504.0;
    case DType::BFloat16: return 3.3895313892515355e38;
    case DType::Float32: return double(std::numeric_limits<float>::max());
    default: return std::numeric_limits<double>::max();
  }
}

bool fits(const Scalar& value, DType dtype) {
  switch (dtype) {
    case DType::Bool: return true;
    case DType::UInt8: return fits_integer<uint8_t>(value);
    case DType::Int8: return fits_integer<int8_t>(value);
    case DType::Int16: return fits_integer<int16_t>(value);
    case DType::Int32: return fits_integer<int32_t>(value);
    case DType::Int64: return fits_integer<int64_t>(value);
    default: break;
  }
  const double magnitude = std::fabs(value.to_double());
  return !(magnitude > largest_finite(dtype)) || std::isinf(magnitude);
}

void check_fits(const Scalar& value, DType dtype) {
  TG_CHECK(fits(value, dtype), Runtime, "value cannot be converted to type ", integer_name(dtype),
           " without overflow");
}

}  // namespace tensorgrad
