#include "tensorgrad/ops/embedding.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/factories.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

Tensor flat_indices(const Tensor& indices) {
  NoGradGuard guard;
  return contiguous(reshape(to(indices, DType::Int64, Device{}), {-1}));
}

void check_rows(const Tensor& flat, int64_t rows) {
  const int64_t* index = flat.data<int64_t>();
  for (int64_t i = 0; i < flat.numel(); i++)
    TG_CHECK(index[i] >= 0 && index[i] < rows, Index, "index out of range in self");
}

// The gradient of a look-up: each upstream row added to the row it came from.
Tensor scatter_rows(const Tensor& u, const Tensor& indices, int64_t rows, int64_t padding_idx, bool scale) {
  const Tensor flat = flat_indices(indices);
  Tensor upstream = reshape(u, {flat.numel(), u.size(-1)});
  if (padding_idx >= 0 || scale) {
    // A weight per looked-up row: 0 where it is padding, 1 / how often it occurs.
    Tensor weight = Tensor::empty({flat.numel(), 1}, DType::Float32);
    const int64_t* index = flat.data<int64_t>();
    Tensor count = zeros({scale ? rows : 0}, DType::Int64);
    if (scale)
      for (int64_t i = 0; i < flat.numel(); i++) count.data<int64_t>()[index[i]]++;
    for (int64_t i = 0; i < flat.numel(); i++)
      weight.data<float>()[i] = index[i] == padding_idx ? 0.f
                                : scale                 ? 1.f / float(count.data<int64_t>()[index[i]])
                                                        : 1.f;
    upstream = upstream * to(weight, u.dtype(), u.device());
  }
  return index_put_(zeros({rows, u.size(-1)}, u.dtype(), u.device()), {flat}, upstream, true);
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx, bool scale_grad_by_freq) {
  TG_CHECK(weight.dim() > 0 || !grad_enabled() || !weight.requires_grad(), Index,
           "Dimension specified as 0 but tensor has no dimensions");
  TG_CHECK(weight.dim() == 2, Runtime, "'weight' must be 2-D");
  TG_CHECK(indices.dtype() == DType::Int64 || indices.dtype() == DType::Int32, Runtime,
           "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
           "but got ",
           dtype_tensor_name(indices.dtype()), " instead (while checking arguments for embedding)");
  const Tensor flat = flat_indices(indices);
  const int64_t rows = weight.sizes()[0];
  TG_CHECK(rows > 0 || flat.numel() == 0, Runtime,
           "index_select(): self indexing axis dim should be positive");
  check_rows(flat, rows);
  Shape sizes = indices.sizes();
  sizes.push_back(weight.sizes()[1]);
  Tensor out;
  {
    NoGradGuard guard;
    out = view(index(weight, {flat}), sizes);
    out = detach(out);
  }
  return record("EmbeddingBackward0", out, saved(indices, rows, padding_idx, scale_grad_by_freq),
                wrt(weight, [](const Tensor& u, const Tensor& indices, int64_t rows, int64_t padding_idx,
                               bool scale) { return scatter_rows(u, indices, rows, padding_idx, scale); }));
}
Tensor embedding_op(const Tensor& weight, const Tensor& indices, int64_t padding_idx, bool scale_grad_by_freq,
                    bool sparse) {
  TG_CHECK(!sparse, NotImplemented, "embedding(): sparse gradients are not supported");
  return embedding(weight, indices, padding_idx, scale_grad_by_freq);
}
TG_OP(embedding_op,
      "embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool "
      "sparse=False) -> Tensor",
      kFunction, R"(
Rows of weight [rows, width] looked up by indices [...]: [..., width]. IndexError where an index has no row.

Backward: each row of u added to the row of weight it came from; none for padding_idx.
)");
Tensor embedding_functional(const Tensor& input, const Tensor& weight, std::optional<int64_t> padding_idx,
                            std::optional<double> max_norm, double norm_type, bool scale_grad_by_freq,
                            bool sparse) {
  TG_CHECK(!sparse, NotImplemented, "embedding(): sparse gradients are not supported");
  TG_CHECK(!max_norm, NotImplemented, "embedding(): max_norm is not supported (norm_type ", norm_type, ")");
  int64_t padding = -1;
  if (padding_idx) {
    const int64_t rows = weight.size(0);
    TG_CHECK(*padding_idx < rows && *padding_idx >= -rows, Value,
             "Padding_idx must be within num_embeddings");
    padding = *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
  }
  return embedding(weight, input, padding, scale_grad_by_freq);
}
TG_OP(embedding_functional,
      "embedding(Tensor input, Tensor weight, int? padding_idx=None, float? max_norm=None, float "
      "norm_type=2.0, bool "
      "scale_grad_by_freq=False, bool sparse=False) -> Tensor",
      kFunctional, R"(
Rows of weight [rows, width] looked up by input [...]: [..., width]. The row padding_idx gets no gradient.

Backward: the rows of u added up in the rows of weight that they came from; none in row padding_idx.
)");

Tensor one_hot(const Tensor& tensor, int64_t num_classes) {
  TG_CHECK(tensor.dtype() == DType::Int64, Runtime,
           "one_hot is only applicable to index tensor of type LongTensor.");
  TG_CHECK(tensor.numel() > 0 || num_classes > 0, Runtime,
           "Can not infer total number of classes from empty tensor.");
  TG_CHECK(num_classes != 0 && num_classes >= -1, Runtime, "num_classes should be positive");
  const Tensor flat = flat_indices(tensor);
  const int64_t* index = flat.data<int64_t>();
  int64_t largest = -1;
  for (int64_t i = 0; i < flat.numel(); i++) {
    TG_CHECK(index[i] >= 0, Runtime, "Class values must be non-negative.");
    largest = std::max(largest, index[i]);
  }
  TG_CHECK(num_classes == -1 || largest < num_classes, Runtime,
           "Class values must be smaller than num_classes.");
  const int64_t classes = num_classes == -1 ? largest + 1 : num_classes;
  Shape sizes = tensor.sizes();
  sizes.push_back(classes);
  Tensor out = zeros(sizes, DType::Int64);
  for (int64_t i = 0; i < flat.numel(); i++) out.data<int64_t>()[i * classes + index[i]] = 1;
  return to(out, std::nullopt, tensor.device());
}
TG_OP(one_hot, "one_hot(Tensor input, int num_classes=-1) -> Tensor", kFunctional, R"(
int64: class numbers [...] as rows [..., num_classes] with a single 1. num_classes defaults to the largest class + 1.
)");

namespace {

Tensor pad_constant(const Tensor& input, const Ints& pad, Scalar value) {
  Shape sizes = input.sizes();
  Tensor source = input;
  for (size_t i = 0; i < pad.size() / 2; i++) {
    const int64_t d = input.dim() - 1 - int64_t(i), before = pad[2 * i], after = pad[2 * i + 1];
    sizes[d] += before + after;
    NoGradGuard guard;  // negative padding cuts
    if (before < 0) source = narrow(source, d, -before, source.sizes()[d] + before);
    if (after < 0) source = narrow(source, d, 0, source.sizes()[d] + after);
  }
  check_fits(value, input.dtype());
  Tensor out = Tensor::empty(sizes, input.dtype(), input.device());
  Tensor window = out;
  {
    NoGradGuard guard;
    // From the outermost dimension in: what lies before and after, across what is left of the outer ones.
    for (size_t i = pad.size() / 2; i-- > 0;) {
      const int64_t d = input.dim() - 1 - int64_t(i), before = std::max<int64_t>(pad[2 * i], 0);
      const int64_t after = before + source.sizes()[d];
      if (before > 0) fill_(narrow(window, d, 0, before), value);
      if (after < sizes[d]) fill_(narrow(window, d, after, sizes[d] - after), value);
      window = narrow(window, d, before, source.sizes()[d]);
    }
    copy_(window, source);
  }
  Tensor result = detach(out);
  return record("ConstantPadNdBackward0", result, saved(pad),
                wrt(input, [](const Tensor& u, const Ints& pad) {
                  Ints opposite;
                  for (int64_t p : pad) opposite.push_back(-p);
                  return pad_constant(u, opposite, 0);
                }));
}

// Which source index each padded position shows.
Tensor pad_indices(int64_t size, int64_t before, int64_t after, std::string_view mode) {
  Tensor index = Tensor::empty({size + before + after}, DType::Int64);
  for (int64_t i = 0; i < index.numel(); i++) {
    int64_t at = i - before;
    if (mode == "replicate")
      at = at < 0 ? 0 : at >= size ? size - 1 : at;
    else if (mode == "circular")
      at = (at % size + size) % size;
    else
      at = at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
    index.data<int64_t>()[i] = at;
  }
  return index;
}

}  // namespace

Tensor pad(const Tensor& input, const Ints& pad, std::string_view mode, std::optional<double> value) {
  TG_CHECK(pad.size() % 2 == 0, Runtime, "Padding length must be divisible by 2");
  TG_CHECK(
      int64_t(pad.size()) <= 2 * input.dim(), Runtime,
      "Padding length should be less than or equal to two times the input dimension but got padding length ",
      pad.size(), " and input of dimension ", input.dim());
  if (mode == "constant") {
    Scalar number(value.value_or(0));
    if (!is_floating(input.dtype())) number = Scalar(int64_t(value.value_or(0)));
    return pad_constant(input, pad, number);
  }
  TG_CHECK(!value || *value == 0, Value, "Padding mode \"", mode, "\" doesn't take in value argument");
  TG_CHECK(mode == "reflect" || mode == "replicate" || mode == "circular", NotImplemented,
           "Unrecognised padding mode ", mode);
  const int64_t padded = int64_t(pad.size()) / 2;
  TG_CHECK((padded == 1 && (input.dim() == 2 || input.dim() == 3)) ||
               (padded == 2 && (input.dim() == 3 || input.dim() == 4)) ||
               (padded == 3 && (input.dim() == 4 || input.dim() == 5)),
           NotImplemented, "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now");
  Tensor out = input;
  for (size_t i = 0; i < pad.size() / 2; i++) {
    const int64_t d = input.dim() - 1 - int64_t(i), size = out.sizes()[d], before = pad[2 * i],
                  after = pad[2 * i + 1];
    if (mode == "reflect")
      TG_CHECK(before < size && after < size, Runtime,
               "Argument #4: Padding size should be less than the corresponding input dimension, "
               "but got: padding (",
               before, ", ", after, ") at dimension ", d, " of input ", input.sizes());
    if (mode == "circular")
      TG_CHECK(before <= size && after <= size, Runtime,
               "Padding value causes wrapping around more than once.");
    TG_CHECK(size + before + after >= 0 && size > 0, Runtime, "pad(): padding (", before, ", ", after,
             ") of a dimension of size ", size);
    TensorList indices;
    for (int64_t k = 0; k < d; k++) indices.push_back(Tensor());
    indices.push_back(to(pad_indices(size, before, after, mode), std::nullopt, input.device()));
    out = index(out, indices);
  }
  return out;
}
TG_OP(pad, "pad(Tensor input, int[] pad, str mode=\"constant\", float? value=None) -> Tensor", kFunctional,
      R"(
Adds pad[0] elements before and pad[1] after the last dimension, pad[2] and pad[3] around the one before it, and so on: `value`
(constant), the mirrored interior (reflect), the edge (replicate) or the other side (circular). Negative numbers cut.

Backward: the part of u that came from input (summed where elements show several times).
)");

}  // namespace tensorgrad
