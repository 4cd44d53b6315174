#pragma once
#include <Python.h>

// Adds the type ModuleBase to the extension module; a failure leaves a Python error set.
void add_module_base(PyObject* m);
