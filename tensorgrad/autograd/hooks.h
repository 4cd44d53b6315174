// Functions of the user's that see and change gradients on their way.
#pragma once
#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

// Runs when the gradient of `t` is complete: a leaf's before it is accumulated, another's before its node
// runs. A defined result replaces the gradient. Returns a number for remove_hook().
int64_t add_hook(const Tensor& t, TensorHook hook);
void remove_hook(const Tensor& t, int64_t id);
// Runs after a leaf's .grad was updated.
int64_t add_post_accumulate_hook(const Tensor& leaf, std::function<void(const Tensor&)> hook);
// Keeps the gradient of a non-leaf in its .grad.
void retain_grad(const Tensor& t);

}  // namespace tensorgrad
