#include "tensorgrad/core/shape.h"

#include <algorithm>
#include <sstream>

#include "tensorgrad/core/check.h"

namespace tensorgrad {

std::ostream& operator<<(std::ostream& out, const Ints& values) {
  out << '[';
  for (size_t i = 0; i < values.size(); i++) out << (i ? ", " : "") << values[i];
  return out << ']';
}

std::string to_string(const Ints& values) {
  std::ostringstream text;
  text << values;
  return text.str();
}

int64_t count_elements(const Shape& sizes) {
  int64_t count = 1;
  bool overflow = false, zero = false;
  for (int64_t size : sizes) {
    TG_CHECK(size >= 0, Runtime, "Trying to create tensor with negative dimension ", size, ": ", sizes);
    zero |= size == 0;
    overflow |= __builtin_mul_overflow(count, size, &count);
  }
  if (zero) return 0;
  TG_CHECK(!overflow, Runtime, "Storage size calculation overflowed with sizes=", sizes);
  return count;
}

Ints contiguous_strides(const Shape& sizes) {
  Ints strides;
  strides.resize(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(sizes[i], 1);
  }
  return strides;
}

bool is_contiguous(const Shape& sizes, const Ints& strides) {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (sizes[i] == 0) return true;
    if (sizes[i] == 1) continue;
    if (strides[i] != expected) {
      for (int64_t size : sizes)
        if (size == 0) return true;
      return false;
    }
    expected *= sizes[i];
  }
  return true;
}

namespace {
Ints dims_by_stride(const Shape& sizes, const Ints& strides) {
  Ints order;
  for (size_t i = 0; i < sizes.size(); i++)
    if (sizes[i] != 1) order.push_back(int64_t(i));
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return strides[a] != strides[b] ? strides[a] < strides[b] : a > b; });
  return order;
}
}  // namespace

bool is_non_overlapping(const Shape& sizes, const Ints& strides) {
  int64_t reach = 0;  // farthest element that the smaller strides touch
  for (int64_t dim : dims_by_stride(sizes, strides)) {
    if (sizes[dim] == 0) return true;
    if (strides[dim] <= reach) return false;
    reach += strides[dim] * (sizes[dim] - 1);
  }
  return true;
}

bool is_non_overlapping_and_dense(const Shape& sizes, const Ints& strides) {
  int64_t expected = 1;
  for (int64_t dim : dims_by_stride(sizes, strides)) {
    if (sizes[dim] == 0) return true;
    if (strides[dim] != expected) return false;
    expected *= sizes[dim];
  }
  return true;
}

int64_t wrap_dim(int64_t dim, int64_t ndim, bool allow_scalar) {
  if (dim >= 0 && dim < ndim) [[likely]]
    return dim;
  if (ndim == 0) {
    TG_CHECK(allow_scalar, Index, "Dimension specified as ", dim, " but tensor has no dimensions");
    ndim = 1;
  }
  TG_CHECK(dim >= -ndim && dim < ndim, Index, "Dimension out of range (expected to be in range of [", -ndim,
           ", ", ndim - 1, "], but got ", dim, ")");
  return dim < 0 ? dim + ndim : dim;
}

Ints wrap_dims(const Ints& dims, int64_t ndim) {
  Ints wrapped;
  for (int64_t dim : dims) {
    const int64_t d = wrap_dim(dim, ndim);
    TG_CHECK(std::find(wrapped.begin(), wrapped.end(), d) == wrapped.end(), Runtime, "dim ", d,
             " appears multiple times in the list of dims");
    wrapped.push_back(d);
  }
  return wrapped;
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  const size_t ndim = std::max(a.size(), b.size());
  Shape out;
  out.resize(ndim);
  for (size_t i = 0; i < ndim; i++) {
    const int64_t x = i < ndim - a.size() ? 1 : a[i - (ndim - a.size())];
    const int64_t y = i < ndim - b.size() ? 1 : b[i - (ndim - b.size())];
    TG_CHECK(x == y || x == 1 || y == 1, Runtime, "The size of tensor a (", x,
             ") must match the size of tensor b (", y, ") at non-singleton dimension ", i);
    out[i] = x == 1 ? y : x;
  }
  return out;
}

bool is_expandable_to(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  const size_t skip = to.size() - from.size();
  for (size_t i = 0; i < from.size(); i++)
    if (from[i] != 1 && from[i] != to[i + skip]) return false;
  return true;
}

Shape infer_size(const Shape& shape, int64_t numel) {
  Shape out = shape;
  int64_t known = 1, unknown = -1;
  for (size_t i = 0; i < shape.size(); i++) {
    if (shape[i] == -1) {
      TG_CHECK(unknown < 0, Runtime, "only one dimension can be inferred");
      unknown = int64_t(i);
    } else {
      TG_CHECK(shape[i] >= 0, Runtime, "invalid shape dimension ", shape[i], " at index ", i, " of shape ",
               shape);
      TG_CHECK(!__builtin_mul_overflow(known, shape[i], &known), Runtime, "shape '", shape,
               "' is invalid for input of size ", numel);
    }
  }
  if (unknown >= 0 && known == 0 && numel == 0)
    fail(ErrorKind::Runtime, "cannot reshape tensor of 0 elements into shape ", shape,
         " because the unspecified dimension size -1 can be any value and is ambiguous");
  TG_CHECK(unknown >= 0 ? (known > 0 && numel % known == 0) : known == numel, Runtime, "shape '", shape,
           "' is invalid for input of size ", numel);
  if (unknown >= 0) out[unknown] = numel / known;
  return out;
}

std::optional<Ints> view_strides(const Shape& sizes, const Ints& strides, const Shape& shape) {
  const int64_t numel = count_elements(sizes);
  if (numel == 0) return sizes == shape ? strides : contiguous_strides(shape);
  Ints out;
  out.resize(shape.size());
  int64_t view_dim = int64_t(shape.size()) - 1;
  int64_t chunk_base = sizes.empty() ? 1 : strides.back();
  int64_t chunk = 1, view_count = 1;
  // Walk the old dimensions inwards out, closing a chunk wherever memory stops being evenly spaced.
  for (int64_t dim = int64_t(sizes.size()) - 1; dim >= 0; dim--) {
    chunk *= sizes[dim];
    if (dim == 0 || (sizes[dim - 1] != 1 && strides[dim - 1] != chunk * chunk_base)) {
      while (view_dim >= 0 && (view_count < chunk || shape[view_dim] == 1)) {
        out[view_dim] = view_count * chunk_base;
        view_count *= shape[view_dim];
        view_dim--;
      }
      if (view_count != chunk) return std::nullopt;
      if (dim > 0) {
        chunk_base = strides[dim - 1];
        chunk = 1;
        view_count = 1;
      }
    }
  }
  while (view_dim >= 0 && shape[view_dim] == 1) out[view_dim--] = 1;
  if (view_dim != -1) return std::nullopt;
  return out;
}

}  // namespace tensorgrad
