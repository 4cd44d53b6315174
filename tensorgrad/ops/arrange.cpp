#include "tensorgrad/ops/arrange.h"

#include <algorithm>
#include <cstdlib>

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/backends/slots_arrange.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/joining.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {

Tensor flip(const Tensor& input, const Ints& dims) {
  const Ints wrapped = wrap_dims(dims, input.dim());
  Ints strides = input.strides();
  int64_t offset = input.storage_offset();
  if (input.dim() > 0)
    for (int64_t d : wrapped) {
      if (input.sizes()[d] > 1) offset += (input.sizes()[d] - 1) * strides[d];
      strides[d] = -strides[d];
    }
  Tensor out = Tensor::empty(input.sizes(), input.dtype(), input.device());
  if (out.numel() > 0) {
    Plan plan;
    build_plan(plan, out, input.window(input.sizes(), strides, offset));
    slots::copy(out.device(), plan);
  }
  return record("FlipBackward0", out, saved(dims),
                wrt(input, [](const Tensor& u, const Ints& dims) { return flip(u, dims); }));
}
TG_OP(flip, "flip(Tensor input, int[] dims) -> Tensor", kFunction | kMethod, R"(
The given dimensions backwards; a copy.

Backward: u flipped.
)");
Tensor fliplr(const Tensor& input) {
  TG_CHECK(input.dim() >= 2, Runtime, "Input must be >= 2-d.");
  return flip(input, {1});
}
TG_OP(fliplr, "fliplr(Tensor input) -> Tensor", kFunction | kMethod, R"(
The columns in reverse order.

Backward: u with its columns reversed.
)");
Tensor flipud(const Tensor& input) {
  TG_CHECK(input.dim() >= 1, Runtime, "Input must be >= 1-d.");
  return flip(input, {0});
}
TG_OP(flipud, "flipud(Tensor input) -> Tensor", kFunction | kMethod, R"(
The rows in reverse order.

Backward: u with its rows reversed.
)");

Tensor roll(const Tensor& input, const Ints& shifts, const Ints& dims) {
  TG_CHECK(!shifts.empty(), Runtime, "`shifts` required");
  if (dims.empty() && shifts.size() == 1) return view(roll(reshape(input, {-1}), shifts, {0}), input.sizes());
  TG_CHECK(shifts.size() == dims.size(), Runtime, "shifts and dimensions must align. shifts: ", shifts.size(),
           ", dims:", dims.size());
  Tensor out = input;
  for (size_t i = 0; i < dims.size(); i++) {
    if (input.numel() == 0) break;
    TG_CHECK(input.dim() > 0, Index, "Dimension specified as ", dims[i], " but tensor has no dimensions");
    const int64_t d = wrap_dim(dims[i], input.dim()), size = input.sizes()[d];
    const int64_t start = ((-shifts[i]) % size + size) % size;
    out = cat({narrow(out, d, start, size - start), narrow(out, d, 0, start)}, d);
  }
  return out.is_same(input) ? clone(input) : out;
}
TG_OP(roll, "roll(Tensor input, int[1] shifts, int[1] dims=[]) -> Tensor", kFunction | kMethod, R"(
Elements moved by shifts along dims, those beyond the end coming in at the start; without dims the flattened tensor.

Backward: u rolled by -shifts.
)");

namespace {
// [s0, s1] repeated (r0, r1) is [r0, s0, r1, s1] expanded from [1, s0, 1, s1].
Shape interleaved(const Ints& outer, const Shape& sizes) {
  Shape both;
  for (size_t i = 0; i < sizes.size(); i++) {
    both.push_back(outer.empty() ? 1 : outer[i]);
    both.push_back(sizes[i]);
  }
  return both;
}
}  // namespace

Tensor repeat(const Tensor& input, const Ints& repeats) {
  TG_CHECK(int64_t(repeats.size()) >= input.dim(), Runtime,
           "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  Shape padded, sizes;
  for (size_t i = 0; i + input.sizes().size() < repeats.size(); i++) padded.push_back(1);
  for (int64_t size : input.sizes()) padded.push_back(size);
  for (size_t i = 0; i < padded.size(); i++) sizes.push_back(repeats[i] * padded[i]);
  for (int64_t s : sizes)
    TG_CHECK(s >= 0, Runtime, "Trying to create tensor with negative dimension ", s, ": ", sizes);
  Tensor out = Tensor::empty(sizes, input.dtype(), input.device());
  if (out.numel() > 0) {
    NoGradGuard guard;
    const Tensor spread = expand(reshape(input, interleaved({}, padded)), interleaved(repeats, padded));
    copy_(view(out, spread.sizes()), spread);
  }
  return record("RepeatBackward0", out, saved(repeats, padded),
                wrt(input, [](const Tensor& u, const Ints& repeats, const Shape& padded) {
                  Ints summed;
                  for (size_t i = 0; i < repeats.size(); i++) summed.push_back(int64_t(2 * i));
                  if (summed.empty()) return u;
                  return sum(reshape(u, interleaved(repeats, padded)), summed);
                }));
}
TG_OP(repeat, "repeat(Tensor input, int[] repeats) -> Tensor", kMethod, R"(
Copies of the tensor side by side, repeats[i] times along dimension i; new dimensions come first.

Backward: u summed over the copies.
)");
Tensor tile(const Tensor& input, const Ints& dims) {
  Ints repeats;
  for (int64_t i = int64_t(dims.size()); i < input.dim(); i++) repeats.push_back(1);
  for (int64_t d : dims) repeats.push_back(d);
  return repeat(input, repeats);
}
TG_OP(tile, "tile(Tensor input, int[] dims) -> Tensor", kFunction | kMethod,
      "\nrepeat() as NumPy counts: missing leading repeats are 1.\n");

namespace {
Tensor triangle(const char* name, const Tensor& input, int64_t diagonal, const Out& out, bool lower) {
  TG_CHECK(input.dim() >= 2, Runtime, name, ": input tensor must have at least 2 dimensions");
  Tensor source;
  {
    NoGradGuard guard;
    source = contiguous(input);
  }
  Tensor result = Tensor::empty(input.sizes(), input.dtype(), input.device());
  const int64_t rows = input.size(-2), columns = input.size(-1);
  if (result.numel() > 0)
    slots::triangle(result.device(), {source.bytes(), result.bytes(), result.numel() / (rows * columns), rows,
                                      columns, diagonal, int64_t(result.element_size()), lower});
  return deliver(name, out, result);
}
}  // namespace

Tensor tril(const Tensor& input, int64_t diagonal, Out out) {
  Tensor result = triangle("tril", input, diagonal, out, true);
  return record("TrilBackward0", result, out, saved(diagonal),
                wrt(input, [](const Tensor& u, int64_t diagonal) { return tril(u, diagonal); }));
}
TG_OP(tril, "tril(Tensor input, int diagonal=0, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
The lower triangle of each matrix, up to the given diagonal; zeros elsewhere.

Backward: the same triangle of u.
)");
Tensor triu(const Tensor& input, int64_t diagonal, Out out) {
  Tensor result = triangle("triu", input, diagonal, out, false);
  return record("TriuBackward0", result, out, saved(diagonal),
                wrt(input, [](const Tensor& u, int64_t diagonal) { return triu(u, diagonal); }));
}
TG_OP(triu, "triu(Tensor input, int diagonal=0, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
The upper triangle of each matrix, from the given diagonal; zeros elsewhere.

Backward: the same triangle of u.
)");

Tensor movedim(const Tensor& input, const Ints& source, const Ints& destination) {
  TG_CHECK(source.size() == destination.size(), Runtime,
           "movedim: Invalid source or destination dims: source (", source,
           " dims) should contain the same number of dims as destination (", destination, " dims)");
  const Ints from = wrap_dims(source, input.dim()), to = wrap_dims(destination, input.dim());
  if (input.dim() == 0) return input;
  Ints order;
  order.resize(size_t(input.dim()), -1);
  for (size_t i = 0; i < from.size(); i++) order[to[i]] = from[i];
  int64_t next = 0;
  for (int64_t& d : order) {
    if (d >= 0) continue;
    while (std::find(from.begin(), from.end(), next) != from.end()) next++;
    d = next++;
  }
  return permute(input, order);
}
TG_OP(movedim, "movedim(Tensor input, int[1] source, int[1] destination) -> Tensor", kFunction | kMethod, R"(
Moves dimensions to new places, the others keep their order; a view.

Backward: u with its dimensions moved back.
)");
TG_OP(movedim, "moveaxis(Tensor input, int[1] source, int[1] destination) -> Tensor", kFunction | kMethod,
      "\nmovedim() under NumPy's name.\n");
TG_OP(transpose, "swapaxes(Tensor input, int axis0, int axis1) -> Tensor", kFunction | kMethod | kInPlaceView,
      "\ntranspose() under NumPy's name.\n");
TG_OP(transpose, "swapdims(Tensor input, int dim0, int dim1) -> Tensor", kFunction | kMethod | kInPlaceView,
      "\ntranspose() under another name.\n");

Tensor diagonal(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t a = wrap_dim(dim1, input.dim()), b = wrap_dim(dim2, input.dim());
  TG_CHECK(a != b, Runtime, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const int64_t rows = input.sizes()[a], columns = input.sizes()[b];
  const int64_t length =
      std::max<int64_t>(offset >= 0 ? std::min(rows, columns - offset) : std::min(rows + offset, columns), 0);
  Shape sizes;
  Ints strides;
  for (int64_t d = 0; d < input.dim(); d++) {
    if (d == a || d == b) continue;
    sizes.push_back(input.sizes()[d]);
    strides.push_back(input.strides()[d]);
  }
  sizes.push_back(length);
  strides.push_back(input.strides()[a] + input.strides()[b]);
  int64_t start = input.storage_offset();
  if (length > 0) start += offset >= 0 ? offset * input.strides()[b] : -offset * input.strides()[a];
  return record_view("DiagonalBackward0", input.window(sizes, strides, start), input, "diagonal",
                     saved(input.sizes(), offset, a, b),
                     [](const Tensor& u, const Shape& sizes, int64_t offset, int64_t a, int64_t b) {
                       Tensor out = zeros(sizes, u.dtype(), u.device());
                       copy_(diagonal(out, offset, a, b), u);
                       return out;
                     });
}
TG_OP(diagonal, "diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1) -> Tensor", kFunction | kMethod,
      R"(
The diagonal of two dimensions as a new last dimension; a view.

Backward: zeros with u on the diagonal.
)");

Tensor diag_embed(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t ndim = input.dim() + 1;
  const int64_t a = wrap_dim(dim1, ndim), b = wrap_dim(dim2, ndim);
  TG_CHECK(a != b, Runtime, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const int64_t n = input.size(-1) + std::abs(offset);
  Shape sizes(input.sizes().begin(), input.sizes().end() - 1);
  sizes.insert(size_t(std::min(a, b)), n);
  sizes.insert(size_t(std::max(a, b)), n);
  Tensor out = zeros(sizes, input.dtype(), input.device());
  {
    NoGradGuard guard;
    copy_(diagonal(out, offset, a, b), input);
  }
  return record("DiagEmbedBackward0", out, saved(offset, a, b),
                wrt(input, [](const Tensor& u, int64_t offset, int64_t a, int64_t b) {
                  return diagonal(u, offset, a, b);
                }));
}
TG_OP(diag_embed, "diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
      kFunction | kMethod, R"(
Matrices with the last dimension of input on a diagonal.

Backward: the diagonal of u.
)");
Tensor diag(const Tensor& input, int64_t diagonal_) {
  TG_CHECK(input.dim() == 1 || input.dim() == 2, Runtime, "diag(): Supports 1D or 2D tensors. Got ",
           input.dim(), "D");
  return input.dim() == 1 ? diag_embed(input, diagonal_, 0, 1) : clone(diagonal(input, diagonal_));
}
TG_OP(diag, "diag(Tensor input, int diagonal=0, *, Tensor? out=None) -> Tensor", kFunction | kMethod, R"(
A matrix with the vector on its diagonal, or the diagonal of a matrix.

Backward: diag(u): the diagonal of u for a vector, u on a diagonal for a matrix.
)");
Tensor trace(const Tensor& input) {
  TG_CHECK(input.dim() == 2, Runtime, "trace: expected a matrix, but got tensor with dim ", input.dim());
  return sum(diagonal(input), {});
}
TG_OP(trace, "trace(Tensor input) -> Tensor", kFunction | kMethod, R"(
The sum of a matrix's diagonal.

Backward: u on the diagonal, zeros elsewhere.
)");

}  // namespace tensorgrad
