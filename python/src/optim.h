#pragma once
#include <Python.h>

namespace tensorgrad::python {

// Adds the module `_optim`: sgd(group, state), adam(group, state), zero_grad(parameters).
void add_optimizers(PyObject* module);

}  // namespace tensorgrad::python
