#include "tensorgrad/ops/indexing.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// Indices brought to one shape, on a self whose indexed dimensions are neighbours.
struct Indexing {
  Tensor self;
  int64_t first = 0;              // the first indexed dimension
  TensorList indices, broadcast;  // contiguous; as expanded, without copies
  Ints dims;                      // which dimension of the original each indexes
  Shape index_shape, sizes;       // of the indices, of the result
  Tensor offsets;

  Indexing(const Tensor& input, const TensorList& given);
  void find_offsets();
};

// Masks become one list of positions per dimension that they cover.
TensorList expand_masks(const Tensor& self, const TensorList& given) {
  TensorList out;
  for (const Tensor& index : given) {
    if (!index.defined()) {
      out.push_back({});
      continue;
    }
    if (index.dtype() == DType::Bool || index.dtype() == DType::UInt8) {
      for (int64_t k = 0; k < index.dim(); k++) {
        const int64_t at = int64_t(out.size()) + k;
        TG_CHECK(at < self.dim(), Index, "too many indices for tensor of dimension ", self.dim());
        TG_CHECK(index.sizes()[k] == self.sizes()[at], Index, "The shape of the mask ", index.sizes(),
                 " at index ", k, " does not match the shape of the indexed tensor ", self.sizes(),
                 " at index ", at);
      }
      for (const Tensor& positions : nonzero_per_dim(index)) out.push_back(positions);
      continue;
    }
    TG_CHECK(index.dtype() == DType::Int64 || index.dtype() == DType::Int32, Index,
             "tensors used as indices must be long, int, byte or bool tensors");
    NoGradGuard guard;
    out.push_back(to(index, DType::Int64));
  }
  TG_CHECK(int64_t(out.size()) <= self.dim(), Index, "too many indices for tensor of dimension ", self.dim(),
           " (got ", out.size(), ")");
  return out;
}

Indexing::Indexing(const Tensor& input, const TensorList& given) : self(input) {
  // A mask without dimensions indexes a new dimension of size 1.
  TensorList wanted = given;
  Tensor source = input.alias();
  for (size_t i = 0; i < wanted.size(); i++)
    if (wanted[i].defined() && wanted[i].dim() == 0 &&
        (wanted[i].dtype() == DType::Bool || wanted[i].dtype() == DType::UInt8)) {
      NoGradGuard guard;
      source = unsqueeze(source, int64_t(i));
      wanted[i] = unsqueeze(wanted[i], 0);
    }
  const TensorList all = expand_masks(source, wanted);
  bool any = false;
  std::string shapes;
  for (size_t d = 0; d < all.size(); d++) {
    if (!all[d].defined()) continue;
    indices.push_back(all[d]);
    dims.push_back(int64_t(d));
    shapes += (any ? ", " : "") + to_string(all[d].sizes());
    any = true;
  }
  TG_CHECK(any, Index, "index: at least one index must be a tensor");
  index_shape = indices[0].sizes();
  for (const Tensor& index : indices) {
    for (size_t k = 0; k < std::min(index.sizes().size(), index_shape.size()); k++) {
      const int64_t a = index.sizes()[index.sizes().size() - 1 - k],
                    b = index_shape[index_shape.size() - 1 - k];
      TG_CHECK(a == b || a == 1 || b == 1, Index,
               "shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
    }
    index_shape = broadcast_shapes(index_shape, index.sizes());
  }
  for (int64_t d : dims)
    TG_CHECK(source.sizes()[d] != 0 || count_elements(index_shape) == 0, Index,
             "index is out of bounds for dimension with size 0");
  NoGradGuard guard;
  for (Tensor& index : indices) {
    broadcast.push_back(expand(index, index_shape));
    index = contiguous(broadcast.back());
  }
  const int64_t count = int64_t(dims.size());
  const bool adjacent = dims.back() - dims[0] + 1 == count;
  first = adjacent ? dims[0] : 0;
  if (!adjacent) {
    Ints order = dims;
    for (int64_t d = 0; d < source.dim(); d++)
      if (d >= int64_t(all.size()) || !all[d].defined()) order.push_back(d);
    source = permute(source, order);
  }
  self = source;
  for (int64_t d = 0; d < first; d++) sizes.push_back(self.sizes()[d]);
  for (int64_t s : index_shape) sizes.push_back(s);
  for (int64_t d = first + count; d < self.dim(); d++) sizes.push_back(self.sizes()[d]);
}

void Indexing::find_offsets() {
  offsets = Tensor::empty(index_shape, DType::Int64, self.device());
  OffsetArgs args;
  int64_t bad_value = INT64_MIN;
  int bad_dim = -1;
  args.offsets = offsets.data<int64_t>();
  args.count = offsets.numel();
  args.dims = int(indices.size());
  for (size_t k = 0; k < indices.size(); k++) {
    args.index[k] = indices[k].data<int64_t>();
    args.sizes[k] = self.sizes()[first + int64_t(k)];
    args.strides[k] = self.strides()[first + int64_t(k)] * int64_t(self.element_size());
  }
  args.wrap = true;
  args.bad_value = &bad_value;
  args.bad_dim = &bad_dim;
  if (args.count > 0) slots::index_offsets(self.device(), args);
  TG_CHECK(bad_dim < 0, Index, "index ", bad_value, " is out of bounds for dimension ", bad_dim,
           " with size ", args.sizes[bad_dim]);
}

// Appends a dimension, innermost first, merged with the last where both are one run.
void append(int& dims, int64_t* sizes, int64_t* strides, int64_t size, int64_t stride) {
  if (size == 1) return;
  if (dims > 0 && stride == strides[dims - 1] * sizes[dims - 1]) {
    sizes[dims - 1] *= size;
    return;
  }
  sizes[dims] = size;
  strides[dims++] = stride;
}

TensorList detached(const TensorList& indices) {
  TensorList out;
  for (const Tensor& t : indices) out.push_back(t);
  return out;
}

Tensor put(const Tensor& self, const TensorList& indices, const Tensor& values, bool accumulate) {
  check_no_internal_overlap(self);
  Indexing at(self, indices);
  TG_CHECK(is_expandable_to(values.sizes(), at.sizes), Runtime, "shape mismatch: value tensor of shape ",
           values.sizes(), " cannot be broadcast to indexing result of shape ", at.sizes);
  TG_CHECK(self.dtype() == values.dtype(), Runtime,
           "Index put requires the source and destination dtypes match, got ",
           dtype_scalar_name(self.dtype()), " for the destination and ", dtype_scalar_name(values.dtype()),
           " for the source.");
  at.find_offsets();
  if (count_elements(at.sizes) == 0) return self;
  NoGradGuard guard;
  Tensor source = values;
  if (values.storage() == self.storage()) source = clone(values);
  const bool scalar = source.numel() == 1;
  if (!scalar) source = contiguous(expand(source, at.sizes));
  IndexArgs args = index_args(at.self, at.first, int64_t(at.indices.size()), at.offsets, source);
  args.scalar = scalar;
  slots::index_set(self.device(), args, accumulate ? Combine::Add : Combine::Assign);
  return self;
}

// One mask and one value: the mask over all of self's dimensions, undefined where the indices are of another
// kind.
Tensor single_mask(const Tensor& self, const TensorList& indices, const Tensor& values) {
  Tensor mask;
  int64_t covered = 0;
  if (values.numel() != 1) return {};
  for (const Tensor& index : indices) {
    if (!index.defined()) {
      covered++;
      continue;
    }
    if (mask.defined() || index.dim() == 0 || (index.dtype() != DType::Bool && index.dtype() != DType::UInt8))
      return {};
    mask = index;
    for (int64_t k = 0; k < index.dim(); k++, covered++) {
      TG_CHECK(covered < self.dim(), Index, "too many indices for tensor of dimension ", self.dim());
      TG_CHECK(index.sizes()[k] == self.sizes()[covered], Index, "The shape of the mask ", index.sizes(),
               " at index ", k, " does not match the shape of the indexed tensor ", self.sizes(),
               " at index ", covered);
    }
  }
  NoGradGuard guard;
  for (; mask.defined() && covered < self.dim(); covered++) mask = unsqueeze(mask, -1);
  return mask;
}

// One bool mask of self's own shape: no positions are needed.
bool is_full_mask(const Tensor& self, const TensorList& indices) {
  return indices.size() == 1 && indices[0].defined() && indices[0].dtype() == DType::Bool && self.dim() > 0 &&
         indices[0].sizes() == self.sizes();
}

}  // namespace

IndexArgs index_args(const Tensor& data, int64_t first, int64_t indexed, const Tensor& offsets,
                     const Tensor& values) {
  IndexArgs args;
  const int64_t size = int64_t(data.element_size());
  args.data = data.bytes();
  args.values = values.bytes();
  args.offsets = offsets.data<int64_t>();
  args.count = offsets.numel();
  args.dtype = data.dtype();
  args.scalar = false;
  args.before_dims = args.after_dims = 0;
  for (int64_t d = first - 1; d >= 0; d--)
    append(args.before_dims, args.before_sizes, args.before_strides, data.sizes()[d],
           data.strides()[d] * size);
  for (int64_t d = data.dim() - 1; d >= first + indexed; d--)
    append(args.after_dims, args.after_sizes, args.after_strides, data.sizes()[d], data.strides()[d] * size);
  return args;
}

Tensor writable(const Out& out, const Tensor& input) {
  if (!out.in_place) {
    NoGradGuard guard;
    return clone(input);
  }
  check_in_place(*out.target);
  check_no_internal_overlap(*out.target);
  return *out.target;
}

// The strides of the result: those of self and of the indices, as PyTorch's iteration orders them.
static Ints result_strides(const Indexing& at) {
  const int64_t count = int64_t(at.index_shape.size()), taken = int64_t(at.indices.size());
  Ints strides(at.self.strides().begin(), at.self.strides().begin() + at.first);
  for (int64_t d = 0; d < count; d++) strides.push_back(0);
  for (int64_t d = at.first + taken; d < at.self.dim(); d++) strides.push_back(at.self.strides()[d]);
  TensorList inputs{at.self.window(at.sizes, strides, at.self.storage_offset())};
  for (const Tensor& index : at.broadcast) {
    Ints own(at.sizes.size(), 0);
    for (int64_t d = 0; d < count; d++) own[at.first + d] = index.strides()[d];
    inputs.push_back(index.window(at.sizes, own, index.storage_offset()));
  }
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  return output_strides(at.sizes, pointers);
}

Tensor index(const Tensor& self, const TensorList& indices) {
  if (is_full_mask(self, indices)) return select_where("IndexBackward0", self, indices[0]);
  Indexing at(self, indices);
  at.find_offsets();
  Tensor out = Tensor::empty(at.sizes, self.dtype(), self.device());
  if (out.numel() > 0)
    slots::index_get(self.device(),
                     index_args(at.self, at.first, int64_t(at.indices.size()), at.offsets, out));
  if (!at.self.is_contiguous() && out.dim() > 1) {
    const Ints strides = result_strides(at);
    if (strides != out.strides()) {
      NoGradGuard guard;
      out = copy_(Tensor::empty_strided(at.sizes, strides, self.dtype(), self.device()), out);
    }
  }
  return record("IndexBackward0", out, saved(detached(indices), self.sizes()),
                wrt(self, [](const Tensor& u, const TensorList& indices, const Shape& sizes) {
                  return index_put_(zeros(sizes, u.dtype(), u.device()), indices, u, true);
                }));
}
TG_OP(index, "_index(Tensor input, Tensor?[] indices) -> Tensor", kFunction, R"(
input[indices]: one entry per dimension from the first, None for a whole dimension; integer tensors broadcast together,
bool tensors are masks over the dimensions that they cover. A copy.

Backward: u added into zeros at the indices.
)");

Tensor index_put_(const Tensor& self, const TensorList& indices, const Tensor& values, bool accumulate) {
  if (indices.size() > 0) check_in_place(self);
  const Tensor mask = accumulate ? Tensor() : single_mask(self, indices, values);
  if (mask.defined()) {
    TG_CHECK(mask.dtype() == DType::Bool, Runtime,
             "masked_fill_ only supports boolean masks, but got mask with dtype unsigned char");
    NoGradGuard guard;
    masked_fill(self, mask, full({}, values.item(), self.dtype(), self.device()), Out::in_place_of(self));
  } else {
    put(self, indices, values, accumulate);
    self.bump_version();
  }
  return record(
      "IndexPutBackward0", self, Out::in_place_of(self), saved(detached(indices), values.sizes(), accumulate),
      wrt(self,
          [](const Tensor& u, const TensorList& indices, const Shape&, bool accumulate) {
            if (accumulate) return u;
            return index_put(u, indices, zeros({}, u.dtype(), u.device()));
          }),
      wrt(values,
          [](const Tensor& u, const TensorList& indices, const Shape&, bool) { return index(u, indices); }));
}
TG_OP(index_put_,
      "index_put_(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor", kMethod,
      R"(
Writes values, broadcast, at the indices of self; with accumulate adds them, repeated indices too. Returns self.

Backward: u with zeros at the indices (u with accumulate) for self, u[indices] for values.
)");

Tensor index_put(const Tensor& self, const TensorList& indices, const Tensor& values, bool accumulate) {
  return index_put_(clone(self), indices, values, accumulate);
}
TG_OP(index_put, "index_put(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor",
      kFunction | kMethod, R"(
A copy of input with values at the indices; with accumulate they are added.

Backward: u with zeros at the indices for input (u itself with accumulate), u[indices] for values.
)");

}  // namespace tensorgrad
