// tensorgrad._C.ModuleBase: the C base class of tensorgrad.nn.Module.
//
// It does the two things that every forward pass does many times: looking up an attribute (instance dict,
// then _parameters, _buffers, _modules) and calling the module (straight to forward when there are no hooks).
// All else is Python. The instance holds nothing but its dict and its weak references, so pickling and
// deepcopy are object's.
#include "module.h"

#include <stddef.h>

#include <initializer_list>

namespace tensorgrad::python {
namespace {

struct ModuleBase {
  PyObject_HEAD PyObject* dict;
  PyObject* weak_references;
};

// Interned once; a name's hash is then cached in the string object itself.
PyObject* name_parameters;
PyObject* name_buffers;
PyObject* name_modules;
PyObject* name_forward;
PyObject* name_call_impl;
PyObject* name_note_failure;
PyObject* name_getattr;
PyObject* name_getattribute;
PyObject* hook_names[4];
PyObject* own_getattr;
PyObject* own_getattribute;
bool global_hooks = false;  // set by the registrars of hooks that apply to every module

// The functions of the dict API that do not touch the error state are private in 3.11 and 3.12; names are
// exact strings with a hash at hand, for which this one cannot fail.
inline PyObject* find(PyObject* dict, PyObject* name) {
  if (!dict || !PyDict_Check(dict)) return nullptr;
  Py_hash_t hash = reinterpret_cast<PyASCIIObject*>(name)->hash;
  if (hash == -1) hash = PyObject_Hash(name);
  return _PyDict_GetItem_KnownHash(dict, name, hash);
}

// A parameter, buffer or submodule by that name: new reference, or null without an error.
PyObject* find_member(ModuleBase* self, PyObject* name) {
  for (PyObject* table_name : {name_parameters, name_buffers, name_modules}) {
    PyObject* table = find(self->dict, table_name);
    if (!table) continue;
    if (PyDict_Check(table)) {
      if (PyObject* found = find(table, name)) return Py_NewRef(found);
    } else {  // any mapping will do, but not at full speed
      PyObject* found = PyObject_GetItem(table, name);
      if (found) return found;
      if (!PyErr_ExceptionMatches(PyExc_KeyError)) return nullptr;
      PyErr_Clear();
    }
  }
  return nullptr;
}

PyObject* raise_no_attribute(PyObject* self, PyObject* name) {
  PyObject* type_name = PyType_GetName(Py_TYPE(self));
  if (!type_name) return nullptr;
  PyErr_Format(PyExc_AttributeError, "'%U' object has no attribute '%U'", type_name, name);
  Py_DECREF(type_name);
  return nullptr;
}

PyObject* module_getattro(PyObject* object, PyObject* name);

// With a __getattr__ or __getattribute__ of its own, a subclass gets Python's protocol: the plain look-up
// first.
PyObject* look_up(ModuleBase* self, PyObject* name, bool* done) {
  PyTypeObject* type = Py_TYPE(self);
  *done = true;
  PyObject* descriptor = _PyType_Lookup(type, name);
  descrgetfunc get = nullptr;
  if (descriptor) {
    get = Py_TYPE(descriptor)->tp_descr_get;
    if (get && PyDescr_IsData(descriptor)) {
      Py_INCREF(descriptor);
      PyObject* value = get(descriptor, reinterpret_cast<PyObject*>(self), reinterpret_cast<PyObject*>(type));
      Py_DECREF(descriptor);
      return value;
    }
  }
  if (PyObject* value = find(self->dict, name)) return Py_NewRef(value);
  if (descriptor) {
    Py_INCREF(descriptor);
    if (!get) return descriptor;
    PyObject* value = get(descriptor, reinterpret_cast<PyObject*>(self), reinterpret_cast<PyObject*>(type));
    Py_DECREF(descriptor);
    return value;
  }
  *done = false;
  return nullptr;
}

PyObject* module_getattro(PyObject* object, PyObject* name) {
  if (Py_TYPE(object)->tp_getattro != module_getattro || !PyUnicode_Check(name)) {
    return PyObject_GenericGetAttr(object, name);
  }
  if (!PyUnicode_CheckExact(name)) {  // a subclass of str may hash and compare as it likes
    PyObject* plain = PyUnicode_FromObject(name);
    if (!plain) return nullptr;
    PyObject* value = module_getattro(object, plain);
    Py_DECREF(plain);
    return value;
  }
  auto* self = reinterpret_cast<ModuleBase*>(object);
  bool done;
  PyObject* value = look_up(self, name, &done);
  if (value) return value;
  if (done) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
    // A property failed: Python would now ask __getattr__, whose answer replaces the error; keep the error as
    // context.
    PyObject *kind, *error, *traceback;
    PyErr_Fetch(&kind, &error, &traceback);
    PyErr_NormalizeException(&kind, &error, &traceback);
    if (traceback) PyException_SetTraceback(error, traceback);
    value = find_member(self, name);
    if (!value && !PyErr_Occurred()) {
      raise_no_attribute(object, name);
      PyObject *new_kind, *new_error, *new_traceback;
      PyErr_Fetch(&new_kind, &new_error, &new_traceback);
      PyErr_NormalizeException(&new_kind, &new_error, &new_traceback);
      PyException_SetContext(new_error, Py_NewRef(error));
      PyErr_Restore(new_kind, new_error, new_traceback);
    }
    Py_XDECREF(kind);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return value;
  }
  value = find_member(self, name);
  if (value || PyErr_Occurred()) return value;
  return raise_no_attribute(object, name);
}

// __getattr__, for subclasses that extend it: parameters, buffers and submodules only.
PyObject* module_getattr(PyObject* self, PyObject* name) {
  if (!PyUnicode_Check(name)) {
    PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'", Py_TYPE(name)->tp_name);
    return nullptr;
  }
  PyObject* plain = PyUnicode_FromObject(name);
  if (!plain) return nullptr;
  PyObject* value = find_member(reinterpret_cast<ModuleBase*>(self), plain);
  if (!value && !PyErr_Occurred()) raise_no_attribute(self, plain);
  Py_DECREF(plain);
  return value;
}

// A Python subclass is born with Python's slow attribute slot because __getattr__ is visible to it. Where it
// overrides neither __getattr__ nor __getattribute__, the slot is put back when its first instance is made.
void restore_slot(PyTypeObject* type) {
  if (type->tp_getattro == module_getattro || !(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return;
  if (_PyType_Lookup(type, name_getattr) != own_getattr) return;
  if (_PyType_Lookup(type, name_getattribute) != own_getattribute) return;
  type->tp_getattro = module_getattro;
  PyType_Modified(type);
}

PyObject* module_new(PyTypeObject* type, PyObject*, PyObject*) {
  if (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) {  // object.__new__ words the refusal
    PyObject* empty = PyTuple_New(0);
    PyObject* result = empty ? PyBaseObject_Type.tp_new(type, empty, nullptr) : nullptr;
    Py_XDECREF(empty);
    return result;
  }
  restore_slot(type);
  PyObject* object = type->tp_alloc(type, 0);
  if (!object) return nullptr;
  auto* self = reinterpret_cast<ModuleBase*>(object);
  self->dict = PyDict_New();
  if (!self->dict) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

// While an exception leaves a module, the Python side notes the module's path on it. Never raises.
void note_failure(PyObject* self) {
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return;
  PyObject *kind, *error, *traceback;
  PyErr_Fetch(&kind, &error, &traceback);
  PyErr_NormalizeException(&kind, &error, &traceback);
  if (traceback) PyException_SetTraceback(error, traceback);
  PyObject* noted = PyObject_CallMethodOneArg(self, name_note_failure, error);
  if (!noted) PyErr_Clear();
  Py_XDECREF(noted);
  PyErr_Restore(kind, error, traceback);
}

PyObject* call_with_self(PyObject* function, PyObject* self, PyObject* args, PyObject* kwargs) {
  constexpr Py_ssize_t most = 8;
  Py_ssize_t count = PyTuple_GET_SIZE(args);
  if (count < most) {
    PyObject* stack[most + 1];  // one spare slot in front, which the callee may use
    stack[1] = self;
    for (Py_ssize_t i = 0; i < count; ++i) stack[i + 2] = PyTuple_GET_ITEM(args, i);
    return PyObject_VectorcallDict(function, stack + 1, (count + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, kwargs);
  }
  PyObject* all = PyTuple_New(count + 1);
  if (!all) return nullptr;
  PyTuple_SET_ITEM(all, 0, Py_NewRef(self));
  for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
  PyObject* result = PyObject_Call(function, all, kwargs);
  Py_DECREF(all);
  return result;
}

bool has_hooks(ModuleBase* self) {
  if (global_hooks) return true;
  for (PyObject* name : hook_names) {
    PyObject* hooks = find(self->dict, name);
    if (!hooks || !PyDict_Check(hooks) || PyDict_GET_SIZE(hooks)) return true;
  }
  return false;
}

PyObject* module_call(PyObject* object, PyObject* args, PyObject* kwargs) {
  auto* self = reinterpret_cast<ModuleBase*>(object);
  PyObject* result;
  bool slow = has_hooks(self);
  PyObject* name = slow ? name_call_impl : name_forward;
  PyObject* function = nullptr;
  if (Py_TYPE(object)->tp_getattro == module_getattro && !find(self->dict, name)) {
    function = _PyType_Lookup(Py_TYPE(object), name);
    if (function && !PyType_HasFeature(Py_TYPE(function), Py_TPFLAGS_METHOD_DESCRIPTOR)) function = nullptr;
  }
  if (function) {
    Py_INCREF(function);  // forward may replace itself
    result = call_with_self(function, object, args, kwargs);
  } else {
    function = PyObject_GetAttr(object, name);
    if (!function) return nullptr;
    result = PyObject_Call(function, args, kwargs);
  }
  Py_DECREF(function);
  if (!result) note_failure(object);
  return result;
}

int module_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<ModuleBase*>(object)->dict);
  return 0;
}

int module_clear(PyObject* object) {
  Py_CLEAR(reinterpret_cast<ModuleBase*>(object)->dict);
  return 0;
}

void module_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  Py_TRASHCAN_BEGIN(object, module_dealloc) auto* self = reinterpret_cast<ModuleBase*>(object);
  if (self->weak_references) PyObject_ClearWeakRefs(object);
  Py_CLEAR(self->dict);
  Py_TYPE(object)->tp_free(object);
  Py_TRASHCAN_END
}

PyObject* set_global_hooks(PyObject*, PyObject* on) {
  int value = PyObject_IsTrue(on);
  if (value < 0) return nullptr;
  global_hooks = value;
  Py_RETURN_NONE;
}

PyMethodDef module_methods[] = {
    {"__getattr__", module_getattr, METH_O, "A parameter, buffer or submodule by its name."},
    {"_set_global_hooks", set_global_hooks, METH_O | METH_STATIC,
     "Says whether hooks that apply to every module exist."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef module_properties[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
PyTypeObject module_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

}  // namespace

void add_module_base(PyObject* module) {
  name_parameters = PyUnicode_InternFromString("_parameters");
  name_buffers = PyUnicode_InternFromString("_buffers");
  name_modules = PyUnicode_InternFromString("_modules");
  name_forward = PyUnicode_InternFromString("forward");
  name_call_impl = PyUnicode_InternFromString("_call_impl");
  name_note_failure = PyUnicode_InternFromString("_note_failure");
  name_getattr = PyUnicode_InternFromString("__getattr__");
  name_getattribute = PyUnicode_InternFromString("__getattribute__");
  hook_names[0] = PyUnicode_InternFromString("_forward_hooks");
  hook_names[1] = PyUnicode_InternFromString("_forward_pre_hooks");
  hook_names[2] = PyUnicode_InternFromString("_backward_hooks");
  hook_names[3] = PyUnicode_InternFromString("_backward_pre_hooks");
  for (PyObject* name : {name_parameters, name_buffers, name_modules, name_forward, name_call_impl,
                         hook_names[0], hook_names[1], hook_names[2], hook_names[3]}) {
    PyObject_Hash(name);
  }

  module_type.tp_name = "tensorgrad._C.ModuleBase";
  module_type.tp_doc = "The base class of tensorgrad.nn.Module: attribute look-up and calls.";
  module_type.tp_basicsize = sizeof(ModuleBase);
  module_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC;
  module_type.tp_dictoffset = offsetof(ModuleBase, dict);
  module_type.tp_weaklistoffset = offsetof(ModuleBase, weak_references);
  module_type.tp_new = module_new;
  module_type.tp_dealloc = module_dealloc;
  module_type.tp_traverse = module_traverse;
  module_type.tp_clear = module_clear;
  module_type.tp_getattro = module_getattro;
  module_type.tp_setattro = PyObject_GenericSetAttr;
  module_type.tp_call = module_call;
  module_type.tp_methods = module_methods;
  module_type.tp_getset = module_properties;
  check_status(PyType_Ready(&module_type));
  own_getattr = _PyType_Lookup(&module_type, name_getattr);
  own_getattribute = _PyType_Lookup(&module_type, name_getattribute);
  check_status(PyModule_AddObjectRef(module, "ModuleBase", reinterpret_cast<PyObject*>(&module_type)));
}

}  // namespace tensorgrad::python
