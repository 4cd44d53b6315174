// Masks: where elements are set, and reading and writing there.
#include "tensorgrad/backends/slots.h"
#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// A contiguous mask with its chunks counted: chunk c's output begins at counts[c].
struct CountedMask {
  Tensor mask, counts;
  MaskArgs args;
  int64_t total = 0;

  explicit CountedMask(const Tensor& input) {
    NoGradGuard guard;
    mask = contiguous(to(input, DType::Bool));
    const int64_t chunks = (mask.numel() + kMaskChunk - 1) / kMaskChunk;
    counts = Tensor::empty({chunks + 1}, DType::Int64);
    args = {mask.data<uint8_t>(), mask.numel(), counts.data<int64_t>()};
    if (chunks > 0) slots::mask_count(mask.device(), args);
    for (int64_t c = 0; c < chunks; c++) {
      const int64_t count = args.chunks[c];
      args.chunks[c] = total;
      total += count;
    }
    args.chunks[chunks] = total;
  }
};

void check_mask(const char* name, const Tensor& mask) {
  TG_CHECK(mask.dtype() == DType::Bool, Runtime, name,
           "_ only supports boolean masks, but got mask with dtype ", c_type_name(mask.dtype()));
}

}  // namespace

TensorList nonzero_per_dim(const Tensor& input) {
  TensorList out;
  if (input.dim() == 0) {
    NoGradGuard guard;
    return nonzero_per_dim(unsqueeze(input, 0));
  }
  CountedMask counted(input);
  const int ndim = int(input.dim());
  Tensor columns = Tensor::empty({ndim, counted.total}, DType::Int64, input.device());
  if (counted.total > 0)
    slots::mask_positions(input.device(), counted.args, ndim, input.sizes().data(), columns.data<int64_t>());
  if (ndim == 1) {
    out.push_back(columns.window({counted.total}, {1}, 0));
    return out;
  }
  NoGradGuard guard;
  for (int d = 0; d < ndim; d++) out.push_back(select(columns, 0, d));
  return out;
}

Tensor nonzero(const Tensor& input) {
  if (input.dim() == 0) {
    const int64_t count = input.item().to_bool();
    return Tensor::empty({count, 0}, DType::Int64, input.device());
  }
  const TensorList columns = nonzero_per_dim(input);
  const int64_t total = columns[0].numel(), ndim = input.dim();
  // The columns lie one after the other: the result is their transpose.
  return columns[0].window({total, ndim}, ndim == 1 ? Ints{1, 1} : Ints{1, std::max<int64_t>(total, 1)},
                           columns[0].storage_offset());
}

// What nonzero() gives depends on a flag: one tensor, or one per dimension.
struct TensorOrTuple {
  TensorList tensors;
  bool tuple;
};
inline void box(Result& r, TensorOrTuple value) {
  r.kind = value.tuple ? ResultKind::List : ResultKind::Tensor;
  r.tensors = std::move(value.tensors);
}
namespace {
TensorOrTuple nonzero_as(const Tensor& input, bool as_tuple) {
  if (as_tuple) return {nonzero_per_dim(input), true};
  return {{nonzero(input)}, false};
}
}  // namespace
TG_OP(nonzero_as, "nonzero(Tensor input, *, bool as_tuple=False, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
int64 [n, dim]: the indices of the elements that are not zero, in order; with as_tuple one tensor of positions per
dimension.
)");
TG_OP(nonzero, "argwhere(Tensor input) -> Tensor", kFunction | kMethod, R"(
int64 [n, dim]: the indices of the elements that are not zero, in order.
)");

Tensor masked_fill(const Tensor& input, const Tensor& mask, const Tensor& value, Out out) {
  check_mask("masked_fill", mask);
  TG_CHECK(value.dim() == 0, Runtime,
           "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ", value.dim(),
           " dimension(s).");
  if (value.impl()->wrapped_number) check_fits(value.item(), input.dtype());
  Tensor result =
      pointwise("masked_fill", slots::where, out, input.dtype(), input.dtype(), {&mask, &value, &input});
  const auto for_input = [](const Tensor& u, const Tensor& mask) {
    return masked_fill(u, mask, wrap_number(0));
  };
  if (value.impl()->wrapped_number)
    return record("MaskedFillBackward0", result, out, saved(mask), wrt(input, for_input));
  return record("MaskedFillBackward1", result, out, saved(mask), wrt(input, for_input),
                wrt(value, [](const Tensor& u, const Tensor& mask) { return u * to(mask, u.dtype()); }));
}
TG_OP(masked_fill, "masked_fill(Tensor input, Tensor mask, Operand value) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
value, a number or a 0-d tensor, where mask (bool, broadcast) is set, else input.

Backward: u with zeros where mask is set for input; the sum of u there for value.
)");

Tensor select_where(const char* name, const Tensor& input, const Tensor& mask, Out dest) {
  TG_CHECK(mask.dtype() == DType::Bool, Runtime, "masked_select: expected BoolTensor for mask");
  Tensor source, all;
  {
    NoGradGuard guard;
    const Shape shape = broadcast_shapes(mask.sizes(), input.sizes());
    source = contiguous(expand(input, shape));
    all = expand(mask, shape);
  }
  CountedMask counted(all);
  Tensor out = Tensor::empty({counted.total}, input.dtype(), input.device());
  if (counted.total > 0)
    slots::mask_select(input.device(), counted.args, source.bytes(), out.bytes(),
                       int64_t(input.element_size()));
  out = deliver("masked_select", dest, out, {&input, &mask});
  return record(name, out, dest, saved(mask, input.sizes()),
                wrt(input, [](const Tensor& u, const Tensor& mask, const Shape& sizes) {
                  const Shape shape = broadcast_shapes(sizes, mask.sizes());
                  const Tensor result = zeros(shape, u.dtype(), u.device());
                  return masked_scatter(result, mask, u, Out::in_place_of(result));
                }));
}
Tensor masked_select(const Tensor& input, const Tensor& mask, Out dest) {
  return select_where("MaskedSelectBackward0", input, mask, dest);
}
TG_OP(masked_select, "masked_select(Tensor input, Tensor mask, *, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
1-d: the elements of input where mask (bool) is set, both broadcast, in order.

Backward: u scattered into zeros where mask is set.
)");

Tensor masked_scatter(const Tensor& input, const Tensor& mask, const Tensor& source, Out out) {
  TG_CHECK(input.dtype() == source.dtype(), Runtime,
           "masked_scatter: expected self and source to have same dtypes but got",
           dtype_scalar_name(input.dtype()), " and ", dtype_scalar_name(source.dtype()));
  TG_CHECK(mask.dtype() == DType::Bool, Runtime,
           "masked_scatter_ only supports boolean masks, but got mask with dtype ",
           dtype_scalar_name(mask.dtype()));
  Tensor result, all;
  if (out.in_place) {
    result = writable(out, input);
    NoGradGuard guard;
    all = expand(mask, input.sizes());
  } else {
    NoGradGuard guard;
    const Shape shape = broadcast_shapes(mask.sizes(), input.sizes());
    result = clone(contiguous(expand(input, shape)));
    all = expand(mask, shape);
  }
  CountedMask counted(all);
  TG_CHECK(source.numel() >= counted.total, Runtime, "Number of elements of source < number of ones in mask");
  if (counted.total > 0) {
    NoGradGuard guard;
    const Tensor values = slice(reshape(contiguous(source), {-1}), 0, 0, counted.total);
    const Tensor dense = contiguous(result);
    slots::mask_put(result.device(), counted.args, dense.bytes(), values.bytes(),
                    int64_t(dense.element_size()));
    if (!dense.is_same(result)) copy_(result, dense);
  }
  result = deliver("masked_scatter", out, result);
  return record("MaskedScatterBackward0", result, out, saved(mask, source.sizes()),
                wrt(input, [](const Tensor& u, const Tensor& mask,
                              const Shape&) { return masked_fill(u, mask, wrap_number(0)); }),
                wrt(source, [](const Tensor& u, const Tensor& mask, const Shape& sizes) {
                  const Tensor chosen = masked_select(u, mask);
                  const int64_t numel = count_elements(sizes);
                  if (chosen.numel() == numel) return reshape(chosen, sizes);
                  Tensor all = zeros({numel}, u.dtype(), u.device());
                  copy_(slice(all, 0, 0, chosen.numel()), chosen);
                  return reshape(all, sizes);
                }));
}
TG_OP(masked_scatter, "masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor",
      kFunction | kMethod | kInPlace, R"(
The elements of source, in order, where mask (bool, broadcast) is set, else input.

Backward: u with zeros where mask is set for input; the elements of u there for source.
)");

}  // namespace tensorgrad
