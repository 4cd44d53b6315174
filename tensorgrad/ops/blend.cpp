#include "tensorgrad/ops/blend.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/select.h"

namespace tensorgrad {

Tensor lerp(const Tensor& input, const Tensor& end, const Tensor& weight, Out out) {
  const DType t = input.dtype();
  const bool number = weight.impl()->wrapped_number;
  TG_CHECK(end.dtype() == t, Runtime, "expected dtype ", c_type_name(t), " for `end` but got dtype ",
           c_type_name(end.dtype()));
  TG_CHECK(number || weight.dtype() == t, Runtime, "expected dtype ", c_type_name(t),
           " for `weight` but got dtype ", c_type_name(weight.dtype()));
  TG_CHECK(is_floating(t), NotImplemented, "\"lerp_kernel_", number ? "scalar" : "tensor",
           "\" not implemented for '", dtype_scalar_name(t), "'");
  const Tensor before = out.before_write(input, wants_gradient(weight));
  Tensor result = pointwise("lerp", slots::lerp, out, t, t, {&input, &end, &weight});
  const auto for_input = [](const Tensor& u, const Tensor&, const Tensor&, const Tensor& w) {
    return u * (Scalar(1) - w);
  };
  const auto for_end = [](const Tensor& u, const Tensor&, const Tensor&, const Tensor& w) { return u * w; };
  const Tensor none, kept = wants_gradient(weight) ? before : none,
                     kept_end = wants_gradient(weight) ? end : none;
  if (number)
    return record("LerpBackward0", result, out, saved(kept, kept_end, weight), wrt(before, for_input),
                  wrt(end, for_end));
  return record(
      "LerpBackward1", result, out, saved(kept, kept_end, weight), wrt(before, for_input), wrt(end, for_end),
      wrt(weight,
          [](const Tensor& u, const Tensor& a, const Tensor& b, const Tensor&) { return u * (b - a); }));
}
TG_OP(lerp, "lerp(Tensor input, Tensor end, Operand weight, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input + weight * (end - input); weight is a number or a tensor.

Backward: u * (1 - weight) for input, u * weight for end, u * (end - input) for weight.
)");

Tensor addcmul(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Scalar value, Out out) {
  const DType t = result_type({&input, &tensor1, &tensor2});
  if (t == DType::Bool) not_implemented("addcmul_cpu_out", out, t, {&input, &tensor1, &tensor2});
  Tensor result = pointwise("addcmul", slots::addcmul, out, t, t, {&input, &tensor1, &tensor2}, value);
  return record(
      "AddcmulBackward0", result, out, saved(tensor1, tensor2, value),
      wrt(input, [](const Tensor& u, const Tensor&, const Tensor&, Scalar) { return u; }),
      wrt(tensor1, [](const Tensor& u, const Tensor&, const Tensor& b, Scalar v) { return u * (b * v); }),
      wrt(tensor2, [](const Tensor& u, const Tensor& a, const Tensor&, Scalar v) { return u * (a * v); }));
}
TG_OP(addcmul,
      "addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input + value * tensor1 * tensor2.

Backward: u for input, u * value * the other factor for each factor.
)");

Tensor addcdiv(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Scalar value, Out out) {
  TG_CHECK(
      is_floating(tensor1.dtype()) || is_floating(tensor2.dtype()), Runtime,
      "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
      "true "
      "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
      "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
      "tensor2) "
      "for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * "
      "tensor1 / "
      "tensor2), for all dtypes.");
  const DType t = result_type({&input, &tensor1, &tensor2});
  Tensor result = pointwise("addcdiv", slots::addcdiv, out, t, t, {&input, &tensor1, &tensor2}, value);
  return record(
      "AddcdivBackward0", result, out, saved(tensor1, tensor2, value),
      wrt(input, [](const Tensor& u, const Tensor&, const Tensor&, Scalar) { return u; }),
      wrt(tensor1, [](const Tensor& u, const Tensor&, const Tensor& b, Scalar v) { return u * (v / b); }),
      wrt(tensor2, [](const Tensor& u, const Tensor& a, const Tensor& b, Scalar v) {
        return u * (-v * a / (b * b));
      }));
}
TG_OP(addcdiv,
      "addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
input + value * tensor1 / tensor2.

Backward: u for input, u * value / tensor2 for tensor1, -u * value * tensor1 / tensor2^2 for tensor2.
)");

}  // namespace tensorgrad
