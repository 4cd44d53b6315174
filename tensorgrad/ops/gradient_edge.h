// Where a tensor's gradient flows: its node, or for a leaf the node that adds into `.grad`; and how writes in
// place rewrite history.
#pragma once
#include "tensorgrad/tensor/node.h"
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// The edge that gradients of `t` take; empty where none are wanted. A view whose base was written since
// rebuilds its node here.
Edge gradient_edge(const Tensor& t);
// The node behind a non-leaf (rebuilt if stale), as `tensor.grad_fn` shows it.
NodePtr grad_fn_of(const Tensor& t);
// Makes `out` the node's next output.
void set_history(const Tensor& out, const NodePtr& node);
// After a write in place: `self`, and the base it may be a view of, now come out of `node`, whose first input
// was self.
void rebase_history(const Tensor& self, const NodePtr& node);
// `self` becomes the view that an op made of it (`x.t_()`): geometry and history.
void become_view(const Tensor& self, const Tensor& view);
// Refuses a recorded write that would lose gradients: to leaves, views of leaves, views that several-output
// ops or no_grad made. It is recorded if self or another input requires a gradient.
void check_in_place(const Tensor& self, bool others_require_grad = false);
// The node behind a tensor that retains its gradient writes it to `.grad`; called again when the node
// changes.
void keep_gradient(const Tensor& t);
// Remembers that `view` looks at `base`'s memory.
void link_view(const Tensor& view, const Tensor& base, const char* creator, ViewKind kind = ViewKind::Normal);

}  // namespace tensorgrad
