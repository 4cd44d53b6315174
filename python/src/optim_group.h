// How the fused steps read a parameter group and the optimizer's state, both Python dicts.
#pragma once
#include "common.h"
#include "tensor_object.h"

namespace tensorgrad::python {

// A group's options; a missing one is a KeyError.
inline PyObject* option(PyObject* group, PyObject* name) {
  PyObject* value = PyDict_GetItemWithError(group, name);
  if (!value && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
  return checked(value);
}
inline double number(PyObject* group, PyObject* name) {
  PyObject* value = option(group, name);
  if (PyFloat_CheckExact(value)) return PyFloat_AS_DOUBLE(value);
  const double result = PyFloat_AsDouble(value);
  if (result == -1.0 && PyErr_Occurred()) throw PythonError();
  return result;
}
inline bool flag(PyObject* group, PyObject* name) {
  PyObject* value = option(group, name);
  if (value == Py_False || value == Py_None) return false;
  if (value == Py_True) return true;
  const int result = PyObject_IsTrue(value);
  check_status(result);
  return result;
}
// Two numbers out of a pair of betas.
inline std::pair<double, double> pair(PyObject* group, PyObject* name) {
  const Object values = owned(PySequence_Tuple(option(group, name)));
  if (PyTuple_GET_SIZE(values.get()) != 2) {
    PyErr_SetString(PyExc_ValueError, "not enough values to unpack (expected 2)");
    throw PythonError();
  }
  const double first = PyFloat_AsDouble(PyTuple_GET_ITEM(values.get(), 0));
  const double second = PyFloat_AsDouble(PyTuple_GET_ITEM(values.get(), 1));
  if (PyErr_Occurred()) throw PythonError();
  return {first, second};
}

struct Arguments {
  PyObject* group;
  PyObject* state;
  PyObject* parameters;
};
inline Arguments parse(PyObject* const* args, Py_ssize_t count, const char* name) {
  if (count != 2 || !PyDict_Check(args[0]) || !PyDict_Check(args[1])) {
    PyErr_Format(PyExc_TypeError, "%s() takes a parameter group and the state, both dicts", name);
    throw PythonError();
  }
  static PyObject* const params = PyUnicode_InternFromString("params");
  PyObject* parameters = option(args[0], params);
  if (!PyList_Check(parameters)) {
    PyErr_SetString(PyExc_TypeError, "the group's 'params' must be a list");
    throw PythonError();
  }
  return {args[0], args[1], parameters};
}

inline const Tensor& parameter_at(PyObject* parameters, Py_ssize_t i) {
  PyObject* object = PyList_GET_ITEM(parameters, i);
  if (!is_tensor(object)) {
    PyErr_Format(PyExc_TypeError, "optimizer can only optimize Tensors, but one of the params is %s",
                 Py_TYPE(object)->tp_name);
    throw PythonError();
  }
  return unwrap(object);
}

inline const Tensor& tensor_at(PyObject* list, Py_ssize_t i) {
  PyObject* object = PyList_GET_ITEM(list, i);
  if (!is_tensor(object)) {
    PyErr_Format(PyExc_TypeError, "expected a list of tensors, but item %zd is %s", i,
                 Py_TYPE(object)->tp_name);
    throw PythonError();
  }
  return unwrap(object);
}

// A tensor of a parameter's state; undefined where there is none.
inline Tensor state_tensor(PyObject* own, PyObject* name) {
  PyObject* value = own ? PyDict_GetItemWithError(own, name) : nullptr;
  if (!value) {
    if (PyErr_Occurred()) throw PythonError();
    return {};
  }
  return is_tensor(value) ? unwrap(value) : Tensor();
}
inline PyObject* own_state(PyObject* state, PyObject* parameter) {
  PyObject* own = PyDict_GetItemWithError(state, parameter);
  if (!own && PyErr_Occurred()) throw PythonError();
  return own && PyDict_Check(own) ? own : nullptr;
}

inline void leave_over(Object& rest, PyObject* parameter) {
  if (!rest) rest = owned(PyList_New(0));
  check_status(PyList_Append(rest.get(), parameter));
}

template <class Step>
inline PyObject* finish(Step& step, Object rest) {
  {
    ReleaseGil release(step.elements() >= kReleaseGilFrom);
    step.run();
  }
  return rest ? rest.release() : Py_NewRef(Py_None);
}

}  // namespace tensorgrad::python
