// Where an op writes its result: a fresh tensor, its own input (`x.exp_()`), or the caller's `out=`.
#pragma once
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad {

struct Out {
  const Tensor* target = nullptr;
  bool in_place = false;

  static Out into(const Tensor& target) { return {&target, false}; }
  static Out in_place_of(const Tensor& self) { return {&self, true}; }
  explicit operator bool() const { return target != nullptr; }

  // The input as it was before an in-place write: a copy, but only where the gradient will still need the old
  // values.
  Tensor before_write(const Tensor& input, bool needed = true) const;
};

}  // namespace tensorgrad
