// What the activations share: kernels whose result has the input's type, and fused derivatives.
#pragma once
#include "tensorgrad/ops/unary.h"

namespace tensorgrad {

inline Out where_to(const Tensor& input, bool inplace) { return inplace ? Out::in_place_of(input) : Out{}; }

// A kernel that is defined on floating types alone; `name` as PyTorch's message has it.
template <class Slot, class... Numbers>
Tensor same_type(const char* name, Slot& slot, const Tensor& input, const Out& out, Numbers... numbers) {
  const DType t = input.dtype();
  TG_CHECK(is_floating(t), NotImplemented, "\"", name, "\" not implemented for '", dtype_scalar_name(t), "'");
  return pointwise(name, slot, out, t, t, {&input}, numbers...);
}

// A derivative times u in one pass; records nothing.
template <class Slot, class... Numbers>
Tensor fused(Slot& slot, const Tensor& u, const Tensor& saved, Numbers... numbers) {
  return pointwise("backward", slot, {}, saved.dtype(), saved.dtype(), {&u, &saved}, numbers...);
}

}  // namespace tensorgrad
