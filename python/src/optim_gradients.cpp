// Functions over lists of gradients: the clipping of nn.utils, without Python per parameter.
#include <cmath>

#include "optim.h"
#include "optim_group.h"
#include "tensorgrad/optim/clip_grad.h"

namespace tensorgrad::python {
namespace {

TensorList tensors_in(PyObject* list) {
  if (!PyList_Check(list)) {
    PyErr_SetString(PyExc_TypeError, "expected a list of tensors");
    throw PythonError();
  }
  TensorList tensors;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) tensors.push_back(tensor_at(list, i));
  return tensors;
}
int64_t elements(const TensorList& tensors) {
  int64_t total = 0;
  for (const Tensor& tensor : tensors) total += tensor.numel();
  return total;
}
void expect(bool good, const char* text) {
  if (good) return;
  PyErr_SetString(PyExc_TypeError, text);
  throw PythonError();
}

PyObject* gradients(PyObject*, PyObject* parameters) {
  return guarded([&]() -> PyObject* {
    Object found = owned(PyList_New(0));
    expect(PyList_Check(parameters), "gradients() takes a list of parameters");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parameters); ++i) {
      PyObject* parameter = PyList_GET_ITEM(parameters, i);
      const Object gradient = owned(is_tensor(parameter) ? wrap(unwrap(parameter).grad())
                                                         : PyObject_GetAttrString(parameter, "grad"));
      if (gradient.get() != Py_None) check_status(PyList_Append(found.get(), gradient.get()));
    }
    return found.release();
  });
}

PyObject* total_norm(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    expect(count == 3, "total_norm() takes a list of tensors, the order, and whether foreach is on");
    const TensorList tensors = tensors_in(args[0]);
    const double p = PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred()) throw PythonError();
    if (std::isinf(p) && p > 0 && args[2] != Py_False)
      for (const Tensor& tensor : tensors)
        TG_CHECK(
            tensor.numel() != 0, Runtime,
            "_foreach_norm cannot compute the infinity norm on an empty tensor because the operation does "
            "not have an identity");
    Tensor norm;
    {
      ReleaseGil release(elements(tensors) >= kReleaseGilFrom);
      norm = optim::total_norm(tensors, p);
    }
    return wrap(norm);
  });
}

PyObject* scale(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    expect(count == 2 && is_tensor(args[1]), "scale() takes a list of tensors and a tensor");
    const TensorList tensors = tensors_in(args[0]);
    const Tensor factor = unwrap(args[1]);
    {
      ReleaseGil release(elements(tensors) >= kReleaseGilFrom);
      optim::scale_all(tensors, factor);
    }
    return Py_NewRef(Py_None);
  });
}

PyObject* clamp(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    expect(count == 2, "clamp() takes a list of tensors and a limit");
    const TensorList tensors = tensors_in(args[0]);
    const double limit = PyFloat_AsDouble(args[1]);
    if (PyErr_Occurred()) throw PythonError();
    {
      ReleaseGil release(elements(tensors) >= kReleaseGilFrom);
      optim::clamp_all(tensors, limit);
    }
    return Py_NewRef(Py_None);
  });
}

}  // namespace

PyMethodDef* gradient_functions() {
  static const auto fast = [](PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
  };
  static PyMethodDef functions[] = {
      {"gradients", gradients, METH_O, "gradients(parameters): those that are there."},
      {"total_norm", fast(total_norm), METH_FASTCALL,
       "total_norm(tensors, p, foreach): the norm of all together."},
      {"scale", fast(scale), METH_FASTCALL, "scale(tensors, factor): each times the factor, in place."},
      {"clamp", fast(clamp), METH_FASTCALL,
       "clamp(tensors, limit): each between -limit and limit, in place."},
      {nullptr, nullptr, 0, nullptr}};
  return functions;
}

}  // namespace tensorgrad::python
