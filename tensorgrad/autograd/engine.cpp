#include "tensorgrad/autograd/engine.h"

#include <algorithm>
#include <vector>

#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/sign.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// What one run knows of a node. Several runs may be under way on a graph (threads, hooks), so it is not in
// the node.
struct Task {
  Node* node = nullptr;
  int32_t dependencies = 0;
  bool needed = true;
  bool queued = false;
  int32_t first_capture = -1;
  size_t first_target = 0;  // where the tasks of the node's edges begin
  TensorList gradients;
};

// Open addressing from node to task; tasks keep their place in a vector.
class Tasks {
 public:
  Tasks() : slots_(64, -1) {}
  // The place of a node's task, which is added where there is none.
  int32_t place(Node* node) {
    size_t slot = hash(node);
    for (; slots_[slot] >= 0; slot = (slot + 1) & (slots_.size() - 1))
      if (tasks_[size_t(slots_[slot])].node == node) return slots_[slot];
    const int32_t added = slots_[slot] = int32_t(tasks_.size());
    tasks_.emplace_back();
    tasks_.back().node = node;
    if (tasks_.size() * 2 > slots_.size()) rehash();
    return added;
  }
  // Adds the tasks below the i-th one: those of its edges, each of which waits for one gradient more.
  void add_targets(size_t i) {
    tasks_[i].first_target = targets_.size();
    for (const Edge& edge : tasks_[i].node->next) {
      targets_.push_back(edge.node ? place(edge.node.get()) : -1);
      if (edge.node) tasks_[size_t(targets_.back())].dependencies++;
    }
  }
  // The task of a node's k-th edge, which must lead to a node.
  Task& target(const Task& task, size_t k) { return tasks_[size_t(targets_[task.first_target + k])]; }
  Task* find(Node* node) {
    for (size_t slot = hash(node); slots_[slot] >= 0; slot = (slot + 1) & (slots_.size() - 1))
      if (tasks_[size_t(slots_[slot])].node == node) return &tasks_[size_t(slots_[slot])];
    return nullptr;
  }
  void clear() {
    if (slots_.size() > 64) slots_.resize(64);
    std::fill(slots_.begin(), slots_.end(), -1);
    tasks_.clear();
    targets_.clear();
  }
  size_t size() const { return tasks_.size(); }
  Task& at(size_t i) { return tasks_[i]; }

 private:
  size_t hash(Node* node) const {
    return (reinterpret_cast<size_t>(node) / 64 * 0x9e3779b97f4a7c15u >> 20) & (slots_.size() - 1);
  }
  void rehash() {
    slots_.assign(slots_.size() * 2, -1);
    for (size_t i = 0; i < tasks_.size(); i++) {
      size_t slot = hash(tasks_[i].node);
      while (slots_[slot] >= 0) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = int32_t(i);
    }
  }
  std::vector<int32_t> slots_;
  std::vector<Task> tasks_;
  std::vector<int32_t> targets_;  // of every edge of every task, in order
};

// A table per thread, reused from run to run; a run inside a run (from a hook) makes its own.
class TasksLease {
 public:
  TasksLease() : mine_(!busy_), tasks_(mine_ ? &shared() : new Tasks) {
    if (mine_) busy_ = true;
  }
  ~TasksLease() {
    if (mine_) {
      tasks_->clear();
      busy_ = false;
    } else {
      delete tasks_;
    }
  }
  TasksLease(const TasksLease&) = delete;
  Tasks& tasks() { return *tasks_; }

 private:
  static Tasks& shared() {
    static thread_local Tasks tasks;
    return tasks;
  }
  static inline thread_local constinit bool busy_ = false;
  const bool mine_;
  Tasks* const tasks_;
};

// Brings a gradient to the shape and type of the forward output: what broadcasting and promotion widened is
// summed and cast back, here and nowhere else.
Tensor fit(Tensor u, const OutputMeta& meta, const char* producer, size_t index) {
  if (!(u.sizes() == meta.sizes)) {
    TG_CHECK(is_expandable_to(meta.sizes, u.sizes()), Runtime, "Function ", producer,
             " returned an invalid gradient at index ", index, " - got ", u.sizes(),
             " but expected shape compatible with ", meta.sizes);
    u = sum_to_size(u, meta.sizes);
  }
  if (u.dtype() != meta.dtype) u = to(u, meta.dtype);
  return u;
}

Tensor sum_gradients(Tensor have, Tensor more) {
  // A buffer that nobody else sees can take the sum.
  if (!grad_enabled() && have.use_count() == 1 && have.storage().use_count() == 1 && have.is_contiguous() &&
      have.dtype() == more.dtype() && !have.requires_grad())
    return add(have, more, 1, Out::in_place_of(have));
  return add(have, more);
}

using Hooks = std::vector<std::pair<int64_t, NodeHook>>;
void run_hooks(const Hooks& hooks, TensorList& gradients) {
  if (hooks.empty()) return;
  const Hooks now = hooks;  // hooks may add hooks
  for (auto& [id, hook] : now) hook(gradients);
}

// What sees the gradients of tensors; a leaf keeps its own hooks.
void run_tensor_hooks(Node& node, TensorList& gradients) {
  if (node.is_accumulator()) {
    const Tensor leaf = node.variable();
    const auto& hooks = leaf.meta().leaf_hooks;
    if (!hooks || !gradients[0].defined()) return;
    for (auto& [id, hook] : std::vector(*hooks))
      if (Tensor replaced = hook(gradients[0]); replaced.defined()) gradients[0] = std::move(replaced);
  } else if (node.has_hooks()) {
    run_hooks(node.hooks().tensor, gradients);
    run_hooks(node.hooks().retain_grad, gradients);
  }
}

struct Capture {
  uint32_t index;
  size_t result;
  int32_t next;
};

// The innermost run on this thread, for hooks that ask.
struct Run {
  Tasks& tasks;
  bool everything;  // no inputs were named
  int64_t id;
  Run* outer;
};
thread_local constinit Run* current_run = nullptr;

class RunScope {
 public:
  RunScope(Tasks& tasks, bool everything) : run_{tasks, everything, next_id(), current_run} {
    current_run = &run_;
  }
  ~RunScope() { current_run = run_.outer; }
  RunScope(const RunScope&) = delete;

 private:
  static int64_t next_id() {
    static std::atomic<int64_t> id{0};
    return id.fetch_add(1, std::memory_order_relaxed);
  }
  Run run_;
};

// Anomaly mode: names the op whose gradient became NaN.
void check_nan(const Node& node, const TensorList& gradients) {
  if (!autograd_state.anomaly || !autograd_state.anomaly_check_nan) return;
  NoGradGuard guard;
  for (size_t i = 0; i < gradients.size(); i++)
    TG_CHECK(!gradients[i].defined() || !is_floating(gradients[i].dtype()) ||
                 !any(isnan(gradients[i]), Ints{}).item().to<bool>(),
             Runtime, "Function '", node.name(), "' returned nan values in its ", i, "th output.");
}

}  // namespace

int64_t current_backward_id() { return current_run ? current_run->id : -1; }
bool backward_runs_everything() {
  for (const Run* run = current_run; run; run = run->outer)
    if (!run->everything) return false;
  return true;
}
bool backward_will_run(Node* node) {
  TG_CHECK(current_run, Runtime, "_get_should_execute_nodes should only be called during the backward pass");
  const Task* task = current_run->tasks.find(node);
  return task && task->needed;
}

TensorList run_backward(const SmallVector<Edge, 3>& roots, TensorList gradients,
                        const BackwardOptions& options, const SmallVector<Edge, 3>& inputs) {
  GradModeGuard mode(options.create_graph);
  TasksLease lease;
  Tasks& tasks = lease.tasks();
  int64_t elements = 0;
  // Every node below the roots, and how many gradients each waits for.
  for (const Edge& root : roots) tasks.place(root.node.get());
  for (size_t i = 0; i < tasks.size(); i++) {
    for (const OutputMeta& output : tasks.at(i).node->outputs) elements += count_elements(output.sizes);
    tasks.add_targets(i);
  }

  TensorList captured;
  captured.resize(inputs.size());
  std::vector<Capture> captures;
  if (!inputs.empty()) {
    // Only paths that end in an input are walked.
    for (size_t i = 0; i < tasks.size(); i++) tasks.at(i).needed = false;
    for (size_t i = 0; i < inputs.size(); i++) {
      Task* task = inputs[i].node ? tasks.find(inputs[i].node.get()) : nullptr;
      if (!task) continue;
      captures.push_back({inputs[i].index, i, task->first_capture});
      task->first_capture = int32_t(captures.size()) - 1;
      task->needed = true;
    }
    // Sequence numbers grow towards the roots: in that order, a node's successors are settled before it.
    std::vector<Task*> order;
    for (size_t i = 0; i < tasks.size(); i++) order.push_back(&tasks.at(i));
    std::sort(order.begin(), order.end(), [](Task* a, Task* b) {
      const bool la = a->node->is_accumulator(), lb = b->node->is_accumulator();
      return la != lb ? la : a->node->sequence < b->node->sequence;
    });
    bool changed = true;  // graphs recorded on several threads may need a second pass
    while (changed) {
      changed = false;
      for (Task* task : order) {
        if (task->needed) continue;
        for (size_t k = 0; k < task->node->next.size() && !task->needed; k++)
          if (task->node->next[k].node && tasks.target(*task, k).needed) task->needed = changed = true;
      }
    }
  }

  const RunScope scope(tasks, inputs.empty());
  if (options.before_run) options.before_run(options.context, elements);
  struct Ready {
    NodePtr node;
    Task* task;
  };
  std::vector<Ready> ready;
  const auto later_first = [](const Ready& a, const Ready& b) { return a.node->sequence < b.node->sequence; };
  const auto push = [&](Task& task) {
    if (task.queued) return;
    task.queued = true;
    ready.push_back({NodePtr(task.node), &task});
    std::push_heap(ready.begin(), ready.end(), later_first);
  };
  const auto deliver = [&](Task& task, uint32_t index, Tensor u, const char* producer, size_t output) {
    if (task.gradients.size() < task.node->outputs.size()) task.gradients.resize(task.node->outputs.size());
    u = fit(std::move(u), task.node->outputs[index], producer, output);
    Tensor& have = task.gradients[index];
    if (!have.defined())
      have = std::move(u);
    else
      have = sum_gradients(std::move(have), std::move(u));
  };

  for (size_t i = 0; i < roots.size(); i++) {
    Task& task = *tasks.find(roots[i].node.get());
    deliver(task, roots[i].index, std::move(gradients[i]), "root", i);
    if (task.dependencies == 0) push(task);
  }
  gradients.clear();

  while (!ready.empty()) {
    std::pop_heap(ready.begin(), ready.end(), later_first);
    const NodePtr node = std::move(ready.back().node);
    Task& task = *ready.back().task;
    ready.pop_back();
    TensorList u = std::move(task.gradients);
    if (u.size() < node->outputs.size()) u.resize(node->outputs.size());

    const bool leaf = node->is_accumulator();
    bool run = task.needed;
    if (run || task.first_capture >= 0) run_tensor_hooks(*node, u);
    if (task.first_capture >= 0) {
      for (int32_t c = task.first_capture; c >= 0; c = captures[size_t(c)].next)
        captured[captures[size_t(c)].result] = u[captures[size_t(c)].index];
      run = false;
      for (size_t k = 0; k < node->next.size(); k++)
        if (node->next[k].node && tasks.target(task, k).needed) run = true;
    }
    if (leaf && !options.accumulate) run = false;
    if (run && node->has_hooks()) run_hooks(node->hooks().before, u);

    TensorList out;
    bool some = false;
    for (const Tensor& each : u) some |= each.defined();
    try {
      const RunningNode running(node.get());
      if (run && (some || !leaf)) {
        const bool after = node->has_hooks() && !node->hooks().after.empty();
        TensorList given;
        if (after) given = u;
        out = node->apply(std::move(u));
        if (after)
          for (auto& [id, hook] : std::vector(node->hooks().after)) hook(out, given);
        if (!options.retain_graph) node->release_saved();
        TG_CHECK(out.size() >= node->next.size() || leaf, Runtime, "Function ", node->name(),
                 " returned an incorrect number of gradients (expected ", node->next.size(), ", got ",
                 out.size(), ")");
        check_nan(*node, out);
      }
      u = TensorList();  // the sums below may reuse buffers that nobody else holds
      for (size_t i = 0; i < node->next.size(); i++) {
        const Edge& edge = node->next[i];
        if (!edge.node) continue;
        Task& next = tasks.target(task, i);
        if (i < out.size() && out[i].defined() && (next.needed || options.accumulate)) {
          deliver(next, edge.index, std::move(out[i]), node->name(), i);
        }
        if (--next.dependencies == 0) push(next);
      }
    } catch (...) {
      if (autograd_state.anomaly && anomaly_hooks.failed) anomaly_hooks.failed(*node);
      throw;
    }
  }
  return captured;
}

}  // namespace tensorgrad
