// How ops of one floating operand are written: kernel and gradient in one line each, as
//
//   TG_UNARY(sin, "SinBackward0", u * cos(x), "out = sin(input)\n\nBackward: u cos(input).");
//
// x is the input as it was, y the result. Integers and bool are computed in the default float.
#pragma once
#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {

template <class Slot, class... Numbers>
Tensor unary(const char* name, Slot& slot, const Tensor& input, const Out& out, Numbers... numbers) {
  const DType t = to_floating(input.dtype());
  return pointwise(name, slot, out, t, t, {&input}, numbers...);
}

}  // namespace tensorgrad

#define TG_UNARY_ROW(NAME, DOC) \
  TG_OP(NAME, #NAME "(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod | kInPlace, DOC)

// The gradient in terms of u and the input x.
#define TG_UNARY(NAME, NODE, GRADIENT, DOC)                                                          \
  Tensor NAME(const Tensor& input, Out out) {                                                        \
    const Tensor before = out.before_write(input);                                                   \
    Tensor result = unary(#NAME, slots::NAME, input, out);                                           \
    return record(NODE, result, out, saved(before),                                                  \
                  wrt(before, [](const Tensor& u, const Tensor& x) -> Tensor { return GRADIENT; })); \
  }                                                                                                  \
  TG_UNARY_ROW(NAME, DOC)

// The gradient in terms of u and the result y.
#define TG_UNARY_OF_RESULT(NAME, NODE, GRADIENT, DOC)                                               \
  Tensor NAME(const Tensor& input, Out out) {                                                       \
    Tensor result = unary(#NAME, slots::NAME, input, out);                                          \
    return record(NODE, result, out, saved(result),                                                 \
                  wrt(input, [](const Tensor& u, const Tensor& y) -> Tensor { return GRADIENT; })); \
  }                                                                                                 \
  TG_UNARY_ROW(NAME, DOC)

// The same function under another of PyTorch's names.
#define TG_UNARY_ALIAS(NAME, ALIAS)                                                                  \
  TG_OP(NAME, ALIAS "(Tensor input, *, Tensor? out=None) -> Tensor", kFunction | kMethod | kInPlace, \
        "The same as " #NAME ".")
#define TG_SPECIAL_ALIAS(NAME, ALIAS)                                                      \
  TG_OP(NAME, "special." ALIAS "(Tensor input, *, Tensor? out=None) -> Tensor", kFunction, \
        "The same as " #NAME ".")
