// A watch over what is recorded on this thread: every op's output with the values it has, so that a picture
// of the graph can show them.
#pragma once
#include <vector>

#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

struct WatchedOutput {
  NodePtr node;
  Tensor output;
  TensorList inputs;  // saved by the op, without a gradient, and known to the program: data and targets
  int64_t scope;
  uint32_t version;  // of the output then: later writes are seen by it
};

struct Watch {
  // Notes a tensor that the op being recorded saves.
  void saved(const Tensor& tensor);
  // Notes an op's output, which keeps its gradient from here on.
  void recorded(const Tensor& output, const NodePtr& node);

  std::vector<WatchedOutput> outputs;
  TensorList pending;  // saved by the op whose output comes next
  int64_t scope = 0;   // what the program says it is in: a module
};

[[gnu::tls_model("initial-exec")]] extern thread_local constinit Watch* watch;

}  // namespace tensorgrad
