// What all pointwise ops share: promotion, broadcasting, the destination, and the plan their kernels walk.
#pragma once
#include <span>

#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// PyTorch's result_type: tensors with dimensions outrank 0-d tensors, which outrank Python numbers, within
// one category.
DType result_type(std::initializer_list<const Tensor*> tensors);
inline DType result_type(const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype() && !a.impl()->wrapped_number && !b.impl()->wrapped_number) return a.dtype();
  return result_type({&a, &b});
}
inline DType result_type(const Tensor& a, Scalar s) {
  const DType t = a.dtype();
  if (s.is_floating()) return is_floating(t) ? t : default_dtype();
  if (s.is_bool() || is_floating(t) || is_integral(t)) return t;
  return DType::Int64;
}
// Integers and bool become the default float: the type in which exp, div, mean ... compute.
inline DType to_floating(DType t) { return is_floating(t) ? t : default_dtype(); }
// A 0-d tensor of a Python number, weakest in promotion.
Tensor wrap_number(Scalar value);

// One call of a pointwise kernel: brings the inputs to `compute`, finds or makes the output (of `result` type
// and the broadcast shape), and walks. `name` is for error texts.
class Pointwise {
 public:
  Pointwise(const char* name, const Out& out, DType compute, DType result,
            std::initializer_list<const Tensor*> inputs);
  Plan plan;
  Device device() const { return output_.device(); }
  // After the kernel ran: casts into the destination where it has another type, counts the write.
  Tensor finish();

 private:
  Out out_;
  Tensor output_;  // what the kernel writes
  Tensor casts_[4];
  alignas(8) char numbers_[4][8];  // 0-d inputs of another type, converted
};

// The common call made cheap: a fresh output on the cpu, inputs contiguous and of one shape and type, or
// single numbers. Fills the plan and makes the output; false where the general way is needed. `numbers` holds
// converted numbers.
bool plan_simple(Plan& plan, Tensor& output, DType compute, DType result, const Tensor* const* inputs,
                 size_t count, char (*numbers)[8]);

template <class Slot, class... Args>
Tensor pointwise(const char* name, Slot& slot, const Out& out, DType compute, DType result,
                 std::initializer_list<const Tensor*> inputs, Args... args) {
  if (!out) {
    Plan plan;
    Tensor output;
    alignas(8) char numbers[4][8];
    if (plan_simple(plan, output, compute, result, inputs.begin(), inputs.size(), numbers)) [[likely]] {
      slot(Device{}, plan, args...);
      return output;
    }
  }
  Pointwise call(name, out, compute, result, inputs);
  if (call.plan.numel > 0) slot(call.device(), call.plan, args...);
  return call.finish();
}

// Says that an op has no kernel for a dtype, once shapes and the destination have been found right.
[[noreturn]] void not_implemented(const char* kernel, const Out& out, DType dtype,
                                  std::initializer_list<const Tensor*> inputs);

// The destination of an op that computes a whole result of known shape and type: in place or out= are checked
// (and out= resized as PyTorch does), a fresh tensor otherwise. Returns undefined where out has another
// dtype: compute, then deliver().
Tensor destination(const char* name, const Out& out, const Shape& sizes, DType dtype, Device device);
// For the ops that write only into a tensor of their own dtype: pointwise ones cast, these never do.
void check_out_dtype(const Out& out, DType dtype);
// Copies a computed result into the destination that `out` names; returns what the op returns.
// The written tensor must not overlap itself, nor those in `apart`.
Tensor deliver(const char* name, const Out& out, Tensor result,
               std::initializer_list<const Tensor*> apart = {});

// The strides of a fresh result: the memory order of its inputs.
Ints output_strides(const Shape& shape, std::span<const Tensor* const> inputs);

// A tensor may be written by an op that reads it elementwise, but not a shifted window of it; ops that read
// other elements than they write need the two apart.
void check_no_partial_overlap(const Tensor& output, const Tensor& input);
void check_no_overlap(const Tensor& output, const Tensor& input);
void check_no_internal_overlap(const Tensor& output);
Device common_device(std::initializer_list<const Tensor*> tensors);

}  // namespace tensorgrad
