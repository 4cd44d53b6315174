// The optimizers' steps as Python calls them: sgd(group, state) and adam(group, state) are one fused step
// over the parameters of a group. They return None, or the list of parameters that they did not step: those
// without state yet, in half precision, strided. Gradients and state are read here, so that a step costs no
// Python per parameter.
#include "optim.h"

#include "common.h"
#include "tensor_object.h"
#include "tensorgrad/optim/adam.h"
#include "tensorgrad/optim/sgd.h"

namespace tensorgrad::python {
namespace {

struct Names {
  PyObject* params = PyUnicode_InternFromString("params");
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

// A group's options; a missing one is a KeyError.
PyObject* option(PyObject* group, PyObject* name) {
  PyObject* value = PyDict_GetItemWithError(group, name);
  if (!value && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
  return checked(value);
}
double number(PyObject* group, PyObject* name) {
  PyObject* value = option(group, name);
  if (PyFloat_CheckExact(value)) return PyFloat_AS_DOUBLE(value);
  const double result = PyFloat_AsDouble(value);
  if (result == -1.0 && PyErr_Occurred()) throw PythonError();
  return result;
}
bool flag(PyObject* group, PyObject* name) {
  PyObject* value = option(group, name);
  if (value == Py_False || value == Py_None) return false;
  if (value == Py_True) return true;
  const int result = PyObject_IsTrue(value);
  check_status(result);
  return result;
}

struct Arguments {
  PyObject* group;
  PyObject* state;
  PyObject* parameters;
};
Arguments parse(PyObject* const* args, Py_ssize_t count, const char* name) {
  if (count != 2 || !PyDict_Check(args[0]) || !PyDict_Check(args[1])) {
    PyErr_Format(PyExc_TypeError, "%s() takes a parameter group and the state, both dicts", name);
    throw PythonError();
  }
  PyObject* parameters = option(args[0], names->params);
  if (!PyList_Check(parameters)) {
    PyErr_SetString(PyExc_TypeError, "the group's 'params' must be a list");
    throw PythonError();
  }
  return {args[0], args[1], parameters};
}

const Tensor& parameter_at(PyObject* parameters, Py_ssize_t i) {
  PyObject* object = PyList_GET_ITEM(parameters, i);
  if (!is_tensor(object)) {
    PyErr_Format(PyExc_TypeError, "optimizer can only optimize Tensors, but one of the params is %s",
                 Py_TYPE(object)->tp_name);
    throw PythonError();
  }
  return unwrap(object);
}

// A tensor of a parameter's state; undefined where there is none.
Tensor state_tensor(PyObject* own, PyObject* name) {
  PyObject* value = own ? PyDict_GetItemWithError(own, name) : nullptr;
  if (!value) {
    if (PyErr_Occurred()) throw PythonError();
    return {};
  }
  return is_tensor(value) ? unwrap(value) : Tensor();
}
PyObject* own_state(PyObject* state, PyObject* parameter) {
  PyObject* own = PyDict_GetItemWithError(state, parameter);
  if (!own && PyErr_Occurred()) throw PythonError();
  return own && PyDict_Check(own) ? own : nullptr;
}

void leave_over(Object& rest, PyObject* parameter) {
  if (!rest) rest = owned(PyList_New(0));
  check_status(PyList_Append(rest.get(), parameter));
}

template <class Step>
PyObject* finish(Step& step, Object rest) {
  {
    ReleaseGil release(step.elements() >= kReleaseGilFrom);
    step.run();
  }
  return rest ? rest.release() : Py_NewRef(Py_None);
}

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
    PyObject* betas = option(group, names->betas);
    Object pair = owned(PySequence_Tuple(betas));
    if (PyTuple_GET_SIZE(pair.get()) != 2) {
      PyErr_SetString(PyExc_ValueError, "not enough values to unpack (expected 2)");
      throw PythonError();
    }
    options.beta1 = PyFloat_AsDouble(PyTuple_GET_ITEM(pair.get(), 0));
    options.beta2 = PyFloat_AsDouble(PyTuple_GET_ITEM(pair.get(), 1));
    if (PyErr_Occurred()) throw PythonError();
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
  check_status(PyModule_AddObjectRef(module, "_optim", made.get()));
}

}  // namespace tensorgrad::python
