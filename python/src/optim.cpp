// The optimizers' steps as Python calls them: sgd(group, state) and adam(group, state) are one fused step
// over the parameters of a group. They return None, or the list of parameters that they did not step: those
// without state yet, in half precision, strided. Gradients and state are read here, so that a step costs no
// Python per parameter.
#include "optim.h"

#include <tuple>

#include "optim_group.h"
#include "tensorgrad/optim/adam.h"
#include "tensorgrad/optim/sgd.h"

namespace tensorgrad::python {
namespace {

struct Names {
  PyObject* lr = PyUnicode_InternFromString("lr");
  PyObject* momentum = PyUnicode_InternFromString("momentum");
  PyObject* dampening = PyUnicode_InternFromString("dampening");
  PyObject* weight_decay = PyUnicode_InternFromString("weight_decay");
  PyObject* nesterov = PyUnicode_InternFromString("nesterov");
  PyObject* maximize = PyUnicode_InternFromString("maximize");
  PyObject* differentiable = PyUnicode_InternFromString("differentiable");
  PyObject* capturable = PyUnicode_InternFromString("capturable");
  PyObject* momentum_buffer = PyUnicode_InternFromString("momentum_buffer");
  PyObject* betas = PyUnicode_InternFromString("betas");
  PyObject* eps = PyUnicode_InternFromString("eps");
  PyObject* amsgrad = PyUnicode_InternFromString("amsgrad");
  PyObject* decoupled_weight_decay = PyUnicode_InternFromString("decoupled_weight_decay");
  PyObject* step = PyUnicode_InternFromString("step");
  PyObject* exp_avg = PyUnicode_InternFromString("exp_avg");
  PyObject* exp_avg_sq = PyUnicode_InternFromString("exp_avg_sq");
  PyObject* max_exp_avg_sq = PyUnicode_InternFromString("max_exp_avg_sq");
};
const Names* names;

PyObject* sgd(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    const auto [group, state, parameters] = parse(args, count, "sgd");
    optim::SgdOptions options;
    options.lr = number(group, names->lr);
    options.momentum = number(group, names->momentum);
    options.dampening = number(group, names->dampening);
    options.weight_decay = number(group, names->weight_decay);
    options.nesterov = flag(group, names->nesterov);
    options.maximize = flag(group, names->maximize);
    const bool fused = !flag(group, names->differentiable);

    optim::SgdStep step(options);
    Object rest;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parameters); ++i) {
      const Tensor& parameter = parameter_at(parameters, i);
      const Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      PyObject* object = PyList_GET_ITEM(parameters, i);
      Tensor buffer;
      PyObject* own = nullptr;
      if (options.momentum != 0) {
        own = own_state(state, object);
        buffer = state_tensor(own, names->momentum_buffer);
      }
      const bool first = options.momentum != 0 && !buffer.defined();
      if (!fused || !step.add(parameter, gradient, buffer)) {
        leave_over(rest, object);
        continue;
      }
      if (!first) continue;
      Object made;
      if (!own) {
        made = owned(PyDict_New());
        own = made.get();
        check_status(PyDict_SetItem(state, object, own));
      }
      check_status(PyDict_SetItem(own, names->momentum_buffer, owned(wrap(buffer)).get()));
    }
    return finish(step, std::move(rest));
  });
}

PyObject* adam(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    const auto [group, state, parameters] = parse(args, count, "adam");
    optim::AdamOptions options;
    options.lr = number(group, names->lr);
    std::tie(options.beta1, options.beta2) = pair(group, names->betas);
    options.eps = number(group, names->eps);
    options.weight_decay = number(group, names->weight_decay);
    options.amsgrad = flag(group, names->amsgrad);
    options.maximize = flag(group, names->maximize);
    options.decoupled_weight_decay = flag(group, names->decoupled_weight_decay);
    const bool fused = !flag(group, names->differentiable) && !flag(group, names->capturable);

    optim::AdamStep step(options);
    Object rest;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parameters); ++i) {
      const Tensor& parameter = parameter_at(parameters, i);
      const Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      PyObject* object = PyList_GET_ITEM(parameters, i);
      PyObject* own = own_state(state, object);
      optim::AdamState kept;
      if (own) {
        kept.step = state_tensor(own, names->step);
        kept.mean = state_tensor(own, names->exp_avg);
        kept.square = state_tensor(own, names->exp_avg_sq);
        if (options.amsgrad) kept.largest = state_tensor(own, names->max_exp_avg_sq);
      }
      if (!fused || !step.add(parameter, gradient, kept)) leave_over(rest, object);
    }
    return finish(step, std::move(rest));
  });
}

PyObject* zero_grad(PyObject*, PyObject* parameters) {
  return guarded([&]() -> PyObject* {
    if (!PyList_Check(parameters)) {
      PyErr_SetString(PyExc_TypeError, "zero_grad() takes a list of parameters");
      throw PythonError();
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parameters); ++i) {
      const Tensor& parameter = parameter_at(parameters, i);
      if (parameter.grad().defined()) parameter.set_grad(Tensor());
    }
    return Py_NewRef(Py_None);
  });
}

PyMethodDef functions[] = {
    {"sgd", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(sgd)), METH_FASTCALL,
     "sgd(group, state): one SGD step; returns the parameters it did not step, or None."},
    {"adam", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(adam)), METH_FASTCALL,
     "adam(group, state): one Adam step; returns the parameters it did not step, or None."},
    {"zero_grad", zero_grad, METH_O, "zero_grad(parameters): takes all gradients away."},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "tensorgrad._C._optim",
                          nullptr,
                          -1,
                          functions,
                          nullptr,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace

void add_optimizers(PyObject* module) {
  static const Names interned;
  names = &interned;
  Object made = owned(PyModule_Create(&definition));
  check_status(PyModule_AddFunctions(made.get(), adaptive_functions()));
  check_status(PyModule_AddFunctions(made.get(), gradient_functions()));
  check_status(PyModule_AddObjectRef(module, "_optim", made.get()));
}

}  // namespace tensorgrad::python
