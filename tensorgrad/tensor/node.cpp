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
}  // namespace

Node::Node(const char* name) : sequence(next_sequence++), name_(name) {}
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
  const bool numbered = suffix != name.npos && name.find_first_not_of("0123456789", suffix + 8) == name.npos;
  return numbered ? name.substr(0, suffix) : name;
}

void Node::destroy(Node* node) {
  // `python` is dead by now (it holds a reference), so its slot links the queue.
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
