#include "tensorgrad/tensor/tensor.h"

#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

thread_local constinit AutogradState autograd_state{};
void (*release_python_object)(void* object) = nullptr;

TensorImpl::TensorImpl() = default;
TensorImpl::~TensorImpl() = default;

void TensorImpl::destroy(TensorImpl* impl) {
  if (impl->owns_python) [[unlikely]]
    release_python_object(impl->python);
  delete impl;
}

Tensor Tensor::wrap(StoragePtr storage, Shape sizes, Ints strides, int64_t offset, DType dtype) {
  Ref<TensorImpl> impl(new TensorImpl);
  impl->storage = std::move(storage);
  impl->sizes = std::move(sizes);
  impl->strides = std::move(strides);
  impl->offset = offset;
  impl->dtype = dtype;
  impl->numel = 1;
  for (int64_t size : impl->sizes) impl->numel *= size;
  impl->contiguous = tensorgrad::is_contiguous(impl->sizes, impl->strides);
  impl->inference = autograd_state.inference;
  return Tensor(std::move(impl));
}

Tensor Tensor::empty(const Shape& sizes, DType dtype, Device device) {
  Ref<TensorImpl> impl(new TensorImpl);
  impl->numel = count_elements(sizes);
  int64_t bytes;
  TG_CHECK(!__builtin_mul_overflow(impl->numel, int64_t(tensorgrad::element_size(dtype)), &bytes), Runtime,
           "Storage size calculation overflowed with sizes=", sizes);
  impl->storage = Storage::allocate(size_t(bytes), device);
  impl->dtype = dtype;
  impl->sizes = sizes;
  impl->strides.resize(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    impl->strides[i] = stride;
    if (sizes[i] > 1) stride *= sizes[i];
  }
  impl->inference = autograd_state.inference;
  return Tensor(std::move(impl));
}

Tensor Tensor::empty_strided(const Shape& sizes, const Ints& strides, DType dtype, Device device) {
  int64_t last = 0;
  const int64_t numel = count_elements(sizes);
  for (size_t i = 0; i < sizes.size(); i++) {
    int64_t reach;
    TG_CHECK(!__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
                 !__builtin_add_overflow(last, reach, &last),
             Runtime, "Storage size calculation overflowed with sizes=", sizes, " and strides=", strides);
  }
  int64_t bytes;
  TG_CHECK(!__builtin_mul_overflow(last + 1, int64_t(tensorgrad::element_size(dtype)), &bytes), Runtime,
           "Storage size calculation overflowed with sizes=", sizes, " and strides=", strides);
  return wrap(Storage::allocate(numel == 0 ? 0 : size_t(bytes), device), sizes, strides, 0, dtype);
}

Scalar Tensor::item() const {
  TG_CHECK(numel() == 1, Runtime, "a Tensor with ", numel(), " elements cannot be converted to Scalar");
  alignas(8) char buffer[8];
  copy_bytes(buffer, Device{}, bytes(), device(), element_size());
  return dispatch_all(dtype(), [&]<class T>() -> Scalar {
    const T value = *reinterpret_cast<const T*>(buffer);
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
      return Scalar(float(value));
    else
      return Scalar(value);
  });
}

void Tensor::set_requires_grad(bool value) const {
  TG_CHECK(!value || is_floating(dtype()), Runtime,
           "only Tensors of floating point dtype can require gradients");
  TG_CHECK(value || is_leaf(), Runtime,
           "you can only change requires_grad flags of leaf variables."
           " If you want to use a computed variable in a subgraph that doesn't require differentiation use "
           "var_no_grad = var.detach().");
  TG_CHECK(!value || !impl_->inference || autograd_state.inference, Runtime,
           "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
  if (is_leaf()) impl_->requires_grad = value;
}

AutogradMeta& Tensor::meta() const {
  if (!impl_->meta) impl_->meta = std::make_unique<AutogradMeta>();
  return *impl_->meta;
}
ViewInfo* Tensor::view_info() const {
  return impl_->meta && impl_->meta->view ? &*impl_->meta->view : nullptr;
}
bool Tensor::base_requires_grad() const {
  const auto& info = impl_->meta->view;
  return info && info->base.requires_grad();
}
Tensor Tensor::grad() const { return impl_->meta ? impl_->meta->grad : Tensor(); }
void Tensor::set_grad(Tensor grad) const {
  if (grad.defined() || impl_->meta) meta().grad = std::move(grad);
}

uint32_t Tensor::version() const {
  const auto& counter = impl_->own_version ? impl_->own_version->value : impl_->storage->version;
  return counter.load(std::memory_order_relaxed);
}
void Tensor::bump_version() const {
  TG_CHECK(
      !impl_->inference || autograd_state.inference, Runtime,
      "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
      "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more "
      "details.");
  auto& counter = impl_->own_version ? impl_->own_version->value : impl_->storage->version;
  counter.fetch_add(1, std::memory_order_relaxed);
}

Tensor Tensor::window(Shape sizes, Ints strides, int64_t offset) const {
  Tensor out = wrap(impl_->storage, std::move(sizes), std::move(strides), offset, dtype());
  if (impl_->own_version) out.impl_->own_version = impl_->own_version;
  out.impl_->inference = impl_->inference;
  return out;
}
Tensor Tensor::alias() const { return window(sizes(), strides(), storage_offset()); }

void Tensor::set_data(const Tensor& other) const {
  // The counter stays this tensor's own: replacing the data is not a write.
  if (!impl_->own_version && !(impl_->storage == other.storage())) {
    impl_->own_version = Ref<VersionCounter>(new VersionCounter);
    impl_->own_version->value = version();
  }
  impl_->storage = other.storage();
  impl_->dtype = other.dtype();
  set_geometry(other.sizes(), other.strides(), other.storage_offset());
}

void Tensor::set_geometry(Shape sizes, Ints strides, int64_t offset) const {
  impl_->numel = count_elements(sizes);
  impl_->contiguous = tensorgrad::is_contiguous(sizes, strides);
  impl_->sizes = std::move(sizes);
  impl_->strides = std::move(strides);
  impl_->offset = offset;
}

std::string describe(const Tensor& t) {
  return std::string(dtype_tensor_name(t.dtype())) + " " + to_string(t.sizes());
}

}  // namespace tensorgrad
