#include "hooks.h"

#include "tensor_methods.h"
#include "tensor_object.h"
#include "tensorgrad/autograd/hooks.h"

namespace tensorgrad::python {
namespace {

// A callable that C++ may copy and drop on any thread.
std::shared_ptr<Object> shared(PyObject* callable) {
  return std::shared_ptr<Object>(new Object(Object::borrowed(callable)), [](Object* object) {
    AcquireGil gil;
    delete object;
  });
}

TensorHook tensor_hook(PyObject* callable) {
  return [hook = shared(callable)](const Tensor& gradient) -> Tensor {
    AcquireGil gil;
    Object argument = owned(wrap(gradient));
    Object result = owned(PyObject_CallOneArg(hook->get(), argument.get()));
    return result.get() == Py_None ? Tensor() : checked_replacement(hook->get(), result.get(), gradient);
  };
}

PyObject* add_tensor_hook(PyObject*, PyObject* args) {
  PyObject *tensor, *callable;
  if (!PyArg_ParseTuple(args, "OO", &tensor, &callable)) return nullptr;
  return guarded([&] { return PyLong_FromLongLong(add_hook(unwrap(tensor), tensor_hook(callable))); });
}
PyObject* add_post_accumulate(PyObject*, PyObject* args) {
  PyObject *tensor, *callable;
  if (!PyArg_ParseTuple(args, "OO", &tensor, &callable)) return nullptr;
  return guarded([&] {
    return PyLong_FromLongLong(
        add_post_accumulate_hook(unwrap(tensor), [hook = shared(callable)](const Tensor& leaf) {
          AcquireGil gil;
          Object argument = owned(wrap(leaf));
          Object result = owned(PyObject_CallOneArg(hook->get(), argument.get()));
          TG_CHECK(result.get() == Py_None, Type, "expected Variable, but hook returned '",
                   Py_TYPE(result.get())->tp_name, "'");
        }));
  });
}
PyObject* remove_tensor_hook(PyObject*, PyObject* args) {
  PyObject* tensor;
  long long id;
  if (!PyArg_ParseTuple(args, "OL", &tensor, &id)) return nullptr;
  return guarded([&]() -> PyObject* {
    remove_hook(unwrap(tensor), id);
    Py_RETURN_NONE;
  });
}
PyObject* retain(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    retain_grad(unwrap(self));
    Py_RETURN_NONE;
  });
}
PyObject* retains(PyObject* self, void*) {
  const Tensor& t = unwrap(self);
  return PyBool_FromLong(t.impl()->meta && t.impl()->meta->retains_grad && !t.is_leaf());
}

PyMethodDef module_methods[] = {{"_add_tensor_hook", add_tensor_hook, METH_VARARGS, nullptr},
                                {"_add_post_accumulate_hook", add_post_accumulate, METH_VARARGS, nullptr},
                                {"_remove_tensor_hook", remove_tensor_hook, METH_VARARGS, nullptr},
                                {nullptr, nullptr, 0, nullptr}};
PyMethodDef tensor_methods[] = {
    {"retain_grad", retain, METH_NOARGS, "Keeps this non-leaf's gradient in .grad."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef tensor_getset[] = {
    {"retains_grad", retains, nullptr, "Whether this non-leaf keeps its gradient.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

std::string hook_name(PyObject* callable) {
  Object name(PyObject_GetAttrString(callable, "__name__"));
  PyErr_Clear();
  return name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : "<unknown>";
}

Tensor checked_replacement(PyObject* hook, PyObject* result, const Tensor& gradient) {
  TG_CHECK(is_tensor(result), Type, "expected Variable, but hook returned '", Py_TYPE(result)->tp_name, "'");
  const Tensor& value = unwrap(result);
  if (!gradient.defined()) return value;
  TG_CHECK(value.sizes() == gradient.sizes(), Runtime, "hook '", hook_name(hook),
           "' has changed the size of value");
  TG_CHECK(value.dtype() == gradient.dtype(), Runtime, "hook '", hook_name(hook),
           "' has changed the type of value (was ", dtype_tensor_name(gradient.dtype()), " got ",
           dtype_tensor_name(value.dtype()), ")");
  return value;
}

void add_hooks(PyObject* module) {
  check_status(PyModule_AddFunctions(module, module_methods));
  extend_tensor_type(tensor_getset, tensor_methods);
}

}  // namespace tensorgrad::python
