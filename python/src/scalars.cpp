#include "scalars.h"

#include <cstring>

#include "tensor_object.h"

namespace tensorgrad::python {
namespace {

// NumPy is never imported for this: its scalar types are known by name.
bool is_numpy_scalar(PyObject* object) {
  const char* name = Py_TYPE(object)->tp_name;
  return std::strncmp(name, "numpy.", 6) == 0 && Py_TYPE(object)->tp_as_number &&
         Py_TYPE(object)->tp_as_number->nb_float && std::strcmp(name, "numpy.ndarray") != 0;
}
bool is_numpy_bool(PyObject* object) {
  const char* name = Py_TYPE(object)->tp_name;
  return std::strcmp(name, "numpy.bool") == 0 || std::strcmp(name, "numpy.bool_") == 0;
}

}  // namespace

bool is_number(PyObject* object) {
  return PyFloat_Check(object) || PyLong_Check(object) || is_numpy_scalar(object) || is_numpy_bool(object);
}

Scalar to_scalar(PyObject* object) {
  if (PyFloat_CheckExact(object)) return Scalar(PyFloat_AS_DOUBLE(object));
  if (PyBool_Check(object)) return Scalar(object == Py_True);
  if (is_numpy_bool(object)) return Scalar(PyObject_IsTrue(object) == 1);
  if (PyLong_Check(object) || (PyIndex_Check(object) && !PyFloat_Check(object)))
    return Scalar(to_int(object));
  return Scalar(to_double(object));
}

bool is_index(PyObject* object) {
  if (PyLong_CheckExact(object)) return true;
  if (PyBool_Check(object) || is_numpy_bool(object)) return false;
  if (is_tensor(object)) {
    const Tensor& t = unwrap(object);
    return t.dim() == 0 && is_integral(t.dtype()) && !t.requires_grad();
  }
  return PyIndex_Check(object);
}

int64_t to_int(PyObject* object) {
  if (is_tensor(object)) return unwrap(object).item().to_int();
  Object index;
  if (!PyLong_Check(object)) {
    index = owned(PyNumber_Index(object));
    object = index.get();
  }
  int overflow;
  const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  TG_CHECK(!overflow, Value, "Overflow when unpacking long long");
  if (value == -1 && PyErr_Occurred()) throw PythonError();
  return value;
}

double to_double(PyObject* object) {
  if (is_tensor(object)) return unwrap(object).item().to_double();
  const double value = PyFloat_AsDouble(object);
  if (value == -1.0 && PyErr_Occurred()) throw PythonError();
  return value;
}

PyObject* from_scalar(Scalar value) {
  if (value.is_bool()) return PyBool_FromLong(value.to_bool());
  return value.is_floating() ? PyFloat_FromDouble(value.to_double()) : PyLong_FromLongLong(value.to_int());
}

std::string_view checked_utf8(PyObject* text) {
  Py_ssize_t size;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  if (!data) throw PythonError();
  return {data, size_t(size)};
}

}  // namespace tensorgrad::python
