// Saved: what a backward keeps of a forward tensor. It holds no reference cycle and notices when the data
// changed. While hooks are set (saved_tensors_hooks), it keeps what they made of the tensor instead.
#pragma once
#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

// A tensor in the custody of hooks.
struct PackedTensor {
  virtual ~PackedTensor() = default;
  virtual Tensor unpack() = 0;
  static void destroy(PackedTensor* packed) { delete packed; }

  std::atomic<uint32_t> refs{0};
  Edge edge;  // the tensor's place in the graph, which the hooks do not see; none for a node's own output
};
// Set by who offers hooks; called for every saved tensor while autograd_state.saved_hooks.
extern Ref<PackedTensor> (*pack_saved)(const Tensor& tensor, bool own_output);

class Saved {
 public:
  Saved() = default;
  // `outputs`: the op's own results. One of them is kept without its grad_fn, which would own this very
  // handle.
  Saved(const Tensor& tensor, const Tensor* outputs, size_t output_count);

  bool holds() const { return tensor_.defined() || packed_; }
  // The tensor with its place in the graph; RuntimeError in PyTorch's words if it was written since.
  Tensor unpack(Node& node) const;

 private:
  Tensor unpack_packed(Node& node) const;

  Tensor tensor_;
  Ref<PackedTensor> packed_;
  uint32_t version_ = 0;
  int32_t own_output_ = -1;
};

}  // namespace tensorgrad
