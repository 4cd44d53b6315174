// tensorgrad.Generator: a stream of random numbers as a Python object.
#pragma once
#include "common.h"

namespace tensorgrad::python {

// Adds the type and `default_generator`.
void add_generator(PyObject* module);

}  // namespace tensorgrad::python
