// Saved-tensor hooks and anomaly mode: what Python does while forward records and when backward fails.
#pragma once
#include "common.h"

namespace tensorgrad::python {

void add_saved_hooks(PyObject* module);
void add_anomaly(PyObject* module);

}  // namespace tensorgrad::python
