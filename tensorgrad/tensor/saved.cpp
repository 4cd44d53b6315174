#include "tensorgrad/tensor/saved.h"

#include "tensorgrad/tensor/watch.h"

namespace tensorgrad {

Ref<PackedTensor> (*pack_saved)(const Tensor& tensor, bool own_output) = nullptr;

namespace {

// `data` where the graph had the saved tensor.
Tensor placed(const Tensor& data, NodePtr node, uint32_t output) {
  Tensor out = data.alias();
  out.impl()->grad_fn = std::move(node);
  out.impl()->output_nr = output;
  return out;
}

}  // namespace

Saved::Saved(const Tensor& tensor, const Tensor* outputs, size_t output_count) {
  if (!tensor.defined()) return;
  TG_CHECK(
      !tensor.impl()->inference || autograd_state.inference, Runtime,
      "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference "
      "mode in computation tracked by autograd. To work around this, you can make a clone to get a normal "
      "tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.");
  for (size_t i = 0; i < output_count; i++)
    if (tensor.is_same(outputs[i])) own_output_ = int32_t(i);
  if (watch) [[unlikely]]
    watch->saved(tensor);
  if (autograd_state.saved_hooks && !tensor.impl()->wrapped_number) [[unlikely]] {
    packed_ = pack_saved(tensor, own_output_ >= 0);
    return;
  }
  tensor_ = own_output_ >= 0 ? tensor.alias() : tensor;
  version_ = tensor.version();
}

Tensor Saved::unpack(Node& node) const {
  if (packed_) [[unlikely]]
    return unpack_packed(node);
  if (!tensor_.defined()) return {};
  const uint32_t now = tensor_.version();
  if (now != version_) [[unlikely]] {
    std::string origin;
    if (own_output_ >= 0)
      origin = ", which is output " + std::to_string(own_output_) + " of " + op_name(node) + ",";
    else if (tensor_.impl()->grad_fn)
      origin = ", which is output " + std::to_string(tensor_.impl()->output_nr) + " of " +
               op_name(*tensor_.impl()->grad_fn) + ",";
    fail(ErrorKind::Runtime,
         "one of the variables needed for gradient computation has been modified by an inplace operation: [",
         describe(tensor_), "]", origin, " is at version ", now, "; expected version ", version_,
         " instead. Hint: ",
         autograd_state.anomaly
             ? "the backtrace further above shows the operation that failed to compute its gradient. The "
               "variable in question was changed in there or anywhere later. Good luck!"
             : "enable anomaly detection to find the operation that failed to compute its gradient, with "
               "torch.autograd.set_detect_anomaly(True, check_nan=False).");
  }
  if (own_output_ < 0 || !grad_enabled()) return tensor_;
  return placed(tensor_, NodePtr(&node), uint32_t(own_output_));
}

Tensor Saved::unpack_packed(Node& node) const {
  Tensor data = packed_->unpack();
  if (!grad_enabled()) return data;
  if (own_output_ >= 0) return placed(data, NodePtr(&node), uint32_t(own_output_));
  if (packed_->edge.node) return placed(data, packed_->edge.node, packed_->edge.index);
  return data;
}

}  // namespace tensorgrad
