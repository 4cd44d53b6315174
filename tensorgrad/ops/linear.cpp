#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/matmul.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/product.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// The rows of a batch as one matrix.
Tensor rows_of(const Tensor& t) {
  if (t.dim() == 2) return t;
  const int64_t columns = t.sizes().back();
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < t.dim(); d++) rows *= t.sizes()[d];
  return reshape(t, {rows, columns});
}

void check_linear(const Tensor& input, const Tensor& weight, const Tensor& bias, int64_t rows) {
  if (bias.defined()) {
    TG_CHECK(weight.dim() == 2, Runtime, "mat2 must be a matrix, got ", weight.dim(), "-D tensor");
  }
  const int64_t in = input.sizes().back();
  TG_CHECK(in == weight.sizes()[1], Runtime, "mat1 and mat2 shapes cannot be multiplied (", rows, "x", in,
           " and ", weight.sizes()[1], "x", weight.sizes()[0], ")");
  common_device({&input, &weight, &bias});
  if (bias.defined()) {
    TG_CHECK(bias.dtype() == weight.dtype(), Runtime, "self and mat2 must have the same dtype, but got ",
             dtype_scalar_name(bias.dtype()), " and ", dtype_scalar_name(weight.dtype()));
    TG_CHECK(input.dtype() == weight.dtype(), Runtime, "mat1 and mat2 must have the same dtype, but got ",
             dtype_scalar_name(input.dtype()), " and ", dtype_scalar_name(weight.dtype()));
  } else {
    TG_CHECK(input.dtype() == weight.dtype(), Runtime,
             "expected m1 and m2 to have the same dtype, but got: ", c_type_name(input.dtype()),
             " != ", c_type_name(weight.dtype()));
  }
  if (rows * weight.sizes()[0] > 0) {
    const bool batched =
        !bias.defined() && input.dim() > 2 && !view_strides(input.sizes(), input.strides(), {rows, in});
    check_product_dtype(batched ? "bmm" : "addmm_impl_cpu_", input.dtype());
  }
}

}  // namespace

// One node for the whole layer, whatever the number of leading dimensions.
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias, Out out) {
  TG_CHECK(input.dim() > 0 && weight.dim() > 0, Runtime,
           "both arguments to linear need to be at least 1D, but they are ", input.dim(), "D and ",
           weight.dim(), "D");
  TG_CHECK(weight.dim() <= 2, Runtime, "t() expects a tensor with <= 2 dimensions, but self is ",
           weight.dim(), "D");
  if (weight.dim() == 1 && !bias.defined()) return matmul(input, weight, out);
  int64_t rows = 1;
  for (int64_t d = 0; d + 1 < input.dim(); d++) rows *= input.sizes()[d];
  check_linear(input, weight, bias, rows);
  const int64_t out_features = weight.sizes()[0];
  Tensor result;
  if (input.dim() == 2 && (!bias.defined() || bias.dim() == 1)) {
    Addend addend;
    if (bias.defined()) {
      const int64_t have = bias.sizes()[0];
      if (have != out_features && have != 1) expand(bias, {rows, out_features});  // raises
      addend = Addend(bias, 0, 0, have == 1 ? 0 : bias.strides()[0]);
    }
    result = multiply(input, false, weight, true, addend);
  } else {
    NoGradGuard guard;
    Tensor expanded;
    if (bias.defined()) expanded = expand(bias, {rows, out_features});
    Shape sizes = input.sizes();
    sizes.back() = out_features;
    result = multiply(rows_of(input), false, weight, true, bias.defined() ? Addend(expanded) : Addend());
    result.set_geometry(sizes, contiguous_strides(sizes), 0);
  }
  if (out) result = deliver("linear", out, result);
  const Tensor kept_input = wants_gradient(weight) ? input : Tensor(),
               kept_weight = wants_gradient(input) ? weight : Tensor();
  const auto for_input = [](const Tensor& u, const Tensor&, const Tensor& weight, const Shape& sizes) {
    Tensor gradient = product("MmBackward0", rows_of(u), false, weight, false);
    return sizes.size() == 2 ? gradient : reshape(gradient, sizes);
  };
  const auto for_weight = [](const Tensor& u, const Tensor& input, const Tensor&, const Shape&) {
    return product("MmBackward0", rows_of(u), true, rows_of(input), false);
  };
  if (!bias.defined())
    return record("MmBackward0", result, out, saved(kept_input, kept_weight, input.sizes()),
                  wrt(input, for_input), wrt(weight, for_weight));
  return record("AddmmBackward0", result, out, saved(kept_input, kept_weight, input.sizes()),
                wrt(bias, [](const Tensor& u, const Tensor&, const Tensor&,
                             const Shape&) { return u.dim() == 2 ? u : rows_of(u); }),
                wrt(input, for_input), wrt(weight, for_weight));
}
TG_OP(linear, "linear(Tensor input, Tensor weight, Tensor? bias=None, *, Tensor? out=None) -> Tensor",
      kFunctional, R"(
input @ weight^T + bias, over the last dimension of input: (*, in), (out, in), (out) to (*, out), of one dtype.

Backward: u @ weight for input, u^T @ input for weight, u summed for bias, over the rows of all leading dimensions.
)");

}  // namespace tensorgrad
