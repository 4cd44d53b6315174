#include "tensorgrad/backends/common/plan.h"

#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad {
namespace {

// Sorts dimensions so that the innermost has the smallest strides, looking at the output first. Insertion
// sort: stable.
void sort_dims(Plan& p) {
  const auto outer = [&](int a, int b) {  // a belongs outside b
    for (int k = 0; k < p.operands; k++) {
      const int64_t sa = p.strides[k][a], sb = p.strides[k][b];
      if (sa == 0 || sb == 0 || sa == sb) continue;
      return (sa < 0 ? -sa : sa) > (sb < 0 ? -sb : sb);
    }
    return false;
  };
  for (int i = 1; i < p.ndim; i++)
    for (int j = i; j > 0 && outer(j - 1, j); j--) {
      std::swap(p.sizes[j - 1], p.sizes[j]);
      for (int k = 0; k < p.operands; k++) std::swap(p.strides[k][j - 1], p.strides[k][j]);
    }
}

void coalesce(Plan& p) {
  int last = 0;
  for (int d = 1; d < p.ndim; d++) {
    bool merges = true;
    for (int k = 0; k < p.operands; k++) merges &= p.strides[k][d] == p.strides[k][last] * p.sizes[last];
    if (merges) {
      p.sizes[last] *= p.sizes[d];
      continue;
    }
    last++;
    p.sizes[last] = p.sizes[d];
    for (int k = 0; k < p.operands; k++) p.strides[k][last] = p.strides[k][d];
  }
  p.ndim = p.ndim == 0 ? 0 : last + 1;
}

}  // namespace

void build_plan(Plan& p, const Tensor* const* operands, int count) {
  const Tensor& out = *operands[0];
  p.operands = count;
  p.numel = out.numel();
  p.out_dtype = out.dtype();
  p.dtype = count > 1 ? operands[1]->dtype() : out.dtype();
  bool flat = true;
  for (int k = 0; k < count; k++) {
    p.data[k] = operands[k]->bytes();
    flat &= operands[k]->is_contiguous() && operands[k]->sizes() == out.sizes();
  }
  if (flat) {
    p.ndim = 1;
    p.sizes[0] = p.numel;
    for (int k = 0; k < count; k++) p.strides[k][0] = int64_t(operands[k]->element_size());
    return;
  }
  const int ndim = int(out.dim());
  p.ndim = 0;
  for (int d = ndim - 1; d >= 0; d--) {
    if (out.sizes()[d] == 1) continue;
    p.sizes[p.ndim] = out.sizes()[d];
    for (int k = 0; k < count; k++) {
      const Tensor& t = *operands[k];
      const int own = d - (ndim - int(t.dim()));
      const bool broadcast = own < 0 || t.sizes()[own] == 1;
      p.strides[k][p.ndim] = broadcast ? 0 : t.strides()[own] * int64_t(t.element_size());
    }
    p.ndim++;
  }
  if (p.ndim == 0) {
    p.ndim = 1;
    p.sizes[0] = 1;
    for (int k = 0; k < count; k++) p.strides[k][0] = int64_t(operands[k]->element_size());
    if (p.numel == 0) p.sizes[0] = 0;
    return;
  }
  sort_dims(p);
  coalesce(p);
}

}  // namespace tensorgrad
