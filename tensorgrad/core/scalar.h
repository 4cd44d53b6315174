// A number as the caller wrote it: bool, integer or floating; what it is decides promotion.
#pragma once
#include <concepts>
#include <ostream>

#include "tensorgrad/core/dtype.h"

namespace tensorgrad {

class Scalar {
 public:
  Scalar() : Scalar(int64_t(0)) {}
  Scalar(bool value) : dtype_(DType::Bool), i_(value) {}
  template <std::integral T>
  Scalar(T value) : dtype_(DType::Int64), i_(int64_t(value)) {}
  template <std::floating_point T>
  Scalar(T value) : dtype_(DType::Float64), d_(double(value)) {}

  bool is_floating() const { return dtype_ == DType::Float64; }
  bool is_bool() const { return dtype_ == DType::Bool; }
  bool is_integral() const { return dtype_ == DType::Int64; }
  DType dtype() const { return dtype_; }  // Bool, Int64 or Float64

  template <class T>
  T to() const {
    if constexpr (std::same_as<T, Half> || std::same_as<T, BFloat16>)
      return T(float(to_double()));
    else
      return is_floating() ? T(d_) : T(i_);
  }
  double to_double() const { return to<double>(); }
  int64_t to_int() const { return to<int64_t>(); }
  bool to_bool() const { return is_floating() ? d_ != 0 : i_ != 0; }
  Scalar operator-() const { return is_floating() ? Scalar(-d_) : Scalar(-i_); }
  bool equals(double value) const { return to_double() == value; }

  friend std::ostream& operator<<(std::ostream& out, const Scalar& s) {
    if (s.is_bool()) return out << (s.i_ ? "True" : "False");
    return s.is_floating() ? out << s.d_ : out << s.i_;
  }

 private:
  DType dtype_;
  union {
    int64_t i_;
    double d_;
  };
};

template <>
inline bool Scalar::to<bool>() const {
  return to_bool();
}

}  // namespace tensorgrad
