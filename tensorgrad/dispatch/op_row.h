// TG_OP: an op's public face, written once beside its function.
//
//   TG_OP(mul, "mul(Tensor input, Operand other, *, Tensor? out=None) -> Tensor", kFunction | kMethod |
//   kInPlace, R"(...)");
//
// From the row come the Python function, the method, the in-place twin, the argument parser with its error
// texts, the stub and the reference page. Rows are constant data whose addresses gather in the ELF section
// `tensorgrad_ops`, read by the Python module alone: a static C++ program without it keeps only the ops that
// it calls.
//
// Schema types: Tensor, Operand (a Tensor or a Python number, which becomes a 0-d tensor weak in promotion),
// Tensor[], Scalar, int, int[], int[2] (one int stands for both), float, float[], bool, bool[], str,
// ScalarType, Device, Generator, Options (dtype, layout, device, pin_memory, requires_grad), each with `?`
// where None is allowed. `Tensor[] *tensors` also takes the tensors as separate arguments. A name may carry a
// namespace: linalg.norm, special.expit.
#pragma once
#include <utility>

#include "tensorgrad/dispatch/value.h"

namespace tensorgrad {

enum OpFlags : uint32_t {
  kFunction = 1,          // tensorgrad.name
  kMethod = 2,            // Tensor.name, the first parameter is self
  kInPlace = 4,           // Tensor.name_
  kFunctional = 8,        // tensorgrad.nn.functional.name
  kInPlaceFunction = 16,  // tensorgrad.name_ as well
  kInPlaceView = 32,      // Tensor.name_: self becomes the view
};

struct OpRow {
  const char* schema;
  uint32_t flags;
  bool writes_out;  // the function takes Out: in-place and out= run without a copy
  int order;        // overloads of one name stand in one file and are tried in its order
  const char* doc;
  void (*call)(const Value* arguments, Result& result);
};

namespace detail {
template <class R, class... P>
constexpr bool takes_out(R (*)(P...)) {
  return (std::is_same_v<std::decay_t<P>, Out> || ...);
}
template <class R, class... P, size_t... I>
void call_unboxed(R (*function)(P...), const Value* v, Result& result, std::index_sequence<I...>) {
  if constexpr (std::is_void_v<R>)
    function(Unbox<std::decay_t<P>>::from(v[I])...);
  else
    box(result, function(Unbox<std::decay_t<P>>::from(v[I])...));
}
template <class R, class... P>
void call_unboxed(R (*function)(P...), const Value* v, Result& result) {
  call_unboxed(function, v, result, std::index_sequence_for<P...>());
}
template <auto F>
void call_boxed(const Value* arguments, Result& result) {
  call_unboxed(F, arguments, result);
}
}  // namespace detail

// Every row of the program, in no particular order.
struct OpRows {
  const OpRow* const* first;
  const OpRow* const* last;
  const OpRow* const* begin() const { return first; }
  const OpRow* const* end() const { return last; }
};

}  // namespace tensorgrad

#define TG_JOIN_(A, B) A##B
#define TG_JOIN(A, B) TG_JOIN_(A, B)
#define TG_OP(FUNCTION, SCHEMA, FLAGS, DOC) TG_OP_(FUNCTION, SCHEMA, FLAGS, DOC, __COUNTER__)
#define TG_OP_(FUNCTION, SCHEMA, FLAGS, DOC, ID)                                                     \
  static constexpr ::tensorgrad::OpRow TG_JOIN(op_row_, ID){                                         \
      SCHEMA, FLAGS, ::tensorgrad::detail::takes_out(&FUNCTION),                                     \
      ID,     DOC,   &::tensorgrad::detail::call_boxed<&FUNCTION>};                                  \
  [[gnu::section("tensorgrad_ops"), gnu::used]] static constexpr const ::tensorgrad::OpRow* TG_JOIN( \
      op_entry_, ID) = &TG_JOIN(op_row_, ID)
