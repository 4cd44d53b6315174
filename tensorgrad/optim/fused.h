// What the fused optimizer steps share: which tensors they take, and the run over many parameters.
#pragma once
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::optim {

// Parameters and state of a fused step are contiguous float32 or float64.
inline bool is_fusible(const Tensor& parameter) {
  return parameter.is_contiguous() &&
         (parameter.dtype() == DType::Float32 || parameter.dtype() == DType::Float64);
}
// State that lies beside its parameter element by element.
inline bool matches(const Tensor& state, const Tensor& parameter) {
  return state.defined() && state.is_contiguous() && state.dtype() == parameter.dtype() &&
         state.numel() == parameter.numel() && state.device() == parameter.device();
}

// A count of steps that a fused step can raise: 0-d float32 or float64 on the cpu.
inline bool counts_steps(const Tensor& step) {
  return step.defined() && step.numel() == 1 && step.device().is_cpu() &&
         (step.dtype() == DType::Float32 || step.dtype() == DType::Float64);
}
inline double count_step(const Tensor& step) {
  step.bump_version();
  if (step.dtype() == DType::Float64) return *step.data<double>() += 1;
  return *step.data<float>() += 1;
}

// Elements that one task steps over.
inline constexpr int64_t kStepGrain = 16384;

inline void* advance(void* start, int64_t elements, bool is_double) {
  return start ? static_cast<char*>(start) + elements * (is_double ? 8 : 4) : nullptr;
}
inline const void* advance(const void* start, int64_t elements, bool is_double) {
  return static_cast<const char*>(start) + elements * (is_double ? 8 : 4);
}

}  // namespace tensorgrad::optim
