#include "tensorgrad/ops/select.h"

#include <cmath>

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {
namespace {

// u where the condition holds, 0 elsewhere.
Tensor kept(const Tensor& u, const Tensor& condition) {
  return where(condition, u, zeros({}, u.dtype(), u.device()));
}

// Ties share the gradient.
Tensor extreme_gradient(const Tensor& u, const Tensor& winner, const Tensor& loser, bool greatest) {
  const Tensor shared = where(eq(winner, loser), u * Scalar(0.5), u);
  return masked_fill(shared, greatest ? lt(winner, loser) : gt(winner, loser), wrap_number(0));
}

}  // namespace

Tensor where(const Tensor& condition, const Tensor& input, const Tensor& other, Out out) {
  TG_CHECK(condition.dtype() == DType::Bool || condition.dtype() == DType::UInt8, Runtime,
           "where expected condition to be a boolean tensor, but got a tensor with dtype ",
           dtype_scalar_name(condition.dtype()));
  const Tensor chosen = condition.dtype() == DType::Bool ? condition : to(condition, DType::Bool);
  const DType t = result_type(input, other);
  Tensor result = pointwise("where", slots::where, out, t, t, {&chosen, &input, &other});
  return record("WhereBackward0", result, out, saved(chosen),
                wrt(input, [](const Tensor& u, const Tensor& chosen) { return kept(u, chosen); }),
                wrt(other, [](const Tensor& u, const Tensor& chosen) {
                  return where(chosen, zeros({}, u.dtype(), u.device()), u);
                }));
}
Tensor where_method(const Tensor& input, const Tensor& condition, const Tensor& other) {
  return where(condition, input, other);
}
TG_OP(where, "where(Tensor condition, Operand input, Operand other, *, Tensor? out=None) -> Tensor",
      kFunction, R"(
input where condition (bool) is set, else other; all broadcast.

Backward: u where condition is set for input, u elsewhere for other.
)");
TG_OP(nonzero_per_dim, "where(Tensor condition) -> Tensor[]", kFunction, R"(
nonzero(condition, as_tuple=True).
)");
TG_OP(where_method, "where(Tensor input, Tensor condition, Operand other) -> Tensor", kMethod, R"(
self where condition (bool) is set, else other; all broadcast.

Backward: u where condition is set for self, u elsewhere for other.
)");

#define TG_EXTREME(NAME, NODE, GREATEST, DOC)                                                      \
  Tensor NAME(const Tensor& input, const Tensor& other, Out out) {                                 \
    const DType t = result_type(input, other);                                                     \
    Tensor result = pointwise(#NAME, slots::NAME, out, t, t, {&input, &other});                    \
    return record(NODE, result, out, saved(input, other),                                          \
                  wrt(input, [](const Tensor& u, const Tensor& a,                                  \
                                const Tensor& b) { return extreme_gradient(u, a, b, GREATEST); }), \
                  wrt(other, [](const Tensor& u, const Tensor& a, const Tensor& b) {               \
                    return extreme_gradient(u, b, a, GREATEST);                                    \
                  }));                                                                             \
  }                                                                                                \
  TG_OP(NAME, #NAME "(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kFunction | kMethod, DOC)
TG_EXTREME(maximum, "MaximumBackward0", true, R"(
The greater of input and other; NaN where either is NaN.

Backward: u to the greater, half to each where equal.
)");
TG_EXTREME(minimum, "MinimumBackward0", false, R"(
The smaller of input and other; NaN where either is NaN.

Backward: u to the smaller, half to each where equal.
)");

// Which of the two won: the first on a tie, the other where one is NaN.
#define TG_FEXTREME(NAME, NODE, COMPARE, DOC)                                                               \
  Tensor NAME(const Tensor& input, const Tensor& other, Out out) {                                          \
    const DType t = result_type(input, other);                                                              \
    Tensor result = pointwise(#NAME, slots::NAME, out, t, t, {&input, &other});                             \
    return record(NODE, result, out, saved(input, other),                                                   \
                  wrt(input, [](const Tensor& u, const Tensor& a,                                           \
                                const Tensor& b) { return kept(u, logical_or(COMPARE(a, b), ne(b, b))); }), \
                  wrt(other, [](const Tensor& u, const Tensor& a, const Tensor& b) {                        \
                    return masked_fill(u, logical_or(COMPARE(a, b), ne(b, b)), wrap_number(0));             \
                  }));                                                                                      \
  }                                                                                                         \
  TG_OP(NAME, #NAME "(Tensor input, Tensor other, *, Tensor? out=None) -> Tensor", kFunction | kMethod, DOC)
TG_FEXTREME(fmax, "FmaxBackward0", ge, R"(
The greater of input and other; where one is NaN, the other.

Backward: u to the one that was taken.
)");
TG_FEXTREME(fmin, "FminBackward0", le, R"(
The smaller of input and other; where one is NaN, the other.

Backward: u to the one that was taken.
)");

static Tensor clamp_as(const char* node, const char* kernel, const Tensor& input, std::optional<Scalar> min,
                       std::optional<Scalar> max, Out out) {
  TG_CHECK(min || max, Runtime, "torch.clamp: At least one of 'min' or 'max' must not be None");
  DType t = input.dtype();
  if (min) t = promote_types(t, result_type(input, *min));
  if (max) t = promote_types(t, result_type(input, *max));
  if (t == DType::Bool) not_implemented(kernel, out, t, {&input});
  if (min) check_fits(*min, t);
  if (max) check_fits(*max, t);
  const bool empty_range = (min && std::isnan(min->to_double())) || (max && std::isnan(max->to_double()));
  const Scalar nan = __builtin_nan("");
  if (empty_range) min = nan, max = std::nullopt;
  const Tensor before = out.before_write(input);
  Tensor result;
  if (empty_range && is_floating(t)) {
    const Tensor filled = wrap_number(nan);
    result = pointwise("clamp", slots::maximum, out, t, t, {&input, &filled});
  } else {
    result =
        pointwise("clamp", slots::clamp, out, t, t, {&input}, min ? &*min : nullptr, max ? &*max : nullptr);
  }
  return record(
      node, result, out, saved(before, min, max),
      wrt(before, [](const Tensor& u, const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max) {
        if (min && max) return kept(u, logical_and(ge(x, wrap_number(*min)), le(x, wrap_number(*max))));
        return kept(u, min ? ge(x, wrap_number(*min)) : le(x, wrap_number(*max)));
      }));
}

Tensor clamp(const Tensor& input, std::optional<Scalar> min, std::optional<Scalar> max, Out out) {
  return clamp_as("ClampBackward1",
                  min && max ? "clamp_scalar_cpu"
                  : min      ? "clamp_min_scalar_cpu"
                             : "clamp_max_scalar_cpu",
                  input, min, max, out);
}

Tensor clamp_tensors(const Tensor& input, const Tensor& min, const Tensor& max, Out out) {
  TG_CHECK(min.defined() || max.defined(), Runtime,
           "torch.clamp: At least one of 'min' or 'max' must not be None");
  const DType t = result_type({&input, &min, &max});
  if (t == DType::Bool && min.defined() && max.defined())
    not_implemented("clamp_cpu", out, t, {&input, &min, &max});
  const Tensor before = out.before_write(input);
  Tensor result;
  {
    NoGradGuard guard;
    if (min.defined() && max.defined()) {
      const Tensor raised = pointwise("clamp", slots::maximum, {}, t, t, {&input, &min});
      result = pointwise("clamp", slots::minimum, out, t, t, {&raised, &max});
    } else if (min.defined()) {
      result = pointwise("clamp", slots::maximum, out, t, t, {&input, &min});
    } else {
      result = pointwise("clamp", slots::minimum, out, t, t, {&input, &max});
    }
  }
  TensorList outputs{result};
  record_jointly("ClampBackward0", outputs, out, {before, min, max}, saved(before, min, max),
                 [](const Upstream& up, const Tensor& x, const Tensor& min, const Tensor& max) {
                   const Tensor& u = up[0];
                   TensorList g;
                   g.resize(3);
                   if (min.defined() && max.defined()) {
                     if (up.needs(0)) g[0] = kept(u, logical_and(ge(x, min), le(x, max)));
                     if (up.needs(1)) g[1] = kept(u, logical_and(lt(min, max), lt(x, min)));
                     if (up.needs(2)) g[2] = kept(u, logical_or(gt(x, max), lt(max, min)));
                   } else if (min.defined()) {
                     if (up.needs(0)) g[0] = kept(u, ge(x, min));
                     if (up.needs(1)) g[1] = kept(u, lt(x, min));
                   } else {
                     if (up.needs(0)) g[0] = kept(u, le(x, max));
                     if (up.needs(2)) g[2] = kept(u, gt(x, max));
                   }
                   return g;
                 });
  return outputs[0];
}

namespace {
Tensor clamp_min(const Tensor& input, Scalar min, Out out) {
  return clamp_as("ClampMinBackward0", "clamp_min_scalar_cpu", input, min, {}, out);
}
Tensor clamp_max(const Tensor& input, Scalar max, Out out) {
  return clamp_as("ClampMaxBackward0", "clamp_max_scalar_cpu", input, {}, max, out);
}
Tensor clamp_min_tensor(const Tensor& input, const Tensor& min, Out out) {
  return clamp_tensors(input, min, {}, out);
}
Tensor clamp_max_tensor(const Tensor& input, const Tensor& max, Out out) {
  return clamp_tensors(input, {}, max, out);
}
constexpr uint32_t kEverywhere = kFunction | kMethod | kInPlace | kInPlaceFunction;
}  // namespace

#define TG_CLAMP_ROWS(NAME)                                                                                \
  TG_OP(clamp_tensors,                                                                                     \
        NAME "(Tensor input, Tensor? min=None, Tensor? max=None, *, Tensor? out=None) -> Tensor",          \
        kEverywhere,                                                                                       \
        "\nmin(max(input, min), max): each bound a tensor, broadcast, or None. NaN wins.\n\n"              \
        "Backward: u to whichever of the three was taken.\n");                                             \
  TG_OP(clamp, NAME "(Tensor input, Scalar? min=None, Scalar? max=None, *, Tensor? out=None) -> Tensor",   \
        kEverywhere,                                                                                       \
        "\nmin(max(input, min), max): each bound a number or None. NaN stays.\n\nBackward: u where input " \
        "is within.\n")
TG_CLAMP_ROWS("clamp");
TG_CLAMP_ROWS("clip");
TG_OP(clamp_min_tensor, "clamp_min(Tensor input, Tensor min, *, Tensor? out=None) -> Tensor", kEverywhere,
      R"(
max(input, min).

Backward: u where input >= min for input, elsewhere for min.
)");
TG_OP(clamp_min, "clamp_min(Tensor input, Scalar min, *, Tensor? out=None) -> Tensor", kEverywhere,
      R"(
max(input, min).

Backward: u where input >= min, else 0.
)");
TG_OP(clamp_max_tensor, "clamp_max(Tensor input, Tensor max, *, Tensor? out=None) -> Tensor", kEverywhere,
      R"(
min(input, max).

Backward: u where input <= max for input, elsewhere for max.
)");
TG_OP(clamp_max, "clamp_max(Tensor input, Scalar max, *, Tensor? out=None) -> Tensor", kEverywhere,
      R"(
min(input, max).

Backward: u where input <= max, else 0.
)");

}  // namespace tensorgrad
