#pragma once
#include "common.h"

namespace tensorgrad::python {

// Adds _node_hook, _remove_node_hook and _identity: what a module's backward hooks are made of.
void add_node_hooks(PyObject* module);

}  // namespace tensorgrad::python
