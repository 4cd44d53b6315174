#include "tensorgrad/ops/random_bounds.h"

#include <limits>

namespace tensorgrad {
namespace {

struct Limits {
  double low, high;  // of the dtype
  int digits;        // integers up to 2^digits are exact
};

Limits limits(DType dtype) {
  switch (dtype) {
    case DType::Bool: return {0, 1, 1};
    case DType::UInt8: return {0, 255, 8};
    case DType::Int8: return {-128, 127, 7};
    case DType::Int16: return {-32768, 32767, 15};
    case DType::Int32: return {-0x1p31, 0x1p31 - 1, 31};
    case DType::Int64: return {-0x1p63, 0x1p63, 63};
    case DType::Float16: return {-65504, 65504, 11};
    case DType::BFloat16: return {-0x1.fep127, 0x1.fep127, 8};
    case DType::Float32: return {-std::numeric_limits<float>::max(), std::numeric_limits<float>::max(), 24};
    case DType::Float64: return {-std::numeric_limits<double>::max(), std::numeric_limits<double>::max(), 53};
  }
  __builtin_unreachable();
}

void check_bound(DType dtype, int64_t value, const char* name) {
  const Limits l = limits(dtype);
  TG_CHECK(double(value) >= l.low && double(value) <= l.high, Runtime, name, " is out of bounds for ",
           ctype_name(dtype));
}

int64_t through(DType dtype, int64_t value) {
  return dispatch_floating(dtype, [&]<class T>() {
    const double rounded = double(T(std::conditional_t<std::is_same_v<T, double>, double, float>(value)));
    return rounded >= 0x1p63 ? std::numeric_limits<int64_t>::min() : int64_t(rounded);  // as x86 converts
  });
}

int log2_floor(uint64_t x) { return x == 0 ? 0 : 63 - __builtin_clzll(x); }

// A floating type skips integers above 2^digits: the first one it has from `from` on, and the last one before
// `to`.
int64_t representable_from(DType dtype, int64_t from) {
  if (from == std::numeric_limits<int64_t>::max()) return from;
  const int64_t next = through(dtype, from + 1);
  if (next >= from) return from;
  const int n = log2_floor(uint64_t(std::abs(from + 1)));
  return next + (int64_t(1) << (n - limits(dtype).digits + 1));
}
int64_t representable_to(DType dtype, int64_t to) {
  const int64_t before = through(dtype, to - 1);
  if (before < to) return to;
  const int n = log2_floor(uint64_t(std::abs(to - 1)));
  return before - (int64_t(1) << (n - limits(dtype).digits + 1));
}

}  // namespace

const char* ctype_name(DType dtype) {
  switch (dtype) {
    case DType::Bool: return "bool";
    case DType::UInt8: return "unsigned char";
    case DType::Int8: return "signed char";
    case DType::Int16: return "short int";
    case DType::Int32: return "int";
    case DType::Int64: return "long int";
    case DType::Float16: return "c10::Half";
    case DType::BFloat16: return "c10::BFloat16";
    case DType::Float32: return "float";
    case DType::Float64: return "double";
  }
  __builtin_unreachable();
}

IntegerRange integer_range(DType dtype, int64_t from, std::optional<int64_t> to) {
  constexpr int64_t lowest = std::numeric_limits<int64_t>::min(),
                    highest = std::numeric_limits<int64_t>::max();
  if (to) {
    TG_CHECK(from < *to, Runtime, "random_ expects 'from' to be less than 'to', but got from=", from,
             " >= to=", *to);
    int64_t end = *to;
    if (is_floating(dtype)) {
      from = representable_from(dtype, from);
      end = representable_to(dtype, end);
      TG_CHECK(from < end, Runtime,
               "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from=",
               from, " >= to=", end);
    }
    check_bound(dtype, from, "from");
    check_bound(dtype, end - 1, "to - 1");
    return {from, uint64_t(end) - uint64_t(from)};
  }
  if (from == lowest) {
    TG_CHECK(dtype != DType::Float16 && dtype != DType::Bool, NotImplemented,
             "\"random_full_64_bits_range_kernel_cpu\" not implemented for '", dtype_scalar_name(dtype), "'");
    TG_CHECK(dtype == DType::Int64 || is_floating(dtype), Runtime,
             "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16");
    return {0, 0};
  }
  const Limits l = limits(dtype);
  const int64_t last = is_floating(dtype)      ? int64_t(1) << l.digits
                       : dtype == DType::Int64 ? highest
                                               : int64_t(l.high);
  if (is_floating(dtype)) {
    from = representable_from(dtype, from);
    TG_CHECK(from < last, Runtime,
             "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, "
             "but got from=",
             from, " > to_inc=", last);
  }
  check_bound(dtype, from, "from");
  check_bound(dtype, last, "to_inc");
  return {from, uint64_t(last) - uint64_t(from) + 1};
}

}  // namespace tensorgrad
