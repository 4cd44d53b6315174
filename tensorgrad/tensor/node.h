// A node of the autograd graph: what one recorded op does to gradients, and where they go next.
#pragma once
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad {

struct Edge {
  NodePtr node;
  uint32_t index = 0;  // which output of that node's op the gradient belongs to
};

// Shape and type of a forward output: gradients for it are brought to this shape.
struct OutputMeta {
  Shape sizes;
  DType dtype;
  Device device;
};

using NodeHook = std::function<void(TensorList& gradients)>;
using NodePostHook = std::function<void(TensorList& inputs, const TensorList& outputs)>;

struct NodeHooks {
  std::vector<std::pair<int64_t, NodeHook>> tensor;       // of the outputs, when their gradients are complete
  std::vector<std::pair<int64_t, NodeHook>> retain_grad;  // after those
  std::vector<std::pair<int64_t, NodeHook>> before;       // of the node, if it runs
  std::vector<std::pair<int64_t, NodePostHook>> after;
};

// Where forward made a node, in anomaly mode: the traceback, and the node whose backward made it, if one did.
struct ForwardPlace {
  std::string traceback;
  NodePtr parent;
};
// Set by the Python module, which knows the lines: the traceback of now, and what to say of a node that
// failed.
struct AnomalyHooks {
  std::string (*traceback)() = nullptr;
  void (*failed)(const Node& node) = nullptr;
};
extern AnomalyHooks anomaly_hooks;

class Node : public Pooled {
 public:
  explicit Node(const char* name);
  virtual ~Node();
  Node(const Node&) = delete;

  // From the gradients of the op's outputs (undefined: zero) to those of its inputs (undefined: none).
  virtual TensorList apply(TensorList&& u) = 0;
  // Frees what forward saved; a second backward then raises.
  virtual void release_saved() {}
  virtual const char* name() const { return name_; }
  virtual bool is_accumulator() const { return false; }
  virtual Tensor variable() const { return {}; }  // the leaf of an accumulator

  bool needs(size_t input) const { return input < next.size() && next[input].node; }
  void add_edge(Edge edge) { next.push_back(std::move(edge)); }
  // Declares one more forward output; its number is the tensor's output_nr.
  uint32_t add_output(const Tensor& out);
  NodeHooks& hooks();
  bool has_hooks() const { return bool(hooks_); }

  // Frees whole graphs without recursion.
  static void destroy(Node* node);

  std::atomic<uint32_t> refs{0};
  bool owns_python = false;  // the Python object lives on our reference
  uint64_t sequence;         // later ops run first in backward
  SmallVector<Edge, 3> next;
  SmallVector<OutputMeta, 1> outputs;
  void* python = nullptr;  // the Python object, weakly unless owns_python
  std::unique_ptr<ForwardPlace> forward_place;

 protected:
  const char* name_;
  std::unique_ptr<NodeHooks> hooks_;
};

// The node whose backward runs on this thread, while this lives.
class RunningNode {
 public:
  explicit RunningNode(Node* node);
  ~RunningNode();
  RunningNode(const RunningNode&) = delete;
  static Node* current();

 private:
  Node* previous_;
};

// The op's name as texts say it: MulBackward0 is Mul, ClampBackward1 is Clamp1.
std::string op_name(const Node& node);

inline constexpr const char* kBackwardTwice =
    "Trying to backward through the graph a second time (or directly access saved tensors after they have "
    "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
    "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
    "if "
    "you need to access saved tensors after calling backward.";

}  // namespace tensorgrad
