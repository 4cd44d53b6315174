#include "tensorgrad/ops/arithmetic.h"

#include <cstring>

#include "tensorgrad/backends/number_slots.h"
#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {
namespace {

// The processor traps on an integer division by zero, so divisors are looked at first.
void refuse_zero(const Tensor& divisor) {
  if (divisor.numel() == 0) return;
  bool zero;
  if (divisor.numel() == 1) {
    zero = !divisor.item().to_bool();
  } else {
    const Tensor nought = wrap_number(0);
    const Tensor hits = pointwise("eq", slots::eq, {}, divisor.dtype(), DType::Bool, {&divisor, &nought});
    zero = hits.device().is_cpu() && std::memchr(hits.bytes(), 1, size_t(hits.numel()));
  }
  TG_CHECK(!zero, Runtime, "ZeroDivisionError");
}

}  // namespace

Tensor add(const Tensor& input, const Tensor& other, Scalar alpha, Out out) {
  const DType t = result_type(input, other);
  TG_CHECK(!alpha.is_bool() || t == DType::Bool, Runtime,
           "Boolean alpha only supported for Boolean results.");
  TG_CHECK(is_floating(t) || !alpha.is_floating(), Runtime,
           "For integral input tensors, argument alpha must not be a floating point number.");
  Tensor result = pointwise("add", slots::add, out, t, t, {&input, &other}, alpha);
  return record("AddBackward0", result, out, saved(alpha),
                wrt(input, [](const Tensor& u, Scalar) { return u; }),
                wrt(other, [](const Tensor& u, Scalar alpha) { return alpha.equals(1) ? u : u * alpha; }));
}
TG_OP(add, "add(Operand input, Operand other, *, Scalar alpha=1, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
out = input + alpha * other, broadcast and promoted.

Backward: u for input, alpha * u for other.
)");

Tensor sub(const Tensor& input, const Tensor& other, Scalar alpha, Out out) {
  TG_CHECK(input.dtype() != DType::Bool || other.dtype() != DType::Bool, Runtime,
           "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
           "`logical_xor()` operator "
           "instead.");
  TG_CHECK(input.dtype() != DType::Bool && other.dtype() != DType::Bool, Runtime,
           "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert "
           "a mask, use the "
           "`~` or `logical_not()` operator instead.");
  const DType t = result_type(input, other);
  TG_CHECK(!alpha.is_bool(), Runtime, "Boolean alpha only supported for Boolean results.");
  TG_CHECK(is_floating(t) || !alpha.is_floating(), Runtime,
           "For integral input tensors, argument alpha must not be a floating point number.");
  Tensor result = pointwise("sub", slots::add, out, t, t, {&input, &other}, -alpha);
  return record("SubBackward0", result, out, saved(alpha),
                wrt(input, [](const Tensor& u, Scalar) { return u; }),
                wrt(other, [](const Tensor& u, Scalar alpha) { return u * -alpha; }));
}
TG_OP(sub, "sub(Operand input, Operand other, *, Scalar alpha=1, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
out = input - alpha * other, broadcast and promoted. Bool tensors are refused.

Backward: u for input, -alpha * u for other.
)");

Tensor rsub(const Tensor& input, const Tensor& other, Scalar alpha) { return sub(other, input, alpha); }
TG_OP(rsub, "rsub(Tensor input, Operand other, *, Scalar alpha=1) -> Tensor", kFunction, R"(
out = other - alpha * input.

Backward: -alpha * u for input, u for other.
)");

// input * other or input / other in type t; a single number beside 16-bit floats is not rounded to 16 bits.
static Tensor scaled(const char* name, Slot<void(const Plan&)>& slot, const Out& out, DType t,
                     const Tensor& input, const Tensor& other) {
  if (is_reduced_float(t) && other.numel() == 1 && other.dtype() != t && other.dim() <= input.dim() &&
      other.device().is_cpu())
    return pointwise(name, slots::scale, out, t, t, {&input}, other.item().to_double(), &slot == &slots::div);
  return pointwise(name, slot, out, t, t, {&input, &other});
}

Tensor mul(const Tensor& input, const Tensor& other, Out out) {
  const DType t = result_type(input, other);
  const Tensor a = out.before_write(input, wants_gradient(other));
  Tensor result = scaled("mul", slots::mul, out, t, input, other);
  return record("MulBackward0", result, out,
                saved(wants_gradient(other) ? a : Tensor(), wants_gradient(input) ? other : Tensor()),
                wrt(a, [](const Tensor& u, const Tensor&, const Tensor& b) { return u * b; }),
                wrt(other, [](const Tensor& u, const Tensor& a, const Tensor&) { return u * a; }));
}
TG_OP(mul, "mul(Operand input, Operand other, *, Tensor? out=None) -> Tensor", kFunction | kMethod | kInPlace,
      R"(
out = input * other, broadcast and promoted.

Backward: u * other for input, u * input for other.
)");

namespace {
Tensor rounded_quotient(const Tensor& input, const Tensor& other, bool floors, const Out& out) {
  const DType t = result_type(input, other);
  if (t == DType::Bool) not_implemented(floors ? "div_floor_cpu" : "div_trunc_cpu", out, t, {&input, &other});
  if (is_integral(t)) refuse_zero(other);
  if (!floors && (t == DType::Float16 || t == DType::BFloat16)) {
    // The quotient is rounded to its type first, as by an op of its own.
    const Tensor quotient = pointwise("div", slots::div, {}, t, t, {&input, &other});
    return pointwise("div", slots::trunc, out, t, t, {&quotient});
  }
  return pointwise("div", floors ? slots::div_floor : slots::div_trunc, out, t, t, {&input, &other});
}
}  // namespace

Tensor div(const Tensor& input, const Tensor& other, std::optional<std::string_view> rounding_mode, Out out) {
  const DType promoted = result_type(input, other);
  if (!rounding_mode) {
    const DType t = to_floating(promoted);
    const Tensor a = out.before_write(input, wants_gradient(other));
    Tensor result = scaled("div", slots::div, out, t, input, other);
    return record(
        "DivBackward0", result, out, saved(wants_gradient(other) ? a : Tensor(), other),
        wrt(a, [](const Tensor& u, const Tensor&, const Tensor& b) { return u / b; }),
        wrt(other, [](const Tensor& u, const Tensor& a, const Tensor& b) { return -u * ((a / b) / b); }));
  }
  const bool floors = *rounding_mode == "floor";
  TG_CHECK(floors || *rounding_mode == "trunc", Runtime,
           "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '", *rounding_mode,
           "'");
  Tensor result = rounded_quotient(input, other, floors, out);
  return record("DivBackward1", result, out, saved(),
                wrt(input, [](const Tensor& u) { return u * Scalar(0.0); }),
                wrt(other, [](const Tensor& u) { return u * Scalar(0.0); }));
}
TG_OP(div, "div(Operand input, Operand other, *, str? rounding_mode=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
out = input / other; with rounding_mode "floor" or "trunc" the quotient rounded so. True division of integers gives the
default float.

Backward: u / other for input, -u * input / other^2 for other; 0 where the quotient is rounded.
)");

TG_OP(div, "divide(Operand input, Operand other, *, str? rounding_mode=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, "\ndiv() under another name.\n");
TG_OP(mul, "multiply(Operand input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, "\nmul() under another name.\n");
TG_OP(sub, "subtract(Operand input, Operand other, *, Scalar alpha=1, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, "\nsub() under another name.\n");
Tensor true_divide(const Tensor& input, const Tensor& other, Out out) { return div(input, other, {}, out); }
TG_OP(true_divide, "true_divide(Operand input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, "\ndiv() without rounding.\n");

Tensor floor_divide(const Tensor& input, const Tensor& other, Out out) {
  constexpr auto none = [](const Tensor&) -> Tensor {
    fail(ErrorKind::Runtime, "derivative for aten::floor_divide is not implemented");
  };
  return record("NotImplemented", rounded_quotient(input, other, true, out), out, saved(), wrt(input, none),
                wrt(other, none));
}
TG_OP(floor_divide, "floor_divide(Operand input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
out = floor(input / other), as Python's //. No gradient.
)");

Tensor remainder(const Tensor& input, const Tensor& other, Out out) {
  const DType t = result_type(input, other);
  const Tensor a = out.before_write(input, wants_gradient(other));
  if (t == DType::Bool) not_implemented("remainder_cpu", out, t, {&input, &other});
  if (is_integral(t)) refuse_zero(other);
  Tensor result = pointwise("remainder", slots::remainder, out, t, t, {&input, &other});
  return record(
      "RemainderBackward0", result, out, saved(wants_gradient(other) ? a : Tensor(), other),
      wrt(a, [](const Tensor& u, const Tensor&, const Tensor&) { return u; }),
      wrt(other, [](const Tensor& u, const Tensor& a, const Tensor& b) { return -u * div(a, b, "floor"); }));
}
TG_OP(remainder, "remainder(Tensor input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
out = input - other * floor(input / other): the sign of the divisor, as Python's %.

Backward: u for input, -u * floor(input / other) for other.
)");

Tensor fmod(const Tensor& input, const Tensor& other, Out out) {
  const DType t = result_type(input, other);
  const Tensor a = out.before_write(input, wants_gradient(other));
  if (t == DType::Bool) not_implemented("fmod_cpu", out, t, {&input, &other});
  if (is_integral(t)) refuse_zero(other);
  Tensor result = pointwise("fmod", slots::fmod, out, t, t, {&input, &other});
  return record(
      "FmodBackward0", result, out, saved(wants_gradient(other) ? a : Tensor(), other),
      wrt(a, [](const Tensor& u, const Tensor&, const Tensor&) { return u; }),
      wrt(other, [](const Tensor& u, const Tensor& a, const Tensor& b) { return -u * div(a, b, "trunc"); }));
}
TG_OP(fmod, "fmod(Tensor input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
out = input - other * trunc(input / other): the sign of the dividend, as C's fmod.

Backward: u for input, -u * trunc(input / other) for other.
)");

Tensor operator+(const Tensor& a, Scalar b) { return add(a, wrap_number(b)); }
Tensor operator-(const Tensor& a, Scalar b) { return sub(a, wrap_number(b)); }
Tensor operator*(const Tensor& a, Scalar b) { return mul(a, wrap_number(b)); }
Tensor operator/(const Tensor& a, Scalar b) { return div(a, wrap_number(b)); }
Tensor operator+(Scalar a, const Tensor& b) { return add(wrap_number(a), b); }
Tensor operator-(Scalar a, const Tensor& b) { return sub(wrap_number(a), b); }
Tensor operator*(Scalar a, const Tensor& b) { return mul(wrap_number(a), b); }
Tensor operator/(Scalar a, const Tensor& b) { return div(wrap_number(a), b); }

}  // namespace tensorgrad
