#include "tensorgrad/ops/joining.h"

#include <algorithm>

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// cat() passes over these whatever the other sizes are.
// Vectors of no elements go with tensors of any shape.
constexpr int64_t kLegacyEmpty = -1;
bool is_legacy_empty(const Tensor& t) { return t.dim() == 1 && t.sizes()[0] == 0; }

Tensor or_zeros(const Upstream& u, size_t output) {
  if (u[output].defined()) return u[output];
  const OutputMeta& meta = u.node.outputs[output];
  return zeros(meta.sizes, meta.dtype, meta.device);
}

}  // namespace

Tensor cat(const TensorList& tensors, int64_t dim, Out out) {
  TG_CHECK(!tensors.empty(), Value, "torch.cat(): expected a non-empty list of Tensors");
  const Tensor* shaped = nullptr;
  for (size_t i = 0; i < tensors.size(); i++) {
    TG_CHECK(tensors[i].dim() > 0, Runtime, "zero-dimensional tensor (at position ", i,
             ") cannot be concatenated");
    if (!shaped && !is_legacy_empty(tensors[i])) shaped = &tensors[i];
  }
  if (!shaped) shaped = &tensors[0];
  const int64_t d = wrap_dim(dim, shaped->dim());
  Shape sizes = shaped->sizes();
  sizes[d] = 0;
  Ints lengths;
  DType dtype = tensors[0].dtype();
  for (size_t i = 0; i < tensors.size(); i++) {
    const Tensor& t = tensors[i];
    dtype = promote_types(dtype, t.dtype());
    TG_CHECK(t.device() == shaped->device(), Runtime,
             "Expected all tensors to be on the same device, but got tensors is on ", to_string(t.device()),
             ", different from other tensors on ", to_string(shaped->device()),
             " (when checking argument in method wrapper_cat)");
    if (is_legacy_empty(t)) {
      lengths.push_back(kLegacyEmpty);
      continue;
    }
    TG_CHECK(t.dim() == shaped->dim(), Runtime, "Tensors must have same number of dimensions: got ",
             shaped->dim(), " and ", t.dim());
    for (int64_t k = 0; k < t.dim(); k++)
      TG_CHECK(k == d || t.sizes()[k] == sizes[k], Runtime,
               "Sizes of tensors must match except in dimension ", d, ". Expected size ", sizes[k],
               " but got size ", t.sizes()[k], " for tensor number ", i, " in the list.");
    lengths.push_back(t.sizes()[d]);
    sizes[d] += t.sizes()[d];
  }
  Tensor result = destination("cat", out, sizes, dtype, shaped->device());
  if (!result.defined()) result = Tensor::empty(sizes, dtype, shaped->device());
  if (out) {
    check_no_internal_overlap(result);
    for (const Tensor& t : tensors) check_no_overlap(result, t);
  }
  int64_t at = 0;
  for (size_t i = 0; i < tensors.size(); i++) {
    if (tensors[i].numel() > 0) {
      Shape part = sizes;
      part[d] = lengths[i];
      const Tensor window =
          result.window(part, result.strides(), result.storage_offset() + at * result.strides()[d]);
      Plan plan;
      build_plan(plan, window, tensors[i]);
      slots::copy(result.device(), plan);
    }
    at += std::max<int64_t>(lengths[i], 0);
  }
  if (out) result = deliver("cat", out, result);
  return record_jointly("CatBackward0", result, out, tensors, saved(lengths, d),
                        [](const Upstream& u, const Ints& lengths, int64_t d) {
                          TensorList parts;
                          int64_t at = 0;
                          for (size_t i = 0; i < lengths.size(); i++) {
                            const int64_t length = std::max<int64_t>(lengths[i], 0);
                            if (!u.needs(i))
                              parts.push_back(Tensor());
                            else if (lengths[i] == kLegacyEmpty)
                              parts.push_back(zeros({0}, u[0].dtype(), u[0].device()));
                            else
                              parts.push_back(narrow(u[0], d, at, length));
                            at += length;
                          }
                          return parts;
                        });
}
TG_OP(cat, "cat(Tensor[] tensors, int dim=0, *, Tensor? out=None) -> Tensor", kFunction, R"(
The tensors one after another along dim; all other sizes agree, dtypes are promoted.

Backward: each tensor's own part of u.
)");
TG_OP(cat, "concat(Tensor[] tensors, int dim=0, *, Tensor? out=None) -> Tensor", kFunction,
      "\ncat() under another name.\n");
TG_OP(cat, "concatenate(Tensor[] tensors, int dim=0, *, Tensor? out=None) -> Tensor", kFunction,
      "\ncat() under NumPy's name.\n");

Tensor stack(const TensorList& tensors, int64_t dim, Out out) {
  TG_CHECK(!tensors.empty(), Runtime, "stack expects a non-empty TensorList");
  const int64_t d = wrap_dim(dim, tensors[0].dim() + 1);
  TensorList rows;
  for (size_t i = 0; i < tensors.size(); i++) {
    TG_CHECK(tensors[i].sizes() == tensors[0].sizes(), Runtime,
             "stack expects each tensor to be equal size, but got ", tensors[0].sizes(), " at entry 0 and ",
             tensors[i].sizes(), " at entry ", i);
    Shape sizes = tensors[i].sizes();
    Ints strides = tensors[i].strides();
    sizes.insert(d, 1);
    strides.insert(d, 1);
    rows.push_back(tensors[i].window(sizes, strides, tensors[i].storage_offset()));
  }
  Tensor result = cat(rows, d, out);
  return record_jointly("StackBackward0", result, out, tensors, saved(d),
                        [](const Upstream& u, int64_t d) { return unbind(u[0], d); });
}
TG_OP(stack, "stack(Tensor[] tensors, int dim=0, *, Tensor? out=None) -> Tensor", kFunction, R"(
Tensors of one shape along a new dimension.

Backward: each tensor's slice of u.
)");

namespace {
TensorList split_views(const Tensor& input, const Ints& split_sizes, int64_t dim, const char* node_name) {
  TG_CHECK(input.dim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  const int64_t d = wrap_dim(dim, input.dim());
  int64_t total = 0;
  for (int64_t size : split_sizes) {
    TG_CHECK(size >= 0, Runtime,
             "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=",
             split_sizes);
    total += size;
  }
  TG_CHECK(total == input.sizes()[d], Runtime, "split_with_sizes expects split_sizes to sum exactly to ",
           input.sizes()[d], " (input tensor's size at dimension ", d,
           "), but got split_sizes=", split_sizes);
  TensorList parts;
  int64_t at = 0;
  for (int64_t size : split_sizes) {
    Shape sizes = input.sizes();
    sizes[d] = size;
    parts.push_back(input.window(sizes, input.strides(), input.storage_offset() + at * input.strides()[d]));
    if (is_floating(input.dtype())) link_view(parts.back(), input, "split", ViewKind::MultiOutput);
    at += size;
  }
  record_jointly(node_name, parts, {}, {input}, saved(d), [](const Upstream& u, int64_t d) {
    TensorList all;
    for (size_t i = 0; i < u.gradients.size(); i++) all.push_back(or_zeros(u, i));
    return TensorList{cat(all, d)};
  });
  return parts;
}
}  // namespace

TensorList split_with_sizes(const Tensor& input, const Ints& split_sizes, int64_t dim) {
  return split_views(input, split_sizes, dim, "SplitWithSizesBackward0");
}
TG_OP(split_with_sizes, "split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
      kFunction | kMethod, R"(
Views of the given lengths along dim, one after another.

Backward: the upstream gradients joined again.
)");
TG_OP(split_with_sizes, "split(Tensor tensor, int[] split_size_or_sections, int dim=0) -> Tensor[]",
      kFunction, R"(
Views of the given lengths along dim.

Backward: u of each view in its place.
)");
TG_OP(split_with_sizes, "split(Tensor input, int[] split_size, int dim=0) -> Tensor[]", kMethod, R"(
Views of the given lengths along dim.

Backward: u of each view in its place.
)");

TensorList split(const Tensor& input, int64_t split_size, int64_t dim) {
  TG_CHECK(input.dim() > 0, Runtime, "split expects at least a 1-dimensional tensor");
  TG_CHECK(split_size >= 0, Runtime,
           "split expects split_size be non-negative, but got split_size=", split_size);
  const int64_t d = wrap_dim(dim, input.dim()), length = input.sizes()[d];
  TG_CHECK(split_size > 0 || length == 0, Runtime,
           "split_size can only be 0 if dimension size is 0, but got dimension size of ", length);
  Ints sizes;
  for (int64_t at = 0; at < length; at += split_size) sizes.push_back(std::min(split_size, length - at));
  if (sizes.empty()) sizes.push_back(0);
  return split_views(input, sizes, d, "SplitBackward0");
}
TG_OP(split, "split(Tensor tensor, int split_size_or_sections, int dim=0) -> Tensor[]", kFunction, R"(
Views of split_size along dim; the last may be shorter.

Backward: u of each view in its place.
)");
TG_OP(split, "split(Tensor input, int split_size, int dim=0) -> Tensor[]", kMethod, R"(
Views of split_size along dim; the last may be shorter.

Backward: u of each view in its place.
)");

TensorList chunk(const Tensor& input, int64_t chunks, int64_t dim) {
  TG_CHECK(input.dim() > 0, Runtime, "chunk expects at least a 1-dimensional tensor");
  TG_CHECK(chunks > 0, Runtime, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t d = wrap_dim(dim, input.dim()), length = input.sizes()[d];
  const int64_t size = (length + chunks - 1) / chunks;
  if (size == 0) {
    Ints none;
    none.resize(size_t(chunks), 0);
    return split_with_sizes(input, none, d);
  }
  return split(input, size, d);
}
TG_OP(chunk, "chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", kFunction | kMethod, R"(
At most `chunks` views of equal length along dim; the last may be shorter.

Backward: u of each view in its place.
)");

TensorList tensor_split_at(const Tensor& input, const Ints& indices, int64_t dim) {
  TG_CHECK(input.dim() > 0, Runtime,
           "tensor_split expected at least a 1-dimensional tensor, but got a tensor with ", input.dim(),
           " dims");
  const int64_t d = wrap_dim(dim, input.dim());
  TensorList parts;
  int64_t from = 0;
  for (int64_t end : indices) {
    parts.push_back(slice(input, d, from, end));
    from = end;
  }
  parts.push_back(slice(input, d, from, std::nullopt));
  return parts;
}
TensorList tensor_split(const Tensor& input, int64_t sections, int64_t dim) {
  TG_CHECK(input.dim() > 0, Runtime,
           "tensor_split expected at least a 1-dimensional tensor, but got a tensor with ", input.dim(),
           " dims");
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(sections > 0, Runtime, "number of sections must be larger than 0, got ", sections);
  const int64_t length = input.sizes()[d], least = length / sections, longer = length % sections;
  TensorList parts;
  int64_t at = 0;
  for (int64_t i = 0; i < sections; i++) {
    const int64_t size = least + (i < longer);
    parts.push_back(slice(input, d, at, at + size));
    at += size;
  }
  return parts;
}
TG_OP(tensor_split, "tensor_split(Tensor input, int sections, int dim=0) -> Tensor[]", kFunction | kMethod,
      R"(
`sections` views along dim whose lengths differ by at most one.

Backward: u of each view in its place.
)");
TG_OP(tensor_split_at, "tensor_split(Tensor input, int[] indices, int dim=0) -> Tensor[]",
      kFunction | kMethod, R"(
Views along dim, cut at the given indices.

Backward: u of each view in its place.
)");

namespace {
// The indices, or the number of sections, as a tensor.
TensorList tensor_split_by(const Tensor& input, const Tensor& tensor_indices_or_sections, int64_t dim) {
  const Tensor& places = tensor_indices_or_sections;
  TG_CHECK(places.dtype() == DType::Int64, Runtime,
           "tensor_split expected tensor_indices_or_sections to have dtype of long, but got ",
           dtype_scalar_name(places.dtype()));
  TG_CHECK(places.dim() <= 1, Runtime,
           "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional "
           "tensor, but got a tensor with ",
           places.dim(), " dims");
  if (places.dim() == 0) return tensor_split(input, places.item().to_int(), dim);
  Ints indices;
  for (int64_t i = 0; i < places.numel(); i++) indices.push_back(select(places, 0, i).item().to_int());
  return tensor_split_at(input, indices, dim);
}
}  // namespace
TG_OP(tensor_split_by, "tensor_split(Tensor input, Tensor tensor_indices_or_sections, int dim=0) -> Tensor[]",
      kFunction | kMethod, R"(
Views along dim, cut at the indices in a vector (int64), or into as many sections as a 0-d tensor says.

Backward: u of each view in its place.
)");

TensorList unbind(const Tensor& input, int64_t dim) {
  const int64_t d = wrap_dim(dim, input.dim());
  TG_CHECK(input.dim() > 0, Index, "Dimension specified as ", d, " but tensor has no dimensions");
  TensorList parts;
  Shape sizes = input.sizes();
  Ints strides = input.strides();
  const int64_t length = sizes[d], step = strides[d];
  sizes.erase(d);
  strides.erase(d);
  for (int64_t i = 0; i < length; i++) {
    parts.push_back(input.window(sizes, strides, input.storage_offset() + i * step));
    if (is_floating(input.dtype())) link_view(parts.back(), input, "unbind", ViewKind::MultiOutput);
  }
  record_jointly("UnbindBackward0", parts, {}, {input}, saved(d), [](const Upstream& u, int64_t d) {
    TensorList all;
    for (size_t i = 0; i < u.gradients.size(); i++) all.push_back(or_zeros(u, i));
    return TensorList{stack(all, d)};
  });
  return parts;
}
TG_OP(unbind, "unbind(Tensor input, int dim=0) -> Tensor[]", kFunction | kMethod, R"(
All slices along dim, each without that dimension; views.

Backward: the upstream gradients stacked.
)");

namespace {
TensorList at_least(const TensorList& tensors, int64_t ndim) {
  TensorList out;
  for (const Tensor& t : tensors) {
    Tensor each = t;
    if (each.dim() == 0) each = reshape(each, {1});
    if (ndim >= 2 && each.dim() == 1) each = unsqueeze(each, 0);
    if (ndim >= 3 && each.dim() == 2) each = unsqueeze(each, 2);
    out.push_back(each);
  }
  return out;
}
}  // namespace
Tensor hstack(const TensorList& tensors, Out out) {
  TG_CHECK(!tensors.empty(), Runtime, "hstack expects a non-empty TensorList");
  const TensorList rows = at_least(tensors, 1);
  return cat(rows, rows[0].dim() == 1 ? 0 : 1, out);
}
TG_OP(hstack, "hstack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", kFunction,
      R"(
Joins along the second dimension (1-d: the first).

Backward: to each tensor the part of u that it became.
)");
Tensor vstack(const TensorList& tensors, Out out) {
  TG_CHECK(!tensors.empty(), Runtime, "vstack expects a non-empty TensorList");
  return cat(at_least(tensors, 2), 0, out);
}
TG_OP(vstack, "vstack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", kFunction, R"(
Joins rows.

Backward: to each tensor the part of u that it became.
)");
Tensor dstack(const TensorList& tensors, Out out) {
  TG_CHECK(!tensors.empty(), Runtime, "dstack expects a non-empty TensorList");
  return cat(at_least(tensors, 3), 2, out);
}
TG_OP(dstack, "dstack(Tensor[] tensors, *, Tensor? out=None) -> Tensor", kFunction,
      R"(
Joins along the third dimension.

Backward: to each tensor the part of u that it became.
)");

}  // namespace tensorgrad
