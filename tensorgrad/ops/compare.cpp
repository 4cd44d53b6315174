#include "tensorgrad/ops/compare.h"

#include <cstring>

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {
namespace {

// Bool results have no gradient; what a floating tensor held before such a write in place no longer matters.
template <class Slot>
Tensor truth(const char* name, const char* node, Slot& slot, const Tensor& input, const Tensor& other,
             const Out& out) {
  Tensor result = pointwise(name, slot, out, result_type(input, other), DType::Bool, {&input, &other});
  if (!out.in_place) return result;
  return record(node, result, out, saved(), wrt(input, [](const Tensor& u) { return zeros_like(u); }));
}

template <class Slot>
Tensor bits(const char* name, const char* kernel, Slot& slot, const Tensor& input, const Tensor& other,
            const Out& out, bool takes_bool = true) {
  const DType t = result_type(input, other);
  if (is_floating(t) || (t == DType::Bool && !takes_bool)) not_implemented(kernel, out, t, {&input, &other});
  return pointwise(name, slot, out, t, t, {&input, &other});
}

}  // namespace

#define TG_COMPARISON(NAME, ALIAS, NODE, SIGN)                                                      \
  Tensor NAME(const Tensor& input, const Tensor& other, Out out) {                                  \
    return truth(#NAME, NODE, slots::NAME, input, other, out);                                      \
  }                                                                                                 \
  TG_OP(NAME, #NAME "(Tensor input, Operand other, *, Tensor? out=None) -> Tensor",                 \
        kFunction | kMethod | kInPlace, "\nbool: input " SIGN " other, elementwise, broadcast.\n"); \
  TG_OP(NAME, ALIAS "(Tensor input, Operand other, *, Tensor? out=None) -> Tensor",                 \
        kFunction | kMethod | kInPlace, "\nbool: input " SIGN " other; the same as " #NAME ".\n")
TG_COMPARISON(ne, "not_equal", "NeBackward0", "!=");
TG_COMPARISON(lt, "less", "LtBackward0", "<");
TG_COMPARISON(le, "less_equal", "LeBackward0", "<=");
TG_COMPARISON(gt, "greater", "GtBackward0", ">");
TG_COMPARISON(ge, "greater_equal", "GeBackward0", ">=");

Tensor eq(const Tensor& input, const Tensor& other, Out out) {
  return truth("eq", "EqBackward0", slots::eq, input, other, out);
}
TG_OP(eq, "eq(Tensor input, Operand other, *, Tensor? out=None) -> Tensor", kFunction | kMethod | kInPlace,
      "\nbool: input == other, elementwise, broadcast.\n");

#define TG_LOGIC(NAME, NODE, WORD)                                                 \
  Tensor NAME(const Tensor& input, const Tensor& other, Out out) {                 \
    return truth(#NAME, NODE, slots::NAME, input, other, out);                     \
  }                                                                                \
  TG_OP(NAME, #NAME "(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", \
        kFunction | kMethod | kInPlace, "\nbool: input " WORD " other, where what is not zero is true.\n")
TG_LOGIC(logical_and, "LogicalAndBackward0", "and");
TG_LOGIC(logical_or, "LogicalOrBackward0", "or");
TG_LOGIC(logical_xor, "LogicalXorBackward0", "xor");

// A number first: the row's parser hands over a Scalar, the op wants a tensor.
namespace {
template <Tensor (*F)(const Tensor&, const Tensor&, Out)>
Tensor number_first(Scalar input, const Tensor& other) {
  return F(wrap_number(input), other, {});
}
}  // namespace
#define TG_BITS(NAME, KERNEL, TAKES_BOOL, DOC)                                      \
  Tensor NAME(const Tensor& input, const Tensor& other, Out out) {                  \
    return bits(#NAME, KERNEL, slots::NAME, input, other, out, TAKES_BOOL);         \
  }                                                                                 \
  TG_OP(NAME, #NAME "(Tensor input, Operand other, *, Tensor? out=None) -> Tensor", \
        kFunction | kMethod | kInPlace, DOC);                                       \
  TG_OP(number_first<NAME>, #NAME "(Scalar input, Tensor other) -> Tensor", kFunction, DOC)
TG_BITS(bitwise_and, "bitwise_and_cpu", true, "\ninput & other of integers or bool.\n");
TG_BITS(bitwise_or, "bitwise_or_cpu", true, "\ninput | other of integers or bool.\n");
TG_BITS(bitwise_xor, "bitwise_xor_cpu", true, "\ninput ^ other of integers or bool.\n");
TG_BITS(bitwise_left_shift, "lshift_cpu", false,
        "\ninput << other of integers; 0 where other is negative or too far.\n");
TG_BITS(bitwise_right_shift, "rshift_cpu", false,
        "\ninput >> other of integers, keeping the sign; 0 or -1 where other is negative or too far.\n");

Tensor isclose(const Tensor& input, const Tensor& other, double rtol, double atol, bool equal_nan) {
  TG_CHECK(input.dtype() == other.dtype(), Runtime, dtype_scalar_name(input.dtype()), " did not match ",
           dtype_scalar_name(other.dtype()));
  TG_CHECK(rtol >= 0, Runtime, "rtol must be greater than or equal to zero, but got ", rtol);
  TG_CHECK(atol >= 0, Runtime, "atol must be greater than or equal to zero, but got ", atol);
  NoGradGuard guard;
  Tensor close = eq(input, other);
  if (equal_nan && is_floating(input.dtype()))
    close = logical_or(close, logical_and(ne(input, input), ne(other, other)));
  if (rtol == 0 && atol == 0) return close;
  Tensor a = input, b = other;
  if (!is_floating(a.dtype())) {
    a = to(a, default_dtype());
    b = to(b, default_dtype());
  }
  const auto magnitude = [](const Tensor& x) {
    const Tensor negated = x * Scalar(-1.0);
    return pointwise("abs", slots::maximum, {}, x.dtype(), x.dtype(), {&x, &negated});
  };
  const Tensor allowed = magnitude(b * Scalar(rtol)) + Scalar(atol);
  const Tensor actual = magnitude(a - b);
  const Tensor finite = lt(actual, wrap_number(__builtin_inf()));
  return logical_or(close, logical_and(finite, le(actual, allowed)));
}
TG_OP(
    isclose,
    "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor",
    kFunction | kMethod, R"(
bool: |input - other| <= atol + rtol * |other|; infinities are close to themselves, NaN only with equal_nan.
)");

namespace {
bool all_set(const Tensor& flags) {
  const Tensor dense = contiguous(flags);
  return dense.numel() == 0 || !std::memchr(dense.bytes(), 0, size_t(dense.numel()));
}
}  // namespace

bool allclose(const Tensor& input, const Tensor& other, double rtol, double atol, bool equal_nan) {
  return all_set(isclose(input, other, rtol, atol, equal_nan));
}
TG_OP(
    allclose,
    "allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool",
    kFunction | kMethod, R"(
Whether isclose() holds everywhere.
)");

bool equal(const Tensor& input, const Tensor& other) {
  TG_CHECK(input.device() == other.device(), Runtime,
           "Cannot compare two tensors on different devices. Got: ", to_string(input.device()), " and ",
           to_string(other.device()));
  if (!(input.sizes() == other.sizes())) return false;
  if (input.numel() == 0) return true;
  NoGradGuard guard;
  return all_set(eq(input, other));
}
TG_OP(equal, "equal(Tensor input, Tensor other) -> bool", kFunction | kMethod, R"(
Whether both have the same sizes and elements.
)");

}  // namespace tensorgrad
