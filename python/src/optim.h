#pragma once
#include <Python.h>

namespace tensorgrad::python {

// Adds the module `_optim`: a function (group, state) for each optimizer, and those over lists of gradients.
void add_optimizers(PyObject* module);

PyMethodDef* adaptive_functions();
PyMethodDef* gradient_functions();

}  // namespace tensorgrad::python
