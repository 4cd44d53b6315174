// Graph nodes, backward and grad modes as Python sees them.
#pragma once
#include "common.h"
#include "tensorgrad/tensor/node.h"

namespace tensorgrad::python {

struct NodeObject {
  PyObject_HEAD NodePtr node;
};
extern PyTypeObject* node_type;

PyObject* wrap_node(const NodePtr& node);  // None where there is none
NodePtr unwrap_node(PyObject* object);
void add_autograd(PyObject* module);
}  // namespace tensorgrad::python
