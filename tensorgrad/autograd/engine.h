// Walks the graph back from its roots.
#pragma once
#include "tensorgrad/tensor/node.h"

namespace tensorgrad {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  bool accumulate = true;  // add into the leaves' .grad; off for grad()
  // Called with the number of elements ahead before the first node runs: Python lets go of its lock for large
  // graphs.
  void (*before_run)(void* context, int64_t elements) = nullptr;
  void* context = nullptr;
};

// From `roots` (with their gradients) to the leaves; or, where `inputs` are given, to those alone. Returns
// the inputs' gradients, undefined where a root does not depend on one (empty without inputs).
TensorList run_backward(const SmallVector<Edge, 3>& roots, TensorList gradients,
                        const BackwardOptions& options, const SmallVector<Edge, 3>& inputs = {});

// The run under way on this thread: its number (-1: none), and whether it will run or did run a node.
int64_t current_backward_id();
bool backward_will_run(Node* node);
// Whether no run under way, this one or one around it, is for named inputs alone.
bool backward_runs_everything();

}  // namespace tensorgrad
