#include "tensorgrad/ops/copy.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

void copy_data(const Tensor& to, const Tensor& from) {
  if (to.numel() == 0) return;
  if (to.device() == from.device()) {
    Plan plan;
    build_plan(plan, to, from);
    slots::copy(to.device(), plan);
    return;
  }
  // Across devices bytes move densely: cast on the source's side, spread on the destination's.
  Tensor source = Tensor::empty(from.sizes(), to.dtype(), from.device());
  copy_data(source, from);
  const bool direct = to.is_contiguous() && to.sizes() == from.sizes();
  Tensor landed = direct ? to : Tensor::empty(from.sizes(), to.dtype(), to.device());
  copy_bytes(landed.bytes(), to.device(), source.bytes(), from.device(),
             size_t(source.numel()) * to.element_size());
  if (!direct) copy_data(to, landed);
}

}  // namespace

Tensor empty_like_layout(const Tensor& like, DType dtype, Device device) {
  if (like.is_contiguous()) return Tensor::empty(like.sizes(), dtype, device);
  if (is_non_overlapping_and_dense(like.sizes(), like.strides()))
    return Tensor::empty_strided(like.sizes(), like.strides(), dtype, device);
  Pointwise order("empty_like", {}, like.dtype(), dtype, {&like});
  return order.finish();
}

Tensor clone(const Tensor& input) {
  Tensor out = empty_like_layout(input, input.dtype(), input.device());
  copy_data(out, input);
  return record("CloneBackward0", std::move(out), saved(), wrt(input, [](const Tensor& u) { return u; }));
}

Tensor clone_as(const Tensor& input, const Tensor& like) {
  Tensor out = empty_like_layout(like, input.dtype(), input.device());
  copy_data(out, input);
  return record("CloneBackward0", std::move(out), saved(), wrt(input, [](const Tensor& u) { return u; }));
}

Tensor contiguous(const Tensor& input) {
  if (input.is_contiguous()) return input;
  Tensor out = Tensor::empty(input.sizes(), input.dtype(), input.device());
  copy_data(out, input);
  return record("CloneBackward0", std::move(out), saved(), wrt(input, [](const Tensor& u) { return u; }));
}

Tensor copy_(const Tensor& self, const Tensor& src, bool) {
  check_in_place(self, src.requires_grad());
  if (self.is_same(src)) return self;
  TG_CHECK(is_expandable_to(src.sizes(), self.sizes()), Runtime, [&] {
    // The text of expanding src to self's sizes.
    const int64_t extra = self.dim() - src.dim();
    std::ostringstream text;
    if (extra < 0) {
      text << "output with shape " << self.sizes() << " doesn't match the broadcast shape "
           << broadcast_shapes(self.sizes(), src.sizes());
      return text.str();
    }
    for (int64_t i = src.dim() - 1; i >= 0; i--)
      if (src.sizes()[i] != 1 && src.sizes()[i] != self.sizes()[i + extra]) {
        text << "The size of tensor a (" << self.sizes()[i + extra] << ") must match the size of tensor b ("
             << src.sizes()[i] << ") at non-singleton dimension " << i + extra;
        break;
      }
    return text.str();
  }());
  check_no_internal_overlap(self);
  Tensor from = src;
  if (self.storage() == src.storage() && self.numel() > 0 && self.dtype() == src.dtype()) {
    NoGradGuard guard;  // overlapping windows: go through a copy
    from = clone(src);
  }
  copy_data(self, from);
  self.bump_version();
  return record("torch::autograd::CopyBackwards", self, Out::in_place_of(self), saved(),
                wrt(self, [](const Tensor& u) { return zeros_like(u); }),
                wrt(src, [](const Tensor& u) { return u; }));
}
TG_OP(copy_, "copy_(Tensor input, Tensor src, bool non_blocking=False) -> Tensor", kMethod, R"(
Writes src, broadcast and cast, into self; returns self.

Backward: 0 for self, u for src.
)");

namespace {
Tensor fill_as(const char* node, const Tensor& self, Scalar value) {
  check_in_place(self);
  check_fits(value, self.dtype());
  if (self.numel() > 0) {
    Plan plan;
    build_plan(plan, self);
    slots::fill(self.device(), plan, value);
  }
  self.bump_version();
  return record(node, self, Out::in_place_of(self), saved(),
                wrt(self, [](const Tensor& u) { return zeros_like(u); }));
}
}  // namespace

Tensor fill_(const Tensor& self, Scalar value) { return fill_as("FillBackward2", self, value); }
Tensor zero_(const Tensor& self) { return fill_as("ZeroBackward0", self, 0); }
TG_OP(zero_, "zero_(Tensor input) -> Tensor", kFunction | kMethod, R"(
Fills self with zeros; returns self.

Backward: zeros.
)");

Tensor fill_any(const Tensor& self, const Tensor& value) {
  TG_CHECK(value.dim() == 0, Runtime, "fill_ only supports 0-dimension value tensor but got tensor with ",
           value.dim(), " dimensions.");
  if (!wants_gradient(value)) return fill_as("FillBackward3", self, value.item());
  check_in_place(self, true);
  check_no_internal_overlap(self);
  Tensor number = detach(value);
  {
    NoGradGuard guard;
    fill_as("", self, number.item());
  }
  return record("FillBackward3", self, Out::in_place_of(self), saved(),
                wrt(self, [](const Tensor& u) { return zeros_like(u); }),
                wrt(value, [](const Tensor& u) { return u; }));
}
TG_OP(fill_, "fill_(Tensor input, Scalar value) -> Tensor", kFunction | kMethod, R"(
Fills self with a number; returns self.

Backward: 0.
)");
TG_OP(fill_any, "fill_(Tensor input, Tensor value) -> Tensor", kFunction | kMethod, R"(
Fills self with value, a number or a 0-d tensor; returns self.

Backward: 0 for self, sum(u) for value.
)");

namespace {
Tensor fill(const Tensor& input, Scalar value) {
  const Tensor result = fill_(empty_like_layout(input, input.dtype(), input.device()), value);
  return record("FillBackward0", result, saved(), wrt(input, [](const Tensor& u) { return zeros_like(u); }));
}
Tensor fill_with(const Tensor& input, const Tensor& value) { return fill_any(clone(input), value); }
}  // namespace
TG_OP(fill, "fill(Tensor input, Scalar value) -> Tensor", kFunction, R"(
A tensor like input, filled with a number.

Backward: 0.
)");
TG_OP(fill_with, "fill(Tensor input, Tensor value) -> Tensor", kFunction, R"(
A tensor like input, filled with value, a number or a 0-d tensor.

Backward: 0 for input, sum(u) for value.
)");

Tensor to(const Tensor& input, std::optional<DType> dtype, std::optional<Device> device, bool copy) {
  const DType t = dtype.value_or(input.dtype());
  const Device d = device.value_or(input.device());
  if (t == input.dtype() && d == input.device() && !copy) return input;
  Tensor out = empty_like_layout(input, t, d);
  copy_data(out, input);
  return record("ToCopyBackward0", std::move(out), saved(), wrt(input, [](const Tensor& u) { return u; }));
}

Tensor detach(const Tensor& input) { return input.alias(); }

Tensor full(const Shape& size, Scalar value, DType dtype, Device device) {
  check_fits(value, dtype);
  Tensor out = Tensor::empty(size, dtype, device);
  if (out.numel() > 0) {
    Plan plan;
    build_plan(plan, out);
    slots::fill(device, plan, value);
  }
  return out;
}
Tensor zeros(const Shape& size, DType dtype, Device device) { return full(size, 0, dtype, device); }
Tensor zeros_like(const Tensor& input) {
  Tensor out = empty_like_layout(input, input.dtype(), input.device());
  if (out.numel() > 0) {
    Plan plan;
    build_plan(plan, out);
    slots::fill(out.device(), plan, 0);
  }
  return out;
}

}  // namespace tensorgrad
