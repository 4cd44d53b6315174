#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {

Tensor view_dtype(const Tensor& t, DType to) {
  const int64_t have = int64_t(t.element_size()), want = int64_t(element_size(to));
  Shape sizes = t.sizes();
  Ints strides = t.strides();
  int64_t offset = t.storage_offset();
  if (want != have) {
    TG_CHECK(t.dim() > 0, Runtime, "self.dim() cannot be 0 to view ", dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to),
             " (different element sizes)");
    TG_CHECK(strides.back() == 1 || t.numel() == 0, Runtime, "self.stride(-1) must be 1 to view ", dtype_scalar_name(t.dtype()), " as ",
             dtype_scalar_name(to), " (different element sizes), but got ", strides.back());
    if (want > have) {
      const int64_t ratio = want / have;
      TG_CHECK(sizes.back() % ratio == 0, Runtime, "self.size(-1) must be divisible by ", ratio, " to view ",
               dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to), " (different element sizes), but got ", sizes.back());
      TG_CHECK(offset % ratio == 0, Runtime, "self.storage_offset() must be divisible by ", ratio, " to view ",
               dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to), " (different element sizes), but got ", offset);
      for (size_t i = 0; i + 1 < strides.size(); i++) {
        TG_CHECK(strides[i] % ratio == 0, Runtime, "self.stride(", i, ") must be divisible by ", ratio, " to view ",
                 dtype_scalar_name(t.dtype()), " as ", dtype_scalar_name(to), " (different element sizes), but got ", strides[i]);
        strides[i] /= ratio;
      }
      sizes.back() /= ratio;
      offset /= ratio;
    } else {
      const int64_t ratio = have / want;
      for (size_t i = 0; i + 1 < strides.size(); i++) strides[i] *= ratio;
      sizes.back() *= ratio;
      offset *= ratio;
    }
  }
  Tensor out = Tensor::wrap(t.storage(), sizes, strides, offset, to);
  if (t.impl()->own_version) out.impl()->own_version = t.impl()->own_version;
  return record_view("ViewBackward1", std::move(out), t, "view", saved(t.dtype()),
                     [](const Tensor& u, DType from) { return view_dtype(u, from); });
}
TG_OP(view_dtype, "view(Tensor input, ScalarType dtype) -> Tensor", kMethod, R"(
The same bytes read as another dtype; the last size changes with the element size.
)");

}  // namespace tensorgrad
