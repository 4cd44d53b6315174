#include "tensorgrad/ops/pointwise.h"

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/ops/gradient_edge.h"

namespace tensorgrad {
namespace {

// A dtype of a higher category hides lower ones: floating > integers > bool.
struct Category {
  bool any = false;
  DType dtype = DType::Bool;
  void add(DType t) {
    dtype = any ? promote_types(dtype, t) : t;
    any = true;
  }
};
Category combine(Category higher, Category lower) {
  if (!lower.any) return higher;
  if (!higher.any) return lower;
  if (is_floating(higher.dtype)) return higher;
  if (higher.dtype == DType::Bool || is_floating(lower.dtype)) higher.add(lower.dtype);
  return higher;
}

Shape broadcast_all(std::initializer_list<const Tensor*> inputs) {
  Shape shape = (*inputs.begin())->sizes();
  for (const Tensor* t : inputs)
    if (!(t->sizes() == shape)) shape = broadcast_shapes(shape, t->sizes());
  return shape;
}

Tensor fresh_output(const Shape& shape, DType dtype, Device device,
                    std::initializer_list<const Tensor*> inputs) {
  bool plain = shape.size() < 2;
  if (!plain) {
    plain = true;
    for (const Tensor* t : inputs) plain &= t->is_contiguous();
  }
  if (plain) return Tensor::empty(shape, dtype, device);
  return Tensor::empty_strided(shape, output_strides(shape, {inputs.begin(), inputs.size()}), dtype, device);
}

void check_result_type(DType result, DType dest) {
  TG_CHECK(result == dest || can_cast(result, dest), Runtime, "result type ", dtype_scalar_name(result),
           " can't be cast to the desired output type ", dtype_scalar_name(dest));
}

void check_out_graph(const char* name, const Tensor& out) {
  TG_CHECK(!grad_enabled() || !out.requires_grad(), Runtime, name,
           "(): functions with out=... arguments don't support automatic differentiation, but one of the "
           "arguments "
           "requires grad.");
}

void resize_output(const Tensor& out, const Shape& sizes) {
  if (out.sizes() == sizes) return;
  const int64_t bytes = (out.storage_offset() + count_elements(sizes)) * int64_t(out.element_size());
  if (bytes > int64_t(out.storage()->bytes())) out.storage()->replace(size_t(bytes));
  out.set_geometry(sizes, contiguous_strides(sizes), out.storage_offset());
}

}  // namespace

// A result follows its inputs' memory order: the dimension with the smallest strides stays innermost.
// Ambiguities (stride 0, equal strides) fall to the next input, as in PyTorch's TensorIterator.
Ints output_strides(const Shape& shape, std::span<const Tensor* const> inputs) {
  const int ndim = int(shape.size());
  Ints perm;
  for (int i = ndim - 1; i >= 0; i--) perm.push_back(i);
  const auto stride_of = [&](const Tensor& t, int64_t d) -> int64_t {
    const int64_t own = d - (ndim - t.dim());
    return own < 0 || (t.sizes()[own] == 1 && shape[d] != 1) ? 0 : t.strides()[own];
  };
  const auto compare = [&](int64_t a, int64_t b) {
    for (const Tensor* t : inputs) {
      const int64_t sa = stride_of(*t, a), sb = stride_of(*t, b);
      if (sa == 0 || sb == 0) continue;
      if (sa != sb) return sa < sb ? -1 : 1;
      if (shape[a] > shape[b]) return 1;
    }
    return 0;
  };
  for (int i = 1; i < ndim; i++) {
    int at = i;
    for (int j = i - 1; j >= 0; j--) {
      const int order = compare(perm[j], perm[at]);
      if (order < 0) break;
      if (order > 0) {
        std::swap(perm[j], perm[at]);
        at = j;
      }
    }
  }
  Ints strides;
  strides.resize(shape.size());
  int64_t stride = 1;
  for (int64_t d : perm) {
    strides[d] = stride;
    stride *= std::max<int64_t>(shape[d], 1);
  }
  return strides;
}

DType result_type(std::initializer_list<const Tensor*> tensors) {
  Category dimensioned, zero_dim, number;
  for (const Tensor* t : tensors) {
    if (!t->defined()) continue;
    if (t->impl()->wrapped_number)
      number.add(is_floating(t->dtype()) ? default_dtype() : t->dtype());
    else
      (t->dim() > 0 ? dimensioned : zero_dim).add(t->dtype());
  }
  return combine(dimensioned, combine(zero_dim, number)).dtype;
}

Tensor wrap_number(Scalar value) {
  Tensor t = Tensor::empty({}, value.dtype());
  switch (value.dtype()) {
    case DType::Bool: *t.data<bool>() = value.to_bool(); break;
    case DType::Int64: *t.data<int64_t>() = value.to_int(); break;
    default: *t.data<double>() = value.to_double();
  }
  t.impl()->wrapped_number = true;
  return t;
}

Device common_device(std::initializer_list<const Tensor*> tensors) {
  const Tensor* first = nullptr;
  for (const Tensor* t : tensors)
    if (t->defined() && !(t->dim() == 0 && t->device().is_cpu())) {
      if (!first) first = t;
      TG_CHECK(t->device() == first->device(), Runtime,
               "Expected all tensors to be on the same device, but found at least two devices, ",
               to_string(first->device()), " and ", to_string(t->device()), "!");
    }
  return first ? first->device() : Device{};
}

void check_no_internal_overlap(const Tensor& output) {
  if (output.is_contiguous()) return;
  TG_CHECK(output.numel() <= 1 || is_non_overlapping(output.sizes(), output.strides()), Runtime,
           "unsupported operation: more than one element of the written-to tensor refers to a single memory "
           "location. "
           "Please clone() the tensor before performing the operation.");
}

void check_no_partial_overlap(const Tensor& output, const Tensor& input) {
  if (output.is_same(input)) return;
  if (output.storage_offset() == input.storage_offset() && output.sizes() == input.sizes() &&
      output.strides() == input.strides())
    return;
  check_no_overlap(output, input);
}

void check_no_overlap(const Tensor& output, const Tensor& input) {
  if (!(output.storage() == input.storage()) || output.numel() == 0 || input.numel() == 0) return;
  if (!is_non_overlapping_and_dense(output.sizes(), output.strides()) ||
      !is_non_overlapping_and_dense(input.sizes(), input.strides()))
    return;  // too hard to tell; PyTorch lets these pass too
  const char *o = output.bytes(), *i = input.bytes();
  const bool apart = o + output.numel() * int64_t(output.element_size()) <= i ||
                     i + input.numel() * int64_t(input.element_size()) <= o;
  TG_CHECK(apart, Runtime,
           "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
           "single memory "
           "location. Please clone() the tensor before performing the operation.");
}

bool plan_simple(Plan& plan, Tensor& output, DType compute, DType result, const Tensor* const* inputs,
                 size_t count, char (*numbers)[8]) {
  const Tensor* shaped = inputs[0];
  for (size_t k = 1; k < count && shaped->dim() == 0; k++) shaped = inputs[k];
  if (shaped->numel() == 0) return false;
  plan.strides[0][0] = int64_t(element_size(result));
  for (size_t k = 0; k < count; k++) {
    const Tensor& t = *inputs[k];
    if (!t.device().is_cpu() || !t.is_contiguous()) return false;
    if (t.dim() == 0 && shaped->dim() > 0) {
      plan.strides[k + 1][0] = 0;
      plan.data[k + 1] = t.bytes();
      if (t.dtype() != compute &&
          !(k == 0 && count == 3 && t.dtype() == DType::Bool)) {  // not where's condition
        const Scalar number = t.item();
        dispatch_all(compute, [&]<class T>() { *reinterpret_cast<T*>(numbers[k]) = number.to<T>(); });
        plan.data[k + 1] = numbers[k];
      }
      continue;
    }
    if (t.dtype() != compute || (&t != shaped && !(t.sizes() == shaped->sizes()))) return false;
    plan.strides[k + 1][0] = int64_t(element_size(compute));
    plan.data[k + 1] = t.bytes();
  }
  output = Tensor::empty(shaped->sizes(), result);
  plan.data[0] = output.bytes();
  plan.operands = int(count) + 1;
  plan.ndim = 1;
  plan.sizes[0] = plan.numel = shaped->numel();
  plan.dtype = compute;
  plan.out_dtype = result;
  return true;
}

Pointwise::Pointwise(const char* name, const Out& out, DType compute, DType result,
                     std::initializer_list<const Tensor*> inputs)
    : out_(out) {
  const Tensor* operands[kMaxOperands];
  int count = 1;
  const Tensor& first = **inputs.begin();
  const Device device = inputs.size() == 1 ? first.device() : common_device(inputs);
  bool same_shape = true;
  for (const Tensor* t : inputs) same_shape &= t->sizes() == first.sizes();
  const Shape broadcast = same_shape ? Shape() : broadcast_all(inputs);
  const Shape& shape = same_shape ? first.sizes() : broadcast;
  if (!out) {
    output_ = fresh_output(shape, result, device, inputs);
  } else {
    const Tensor& target = *out.target;
    check_result_type(result, target.dtype());
    if (out.in_place) {
      bool differentiable = false;
      for (const Tensor* t : inputs) differentiable |= t->requires_grad();
      check_in_place(target, differentiable);
      TG_CHECK(target.sizes() == shape, Runtime, "output with shape ", target.sizes(),
               " doesn't match the broadcast shape ", shape);
    } else {
      check_out_graph(name, target);
      for (const Tensor* t : inputs) check_out_graph(name, *t);
      resize_output(target, shape);
    }
    check_no_internal_overlap(target);
    for (const Tensor* t : inputs) check_no_partial_overlap(target, *t);
    output_ = target.dtype() == result ? target : fresh_output(shape, result, device, inputs);
  }
  operands[0] = &output_;
  bool patched[kMaxOperands] = {};
  for (const Tensor* t : inputs) {
    const int k = count++;
    operands[k] = t;
    // where's condition stays bool; everything else meets in the compute type.
    if (t->dtype() == compute || (k == 1 && inputs.size() == 3 && t->dtype() == DType::Bool)) {
      if (t->device() == device) continue;
      casts_[k - 1] = Tensor::empty(t->sizes(), compute, device);
      copy_bytes(casts_[k - 1].bytes(), device, t->bytes(), t->device(), t->element_size());
      operands[k] = &casts_[k - 1];
    } else if (t->dim() == 0 && t->device().is_cpu() && device.is_cpu()) {
      const Scalar number = t->item();
      dispatch_all(compute, [&]<class T>() { *reinterpret_cast<T*>(numbers_[k - 1]) = number.to<T>(); });
      patched[k] = true;
    } else {
      casts_[k - 1] = Tensor::empty_strided(
          t->sizes(),
          t->is_contiguous() ? contiguous_strides(t->sizes()) : output_strides(t->sizes(), {&t, 1}), compute,
          t->device());
      Plan cast;
      build_plan(cast, casts_[k - 1], *t);
      if (cast.numel > 0) slots::copy(t->device(), cast);
      operands[k] = &casts_[k - 1];
    }
  }
  build_plan(plan, operands, count);
  plan.dtype = compute;
  for (int k = 1; k < count; k++)
    if (patched[k]) plan.data[k] = numbers_[k - 1];
}

Tensor Pointwise::finish() {
  if (!out_) return std::move(output_);
  const Tensor& target = *out_.target;
  if (!output_.is_same(target)) {
    Plan cast;
    build_plan(cast, target, output_);
    if (cast.numel > 0) slots::copy(target.device(), cast);
  }
  target.bump_version();
  return target;
}

Tensor destination(const char* name, const Out& out, const Shape& sizes, DType dtype, Device device) {
  if (!out) return Tensor::empty(sizes, dtype, device);
  const Tensor& target = *out.target;
  if (out.in_place) {
    check_in_place(target);
  } else {
    check_out_graph(name, target);
    check_result_type(dtype, target.dtype());
    resize_output(target, sizes);
  }
  return target.dtype() == dtype ? target : Tensor();
}

void not_implemented(const char* kernel, const Out& out, DType dtype,
                     std::initializer_list<const Tensor*> inputs) {
  Pointwise(kernel, out, dtype, dtype, inputs);
  fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", dtype_scalar_name(dtype), "'");
}

void check_out_dtype(const Out& out, DType dtype) {
  TG_CHECK(!out || out.target->dtype() == dtype, Runtime, "Expected out tensor to have dtype ",
           c_type_name(dtype), ", but got ", c_type_name(out.target->dtype()), " instead");
}

Tensor deliver(const char* name, const Out& out, Tensor result, std::initializer_list<const Tensor*> apart) {
  if (!out) return result;
  const Tensor& target = *out.target;
  if (!result.is_same(target)) {
    check_result_type(result.dtype(), target.dtype());
    if (out.in_place) {
      check_in_place(target, result.requires_grad());
      TG_CHECK(target.sizes() == result.sizes(), Runtime, "output with shape ", target.sizes(),
               " doesn't match the broadcast shape ", result.sizes());
    } else {
      check_out_graph(name, target);
      TG_CHECK(!grad_enabled() || !result.requires_grad(), Runtime, name,
               "(): functions with out=... arguments don't support automatic differentiation, but one of the "
               "arguments "
               "requires grad.");
      check_no_internal_overlap(target);
      resize_output(target, result.sizes());
      for (const Tensor* t : apart) check_no_overlap(target, *t);
    }
    Plan plan;
    build_plan(plan, target, result);
    if (plan.numel > 0) slots::copy(target.device(), plan);
  }
  target.bump_version();
  return target;
}

}  // namespace tensorgrad
