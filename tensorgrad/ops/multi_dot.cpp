// Products of many matrices: their order is free, and decides the cost.
#include <vector>

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/matmul.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/product.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

const char* lower_name(DType t) {
  return c_type_name(t) + (t == DType::Float16 || t == DType::BFloat16 ? 5 : 0);
}

// The first as a row, the last as a column, all others must be matrices that fit.
std::vector<Tensor> as_matrices(const TensorList& tensors) {
  const size_t n = tensors.size();
  std::vector<Tensor> matrices(tensors.begin(), tensors.end());
  TG_CHECK(n >= 2, Runtime, "multi_dot(): expected at least 2 tensors but got ", n);
  const auto check_end = [](const char* which, const Tensor& t) {
    TG_CHECK(t.dim() == 1 || t.dim() == 2, Runtime, "multi_dot(): the ", which,
             " tensor must be 1D or 2D but got ", t.dim(), "D");
  };
  check_end("first", matrices.front());
  check_end("last", matrices.back());
  if (matrices.front().dim() == 1) matrices.front() = unsqueeze(matrices.front(), 0);
  if (matrices.back().dim() == 1) matrices.back() = unsqueeze(matrices.back(), 1);
  for (size_t i = 0; i < n; i++) {
    TG_CHECK(matrices[i].dim() == 2, Runtime, "multi_dot(): tensor ", i, " must be 2D but got ",
             matrices[i].dim(), "D");
    TG_CHECK(matrices[i].dtype() == matrices[0].dtype(), Runtime,
             "multi_dot(): all tensors must have be the same dtype but tensor 0 is ",
             lower_name(matrices[0].dtype()), " and tensor ", i, " ", lower_name(matrices[i].dtype()));
    TG_CHECK(i == 0 || matrices[i - 1].sizes()[1] == matrices[i].sizes()[0], Runtime, "multi_dot(): tensors ",
             i - 1, " and ", i, " with shapes ", tensors[i - 1].sizes(), " and ", tensors[i].sizes(),
             " cannot be multiplied");
  }
  return matrices;
}

// split[i][j]: after which matrix the product of i to j is cut last, so that the fewest multiplications
// result.
std::vector<std::vector<size_t>> best_splits(const std::vector<Tensor>& matrices) {
  const size_t n = matrices.size();
  std::vector<int64_t> size;  // matrix i is size[i] x size[i + 1]
  for (const Tensor& each : matrices) size.push_back(each.sizes()[0]);
  size.push_back(matrices.back().sizes()[1]);
  std::vector<std::vector<size_t>> split(n, std::vector<size_t>(n));
  std::vector<std::vector<double>> cost(n, std::vector<double>(n));
  for (size_t length = 1; length < n; length++) {
    for (size_t i = 0; i + length < n; i++) {
      const size_t j = i + length;
      cost[i][j] = __builtin_inf();
      for (size_t k = i; k < j; k++) {
        const double here =
            cost[i][k] + cost[k + 1][j] + double(size[i]) * double(size[k + 1]) * double(size[j + 1]);
        if (here < cost[i][j]) cost[i][j] = here, split[i][j] = k;
      }
    }
  }
  return split;
}

Tensor multiply_range(const std::vector<Tensor>& matrices, const std::vector<std::vector<size_t>>& split,
                      size_t i, size_t j) {
  if (i == j) return matrices[i];
  const size_t k = split[i][j];
  return mm(multiply_range(matrices, split, i, k), multiply_range(matrices, split, k + 1, j));
}

}  // namespace

Tensor multi_dot(const TensorList& tensors, Out out) {
  const std::vector<Tensor> matrices = as_matrices(tensors);
  const DType t = matrices[0].dtype();
  TG_CHECK(!out || out.target->dtype() == t, Runtime, "multi_dot(): expected out tensor to have dtype ",
           lower_name(t), " but got ", lower_name(out.target->dtype()));
  Tensor result = multiply_range(matrices, best_splits(matrices), 0, matrices.size() - 1);
  Shape sizes;
  if (tensors.front().dim() == 2) sizes.push_back(result.sizes()[0]);
  if (tensors.back().dim() == 2) sizes.push_back(result.sizes()[1]);
  if (sizes != result.sizes()) result = reshape(result, sizes);
  return out ? deliver("multi_dot", out, result) : result;
}
TG_OP(multi_dot, "linalg.multi_dot(Tensor[] tensors, *, Tensor? out=None) -> Tensor", kFunction, R"(
The product of two or more matrices, multiplied in the order that takes the fewest operations; the first and the last
may be vectors, as a row and a column.

Backward: for each matrix the product of the transposes of those before it, u, and the transposes of those after it.
)");

}  // namespace tensorgrad
