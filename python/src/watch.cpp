// What tensorgrad.viz and utils.summary ask of the engine: the ops recorded while it is watched, the shapes
// of their outputs, and how much arithmetic was done.
#include "watch.h"

#include <memory>

#include "autograd.h"
#include "common.h"
#include "tensor_object.h"
#include "tensorgrad/core/work.h"
#include "tensorgrad/tensor/watch.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

thread_local std::unique_ptr<Watch> own_watch;

PyObject* watch_begin(PyObject*, PyObject*) {
  return guarded([&]() -> PyObject* {
    TG_CHECK(!watch, Runtime, "the graph is already watched on this thread");
    own_watch = std::make_unique<Watch>();
    watch = own_watch.get();
    Py_RETURN_NONE;
  });
}

PyObject* watch_scope(PyObject*, PyObject* scope) {
  const int64_t number = PyLong_AsLongLong(scope);
  if (number == -1 && PyErr_Occurred()) return nullptr;
  if (watch) watch->scope = number;
  Py_RETURN_NONE;
}

// A list of (node, output, inputs without gradient, scope, version of the output), in the order of recording.
PyObject* watch_end(PyObject*, PyObject*) {
  return guarded([&]() -> PyObject* {
    watch = nullptr;
    const std::unique_ptr<Watch> ended = std::move(own_watch);
    Object list = owned(PyList_New(0));
    if (!ended) return list.release();
    for (const WatchedOutput& entry : ended->outputs) {
      Object inputs = owned(PyList_New(0));
      for (const Tensor& input : entry.inputs)
        check_status(PyList_Append(inputs.get(), owned(wrap(input)).get()));
      const Object item = owned(Py_BuildValue(
          "(NNNLI)", checked(wrap_node(entry.node)), checked(wrap(entry.output)), inputs.release(),
          static_cast<long long>(entry.scope), static_cast<unsigned int>(entry.version)));
      check_status(PyList_Append(list.get(), item.get()));
    }
    return list.release();
  });
}

// Shape and dtype of each of a node's forward outputs.
PyObject* node_outputs(PyObject*, PyObject* object) {
  return guarded([&]() -> PyObject* {
    const NodePtr node = unwrap_node(object);
    Object list = owned(PyList_New(0));
    for (const OutputMeta& output : node->outputs) {
      const Object pair =
          owned(Py_BuildValue("(NN)", checked(wrap_size(output.sizes)), checked(wrap_dtype(output.dtype))));
      check_status(PyList_Append(list.get(), pair.get()));
    }
    return list.release();
  });
}

PyObject* count_multiply_adds(PyObject*, PyObject*) { return PyLong_FromLongLong(multiply_adds); }

PyMethodDef functions[] = {
    {"_watch_begin", watch_begin, METH_NOARGS, "Notes every op that is recorded on this thread."},
    {"_watch_scope", watch_scope, METH_O, "_watch_scope(number): where the ops that follow are recorded."},
    {"_watch_end", watch_end, METH_NOARGS, "Ends the watch: [(node, output, inputs, scope, version), ...]."},
    {"_node_outputs", node_outputs, METH_O, "_node_outputs(node): [(shape, dtype), ...]."},
    {"_multiply_adds", count_multiply_adds, METH_NOARGS, "Multiply-adds of this thread's products so far."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_watch(PyObject* module) { check_status(PyModule_AddFunctions(module, functions)); }

}  // namespace tensorgrad::python
