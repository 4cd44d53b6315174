#include "tensorgrad/ops/gradient_edge.h"

#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/views.h"
#include "tensorgrad/tensor/watch.h"

namespace tensorgrad {
namespace {

// The end of every path: adds the gradient into its leaf's `.grad`.
class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(const Tensor& leaf) : Node("torch::autograd::AccumulateGrad"), leaf_(leaf) {
    sequence = UINT64_MAX;
    add_output(leaf);
    leaf.meta().accumulator = this;
  }
  ~AccumulateGrad() override {
    if (leaf_.impl()->meta) leaf_.impl()->meta->accumulator = nullptr;
  }
  bool is_accumulator() const override { return true; }
  Tensor variable() const override { return leaf_; }

  TensorList apply(TensorList&& gradients) override {
    Tensor u = std::move(gradients[0]);
    gradients.clear();
    AutogradMeta& meta = leaf_.meta();
    if (!u.defined()) return {};
    if (!meta.grad.defined()) {
      const bool same_layout =
          u.strides() == leaf_.strides() || !is_non_overlapping_and_dense(leaf_.sizes(), leaf_.strides());
      // The engine held the last reference: the buffer can become the gradient itself.
      if (!grad_enabled() && u.use_count() == 1 && same_layout && u.is_leaf() && u.storage().use_count() == 1)
        meta.grad = std::move(u);
      else if (grad_enabled())
        meta.grad = clone(u);
      else
        meta.grad = clone_as(u, leaf_);
    } else if (grad_enabled()) {
      meta.grad = add(meta.grad, u);
    } else {
      add(meta.grad, u, 1, Out::in_place_of(meta.grad));
    }
    if (meta.post_accumulate_hooks)
      for (auto& [id, hook] : std::vector(*meta.post_accumulate_hooks)) hook(leaf_);
    return {};
  }

 private:
  Tensor leaf_;
};

// After `view.op_()`: the base's gradient passes through the op where the view was, and untouched elsewhere.
class CopySlices final : public Node {
 public:
  CopySlices(const Tensor& base, const Tensor& view, NodePtr operation)
      : Node("torch::autograd::CopySlices"),
        base_sizes_(base.sizes()),
        base_strides_(base.strides()),
        view_sizes_(view.sizes()),
        view_strides_(view.strides()),
        view_offset_(view.storage_offset() - base.storage_offset()),
        operation_(std::move(operation)) {
    add_edge(gradient_edge(base));
    for (size_t i = 1; i < operation_->next.size(); i++) add_edge(operation_->next[i]);
  }

  TensorList apply(TensorList&& u) override {
    TG_CHECK(operation_, Runtime, kBackwardTwice);
    TensorList out;
    out.resize(next.size());
    if (!u[0].defined()) return out;
    Tensor whole = Tensor::empty_strided(base_sizes_, base_strides_, u[0].dtype(), u[0].device());
    copy_(whole, u[0]);
    Tensor slice = as_strided(whole, view_sizes_, view_strides_, view_offset_);
    TensorList inner = operation_->apply(TensorList{clone(slice)});
    for (size_t i = 1; i < inner.size() && i < out.size(); i++) out[i] = std::move(inner[i]);
    if (needs(0)) {
      if (inner[0].defined())
        copy_(slice, inner[0]);
      else
        fill_(slice, 0);
      out[0] = std::move(whole);
    }
    return out;
  }
  void release_saved() override {
    operation_->release_saved();
    operation_.reset();
  }

 private:
  Shape base_sizes_;
  Ints base_strides_;
  Shape view_sizes_;
  Ints view_strides_;
  int64_t view_offset_;
  NodePtr operation_;
};

// Views that cannot be written: PyTorch's texts. `indirect`: it is the base or another view that was written.
[[noreturn]] void refuse_view(const Tensor& view, const ViewInfo& info, bool indirect) {
  const Node* node = view.impl()->grad_fn.get();
  const char* modified = indirect ? "its base or another view of its base has been" : "is being";
  std::ostringstream text;
  const bool inference = info.kind == ViewKind::Inference;
  if (node && !inference)
    text << "Output " << view.impl()->output_nr << " of " << op_name(*node) << " is a view and " << modified
         << " modified inplace. ";
  else
    text << "A view was created in " << (inference ? "inference" : "no_grad") << " mode and " << modified
         << " modified inplace " << (inference ? "in normal mode. " : "with grad mode enabled. ");
  if (info.kind == ViewKind::CustomFunction)
    fail(
        ErrorKind::Runtime, text.str(),
        "This view was created inside a custom Function (or because an input was returned as-is) and the "
        "autograd logic to handle view+inplace would override the custom backward associated with the custom "
        "Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning "
        "the "
        "output of the custom Function.");
  if (info.kind == ViewKind::MultiOutput)
    fail(ErrorKind::Runtime, text.str(),
         "This view is the output of a function that returns multiple views. Such functions do not "
         "allow the output views to be modified inplace. You should replace the inplace operation by an "
         "out-of-place one.");
  fail(ErrorKind::Runtime, text.str(),
       "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
       "code by moving both the view and the inplace either both inside the ",
       inference ? "inference_mode" : "no_grad",
       " block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be "
       "tracked).");
}

void refresh(const Tensor& view, ViewInfo& info) {
  const uint32_t now = view.version();
  if (info.version == now || (!view.impl()->grad_fn && !info.base.requires_grad())) return;
  if (info.kind != ViewKind::Normal) refuse_view(view, info, true);
  const Edge edge = gradient_edge(info.base);
  NodePtr node = as_strided_node(info.base, view, edge);
  view.impl()->output_nr = node->add_output(view);
  view.impl()->grad_fn = std::move(node);
  view.impl()->requires_grad = false;
  info.version = now;
}

}  // namespace

NodePtr grad_fn_of(const Tensor& t) {
  if (ViewInfo* info = t.view_info()) refresh(t, *info);
  return t.impl()->grad_fn;
}

Edge gradient_edge(const Tensor& t) {
  if (!t.defined()) return {};
  if (ViewInfo* info = t.view_info()) refresh(t, *info);
  if (t.impl()->grad_fn) return {t.impl()->grad_fn, t.impl()->output_nr};
  if (!t.impl()->requires_grad) return {};
  if (Node* existing = t.meta().accumulator) return {NodePtr(existing), 0};
  return {NodePtr(new AccumulateGrad(t)), 0};
}

void keep_gradient(const Tensor& t) {
  AutogradMeta& meta = t.meta();
  if (!meta.alive) meta.alive = std::make_shared<TensorImpl*>(t.impl());
  const uint32_t output = t.impl()->output_nr;
  grad_fn_of(t)->hooks().retain_grad.emplace_back(
      -int64_t(output) - 1, [alive = meta.alive, output](TensorList& gradients) {
        if (!*alive || !gradients[output].defined()) return;
        const Tensor self{Ref<TensorImpl>(*alive)};
        const Tensor before = self.grad();
        self.set_grad(before.defined() ? add(before, gradients[output]) : clone(gradients[output]));
      });
}

void set_history(const Tensor& out, const NodePtr& node) {
  out.impl()->output_nr = node->add_output(out);
  out.impl()->grad_fn = node;
  if (watch) [[unlikely]] {
    watch->recorded(out, node);
    if (std::exchange(out.meta().retains_grad, true)) return;  // who rewrites history keeps on keeping it
    keep_gradient(out);
  }
}

void rebase_history(const Tensor& self, const NodePtr& node) {
  ViewInfo* info = self.view_info();
  if (!info) {
    // The gradient that was asked for is the one after this write.
    const bool retains = self.impl()->meta && self.impl()->meta->retains_grad;
    if (retains && self.impl()->grad_fn) self.impl()->grad_fn->hooks().retain_grad.clear();
    set_history(self, node);
    self.impl()->requires_grad = false;
    if (retains) keep_gradient(self);
    return;
  }
  node->add_output(self);
  const Tensor base = info->base;
  NodePtr slices(new CopySlices(base, self, node));
  base.impl()->output_nr = slices->add_output(base);
  base.impl()->grad_fn = std::move(slices);
  base.impl()->requires_grad = false;
  info->version = self.version() - 1;  // stale: the next look rebuilds it from the base
}

void become_view(const Tensor& self, const Tensor& view) {
  self.set_geometry(view.sizes(), view.strides(), view.storage_offset());
  self.bump_version();
  const NodePtr& node = view.impl()->grad_fn;
  if (!node) return;
  const bool retains = self.impl()->meta && self.impl()->meta->retains_grad;
  if (retains) grad_fn_of(self)->hooks().retain_grad.clear();
  self.impl()->grad_fn = node;
  self.impl()->output_nr = view.impl()->output_nr;
  if (ViewInfo* info = self.view_info()) info->version = self.version();
  if (retains) keep_gradient(self);
}

void check_in_place(const Tensor& self, bool others_require_grad) {
  if (!grad_enabled() || !(others_require_grad || self.requires_grad())) return;
  if (const ViewInfo* info = self.view_info()) {
    if (info->kind != ViewKind::Normal) refuse_view(self, *info, false);
    TG_CHECK(!(self.requires_grad() && info->base.is_leaf()), Runtime,
             "a view of a leaf Variable that requires grad is being used in an in-place operation.");
  }
  TG_CHECK(!(self.impl()->requires_grad && self.is_leaf()), Runtime,
           "a leaf Variable that requires grad is being used in an in-place operation.");
}

void link_view(const Tensor& view, const Tensor& base, const char* creator, ViewKind kind) {
  if (base.impl()->inference) return;  // as PyTorch: neither views nor versions are kept of these
  ViewInfo info;
  ViewInfo* parent = base.view_info();
  info.base = parent ? parent->base : base;
  info.creator = creator;
  info.kind = parent && parent->kind != ViewKind::Normal ? parent->kind
              : autograd_state.inference                 ? ViewKind::Inference
              : !grad_enabled()                          ? ViewKind::NoGrad
                                                         : kind;
  info.version = view.version();
  view.meta().view = std::move(info);
}

Tensor Out::before_write(const Tensor& input, bool needed) const {
  if (!in_place || !needed || !grad_enabled() || !input.requires_grad() || !target->is_same(input))
    return input;
  Tensor copy;
  {
    NoGradGuard guard;
    copy = clone(input);
  }
  Edge edge = gradient_edge(input);
  copy.impl()->grad_fn = std::move(edge.node);
  copy.impl()->output_nr = edge.index;
  return copy;
}

}  // namespace tensorgrad
