#include "tensor_object.h"

#include <structmember.h>

#include <new>

#include "custom_function.h"
#include "operators.h"

namespace tensorgrad::python {

PyTypeObject* tensor_type = nullptr;

namespace {

// Dead Tensor objects wait here for the next one: making a tensor object costs no allocation.
constexpr int kFreeObjects = 128;
TensorObject* free_objects[kFreeObjects];
int free_count = 0;

TensorObject* new_object(PyTypeObject* type) {
  if (type == tensor_type && free_count > 0) {
    TensorObject* self = free_objects[--free_count];
    Py_SET_REFCNT(self, 1);
    Py_INCREF(type);
    return self;
  }
  TensorObject* self;
  if (type == tensor_type) {
    // Not tracked by the garbage collector until it has attributes: a bare tensor is in no cycle.
    self = PyObject_GC_New(TensorObject, type);
    if (!self) throw PythonError();
  } else {
    self = reinterpret_cast<TensorObject*>(checked(type->tp_alloc(type, 0)));
  }
  self->dict = nullptr;
  self->weakrefs = nullptr;
  new (&self->tensor) Tensor();
  return self;
}

void drop_reference_only(Tensor& tensor) { tensor.impl()->refs.fetch_sub(1); }

// Called when the tensor dies that kept this object alive.
void release_object(void* object) {
  AcquireGil gil;
  TensorObject* self = static_cast<TensorObject*>(object);
  new (&self->tensor) Tensor();
  Py_DECREF(reinterpret_cast<PyObject*>(self));
}

bool carries_state(TensorObject* self) {
  return self->dict || self->weakrefs || Py_TYPE(self) != tensor_type;
}

void tensor_dealloc(PyObject* object) {
  TensorObject* self = reinterpret_cast<TensorObject*>(object);
  PyTypeObject* type = Py_TYPE(object);
  if (self->tensor.defined()) {
    // The tensor lives on in the graph or in a parent: keep an object whose identity somebody may notice.
    if (carries_state(self) && self->tensor.use_count() > 1) {
      Py_SET_REFCNT(object, 1);
      self->tensor.impl()->owns_python = true;
      drop_reference_only(self->tensor);
      return;
    }
  }
  if (PyObject_GC_IsTracked(object)) PyObject_GC_UnTrack(object);
  if (type->tp_finalize && type != tensor_type && PyObject_CallFinalizerFromDealloc(object) < 0) return;
  if (self->weakrefs) PyObject_ClearWeakRefs(object);
  Py_CLEAR(self->dict);
  if (self->tensor.defined()) {
    self->tensor.impl()->python = nullptr;
    self->tensor = Tensor();
  }
  if (type == tensor_type && free_count < kFreeObjects) {
    free_objects[free_count++] = self;
  } else {
    self->tensor.~Tensor();
    type->tp_free(object);
  }
  Py_DECREF(type);
}

int tensor_traverse(PyObject* object, visitproc visit, void* arg) {
  TensorObject* self = reinterpret_cast<TensorObject*>(object);
  Py_VISIT(Py_TYPE(object));
  // While other references to the tensor exist in C++, its attributes are reachable from there.
  Py_VISIT(self->dict);
  Py_VISIT(solely_owned_ctx(self->tensor));
  return 0;
}
int tensor_clear(PyObject* object) {
  Py_CLEAR(reinterpret_cast<TensorObject*>(object)->dict);
  return 0;
}

int tensor_setattro(PyObject* object, PyObject* name, PyObject* value) {
  const int status = PyObject_GenericSetAttr(object, name, value);
  if (reinterpret_cast<TensorObject*>(object)->dict && !PyObject_GC_IsTracked(object))
    PyObject_GC_Track(object);
  return status;
}

// Subclasses written in Python must die the same way.
PyObject* init_subclass(PyObject* cls, PyObject*, PyObject*) {
  reinterpret_cast<PyTypeObject*>(cls)->tp_dealloc = tensor_dealloc;
  Py_RETURN_NONE;
}

// Tensor(...) itself is given its meaning in Python (Tensor.__new__ of the legacy constructor).
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    Object module = owned(PyImport_ImportModule("tensorgrad._constructors"));
    Object make = owned(PyObject_GetAttrString(module.get(), "legacy_tensor"));
    Object data = owned(PyObject_Call(make.get(), args, kwargs));
    if (type == tensor_type) return data.release();
    return wrap_as(type, unwrap(data.get()).alias());
  });
}

// _make_subclass(cls, data, require_grad=False): an object of a subclass on the data of another tensor.
PyObject* make_subclass(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"cls", "data", "require_grad", nullptr};
  PyObject *cls, *data;
  int requires_grad = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p", const_cast<char**>(names), &cls, &data,
                                   &requires_grad))
    return nullptr;
  return guarded([&]() -> PyObject* {
    if (!PyType_Check(cls) || !is_tensor(data)) {
      PyErr_SetString(PyExc_TypeError, "_make_subclass() expects a type and a Tensor");
      throw PythonError();
    }
    Tensor alias = unwrap(data).alias();
    TG_CHECK(!requires_grad || alias.is_floating_point(), Runtime,
             "Only Tensors of floating point and complex dtype can require gradients");
    if (requires_grad) alias.set_requires_grad(true);
    return wrap_as(reinterpret_cast<PyTypeObject*>(cls), std::move(alias));
  });
}

PyMethodDef methods[] = {
    {"__init_subclass__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(init_subclass)),
     METH_CLASS | METH_VARARGS | METH_KEYWORDS, nullptr},
    {"_make_subclass", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(make_subclass)),
     METH_STATIC | METH_VARARGS | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef getset[] = {{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

}  // namespace

PyObject* wrap(Tensor tensor) {
  if (!tensor.defined()) Py_RETURN_NONE;
  TensorImpl* impl = tensor.impl();
  if (void* existing = impl->python) {
    PyObject* object = static_cast<PyObject*>(existing);
    if (!impl->owns_python) return Py_NewRef(object);
    impl->owns_python = false;  // the object holds its tensor again, and the caller the object
    impl->refs.fetch_add(1);
    return object;
  }
  TensorObject* self = new_object(tensor_type);
  impl->wrapped_number = false;
  impl->python = self;
  self->tensor = std::move(tensor);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* wrap_as(PyTypeObject* type, Tensor tensor) {
  TG_CHECK(!tensor.impl()->python, Runtime, "the tensor already has a Python object");
  TensorObject* self = new_object(type);
  tensor.impl()->python = self;
  self->tensor = std::move(tensor);
  return reinterpret_cast<PyObject*>(self);
}

void add_tensor_type(PyObject* module) {
  std::vector<PyType_Slot> slots = {
      {Py_tp_doc, const_cast<char*>("An array of numbers of one dtype on one device: a window on memory with "
                                    "sizes and strides, and a place "
                                    "in the graph that backward() walks. `tensor(data)` makes one.")},
      {Py_tp_new, reinterpret_cast<void*>(tensor_new)},
      {Py_tp_dealloc, reinterpret_cast<void*>(tensor_dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(tensor_traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(tensor_clear)},
      {Py_tp_setattro, reinterpret_cast<void*>(tensor_setattro)},
      {Py_tp_methods, methods},
      {Py_tp_members, members},
      {Py_tp_getset, getset},
  };
  add_operator_slots(slots);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"tensorgrad.Tensor", int(sizeof(TensorObject)), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  tensor_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
  tensor_type->tp_name = "Tensor";  // as Python's own errors name it
  release_python_object = release_object;
  check_status(PyModule_AddObjectRef(module, "Tensor", reinterpret_cast<PyObject*>(tensor_type)));
}

}  // namespace tensorgrad::python
