// rmsprop(group, state) and its kin: one fused step over the parameters of a group, as in optim.cpp.
#include <tuple>

#include "optim.h"
#include "optim_group.h"
#include "tensorgrad/optim/adaptive.h"

namespace tensorgrad::python {
namespace {

using optim::AdaptiveOptions;
using optim::Rule;

template <class T>
struct Named {
  const char* name;
  T AdaptiveOptions::* member;
};

// What a rule reads: options that every group has come first.
struct RuleRow {
  bool has_betas;
  std::initializer_list<Named<double>> numbers;
  std::initializer_list<Named<bool>> flags;
  const char* arrays[optim::kRuleArrays];  // names in a parameter's state
};

using Options = AdaptiveOptions;
const RuleRow rows[] = {
    {false,
     {{"alpha", &Options::alpha}, {"momentum", &Options::momentum}},
     {{"centered", &Options::centered}},
     {"square_avg", "momentum_buffer", "grad_avg"}},
    {false, {{"lr_decay", &Options::lr_decay}}, {}, {"sum"}},
    {false, {{"rho", &Options::rho}}, {}, {"square_avg", "acc_delta"}},
    {true, {}, {}, {"exp_avg", "exp_inf"}},
    {true,
     {{"momentum_decay", &Options::momentum_decay}},
     {{"decoupled_weight_decay", &Options::decoupled_weight_decay}},
     {"exp_avg", "exp_avg_sq"}},
    {true, {}, {{"decoupled_weight_decay", &Options::decoupled_weight_decay}}, {"exp_avg", "exp_avg_sq"}},
};

// Python strings of a rule's names, made when it is first used.
struct RuleNames {
  explicit RuleNames(const RuleRow& row) {
    for (const auto& number : row.numbers) numbers.push_back(PyUnicode_InternFromString(number.name));
    for (const auto& flag : row.flags) flags.push_back(PyUnicode_InternFromString(flag.name));
    for (int k = 0; k < optim::kRuleArrays; ++k)
      arrays[k] = row.arrays[k] ? PyUnicode_InternFromString(row.arrays[k]) : nullptr;
  }
  SmallVector<PyObject*, 4> numbers, flags;
  PyObject* arrays[optim::kRuleArrays];
};
struct SharedNames {
  PyObject* lr = PyUnicode_InternFromString("lr");
  PyObject* eps = PyUnicode_InternFromString("eps");
  PyObject* weight_decay = PyUnicode_InternFromString("weight_decay");
  PyObject* maximize = PyUnicode_InternFromString("maximize");
  PyObject* differentiable = PyUnicode_InternFromString("differentiable");
  PyObject* capturable = PyUnicode_InternFromString("capturable");
  PyObject* betas = PyUnicode_InternFromString("betas");
  PyObject* step = PyUnicode_InternFromString("step");
  PyObject* mu_product = PyUnicode_InternFromString("mu_product");
};

template <Rule rule>
PyObject* adaptive(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    static const SharedNames shared;
    static const RuleNames names(rows[int(rule)]);
    const RuleRow& row = rows[int(rule)];
    const auto [group, state, parameters] = parse(args, count, "step");
    AdaptiveOptions options;
    options.lr = number(group, shared.lr);
    options.eps = number(group, shared.eps);
    options.weight_decay = number(group, shared.weight_decay);
    options.maximize = flag(group, shared.maximize);
    size_t k = 0;
    for (const auto& named : row.numbers) options.*named.member = number(group, names.numbers[k++]);
    k = 0;
    for (const auto& named : row.flags) options.*named.member = flag(group, names.flags[k++]);
    if (row.has_betas) std::tie(options.beta1, options.beta2) = pair(group, shared.betas);
    const bool capturable = rule != Rule::Adagrad && flag(group, shared.capturable);
    const bool fused = !capturable && !flag(group, shared.differentiable);

    optim::AdaptiveStep step(rule, options);
    Object rest;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parameters); ++i) {
      const Tensor& parameter = parameter_at(parameters, i);
      const Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      PyObject* object = PyList_GET_ITEM(parameters, i);
      PyObject* own = own_state(state, object);
      optim::AdaptiveState kept;
      kept.step = state_tensor(own, shared.step);
      if (rule == Rule::NAdam) kept.mu_product = state_tensor(own, shared.mu_product);
      for (int a = 0; a < optim::kRuleArrays; ++a)
        if (step.needs(a)) kept.arrays[a] = state_tensor(own, names.arrays[a]);
      if (!fused || !step.add(parameter, gradient, kept)) leave_over(rest, object);
    }
    return finish(step, std::move(rest));
  });
}

template <Rule rule>
PyCFunction entry() {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(adaptive<rule>));
}

}  // namespace

PyMethodDef* adaptive_functions() {
  static constexpr const char* kDoc =
      "(group, state): one step; returns the parameters it did not step, or None.";
  static PyMethodDef functions[] = {{"rmsprop", entry<Rule::RMSprop>(), METH_FASTCALL, kDoc},
                                    {"adagrad", entry<Rule::Adagrad>(), METH_FASTCALL, kDoc},
                                    {"adadelta", entry<Rule::Adadelta>(), METH_FASTCALL, kDoc},
                                    {"adamax", entry<Rule::Adamax>(), METH_FASTCALL, kDoc},
                                    {"nadam", entry<Rule::NAdam>(), METH_FASTCALL, kDoc},
                                    {"radam", entry<Rule::RAdam>(), METH_FASTCALL, kDoc},
                                    {nullptr, nullptr, 0, nullptr}};
  return functions;
}

}  // namespace tensorgrad::python
