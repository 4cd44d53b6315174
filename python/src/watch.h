#pragma once
#include <Python.h>

namespace tensorgrad::python {

// Adds _watch_begin, _watch_scope, _watch_end and _node_outputs, which tensorgrad.viz draws from, and
// _multiply_adds.
void add_watch(PyObject* module);

}  // namespace tensorgrad::python
