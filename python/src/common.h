// What every binding file needs: Python's API, owned references, and exceptions in both directions.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <exception>
#include <string>
#include <utility>

#include "tensorgrad/core/check.h"

namespace tensorgrad::python {

// An owned reference.
class Object {
 public:
  Object() = default;
  explicit Object(PyObject* owned) : object_(owned) {}
  Object(Object&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Object(const Object& other) : object_(Py_XNewRef(other.object_)) {}
  Object& operator=(Object other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Object() { Py_XDECREF(object_); }
  static Object borrowed(PyObject* object) { return Object(Py_XNewRef(object)); }
  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// Thrown when Python's error indicator is already set.
struct PythonError : std::exception {
  const char* what() const noexcept override { return "Python error"; }
};

inline PyObject* checked(PyObject* object) {
  if (!object) throw PythonError();
  return object;
}
inline Object owned(PyObject* object) { return Object(checked(object)); }
inline void check_status(int status) {
  if (status < 0) throw PythonError();
}

// Sets Python's error from the C++ exception in flight (inside a catch block).
void set_python_error() noexcept;
// A Python exception that crosses C++ code on its way to Python keeps its identity.
[[noreturn]] void throw_python_error();

// Runs a binding's body; a C++ exception becomes a Python one and `on_error` is returned.
template <class F, class R>
R guarded(const F& body, R on_error) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error();
    return on_error;
  }
}
template <class F>
PyObject* guarded(const F& body) noexcept {
  return guarded(body, static_cast<PyObject*>(nullptr));
}

// A method that takes (self, args, kwargs), as the method table wants it.
template <class F>
PyCFunction with_keywords(F* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

// Elements from which an op lets go of Python's lock: below, taking it back costs more than it gives.
inline constexpr int64_t kReleaseGilFrom = 50000;

class ReleaseGil {
 public:
  explicit ReleaseGil(bool release = true) : state_(release ? PyEval_SaveThread() : nullptr) {}
  ~ReleaseGil() {
    if (state_) PyEval_RestoreThread(state_);
  }
  ReleaseGil(const ReleaseGil&) = delete;

 private:
  PyThreadState* state_;
};
class AcquireGil {
 public:
  AcquireGil() : state_(PyGILState_Ensure()) {}
  ~AcquireGil() { PyGILState_Release(state_); }
  AcquireGil(const AcquireGil&) = delete;

 private:
  PyGILState_STATE state_;
};

}  // namespace tensorgrad::python
