// Hooks on tensors, written in Python.
#pragma once
#include "common.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad::python {

// What a hook returned in place of a gradient, if it has that one's shape and type.
Tensor checked_replacement(PyObject* hook, PyObject* result, const Tensor& gradient);
// A hook's name, for texts.
std::string hook_name(PyObject* hook);

void add_hooks(PyObject* module);

}  // namespace tensorgrad::python
