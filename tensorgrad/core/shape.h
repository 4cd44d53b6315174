// Sizes and strides: their arithmetic, broadcasting, and PyTorch's texts for what does not fit.
#pragma once
#include <iosfwd>
#include <optional>
#include <string>

#include "tensorgrad/core/small_vector.h"

namespace tensorgrad {

using Ints = SmallVector<int64_t, 5>;
using Shape = Ints;

std::ostream& operator<<(std::ostream& out, const Ints& values);  // [2, 3]
std::string to_string(const Ints& values);

// Number of elements; RuntimeError where it overflows int64 or a size is negative.
int64_t count_elements(const Shape& sizes);
Ints contiguous_strides(const Shape& sizes);
bool is_contiguous(const Shape& sizes, const Ints& strides);
// No two indices reach the same element (dimensions of size 1 apart).
bool is_non_overlapping(const Shape& sizes, const Ints& strides);
bool is_non_overlapping_and_dense(const Shape& sizes, const Ints& strides);

// -ndim <= dim < ndim, wrapped to 0 <= dim < ndim; IndexError as PyTorch's otherwise. A 0-d tensor counts as
// 1-d.
int64_t wrap_dim(int64_t dim, int64_t ndim, bool allow_scalar = true);
// Wraps each and refuses a repeated one.
Ints wrap_dims(const Ints& dims, int64_t ndim);

Shape broadcast_shapes(const Shape& a, const Shape& b);
bool is_expandable_to(const Shape& from, const Shape& to);
// Fills in a single -1 ("shape '[...]' is invalid for input of size n" otherwise).
Shape infer_size(const Shape& shape, int64_t numel);
// Strides with which a tensor of these sizes and strides can be seen in the new shape without a copy.
std::optional<Ints> view_strides(const Shape& sizes, const Ints& strides, const Shape& shape);

}  // namespace tensorgrad
