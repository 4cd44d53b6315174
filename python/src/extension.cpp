// tensorgrad._C: the engine as Python sees it.
#include "autograd.h"
#include "casts.h"
#include "common.h"
#include "construct.h"
#include "custom_function.h"
#include "generator.h"
#include "hooks.h"
#include "interop.h"
#include "module.h"
#include "node_hooks.h"
#include "op_function.h"
#include "optim.h"
#include "saved_hooks.h"
#include "storage.h"
#include "tensor_methods.h"
#include "tensor_object.h"
#include "types.h"
#include "watch.h"

namespace {

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "tensorgrad._C", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__C() {
  using namespace tensorgrad::python;
  return guarded([&]() -> PyObject* {
    Object module = owned(PyModule_Create(&definition));
    add_types(module.get());
    add_tensor_type(module.get());
    add_ops(module.get());
    add_tensor_methods(module.get());
    add_casts(module.get());
    add_construct(module.get());
    add_interop(module.get());
    add_storage(module.get());
    add_generator(module.get());
    add_autograd(module.get());
    add_custom_function(module.get());
    add_node_hooks(module.get());
    add_hooks(module.get());
    add_saved_hooks(module.get());
    add_anomaly(module.get());
    add_module_base(module.get());
    add_optimizers(module.get());
    add_watch(module.get());
    return module.release();
  });
}
