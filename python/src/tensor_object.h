// The Python Tensor: a C type of its own around tensorgrad::Tensor.
#pragma once
#include "common.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::python {

struct TensorObject {
  PyObject_HEAD Tensor tensor;  // while the tensor owns this object, a pointer that holds no reference
  PyObject* dict;
  PyObject* weakrefs;
};

extern PyTypeObject* tensor_type;

inline bool is_exact_tensor(PyObject* object) { return Py_TYPE(object) == tensor_type; }
inline bool is_tensor(PyObject* object) {
  return is_exact_tensor(object) || PyType_IsSubtype(Py_TYPE(object), tensor_type);
}
inline const Tensor& unwrap(PyObject* object) { return reinterpret_cast<TensorObject*>(object)->tensor; }
// A new reference to the one Python object of this tensor; None where undefined.
PyObject* wrap(Tensor tensor);
// An object of a subclass (Parameter) around a tensor that has no Python object yet.
PyObject* wrap_as(PyTypeObject* type, Tensor tensor);

void add_tensor_type(PyObject* module);

}  // namespace tensorgrad::python
