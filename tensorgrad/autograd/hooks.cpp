#include "tensorgrad/autograd/hooks.h"

#include <algorithm>
#include <atomic>

#include "tensorgrad/ops/gradient_edge.h"

namespace tensorgrad {
namespace {

int64_t next_id() {
  static std::atomic<int64_t> id{0};
  return ++id;
}
template <class Hooks>
void drop(Hooks& hooks, int64_t id) {
  hooks.erase(std::remove_if(hooks.begin(), hooks.end(), [&](auto& each) { return each.first == id; }),
              hooks.end());
}

}  // namespace

int64_t add_hook(const Tensor& t, TensorHook hook) {
  TG_CHECK(t.requires_grad(), Runtime, "cannot register a hook on a tensor that doesn't require gradient");
  const int64_t id = next_id();
  if (const NodePtr node = grad_fn_of(t)) {
    const uint32_t output = t.impl()->output_nr;
    node->hooks().tensor.emplace_back(id, [hook = std::move(hook), output](TensorList& gradients) {
      if (!gradients[output].defined()) return;
      if (Tensor replaced = hook(gradients[output]); replaced.defined())
        gradients[output] = std::move(replaced);
    });
  } else {
    auto& hooks = t.meta().leaf_hooks;
    if (!hooks) hooks = std::make_unique<std::vector<std::pair<int64_t, TensorHook>>>();
    hooks->emplace_back(id, std::move(hook));
  }
  return id;
}

int64_t add_post_accumulate_hook(const Tensor& leaf, std::function<void(const Tensor&)> hook) {
  TG_CHECK(leaf.requires_grad(), Runtime, "cannot register a hook on a tensor that doesn't require gradient");
  TG_CHECK(!grad_fn_of(leaf), Runtime, "post accumulate grad hooks cannot be registered on non-leaf tensors");
  auto& hooks = leaf.meta().post_accumulate_hooks;
  if (!hooks) hooks = std::make_unique<std::vector<std::pair<int64_t, std::function<void(const Tensor&)>>>>();
  hooks->emplace_back(next_id(), std::move(hook));
  return hooks->back().first;
}

void remove_hook(const Tensor& t, int64_t id) {
  if (t.impl()->meta && t.impl()->meta->leaf_hooks) drop(*t.impl()->meta->leaf_hooks, id);
  if (t.impl()->meta && t.impl()->meta->post_accumulate_hooks)
    drop(*t.impl()->meta->post_accumulate_hooks, id);
  if (t.impl()->grad_fn && t.impl()->grad_fn->has_hooks()) drop(t.impl()->grad_fn->hooks().tensor, id);
}

void retain_grad(const Tensor& t) {
  TG_CHECK(t.requires_grad(), Runtime, "can't retain_grad on Tensor that has requires_grad=False");
  if (!grad_fn_of(t) || t.meta().retains_grad) return;
  t.meta().retains_grad = true;
  keep_gradient(t);
}

}  // namespace tensorgrad
