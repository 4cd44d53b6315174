#include "common.h"

#include <new>

namespace tensorgrad::python {
namespace {

PyObject* exception_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Value: return PyExc_ValueError;
    case ErrorKind::Index: return PyExc_IndexError;
    case ErrorKind::Type: return PyExc_TypeError;
    case ErrorKind::NotImplemented: return PyExc_NotImplementedError;
    case ErrorKind::Attribute: return PyExc_AttributeError;
    case ErrorKind::OutOfMemory:
    case ErrorKind::Runtime: break;
  }
  return PyExc_RuntimeError;
}

void add_notes(const Error& error) {
  if (error.notes().empty()) return;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  for (const std::string& note : error.notes())
    Py_XDECREF(PyObject_CallMethod(value, "add_note", "s#", note.data(), Py_ssize_t(note.size())));
  PyErr_Restore(type, value, trace);
}

}  // namespace

void set_python_error() noexcept {
  try {
    throw;
  } catch (const PythonError&) {
  } catch (const Error& error) {
    PyErr_SetString(exception_type(error.kind()), error.what());
    add_notes(error);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

void throw_python_error() { throw PythonError(); }

}  // namespace tensorgrad::python
