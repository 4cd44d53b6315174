// Ops that show the same memory in another shape.
#pragma once
#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

// RuntimeError unless a window of these sizes, strides and offset (in elements) lies in `storage`, whatever
// the numbers: they may come from a file.
void check_window(const Storage& storage, size_t itemsize, const Shape& sizes, const Ints& strides,
                  int64_t offset);
Tensor as_strided(const Tensor& input, const Shape& size, const Ints& stride,
                  std::optional<int64_t> storage_offset = {});
// The node that a stale view gets: its gradient scattered into the base's geometry.
NodePtr as_strided_node(const Tensor& base, const Tensor& view, const Edge& edge);

Tensor view(const Tensor& input, const Shape& size);
Tensor view_dtype(const Tensor& input, DType dtype);
Tensor reshape(const Tensor& input, const Shape& shape);
Tensor flatten(const Tensor& input, int64_t start_dim = 0, int64_t end_dim = -1);
Tensor permute(const Tensor& input, const Ints& dims);
Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1);
Tensor t(const Tensor& input);
Tensor expand(const Tensor& input, const Shape& size, bool implicit = false);
Tensor squeeze(const Tensor& input, const Ints& dims);
Tensor unsqueeze(const Tensor& input, int64_t dim);
Tensor select(const Tensor& input, int64_t dim, int64_t index);
Tensor slice(const Tensor& input, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step = 1);
Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length);
Tensor diagonal(const Tensor& input, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
Tensor unfold(const Tensor& input, int64_t dimension, int64_t size, int64_t step);
// Sums a gradient back to the shape it was broadcast from.
Tensor sum_to_size(const Tensor& input, const Shape& size);

}  // namespace tensorgrad
