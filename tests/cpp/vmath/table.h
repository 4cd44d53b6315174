// The functions under test, one table per instruction-set level.
#pragma once
#include <stddef.h>

struct VmathRow {
  const char* name;
  void (*f32)(const float*, float*, size_t);
  void (*f64)(const double*, double*, size_t);
};
