// Repetition of slices, sliding windows, grids.
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/index_dim.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {

Tensor repeat_interleave(const Tensor& input, int64_t repeats, std::optional<int64_t> dim) {
  TG_CHECK(repeats >= 0, Runtime, "Repeats must be non-negative");
  const Tensor source = dim ? input : reshape(input, {-1});
  const int64_t d = wrap_dim(dim.value_or(0), source.dim());
  const Tensor lifted = source.dim() == 0 ? reshape(source, {1}) : source;
  Shape wide = lifted.sizes(), merged = lifted.sizes();
  wide.insert(size_t(d + 1), repeats);
  merged[d] *= repeats;
  return reshape(expand(unsqueeze(lifted, d + 1), wide), merged);
}
namespace {

// int64 [sum(repeats)]: i, repeats[i] times.
Tensor repeat_indices(const Tensor& repeats, std::optional<int64_t> output_size) {
  TG_CHECK(repeats.dim() == 1, Runtime, "repeat_interleave only accept 1D vector as repeat");
  TG_CHECK(repeats.dtype() == DType::Int64 || repeats.dtype() == DType::Int32, NotImplemented,
           "\"repeat_interleave_cpu\" not implemented for '", dtype_scalar_name(repeats.dtype()), "'");
  NoGradGuard guard;
  const Tensor counts = contiguous(to(repeats, DType::Int64));
  const int64_t* count = counts.data<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < counts.numel(); i++) {
    TG_CHECK(count[i] >= 0, Runtime, "repeats can not be negative");
    TG_CHECK(!__builtin_add_overflow(total, count[i], &total), Runtime, "repeats are too many");
  }
  TG_CHECK(!output_size || *output_size == total, Runtime, "allocated size does not match required size");
  Tensor out = Tensor::empty({total}, DType::Int64, repeats.device());
  int64_t* at = out.data<int64_t>();
  for (int64_t i = 0; i < counts.numel(); i++)
    for (int64_t k = 0; k < count[i]; k++) *at++ = i;
  return out;
}
Tensor repeat_interleave_tensor(const Tensor& input, const Tensor& repeats, std::optional<int64_t> dim,
                                std::optional<int64_t> output_size) {
  const Tensor source = dim ? input : reshape(input, {-1});
  const int64_t d = wrap_dim(dim.value_or(0), source.dim());
  TG_CHECK(source.dim() > 0 || repeats.numel() <= 1, Index,
           "Dimension specified as 0 but tensor has no dimensions");
  const int64_t size = source.dim() == 0 ? 1 : source.sizes()[d];
  Tensor counts = repeats;
  if (repeats.dim() == 0 || (repeats.dim() == 1 && repeats.sizes()[0] == 1)) {
    counts = expand(reshape(repeats, {1}), {size});
  } else {
    TG_CHECK(repeats.dim() == 1, Runtime, "repeats must be 0-dim or 1-dim tensor");
    TG_CHECK(repeats.sizes()[0] == size, Runtime,
             "repeats must have the same size as input along dim, but got repeats.size(0) = ",
             repeats.sizes()[0], " and input.size(", d, ") = ", size);
  }
  return index_select(source, d, repeat_indices(counts, output_size));
}
Tensor repeat_interleave_number(const Tensor& input, int64_t repeats, std::optional<int64_t> dim,
                                std::optional<int64_t>) {
  return repeat_interleave(input, repeats, dim);
}

}  // namespace
TG_OP(repeat_interleave_number,
      "repeat_interleave(Tensor input, int repeats, int? dim=None, *, int? output_size=None) -> Tensor",
      kFunction | kMethod, R"(
Every slice along dim, `repeats` times in a row; without dim of the flattened input.

Backward: u summed over the repetitions.
)");
TG_OP(repeat_interleave_tensor,
      "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor",
      kFunction | kMethod, R"(
Slice i along dim, repeats[i] times in a row; without dim of the flattened input.

Backward: u summed over the repetitions.
)");
TG_OP(repeat_indices, "repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor", kFunction, R"(
int64: i, repeats[i] times.
)");

// Windows.
namespace {
Tensor unfold_backward(const Tensor& u, const Shape& sizes, int64_t d, int64_t size, int64_t step) {
  Tensor out = zeros(sizes, u.dtype(), u.device());
  if (sizes.empty()) return reshape(u, {});
  const int64_t count = u.sizes()[d];
  if (step >= size) {
    copy_(unfold(out, d, size, step), u);
    return out;
  }
  for (int64_t k = 0; k < size; k++) {
    const Tensor part = slice(out, d, k, k + (count - 1) * step + 1, step);
    add(part, select(u, u.dim() - 1, k), 1, Out::in_place_of(part));
  }
  return out;
}
}  // namespace

Tensor unfold(const Tensor& input, int64_t dimension, int64_t size, int64_t step) {
  const int64_t d = wrap_dim(dimension, input.dim());
  const int64_t length = input.dim() == 0 ? 1 : input.sizes()[d];
  TG_CHECK(size >= 0, Runtime, "size is ", size, " but must be >= 0");
  TG_CHECK(size <= length, Runtime, "maximum size for tensor at dimension ", d, " is ", length,
           " but size is ", size);
  TG_CHECK(step > 0, Runtime, "step is ", step, " but must be > 0");
  Shape sizes = input.sizes();
  Ints strides = input.strides();
  const int64_t stride = input.dim() == 0 ? 1 : strides[d];
  if (input.dim() > 0) {
    sizes[d] = (length - size) / step + 1;
    strides[d] = step * stride;
  }
  sizes.push_back(size);
  strides.push_back(stride);
  return record_view("UnfoldBackward0", input.window(sizes, strides, input.storage_offset()), input, "unfold",
                     saved(input.sizes(), d, size, step),
                     [](const Tensor& u, const Shape& sizes, int64_t d, int64_t size, int64_t step) {
                       return unfold_backward(u, sizes, d, size, step);
                     });
}
TG_OP(unfold, "unfold(Tensor input, int dimension, int size, int step) -> Tensor", kMethod, R"(
All windows of `size` elements along a dimension, `step` apart, in a new last dimension; a view.

Backward: u summed where windows overlap.
)");

// Grids.
namespace {
TensorList broadcast_tensors(const TensorList& tensors) {
  TensorList out;
  if (tensors.empty()) return out;
  Shape shape = tensors[0].sizes();
  for (const Tensor& t : tensors) shape = broadcast_shapes(shape, t.sizes());
  for (const Tensor& t : tensors) out.push_back(expand(t, shape));
  return out;
}
TensorList meshgrid(const TensorList& tensors, std::optional<std::string_view> indexing) {
  TG_CHECK(!tensors.empty(), Runtime, "meshgrid expects a non-empty TensorList");
  const std::string_view how = indexing.value_or("ij");
  TG_CHECK(how == "ij" || how == "xy", Runtime,
           "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ", how);
  for (size_t i = 0; i < tensors.size(); i++) {
    TG_CHECK(tensors[i].dim() <= 1, Runtime,
             "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ", tensors[i].sizes());
    TG_CHECK(tensors[i].dtype() == tensors[0].dtype(), Runtime,
             "torch.meshgrid expects all tensors to have the same dtype");
  }
  const size_t n = tensors.size();
  const bool swap = how == "xy" && n >= 2;
  Shape shape;
  for (size_t i = 0; i < n; i++) shape.push_back(tensors[swap && i < 2 ? 1 - i : i].numel());
  TensorList out;
  for (size_t i = 0; i < n; i++) {
    const size_t axis = swap && i < 2 ? 1 - i : i;
    Shape lifted(n, 1);
    lifted[axis] = tensors[i].numel();
    Tensor grid = expand(view(contiguous(tensors[i]), lifted), shape);
    out.push_back(grid);
  }
  return out;
}
}  // namespace
TG_OP(meshgrid, "meshgrid(Tensor[] *tensors, *, str? indexing=None) -> Tensor[]", kFunction, R"(
Vectors as the coordinates of a grid: each expanded over the dimensions of all ("ij", or "xy" with the first two swapped).

Backward: u of each grid, summed over the dimensions that were expanded.
)");
TG_OP(broadcast_tensors, "broadcast_tensors(Tensor[] *tensors) -> Tensor[]", kFunction, R"(
All tensors expanded to their common shape; views.

Backward: u of each result, summed over the dimensions that were expanded.
)");

}  // namespace tensorgrad
