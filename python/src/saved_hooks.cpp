#include "saved_hooks.h"

#include <optional>
#include <vector>

#include "tensor_object.h"
#include "tensorgrad/ops/gradient_edge.h"
#include "tensorgrad/tensor/saved.h"

namespace tensorgrad::python {
namespace {

struct Hooks {
  PyObject *pack, *unpack;
};
// The innermost hooks serve; nothing is freed when a thread ends inside a `with`, since it holds no lock by
// then.
thread_local std::vector<Hooks>* hooks = nullptr;
thread_local std::string* disabled = nullptr;

class PythonPacked final : public PackedTensor {
 public:
  PythonPacked(Object value, Object unpack) : value_(std::move(value)), unpack_(std::move(unpack)) {}
  ~PythonPacked() override {
    AcquireGil gil;
    value_ = Object();
    unpack_ = Object();
  }
  Tensor unpack() override {
    AcquireGil gil;
    Object result = owned(PyObject_CallOneArg(unpack_.get(), value_.get()));
    TG_CHECK(is_tensor(result.get()), Type,
             "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ",
             Py_TYPE(result.get())->tp_name);
    return unwrap(result.get());
  }

 private:
  Object value_, unpack_;
};

Ref<PackedTensor> pack(const Tensor& tensor, bool own_output) {
  AcquireGil gil;
  const Hooks innermost = hooks->back();
  const uint32_t before = tensor.version();
  NoGradGuard guard;
  Object seen = owned(wrap(own_output ? tensor.alias() : tensor));
  Object value = owned(PyObject_CallOneArg(innermost.pack, seen.get()));
  TG_CHECK(
      tensor.version() == before, Runtime,
      "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
      "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please open an "
      "issue if you need to perform in-place operations on the input to a pack hook.");
  Ref<PackedTensor> packed(new PythonPacked(std::move(value), Object::borrowed(innermost.unpack)));
  if (!own_output) packed->edge = gradient_edge(tensor);
  return packed;
}

PyObject* push(PyObject*, PyObject* args) {
  Hooks pair;
  if (!PyArg_ParseTuple(args, "OO", &pair.pack, &pair.unpack)) return nullptr;
  return guarded([&]() -> PyObject* {
    if (disabled) fail(ErrorKind::Runtime, *disabled);
    if (!hooks) hooks = new std::vector<Hooks>;
    hooks->push_back({Py_NewRef(pair.pack), Py_NewRef(pair.unpack)});
    autograd_state.saved_hooks = true;
    Py_RETURN_NONE;
  });
}
PyObject* pop(PyObject*, PyObject*) {
  return guarded([&]() -> PyObject* {
    TG_CHECK(hooks && !hooks->empty(), Runtime, "no saved tensor hooks to take away");
    const Hooks last = hooks->back();
    hooks->pop_back();
    autograd_state.saved_hooks = !hooks->empty();
    Py_DECREF(last.pack);
    Py_DECREF(last.unpack);
    Py_RETURN_NONE;
  });
}
// _disable_saved_hooks(message or None): returns what was set before.
PyObject* disable(PyObject*, PyObject* message) {
  return guarded([&]() -> PyObject* {
    Object before = disabled ? owned(PyUnicode_FromString(disabled->c_str())) : Object::borrowed(Py_None);
    const char* text = message == Py_None ? nullptr : PyUnicode_AsUTF8(message);
    if (message != Py_None && !text) throw PythonError();
    TG_CHECK(!text || !hooks || hooks->empty(), Runtime, text);
    delete std::exchange(disabled, text ? new std::string(text) : nullptr);
    return before.release();
  });
}

// _SavedTensor(tensor): kept as a node keeps it, through the hooks of now; unpack() gives it back.
struct SavedObject {
  PyObject_HEAD Saved saved;
};
class Nowhere final : public Node {
 public:
  Nowhere() : Node("SavedTensor") {}
  TensorList apply(TensorList&&) override { return {}; }
};
PyObject* saved_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* tensor;
  if (!PyArg_ParseTuple(args, "O", &tensor)) return nullptr;
  return guarded([&] {
    TG_CHECK(is_tensor(tensor), Type, "expected a Tensor, but got ", Py_TYPE(tensor)->tp_name);
    Saved saved(unwrap(tensor), nullptr, 0);
    PyObject* self = checked(type->tp_alloc(type, 0));
    new (&reinterpret_cast<SavedObject*>(self)->saved) Saved(std::move(saved));
    return self;
  });
}
void saved_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  reinterpret_cast<SavedObject*>(self)->saved.~Saved();
  type->tp_free(self);
  Py_DECREF(type);
}
PyObject* saved_unpack(PyObject* self, PyObject*) {
  return guarded([&] {
    static Node* nowhere = new Nowhere;
    const GradModeGuard with_history(true);
    return wrap(reinterpret_cast<SavedObject*>(self)->saved.unpack(*nowhere));
  });
}
PyMethodDef saved_methods[] = {{"unpack", saved_unpack, METH_NOARGS, nullptr},
                               {nullptr, nullptr, 0, nullptr}};

std::string traceback() {
  AcquireGil gil;
  Object module = owned(PyImport_ImportModule("traceback"));
  Object lines = owned(PyObject_CallMethod(module.get(), "format_stack", nullptr));
  Object empty = owned(PyUnicode_FromString(""));
  Object text = owned(PyUnicode_Join(empty.get(), lines.get()));
  const char* utf8 = PyUnicode_AsUTF8(text.get());
  if (!utf8) throw PythonError();
  return utf8;
}

void add_note(const std::string& note) {
  try {
    throw;
  } catch (Error& error) {
    error.add_note(note);
  } catch (const PythonError&) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    Object done(PyObject_CallMethod(value, "add_note", "s", note.c_str()));
    PyErr_Restore(type, value, trace);
  } catch (...) {
  }
}

// Called inside the catch block: says where forward made the node, and what backward that was a part of.
void failed(const Node& node) {
  AcquireGil gil;
  const auto place = [](const Node& at, const char* what) {
    return at.forward_place
               ? std::string(" Traceback of forward call that ") + what + ":\n" + at.forward_place->traceback
               : " No forward pass information available. Enable detect anomaly during forward pass "
                 "for more information.";
  };
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  const auto warn = [](const std::string& text) {
    if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) PyErr_WriteUnraisable(nullptr);
  };
  warn("Error detected in " + std::string(node.name()) + "." + place(node, "caused the error"));
  const ForwardPlace* each = node.forward_place.get();
  for (; each && each->parent; each = each->parent->forward_place.get())
    warn("\n\nPrevious calculation was induced by " + std::string(each->parent->name()) + "." +
         place(*each->parent, "induced the previous calculation"));
  PyErr_Restore(type, value, trace);
  if (!node.forward_place) return;
  const std::string& whole = node.forward_place->traceback;
  const size_t last = whole.rfind("  File \"");
  add_note("The forward call of " + std::string(node.name()) + ":\n" +
           whole.substr(last == whole.npos ? 0 : last));
}

PyObject* set_anomaly(PyObject*, PyObject* args) {
  int mode, check_nan = 1;
  if (!PyArg_ParseTuple(args, "p|p", &mode, &check_nan)) return nullptr;
  autograd_state.anomaly = mode;
  autograd_state.anomaly_check_nan = check_nan;
  Py_RETURN_NONE;
}
PyObject* is_anomaly(PyObject*, PyObject*) { return PyBool_FromLong(autograd_state.anomaly); }
PyObject* checks_nan(PyObject*, PyObject*) { return PyBool_FromLong(autograd_state.anomaly_check_nan); }

PyMethodDef hook_functions[] = {{"_push_saved_tensors_default_hooks", push, METH_VARARGS, nullptr},
                                {"_pop_saved_tensors_default_hooks", pop, METH_NOARGS, nullptr},
                                {"_disable_saved_hooks", disable, METH_O, nullptr},
                                {nullptr, nullptr, 0, nullptr}};
PyMethodDef anomaly_functions[] = {
    {"_set_anomaly_enabled", set_anomaly, METH_VARARGS, nullptr},
    {"is_anomaly_enabled", is_anomaly, METH_NOARGS, "Whether backward looks for the op that went wrong."},
    {"is_anomaly_check_nan_enabled", checks_nan, METH_NOARGS,
     "Whether anomaly mode looks for NaN gradients."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_saved_hooks(PyObject* module) {
  pack_saved = pack;
  PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(saved_new)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(saved_dealloc)},
                         {Py_tp_methods, saved_methods},
                         {0, nullptr}};
  PyType_Spec spec = {"tensorgrad._C._SavedTensor", sizeof(SavedObject), 0, Py_TPFLAGS_DEFAULT, slots};
  check_status(PyModule_AddObjectRef(module, "_SavedTensor", owned(PyType_FromSpec(&spec)).get()));
  check_status(PyModule_AddFunctions(module, hook_functions));
}

void add_anomaly(PyObject* module) {
  anomaly_hooks = {traceback, failed};
  check_status(PyModule_AddFunctions(module, anomaly_functions));
}

}  // namespace tensorgrad::python
