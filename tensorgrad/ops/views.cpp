#include "tensorgrad/ops/views.h"

#include <algorithm>

#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"

namespace tensorgrad {
namespace {

int64_t extent(const Shape& sizes, const Ints& strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); i++) {
    if (sizes[i] == 0) return 0;
    last += (sizes[i] - 1) * strides[i];
  }
  return last + 1;
}

// Scatters u, shaped like the view, into zeros of the base's geometry. Elements that the view shows several
// times sum up.
Tensor as_strided_gradient(const Tensor& u, const Shape& base_sizes, const Ints& base_strides,
                           int64_t base_offset, const Shape& sizes, const Ints& strides, int64_t offset) {
  const int64_t low = std::min(base_offset, offset);
  const int64_t end =
      std::max(base_offset + extent(base_sizes, base_strides), offset + extent(sizes, strides));
  Tensor memory = zeros({std::max<int64_t>(end - low, 0)}, u.dtype(), u.device());
  if (is_non_overlapping(sizes, strides)) {
    copy_(as_strided(memory, sizes, strides, offset - low), u);
  } else {
    // Dimensions of stride 0 are sums; what still overlaps is added slice by slice.
    Ints summed, kept;
    for (size_t i = 0; i < sizes.size(); i++)
      (strides[i] == 0 && sizes[i] > 1 ? summed : kept).push_back(int64_t(i));
    Tensor part = summed.empty() ? u : sum(u, summed, true);
    Shape part_sizes = part.sizes();
    if (is_non_overlapping(part_sizes, strides)) {
      copy_(as_strided(memory, part_sizes, strides, offset - low), part);
    } else {
      int64_t widest = kept[0];
      for (int64_t d : kept)
        if (strides[d] < strides[widest] || part_sizes[widest] == 1) widest = d;
      Shape one = part_sizes;
      one[widest] = 1;
      for (int64_t i = 0; i < part_sizes[widest]; i++) {
        Tensor piece = as_strided_gradient(slice(part, widest, i, i + 1), {memory.numel()}, {1}, 0, one,
                                           strides, offset - low + i * strides[widest]);
        memory = memory + piece;
      }
    }
  }
  return as_strided(memory, base_sizes, base_strides, base_offset - low);
}

Tensor as_strided_backward(const Tensor& u, const Shape& base_sizes, const Ints& base_strides,
                           int64_t base_offset, const Shape& sizes, const Ints& strides, int64_t offset) {
  Tensor gradient = as_strided_gradient(u, base_sizes, base_strides, base_offset, sizes, strides, offset);
  return gradient;
}

using AsStridedRule =
    decltype([](const Tensor& u, const Shape& bs, const Ints& bst, int64_t bo, const Shape& s, const Ints& st,
                int64_t o) { return as_strided_backward(u, bs, bst, bo, s, st, o); });

void append_dims(Ints& list, int64_t from, int64_t to) {
  for (int64_t d = from; d < to; d++) list.push_back(d);
}

}  // namespace

NodePtr as_strided_node(const Tensor& base, const Tensor& view, const Edge& edge) {
  const int64_t base_offset = base.storage_offset(), offset = view.storage_offset();
  using Node_ = detail::OpNode<detail::EachInput<AsStridedRule>, Shape, Ints, int64_t, Shape, Ints, int64_t>;
  NodePtr node(new Node_(
      "AsStridedBackward0",
      saved(base.sizes(), base.strides(), base_offset, view.sizes(), view.strides(), offset), nullptr, 0));
  node->add_edge(edge);
  return node;
}

void check_window(const Storage& storage, size_t itemsize, const Shape& sizes, const Ints& strides,
                  int64_t offset) {
  TG_CHECK(sizes.size() == strides.size(), Runtime, "mismatch in length of strides and shape");
  for (int64_t s : strides)
    TG_CHECK(s >= 0, Runtime,
             "as_strided: Negative strides are not supported at the moment, got strides: ", strides);
  TG_CHECK(offset >= 0, Runtime, "Tensor: invalid storage offset ", offset);
  if (count_elements(sizes) == 0) return;
  int64_t bytes = 0, last = offset;
  bool fits = true;
  for (size_t d = 0; d < sizes.size() && fits; d++) {
    int64_t step;
    fits = !__builtin_mul_overflow(sizes[d] - 1, strides[d], &step) &&
           !__builtin_add_overflow(last, step, &last);
  }
  fits = fits && !__builtin_add_overflow(last, int64_t(1), &last) &&
         !__builtin_mul_overflow(last, int64_t(itemsize), &bytes);
  TG_CHECK(fits, Runtime, "setStorage: sizes ", sizes, ", strides ", strides, ", storage offset ", offset,
           ", and itemsize ", itemsize, " requiring a storage size beyond 2^63 bytes");
  TG_CHECK(uint64_t(bytes) <= storage.bytes(), Runtime, "setStorage: sizes ", sizes, ", strides ", strides,
           ", storage offset ", offset, ", and itemsize ", itemsize, " requiring a storage size of ", bytes,
           " are out of bounds for storage of size ", storage.bytes());
}

Tensor as_strided(const Tensor& input, const Shape& size, const Ints& stride,
                  std::optional<int64_t> storage_offset) {
  const int64_t offset = storage_offset.value_or(input.storage_offset());
  check_window(*input.storage(), input.element_size(), size, stride, offset);
  const int64_t base_offset = input.storage_offset();
  return record_view("AsStridedBackward0", input.window(size, stride, offset), input, "as_strided",
                     saved(input.sizes(), input.strides(), base_offset, size, stride, offset),
                     AsStridedRule{});
}
TG_OP(as_strided, "as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None) -> Tensor",
      kFunction | kMethod | kInPlaceView, R"(
A window of the given sizes and strides (in elements) on input's storage.

Backward: u scattered into zeros, summed where the window shows an element more than once.
)");

Tensor view(const Tensor& input, const Shape& size) {
  const Shape shape = infer_size(size, input.numel());
  auto strides = view_strides(input.sizes(), input.strides(), shape);
  TG_CHECK(strides, Runtime,
           "view size is not compatible with input tensor's size and stride (at least one dimension spans "
           "across two "
           "contiguous subspaces). Use .reshape(...) instead.");
  return record_view("ViewBackward0", input.window(shape, std::move(*strides), input.storage_offset()), input,
                     "view", saved(input.sizes()),
                     [](const Tensor& u, const Shape& sizes) { return reshape(u, sizes); });
}
TG_OP(view, "view(Tensor input, int[] size) -> Tensor", kMethod, R"(
The same data in another shape, one size may be -1. Raises RuntimeError where that needs a copy.

Backward: u in the shape of input.
)");

Tensor view_dtype(const Tensor& t, DType to) {
  const int64_t have = int64_t(t.element_size()), want = int64_t(element_size(to));
  Shape sizes = t.sizes();
  Ints strides = t.strides();
  int64_t offset = t.storage_offset();
  if (want != have) {
    TG_CHECK(t.dim() > 0, Runtime, "self.dim() cannot be 0 to view ", dtype_scalar_name(t.dtype()), " as ",
             dtype_scalar_name(to), " (different element sizes)");
    TG_CHECK(strides.back() == 1 || t.numel() == 0, Runtime, "self.stride(-1) must be 1 to view ",
             dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to),
             " (different element sizes), but got ", strides.back());
    if (want > have) {
      const int64_t ratio = want / have;
      TG_CHECK(sizes.back() % ratio == 0, Runtime, "self.size(-1) must be divisible by ", ratio, " to view ",
               dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to),
               " (different element sizes), but got ", sizes.back());
      TG_CHECK(offset % ratio == 0, Runtime, "self.storage_offset() must be divisible by ", ratio,
               " to view ", dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to),
               " (different element sizes), but got ", offset);
      for (size_t i = 0; i + 1 < strides.size(); i++) {
        TG_CHECK(strides[i] % ratio == 0, Runtime, "self.stride(", i, ") must be divisible by ", ratio,
                 " to view ", dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to),
                 " (different element sizes), but got ", strides[i]);
        strides[i] /= ratio;
      }
      sizes.back() /= ratio;
      offset /= ratio;
    } else {
      const int64_t ratio = have / want;
      for (size_t i = 0; i + 1 < strides.size(); i++) strides[i] *= ratio;
      sizes.back() *= ratio;
      offset *= ratio;
    }
  }
  Tensor out = Tensor::wrap(t.storage(), sizes, strides, offset, to);
  if (t.impl()->own_version) out.impl()->own_version = t.impl()->own_version;
  return record_view("ViewBackward1", std::move(out), t, "view", saved(t.dtype()),
                     [](const Tensor& u, DType from) { return view_dtype(u, from); });
}
TG_OP(view_dtype, "view(Tensor input, ScalarType dtype) -> Tensor", kMethod, R"(
The same bytes read as another dtype; the last size changes with the element size.
)");

Tensor reshape(const Tensor& input, const Shape& shape) {
  const Shape wanted = infer_size(shape, input.numel());
  if (view_strides(input.sizes(), input.strides(), wanted)) return view(input, wanted);
  return view(contiguous(input), wanted);
}
TG_OP(reshape, "reshape(Tensor input, int[] shape) -> Tensor", kFunction | kMethod, R"(
The same data in another shape, one size may be -1: a view where possible, else a copy.

Backward: u in the shape of input.
)");

Tensor flatten(const Tensor& input, int64_t start_dim, int64_t end_dim) {
  const int64_t first = wrap_dim(start_dim, input.dim()), last = wrap_dim(end_dim, input.dim());
  TG_CHECK(first <= last, Runtime, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (input.dim() == 0) return reshape(input, {1});
  if (first == last) return input;
  Shape shape;
  int64_t merged = 1;
  for (int64_t d = 0; d < input.dim(); d++) {
    if (d < first || d > last)
      shape.push_back(input.sizes()[d]);
    else if (merged *= input.sizes()[d]; d == last)
      shape.push_back(merged);
  }
  return reshape(input, shape);
}
TG_OP(flatten, "flatten(Tensor input, int start_dim=0, int end_dim=-1) -> Tensor", kFunction | kMethod, R"(
Merges the dimensions start_dim to end_dim into one.

Backward: u in the shape of input.
)");

Tensor unflatten(const Tensor& input, int64_t dim, const Ints& sizes) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(!sizes.empty(), Runtime, "unflatten: sizes must be non-empty");
  int64_t known = 1, inferred = 0;
  for (int64_t s : sizes) s == -1 ? inferred++ : known *= s;
  TG_CHECK(inferred <= 1, Runtime, "only one dimension can be inferred");
  const int64_t size = input.sizes()[d];
  TG_CHECK(inferred ? (known != 0 && size % known == 0) : known == size, Runtime,
           "unflatten: Provided sizes ", sizes, " don't multiply up to the size of dim ", d, " (", size,
           ") in the input tensor");
  Shape shape;
  for (int64_t i = 0; i < input.dim(); i++) {
    if (i != d)
      shape.push_back(input.sizes()[i]);
    else
      for (int64_t s : sizes) shape.push_back(s == -1 ? size / known : s);
  }
  return view(input, shape);
}
TG_OP(unflatten, "unflatten(Tensor input, int dim, int[] sizes) -> Tensor", kFunction | kMethod, R"(
Splits one dimension into several, one size may be -1.

Backward: u in the shape of input.
)");

Tensor permute(const Tensor& input, const Ints& dims) {
  TG_CHECK(int64_t(dims.size()) == input.dim(), Runtime,
           "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
           "desired "
           "ordering of dimensions i.e. input.dim() = ",
           input.dim(), " is not equal to len(dims) = ", dims.size());
  Ints wrapped;
  Shape sizes;
  Ints strides;
  for (int64_t dim : dims) {
    const int64_t d = wrap_dim(dim, input.dim());
    TG_CHECK(std::find(wrapped.begin(), wrapped.end(), d) == wrapped.end(), Runtime,
             "permute(): duplicate dims are not allowed.");
    wrapped.push_back(d);
    sizes.push_back(input.sizes()[d]);
    strides.push_back(input.strides()[d]);
  }
  return record_view("PermuteBackward0",
                     input.window(std::move(sizes), std::move(strides), input.storage_offset()), input,
                     "permute", saved(wrapped), [](const Tensor& u, const Ints& dims) {
                       Ints inverse;
                       inverse.resize(dims.size());
                       for (size_t i = 0; i < dims.size(); i++) inverse[dims[i]] = int64_t(i);
                       return permute(u, inverse);
                     });
}
TG_OP(permute, "permute(Tensor input, int[] dims) -> Tensor", kFunction | kMethod, R"(
The dimensions in another order; a view.

Backward: u in the old order.
)");

Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1) {
  const int64_t a = wrap_dim(dim0, input.dim()), b = wrap_dim(dim1, input.dim());
  if (a == b && input.dim() == 0)
    return record_view("AliasBackward0", input.alias(), input, "alias", saved(),
                       [](const Tensor& u) { return u; });
  Shape sizes = input.sizes();
  Ints strides = input.strides();
  std::swap(sizes[a], sizes[b]);
  std::swap(strides[a], strides[b]);
  return record_view(
      "TransposeBackward0", input.window(std::move(sizes), std::move(strides), input.storage_offset()), input,
      "transpose", saved(a, b), [](const Tensor& u, int64_t a, int64_t b) { return transpose(u, a, b); });
}
TG_OP(transpose, "transpose(Tensor input, int dim0, int dim1) -> Tensor", kFunction | kMethod | kInPlaceView,
      R"(
Swaps two dimensions; a view.

Backward: u with the dimensions swapped back.
)");

Tensor t(const Tensor& input) {
  TG_CHECK(input.dim() <= 2, Runtime, "t() expects a tensor with <= 2 dimensions, but self is ", input.dim(),
           "D");
  Shape sizes(input.sizes().begin(), input.sizes().end());
  Ints strides = input.strides();
  std::reverse(sizes.begin(), sizes.end());
  std::reverse(strides.begin(), strides.end());
  return record_view("TBackward0", input.window(std::move(sizes), std::move(strides), input.storage_offset()),
                     input, "t", saved(), [](const Tensor& u) { return t(u); });
}
TG_OP(t, "t(Tensor input) -> Tensor", kFunction | kMethod | kInPlaceView, R"(
The transpose of a matrix; tensors of fewer dimensions as they are.

Backward: the transpose of u.
)");

Tensor expand(const Tensor& input, const Shape& size, bool) {
  TG_CHECK(int64_t(size.size()) >= input.dim(), Runtime, "expand(", dtype_tensor_name(input.dtype()), "{",
           input.sizes(), "}, size=", size, "): the number of sizes provided (", size.size(),
           ") must be greater or equal to the number of dimensions in the tensor (", input.dim(), ")");
  Shape sizes = size;
  Ints strides;
  strides.resize(size.size());
  const int64_t skip = int64_t(size.size()) - input.dim();
  for (int64_t d = int64_t(size.size()) - 1; d >= 0; d--) {
    const int64_t own = d - skip;
    if (own < 0) {
      TG_CHECK(size[d] >= 0, Runtime, "The expanded size of the tensor (", size[d],
               ") isn't allowed in a leading, non-existing dimension ", d);
      strides[d] = 0;
      continue;
    }
    const int64_t have = input.sizes()[own];
    if (size[d] == -1) sizes[d] = have;
    TG_CHECK(sizes[d] == have || have == 1, Runtime, "The expanded size of the tensor (", sizes[d],
             ") must match the existing size (", have, ") at non-singleton dimension ", d,
             ".  Target sizes: ", size, ".  Tensor sizes: ", input.sizes());
    TG_CHECK(sizes[d] >= 0, Runtime, "expand: invalid size ", sizes[d]);
    strides[d] = sizes[d] == have ? input.strides()[own] : 0;
  }
  return record_view("ExpandBackward0",
                     input.window(std::move(sizes), std::move(strides), input.storage_offset()), input,
                     "expand", saved(input.sizes()),
                     [](const Tensor& u, const Shape& sizes) { return sum_to_size(u, sizes); });
}
TG_OP(expand, "expand(Tensor input, int[] size, *, bool implicit=False) -> Tensor", kMethod, R"(
Repeats dimensions of size 1 without copying; -1 keeps a size. New dimensions come first.

Backward: u summed over what was repeated.
)");
Tensor broadcast_to(const Tensor& input, const Shape& size) { return expand(input, size); }
TG_OP(broadcast_to, "broadcast_to(Tensor input, int[] size) -> Tensor", kFunction | kMethod, R"(
expand() under NumPy's name.
)");
Tensor expand_as(const Tensor& input, const Tensor& other) { return expand(input, other.sizes()); }
TG_OP(expand_as, "expand_as(Tensor input, Tensor other) -> Tensor", kMethod,
      "\nexpand() to the sizes of other.\n");
Tensor view_as(const Tensor& input, const Tensor& other) { return view(input, other.sizes()); }
TG_OP(view_as, "view_as(Tensor input, Tensor other) -> Tensor", kMethod, "\nview() in the sizes of other.\n");
Tensor reshape_as(const Tensor& input, const Tensor& other) { return reshape(input, other.sizes()); }
TG_OP(reshape_as, "reshape_as(Tensor input, Tensor other) -> Tensor", kMethod,
      "\nreshape() to the sizes of other.\n");

Tensor sum_to_size(const Tensor& input, const Shape& size) {
  if (input.sizes() == size) return input;
  TG_CHECK(is_expandable_to(size, input.sizes()), Runtime, "size {", size, "} is not expandable to size {",
           input.sizes(), "}.");
  Ints leading, kept;
  const int64_t skip = input.dim() - int64_t(size.size());
  append_dims(leading, 0, skip);
  for (int64_t d = skip; d < input.dim(); d++)
    if (size[d - skip] == 1 && input.sizes()[d] != 1) kept.push_back(d);
  Ints all = leading;
  for (int64_t d : kept) all.push_back(d);
  if (all.empty()) return input;
  Tensor out = sum(input, all, true);
  return leading.empty() ? out : view(out, size);
}
// Of no size, this is sum() with its promotion, where a gradient of that shape stays as it is.
static Tensor sum_to_size_op(const Tensor& input, const Shape& size) {
  return size.empty() ? sum(input, {}, false) : sum_to_size(input, size);
}
TG_OP(sum_to_size_op, "sum_to_size(Tensor input, int[] size) -> Tensor", kMethod, R"(
Sums the dimensions that broadcasting would have expanded from size.

Backward: u expanded to the sizes of input.
)");

Tensor squeeze(const Tensor& input, const Ints& dims) {
  Shape sizes;
  Ints strides;
  const Ints wrapped = wrap_dims(dims, input.dim());
  for (int64_t d = 0; d < input.dim(); d++) {
    if (input.sizes()[d] == 1 && std::find(wrapped.begin(), wrapped.end(), d) != wrapped.end()) continue;
    sizes.push_back(input.sizes()[d]);
    strides.push_back(input.strides()[d]);
  }
  return record_view(
      "SqueezeBackward1", input.window(std::move(sizes), std::move(strides), input.storage_offset()), input,
      "squeeze", saved(input.sizes()), [](const Tensor& u, const Shape& sizes) { return reshape(u, sizes); });
}
TG_OP(squeeze, "squeeze(Tensor input, int[1] dim) -> Tensor", kFunction | kMethod | kInPlaceView, R"(
Without the given dimensions of size 1.

Backward: u in the shape of input.
)");
Tensor squeeze_all(const Tensor& input) {
  Shape sizes;
  Ints strides;
  for (int64_t d = 0; d < input.dim(); d++) {
    if (input.sizes()[d] == 1) continue;
    sizes.push_back(input.sizes()[d]);
    strides.push_back(input.strides()[d]);
  }
  return record_view(
      "SqueezeBackward0", input.window(std::move(sizes), std::move(strides), input.storage_offset()), input,
      "squeeze", saved(input.sizes()), [](const Tensor& u, const Shape& sizes) { return reshape(u, sizes); });
}
TG_OP(squeeze_all, "squeeze(Tensor input) -> Tensor", kFunction | kMethod | kInPlaceView, R"(
Without any dimension of size 1.

Backward: u in the shape of input.
)");

Tensor unsqueeze(const Tensor& input, int64_t dim) {
  const int64_t d = wrap_dim(dim, input.dim() + 1);
  Shape sizes = input.sizes();
  Ints strides = input.strides();
  const int64_t stride = d < input.dim() ? sizes[d] * strides[d] : 1;
  sizes.insert(d, 1);
  strides.insert(d, stride);
  return record_view("UnsqueezeBackward0",
                     input.window(std::move(sizes), std::move(strides), input.storage_offset()), input,
                     "unsqueeze", saved(d), [](const Tensor& u, int64_t d) { return squeeze(u, {d}); });
}
TG_OP(unsqueeze, "unsqueeze(Tensor input, int dim) -> Tensor", kFunction | kMethod | kInPlaceView, R"(
With a new dimension of size 1 at dim.

Backward: u without the new dimension.
)");

namespace {
// The gradient of a window: zeros with u written there.
Tensor select_backward(const Tensor& u, const Shape& sizes, int64_t dim, int64_t index) {
  Tensor out = zeros(sizes, u.dtype(), u.device());
  copy_(select(out, dim, index), u);
  return out;
}
Tensor slice_backward(const Tensor& u, const Shape& sizes, int64_t dim, int64_t start, int64_t end,
                      int64_t step) {
  Tensor out = zeros(sizes, u.dtype(), u.device());
  copy_(slice(out, dim, start, end, step), u);
  return out;
}
}  // namespace

Tensor select(const Tensor& input, int64_t dim, int64_t index) {
  TG_CHECK(input.dim() > 0, Index, "select() cannot be applied to a 0-dim tensor.");
  const int64_t d = wrap_dim(dim, input.dim()), size = input.sizes()[d];
  TG_CHECK(index >= -size && index < size, Index, "select(): index ", index,
           " out of range for tensor of size ", input.sizes(), " at dimension ", d);
  const int64_t i = index < 0 ? index + size : index;
  Shape sizes = input.sizes();
  Ints strides = input.strides();
  const int64_t offset = input.storage_offset() + i * strides[d];
  sizes.erase(d);
  strides.erase(d);
  return record_view("SelectBackward0", input.window(std::move(sizes), std::move(strides), offset), input,
                     "select", saved(input.sizes(), d, i),
                     [](const Tensor& u, const Shape& sizes, int64_t d, int64_t i) {
                       return select_backward(u, sizes, d, i);
                     });
}
TG_OP(select, "select(Tensor input, int dim, int index) -> Tensor", kFunction | kMethod, R"(
The slice at index along dim, without that dimension; a view.

Backward: zeros with u at the slice.
)");

Tensor slice(const Tensor& input, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  TG_CHECK(input.dim() > 0, Index, "slice() cannot be applied to a 0-dim tensor.");
  TG_CHECK(step > 0, Runtime, "slice step must be positive");
  const int64_t d = wrap_dim(dim, input.dim()), size = input.sizes()[d];
  int64_t first = start.value_or(0), last = end.value_or(size);
  if (first < 0) first += size;
  if (last < 0) last += size;
  first = std::clamp<int64_t>(first, 0, size);
  last = std::clamp<int64_t>(last, first, size);
  Shape sizes = input.sizes();
  Ints strides = input.strides();
  const int64_t offset = input.storage_offset() + first * strides[d];
  sizes[d] = (last - first + step - 1) / step;
  strides[d] *= step;
  return record_view("SliceBackward0", input.window(std::move(sizes), std::move(strides), offset), input,
                     "slice", saved(input.sizes(), d, first, last, step),
                     [](const Tensor& u, const Shape& sizes, int64_t d, int64_t first, int64_t last,
                        int64_t step) { return slice_backward(u, sizes, d, first, last, step); });
}

Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length) {
  TG_CHECK(input.dim() > 0, Runtime, "narrow() cannot be applied to a 0-dim tensor.");
  TG_CHECK(length >= 0, Runtime, "narrow(): length must be non-negative.");
  const int64_t d = wrap_dim(dim, input.dim()), size = input.sizes()[d];
  TG_CHECK(start >= -size && start <= size, Index, "start out of range (expected to be in range of [", -size,
           ", ", size, "], but got ", start, ")");
  const int64_t first = start < 0 ? start + size : start;
  TG_CHECK(first <= size - length, Runtime, "start (", first, ") + length (", length,
           ") exceeds dimension size (", size, ").");
  return slice(input, d, first, first + length);
}
TG_OP(narrow, "narrow(Tensor input, int dim, int start, int length) -> Tensor", kFunction | kMethod, R"(
length slices from start along dim; a view.

Backward: u in the place of the slices, zeros elsewhere.
)");
static Tensor narrow_from(const Tensor& input, int64_t dim, const Tensor& start, int64_t length) {
  TG_CHECK(start.dim() == 0 && !is_floating(start.dtype()) && start.dtype() != DType::Bool, Runtime,
           "start must be an 0-dim integral Tensor.");
  return narrow(input, dim, start.item().to_int(), length);
}
TG_OP(narrow_from, "narrow(Tensor input, int dim, Tensor start, int length) -> Tensor", kFunction | kMethod,
      R"(
length slices from start, a 0-d tensor of integers, along dim; a view.

Backward: u in the place of the slices, zeros elsewhere.
)");

}  // namespace tensorgrad
