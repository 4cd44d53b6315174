#include "tensorgrad/tensor/node.h"

namespace tensorgrad {
namespace {
[[gnu::tls_model("initial-exec")]] thread_local constinit uint64_t next_sequence = 0;

// Nodes waiting to be deleted on this thread. A node's destructor may free the next ones: they queue up here.
struct Graveyard {
  Node* pending = nullptr;
  bool active = false;
};
[[gnu::tls_model("initial-exec")]] thread_local constinit Graveyard graveyard{};
thread_local constinit Node* running_node = nullptr;
}  // namespace

AnomalyHooks anomaly_hooks;

RunningNode::RunningNode(Node* node) : previous_(std::exchange(running_node, node)) {}
RunningNode::~RunningNode() { running_node = previous_; }
Node* RunningNode::current() { return running_node; }

Node::Node(const char* name) : sequence(next_sequence++), name_(name) {
  if (autograd_state.anomaly && anomaly_hooks.traceback) [[unlikely]] {
    forward_place = std::make_unique<ForwardPlace>();
    forward_place->traceback = anomaly_hooks.traceback();
    forward_place->parent = NodePtr(running_node);
  }
}
Node::~Node() = default;

uint32_t Node::add_output(const Tensor& out) {
  outputs.push_back({out.sizes(), out.dtype(), out.device()});
  return uint32_t(outputs.size() - 1);
}

NodeHooks& Node::hooks() {
  if (!hooks_) hooks_ = std::make_unique<NodeHooks>();
  return *hooks_;
}

std::string op_name(const Node& node) {
  const std::string name = node.name();
  const size_t suffix = name.rfind("Backward");
  if (suffix == name.npos || name.find_first_not_of("0123456789", suffix + 8) != name.npos) return name;
  const std::string number = name.substr(suffix + 8);
  return name.substr(0, suffix) + (number == "0" ? "" : number);
}

void Node::destroy(Node* node) {
  // Nobody asks for `python` any more, so its slot links the queue.
  node->python = graveyard.pending;
  graveyard.pending = node;
  if (graveyard.active) return;
  graveyard.active = true;
  while (Node* next = graveyard.pending) {
    graveyard.pending = static_cast<Node*>(next->python);
    delete next;
  }
  graveyard.active = false;
}

}  // namespace tensorgrad
