// Saved: what a backward keeps of a forward tensor. It holds no reference cycle and notices when the data
// changed.
#pragma once
#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

class Saved {
 public:
  Saved() = default;
  // `outputs`: the op's own results. One of them is kept without its grad_fn, which would own this very
  // handle.
  Saved(const Tensor& tensor, const Tensor* outputs, size_t output_count);

  bool holds() const { return tensor_.defined(); }
  // The tensor with its place in the graph; RuntimeError in PyTorch's words if it was written since.
  Tensor unpack(Node& node) const;

 private:
  Tensor tensor_;
  uint32_t version_ = 0;
  int32_t own_output_ = -1;
};

}  // namespace tensorgrad
