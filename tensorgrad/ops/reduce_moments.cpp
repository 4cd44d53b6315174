// Variances and standard deviations.
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/reduce_kernel.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

struct MeanAndSpread {
  Tensor mean, spread;
};

MeanAndSpread run_moments(const Tensor& input, const Ints& dims, double correction, bool keepdim, bool root,
                          bool with_mean) {
  Reduction reduction(input, dims, keepdim);
  MeanAndSpread out;
  out.spread = Tensor::empty(reduction.sizes, input.dtype(), input.device());
  if (with_mean) out.mean = Tensor::empty(reduction.sizes, input.dtype(), input.device());
  const double divisor = std::max(0.0, double(reduced_count(input, dims)) - correction);
  MomentArgs args{reduction.args, with_mean ? out.mean.bytes() : nullptr, divisor, root};
  args.out = out.spread.bytes();
  if (out.spread.numel() > 0) slots::reduce_moments(input.device(), args);
  return out;
}

// d var / dx = 2 (x - mean) / (n - correction).
Tensor var_gradient(const Tensor& u, const Tensor& x, const Ints& dims, double correction, bool keepdim) {
  const double divisor = double(reduced_count(x, dims)) - correction;
  const Tensor centred = x - mean(x, dims, true);
  if (divisor <= 0)
    return restore_reduced(u, dims, x.sizes(), keepdim) * (centred * Scalar(2.0) / Scalar(0.0));
  return restore_reduced(u, dims, x.sizes(), keepdim) * Scalar(2.0 / divisor) * centred;
}
Tensor std_gradient(const Tensor& u, const Tensor& x, const Tensor& y, const Ints& dims, double correction,
                    bool keepdim) {
  const Tensor of_var = masked_fill(u / (y * Scalar(2.0)), eq(y, wrap_number(0)), wrap_number(0));
  return var_gradient(of_var, x, dims, correction, keepdim);
}

void check_type(const char* text, const Tensor& input) {
  TG_CHECK(is_floating(input.dtype()), Runtime, text, " only support floating point and complex dtypes");
}

}  // namespace

Tensor var(const Tensor& input, const Ints& dims, double correction, bool keepdim) {
  check_type("std and var", input);
  Tensor result = run_moments(input, dims, correction, keepdim, false, false).spread;
  return record("VarBackward0", result, saved(input, dims, correction, keepdim),
                wrt(input, [](const Tensor& u, const Tensor& x, const Ints& dims, double correction,
                              bool keepdim) { return var_gradient(u, x, dims, correction, keepdim); }));
}
Tensor std_deviation(const Tensor& input, const Ints& dims, double correction, bool keepdim) {
  check_type("std and var", input);
  Tensor result = run_moments(input, dims, correction, keepdim, true, false).spread;
  return record(
      "StdBackward0", result, saved(input, result, dims, correction, keepdim),
      wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y, const Ints& dims, double correction,
                    bool keepdim) { return std_gradient(u, x, y, dims, correction, keepdim); }));
}

namespace {

std::tuple<Tensor, Tensor> spread_and_mean(const Tensor& input, const Ints& dims, double correction,
                                           bool keepdim, bool root) {
  check_type(root ? "std_mean" : "var_mean", input);
  const MeanAndSpread both = run_moments(input, dims, correction, keepdim, root, true);
  TensorList outputs{both.spread, both.mean};
  record_jointly(root ? "StdMeanBackward0" : "VarMeanBackward0", outputs, {}, {input},
                 saved(input, both.spread, dims, correction, keepdim, root),
                 [](const Upstream& up, const Tensor& x, const Tensor& y, const Ints& dims, double correction,
                    bool keepdim, bool root) {
                   Tensor total;
                   if (up[0].defined())
                     total = root ? std_gradient(up[0], x, y, dims, correction, keepdim)
                                  : var_gradient(up[0], x, dims, correction, keepdim);
                   if (up[1].defined()) {
                     const Tensor of_mean =
                         expand(restore_reduced(up[1], dims, x.sizes(), keepdim), x.sizes()) /
                         Scalar(reduced_count(x, dims));
                     total = total.defined() ? total + of_mean : of_mean;
                   }
                   return TensorList{total};
                 });
  return {outputs[0], outputs[1]};
}

// PyTorch's three forms: all elements or dims with `unbiased`, and dims with `correction`.
using Both = std::tuple<Tensor, Tensor>;
Tensor var_all(const Tensor& x, bool unbiased) { return var(x, {}, unbiased, false); }
Tensor var_dims(const Tensor& x, const Ints& dims, bool unbiased, bool keepdim) {
  return var(x, dims, unbiased, keepdim);
}
Tensor var_correction(const Tensor& x, const Ints& dims, std::optional<Scalar> correction, bool keepdim) {
  return var(x, dims, correction.value_or(1).to_double(), keepdim);
}
Tensor std_all(const Tensor& x, bool unbiased) { return std_deviation(x, {}, unbiased, false); }
Tensor std_dims(const Tensor& x, const Ints& dims, bool unbiased, bool keepdim) {
  return std_deviation(x, dims, unbiased, keepdim);
}
Tensor std_correction(const Tensor& x, const Ints& dims, std::optional<Scalar> correction, bool keepdim) {
  return std_deviation(x, dims, correction.value_or(1).to_double(), keepdim);
}
Both var_mean_all(const Tensor& x, bool unbiased) { return spread_and_mean(x, {}, unbiased, false, false); }
Both var_mean_dims(const Tensor& x, const Ints& dims, bool unbiased, bool keepdim) {
  return spread_and_mean(x, dims, unbiased, keepdim, false);
}
Both var_mean_correction(const Tensor& x, const Ints& dims, std::optional<Scalar> correction, bool keepdim) {
  return spread_and_mean(x, dims, correction.value_or(1).to_double(), keepdim, false);
}
Both std_mean_all(const Tensor& x, bool unbiased) { return spread_and_mean(x, {}, unbiased, false, true); }
Both std_mean_dims(const Tensor& x, const Ints& dims, bool unbiased, bool keepdim) {
  return spread_and_mean(x, dims, unbiased, keepdim, true);
}
Both std_mean_correction(const Tensor& x, const Ints& dims, std::optional<Scalar> correction, bool keepdim) {
  return spread_and_mean(x, dims, correction.value_or(1).to_double(), keepdim, true);
}

}  // namespace

#define TG_MOMENT_ROWS(NAME, PREFIX, RESULT, FLAGS, DOC)                                                  \
  TG_OP(PREFIX##_all, NAME "(Tensor input, bool unbiased) -> " RESULT, FLAGS, DOC);                       \
  TG_OP(PREFIX##_dims,                                                                                    \
        NAME                                                                                              \
        "(Tensor input, int[1]? dim, bool unbiased, bool keepdim=False, *, Tensor? out=None) -> " RESULT, \
        FLAGS, DOC);                                                                                      \
  TG_OP(PREFIX##_correction,                                                                              \
        NAME                                                                                              \
        "(Tensor input, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False, Tensor? "       \
        "out=None) -> " RESULT,                                                                           \
        FLAGS, DOC)
TG_MOMENT_ROWS("var", var, "Tensor", kFunction | kMethod, R"(
The sum of squared distances from the mean over n - correction (1, or 0 without unbiased), over dim or all.

Backward: 2 u (input - mean) / (n - correction).
)");
TG_MOMENT_ROWS("std", std, "Tensor", kFunction | kMethod, R"(
The square root of var().

Backward: u (input - mean) / ((n - correction) out), 0 where out is 0.
)");
TG_MOMENT_ROWS("var_mean", var_mean, "(Tensor, Tensor)", kFunction, R"(
var() and mean() in one reading.
)");
TG_MOMENT_ROWS("std_mean", std_mean, "(Tensor, Tensor)", kFunction, R"(
std() and mean() in one reading.
)");

}  // namespace tensorgrad
