// Norms of vectors.
#include <cmath>
#include <string>

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/power.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/reduce_kernel.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/sign.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

std::string number_text(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::ostringstream text;
  text << value;
  return text.str();
}

Tensor zero_where(const Tensor& values, const Tensor& mask) {
  return masked_fill(values, mask, wrap_number(0));
}

Tensor norm_gradient(const Tensor& upstream, const Tensor& input, const Tensor& result, double p,
                     const Ints& dims, bool keepdim) {
  if (p == 0) return {};
  const Tensor u = restore_reduced(upstream, dims, input.sizes(), keepdim);
  const Tensor y = restore_reduced(result, dims, input.sizes(), keepdim);
  const Tensor x = to(input, y.dtype());
  const Tensor flat = eq(y, wrap_number(0));
  if (p == 1) return sgn(x) * u;
  if (p == 2) return zero_where(u * (x / y), flat);
  if (std::isinf(p)) {
    const Tensor size = abs(x);
    const Tensor winners = to(logical_or(eq(size, y), logical_and(ne(x, x), ne(y, y))), u.dtype());
    Ints all = dims;
    if (all.empty())
      for (int64_t d = 0; d < x.dim(); d++) all.push_back(d);
    return sgn(x) * winners * (u / sum(winners, all, true));
  }
  if (p < 1)
    return zero_where(sgn(x) * pow_scalar(abs(x), p - 1), eq(x, wrap_number(0))) * u * pow_scalar(y, 1 - p);
  if (p < 2) return sgn(x) * pow_scalar(abs(x), p - 1) * zero_where(u / pow_scalar(y, p - 1), flat);
  return x * pow_scalar(abs(x), p - 2) * zero_where(u / pow_scalar(y, p - 1), flat);
}

}  // namespace

Tensor vector_norm(const Tensor& input, double ord, const Ints& dims, bool keepdim,
                   std::optional<DType> dtype) {
  TG_CHECK(is_floating(input.dtype()), Runtime,
           "linalg.vector_norm: Expected a floating point or complex tensor as input. Got ",
           dtype_scalar_name(input.dtype()));
  TG_CHECK(!dtype || is_floating(*dtype), Runtime,
           "linalg.vector_norm: dtype should be floating point or complex, but got ",
           dtype_scalar_name(dtype.value_or(input.dtype())));
  if (ord < 0 || std::isinf(ord)) {
    TG_CHECK(input.numel() > 0 || !dims.empty(), Runtime, "linalg.vector_norm cannot compute the ",
             number_text(ord), " norm on an empty tensor because the operation does not have an identity");
    if (input.numel() == 0)
      for (int64_t d : dims)
        TG_CHECK(input.sizes()[wrap_dim(d, input.dim())] != 0, Runtime,
                 "linalg.vector_norm cannot compute the ", number_text(ord), " norm on the dimension ", d,
                 "because this dimension is empty and the operation does not have an identity");
  }
  const DType t = dtype.value_or(input.dtype());
  Tensor source;
  {
    NoGradGuard guard;
    source = to(input, t);
  }
  Tensor result;
  if (ord == 0) {
    NoGradGuard guard;
    result = to(run_fold(Fold::CountNonzero, source, dims, keepdim, DType::Int64), t);
  } else {
    const Fold fold = ord == 1           ? Fold::AbsSum
                      : ord == 2         ? Fold::SquareSum
                      : !std::isinf(ord) ? Fold::PowerSum
                      : ord > 0          ? Fold::AbsMaximum
                                         : Fold::AbsMinimum;
    result = run_fold(fold, source, dims, keepdim, t, 1, ord);
  }
  return record("LinalgVectorNormBackward0", result, saved(input, result, ord, dims, keepdim),
                wrt(input, [](const Tensor& u, const Tensor& x, const Tensor& y, double p, const Ints& dims,
                              bool keepdim) { return norm_gradient(u, x, y, p, dims, keepdim); }));
}
namespace {
Tensor vector_norm_number(const Tensor& input, Scalar ord, const Ints& dims, bool keepdim,
                          std::optional<DType> dtype) {
  return vector_norm(input, ord.to_double(), dims, keepdim, dtype);
}
Tensor norm(const Tensor& input, std::optional<Scalar> p, const Ints& dims, bool keepdim,
            std::optional<DType> dtype) {
  return vector_norm(input, p.value_or(2).to_double(), dims, keepdim, dtype);
}
Tensor norm_named(const Tensor& input, std::string_view p, const Ints& dims, bool keepdim,
                  std::optional<DType> dtype) {
  TG_CHECK(p == "fro" || p == "nuc", Runtime, "linalg.matrix_norm: Order ", p, " not supported.");
  TG_CHECK(p == "fro", NotImplemented, "norm: p='nuc' needs singular values, which are not implemented");
  return vector_norm(input, 2, dims, keepdim, dtype);
}
}  // namespace
TG_OP(vector_norm_number,
      "linalg.vector_norm(Tensor x, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
      "dtype=None, Tensor? "
      "out=None) -> Tensor",
      kFunction, R"(
The norm of order ord over dim or all: sum(|x|^ord)^(1/ord); inf and -inf the largest and smallest |x|, 0 the count of what
is not zero.

Backward: u sign(x) (|x| / out)^(ord - 1).
)");
TG_OP(norm_named,
      "norm(Tensor input, str p, int[1]? dim=None, bool keepdim=False, ScalarType? dtype=None, *, Tensor? "
      "out=None) -> Tensor",
      kFunction | kMethod, R"(
p='fro': the square root of the sum of squares.
)");
TG_OP(norm,
      "norm(Tensor input, Scalar? p=2, int[1]? dim=None, bool keepdim=False, ScalarType? dtype=None, *, "
      "Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
The norm of order p of the elements over dim or all.

Backward: u sign(x) (|x| / out)^(p - 1).
)");

}  // namespace tensorgrad
