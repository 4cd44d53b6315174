#include "tensorgrad/tensor/watch.h"

namespace tensorgrad {

thread_local constinit Watch* watch = nullptr;

void Watch::saved(const Tensor& tensor) {
  if (tensor.impl()->python && !tensor.requires_grad()) pending.push_back(tensor);
}

void Watch::recorded(const Tensor& output, const NodePtr& node) {
  outputs.push_back({node, output, std::move(pending), scope, output.version()});
  pending.clear();
}

}  // namespace tensorgrad
