// Hooks on graph nodes, and the identity around a module's inputs and outputs on which its backward hooks
// hang.
#include "node_hooks.h"

#include <memory>

#include "autograd.h"
#include "hooks.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad::python {
namespace {

// A Python function held by a graph, which may die on any thread.
std::shared_ptr<PyObject> hold(PyObject* function) {
  return {Py_NewRef(function), [](PyObject* held) {
            if (!Py_IsInitialized()) return;
            AcquireGil gil;
            Py_DECREF(held);
          }};
}

Object as_tuple(const TensorList& tensors) {
  Object tuple = owned(PyTuple_New(Py_ssize_t(tensors.size())));
  for (size_t i = 0; i < tensors.size(); ++i)
    PyTuple_SET_ITEM(tuple.get(), Py_ssize_t(i), checked(wrap(tensors[i])));
  return tuple;
}

// Takes up what a hook returned: None, or a tuple in place of the gradients.
void replace(TensorList& gradients, const Object& answer, PyObject* hook) {
  PyObject* items = answer.get();
  if (items == Py_None) return;
  TG_CHECK(PyTuple_Check(items), Type, "expected tuple, but hook returned '",
           is_exact_tensor(items) ? "Tensor" : Py_TYPE(items)->tp_name, "'");
  TG_CHECK(size_t(PyTuple_GET_SIZE(items)) == gradients.size(), Runtime, "hook '", hook_name(hook),
           "' has returned an incorrect number of values (got ", PyTuple_GET_SIZE(items), ", but expected ",
           gradients.size(), ")");
  for (size_t i = 0; i < gradients.size(); ++i) {
    PyObject* item = PyTuple_GET_ITEM(items, Py_ssize_t(i));
    gradients[i] = item == Py_None ? Tensor() : checked_replacement(hook, item, gradients[i]);
  }
}

int64_t next_id() {
  static std::atomic<int64_t> count{0};
  return -1 - count.fetch_add(1);  // apart from the ids that the engine gives
}

// _node_hook(node, function, before): returns an id for _remove_node_hook.
PyObject* node_hook(PyObject*, PyObject* args) {
  PyObject *object, *function;
  int before;
  if (!PyArg_ParseTuple(args, "OOp", &object, &function, &before)) return nullptr;
  return guarded([&]() -> PyObject* {
    const NodePtr node = unwrap_node(object);
    const int64_t id = next_id();
    std::shared_ptr<PyObject> held = hold(function);
    if (before) {
      node->hooks().before.emplace_back(id, [held](TensorList& gradients) {
        AcquireGil gil;
        replace(gradients, owned(PyObject_CallOneArg(held.get(), as_tuple(gradients).get())), held.get());
      });
    } else {
      node->hooks().after.emplace_back(id, [held](TensorList& inputs, const TensorList& outputs) {
        AcquireGil gil;
        Object given = as_tuple(inputs), taken = as_tuple(outputs);
        replace(inputs, owned(PyObject_CallFunctionObjArgs(held.get(), given.get(), taken.get(), nullptr)),
                held.get());
      });
    }
    return PyLong_FromLongLong(id);
  });
}

PyObject* remove_node_hook(PyObject*, PyObject* args) {
  PyObject* object;
  long long id;
  if (!PyArg_ParseTuple(args, "OL", &object, &id)) return nullptr;
  return guarded([&]() -> PyObject* {
    const NodePtr node = unwrap_node(object);
    std::erase_if(node->hooks().before, [&](const auto& entry) { return entry.first == id; });
    std::erase_if(node->hooks().after, [&](const auto& entry) { return entry.first == id; });
    return Py_NewRef(Py_None);
  });
}

// _identity(*tensors): the same tensors as results of one node.
PyObject* identity(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    TensorList inputs, outputs;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
      PyObject* item = PyTuple_GET_ITEM(args, i);
      TG_CHECK(is_tensor(item), Type, "_identity() takes tensors");
      inputs.push_back(unwrap(item));
      outputs.push_back(unwrap(item).alias());
    }
    record_jointly("BackwardHookFunctionBackward", outputs, Out{}, inputs, saved(), [](const Upstream& u) {
      TensorList gradients;
      for (size_t i = 0; i < u.gradients.size(); ++i) {
        const OutputMeta& output = u.node.outputs[i];
        gradients.push_back(u[i].defined() ? u[i] : zeros(output.sizes, output.dtype, output.device));
      }
      return gradients;
    });
    return as_tuple(outputs).release();
  });
}

PyMethodDef functions[] = {{"_node_hook", node_hook, METH_VARARGS, nullptr},
                           {"_remove_node_hook", remove_node_hook, METH_VARARGS, nullptr},
                           {"_identity", identity, METH_VARARGS, nullptr},
                           {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_node_hooks(PyObject* module) { check_status(PyModule_AddFunctions(module, functions)); }

}  // namespace tensorgrad::python
