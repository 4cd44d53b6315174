#include "tensorgrad/tensor/saved.h"

namespace tensorgrad {

Saved::Saved(const Tensor& tensor, const Tensor* outputs, size_t output_count) {
  if (!tensor.defined()) return;
  for (size_t i = 0; i < output_count; i++)
    if (tensor.is_same(outputs[i])) own_output_ = int32_t(i);
  tensor_ = own_output_ >= 0 ? tensor.alias() : tensor;
  version_ = tensor.version();
}

Tensor Saved::unpack(Node& node) const {
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
               "variable in "
               "question was changed in there or anywhere later. Good luck!"
             : "enable anomaly detection to find the operation that failed to compute its gradient, with "
               "torch.autograd.set_detect_anomaly(True, check_nan=False).");
  }
  if (own_output_ < 0 || !grad_enabled()) return tensor_;
  Tensor out = tensor_.alias();
  out.impl()->grad_fn = NodePtr(&node);
  out.impl()->output_nr = uint32_t(own_output_);
  return out;
}

}  // namespace tensorgrad
