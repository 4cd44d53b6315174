// Whether ops record a graph on this thread.
#pragma once

namespace tensorgrad {

struct AutogradState {
  bool grad = true;
  bool inference = false;
  bool anomaly = false;
  bool anomaly_check_nan = true;
  bool saved_hooks = false;  // saved tensors pass through pack_saved
};
[[gnu::tls_model("initial-exec")]] extern thread_local constinit AutogradState autograd_state;

// Nothing is recorded in inference mode, whatever enable_grad says.
inline bool grad_enabled() { return autograd_state.grad && !autograd_state.inference; }

class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : previous_(autograd_state.grad) { autograd_state.grad = enabled; }
  ~GradModeGuard() { autograd_state.grad = previous_; }
  GradModeGuard(const GradModeGuard&) = delete;

 private:
  bool previous_;
};
struct NoGradGuard : GradModeGuard {
  NoGradGuard() : GradModeGuard(false) {}
};

}  // namespace tensorgrad
