// Numbers that must fit the type they are to be stored in.
#pragma once
#include "tensorgrad/core/scalar.h"

namespace tensorgrad {

// The greatest number that a floating type holds.
double largest_finite(DType dtype);
// Whether `value` is stored in `dtype` without overflow. Unsigned types take negative numbers, which wrap
// around, as far as their magnitude fits; floating types take infinities and NaN, integers do not.
bool fits(const Scalar& value, DType dtype);
// RuntimeError where it does not fit.
void check_fits(const Scalar& value, DType dtype);

}  // namespace tensorgrad
