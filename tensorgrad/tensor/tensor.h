// Tensor: a strided view of a Storage, plus its place in the autograd graph.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "tensorgrad/core/check.h"
#include "tensorgrad/core/dtype.h"
#include "tensorgrad/core/scalar.h"
#include "tensorgrad/core/shape.h"
#include "tensorgrad/storage/storage.h"
#include "tensorgrad/tensor/grad_mode.h"

namespace tensorgrad {

class Node;
class Tensor;
using NodePtr = Ref<Node>;
using TensorList = SmallVector<Tensor, 3>;
using TensorHook = std::function<Tensor(const Tensor&)>;  // an undefined result keeps the gradient

// How a view came to be; all but Normal refuse to be written in place while gradients are recorded.
enum class ViewKind : uint8_t { Normal, MultiOutput, NoGrad, Inference, CustomFunction };

// Links a differentiable view to its base, so that a write through either is seen by the other.
struct ViewInfo;

// What only some tensors have: leaves with gradients, hooked tensors, differentiable views.
struct AutogradMeta;

struct TensorImpl final : Pooled {
  std::atomic<uint32_t> refs{0};
  DType dtype = DType::Float32;
  bool contiguous = true;
  bool requires_grad = false;   // as a leaf
  bool wrapped_number = false;  // came from a Python number: weakest in promotion
  bool inference = false;
  bool owns_python = false;  // the Python object lives on our reference
  uint32_t output_nr = 0;
  int64_t numel = 0;
  int64_t offset = 0;  // in elements
  StoragePtr storage;
  NodePtr grad_fn;
  std::unique_ptr<AutogradMeta> meta;
  Ref<VersionCounter> own_version;  // set for `.data`, which does not share the storage's count
  void* python = nullptr;           // the Python object, weakly unless owns_python
  Shape sizes;
  Ints strides;

  TensorImpl();
  ~TensorImpl();
  static void destroy(TensorImpl* impl);
};

// Set by the Python module: lets go of a Python object that a dying tensor owned.
extern void (*release_python_object)(void* object);

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  // A strided window on a storage; no checks: ops that take user's sizes check them first.
  static Tensor wrap(StoragePtr storage, Shape sizes, Ints strides, int64_t offset, DType dtype);
  static Tensor empty(const Shape& sizes, DType dtype, Device device = {});
  static Tensor empty_strided(const Shape& sizes, const Ints& strides, DType dtype, Device device = {});

  bool defined() const { return bool(impl_); }
  TensorImpl* impl() const { return impl_.get(); }
  const Ref<TensorImpl>& ref() const { return impl_; }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  uint32_t use_count() const { return impl_.use_count(); }

  const Shape& sizes() const { return impl_->sizes; }
  const Ints& strides() const { return impl_->strides; }
  int64_t dim() const { return int64_t(impl_->sizes.size()); }
  int64_t size(int64_t d) const { return impl_->sizes[wrap_dim(d, dim(), false)]; }
  int64_t stride(int64_t d) const { return impl_->strides[wrap_dim(d, dim(), false)]; }
  int64_t numel() const { return impl_->numel; }
  int64_t storage_offset() const { return impl_->offset; }
  DType dtype() const { return impl_->dtype; }
  size_t element_size() const { return tensorgrad::element_size(dtype()); }
  Device device() const { return impl_->storage->device(); }
  const StoragePtr& storage() const { return impl_->storage; }
  bool is_contiguous() const { return impl_->contiguous; }
  bool is_floating_point() const { return is_floating(dtype()); }

  char* bytes() const { return impl_->storage->data() + impl_->offset * int64_t(element_size()); }
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(bytes());
  }
  // Reads the only element; copies from the device first where it must.
  Scalar item() const;

  // Autograd. A tensor requires gradients as a leaf that was told to, or as a recorded op's result.
  // A view of a tensor that does requires them too.
  bool requires_grad() const {
    return impl_->requires_grad || impl_->grad_fn || (impl_->meta && base_requires_grad());
  }
  bool is_leaf() const { return !impl_->grad_fn; }
  void set_requires_grad(bool value) const;
  Tensor grad() const;
  void set_grad(Tensor grad) const;
  AutogradMeta& meta() const;
  ViewInfo* view_info() const;
  uint32_t version() const;
  void bump_version() const;

  // The same memory under a new identity without history; shares the version counter.
  Tensor alias() const;
  // A window into this tensor's storage, without any autograd bookkeeping.
  Tensor window(Shape sizes, Ints strides, int64_t offset) const;
  // Takes on the other's storage, geometry and dtype (`x.data = y`).
  void set_data(const Tensor& other) const;
  void set_geometry(Shape sizes, Ints strides, int64_t offset) const;

 private:
  bool base_requires_grad() const;
  Ref<TensorImpl> impl_;
};

struct ViewInfo {
  Tensor base;
  ViewKind kind = ViewKind::Normal;
  const char* creator = "";  // the function's name, for texts
  uint32_t version = 0;      // the count at which grad_fn was valid
};

struct AutogradMeta : Pooled {
  Tensor grad;
  Node* accumulator = nullptr;   // weak: the node holds the tensor
  std::optional<ViewInfo> view;  // in place: nearly all tensors that have this record are views
  std::unique_ptr<std::vector<std::pair<int64_t, TensorHook>>> leaf_hooks;
  std::unique_ptr<std::vector<std::pair<int64_t, std::function<void(const Tensor&)>>>> post_accumulate_hooks;
  bool retains_grad = false;
  std::shared_ptr<TensorImpl*>
      alive;  // set to null when the tensor dies: how a node's hook refers to its own output

  ~AutogradMeta() {
    if (alive) *alive = nullptr;
  }
};

std::string describe(const Tensor& t);  // "torch.FloatTensor [2, 3]"

}  // namespace tensorgrad
