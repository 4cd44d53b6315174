#include "autograd.h"

#include <cstring>

#include "scalars.h"
#include "tensor_methods.h"
#include "tensor_object.h"
#include "tensorgrad/autograd/engine.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/gradient_edge.h"
#include "types.h"

namespace tensorgrad::python {
PyTypeObject* node_type = nullptr;

namespace {

Node& node_of(PyObject* self) {
  const NodePtr& node = reinterpret_cast<NodeObject*>(self)->node;
  TG_CHECK(node, Runtime, "this function took no part in a graph: none of its inputs required gradients");
  return *node;
}

void node_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  NodeObject* object = reinterpret_cast<NodeObject*>(self);
  if (object->node) object->node->python = nullptr;
  object->node.~NodePtr();
  type->tp_free(self);
  Py_DECREF(type);
}
PyObject* node_name(PyObject* self, PyObject*) {
  return guarded([&] { return PyUnicode_FromString(node_of(self).name()); });
}
PyObject* node_repr(PyObject* self) {
  return PyUnicode_FromFormat("<%s object at %p>", Py_TYPE(self)->tp_name + sizeof("tensorgrad"), self);
}
PyObject* node_next(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    Node& node = node_of(self);
    Object tuple = owned(PyTuple_New(Py_ssize_t(node.next.size())));
    for (size_t i = 0; i < node.next.size(); i++)
      PyTuple_SET_ITEM(tuple.get(), Py_ssize_t(i),
                       checked(Py_BuildValue("(NI)", wrap_node(node.next[i].node), node.next[i].index)));
    return tuple.release();
  });
}
PyObject* node_variable(PyObject* self, void*) {
  return guarded([&] {
    const Tensor variable = node_of(self).variable();
    TG_CHECK(variable.defined(), Attribute, "'", node_of(self).name(),
             "' object has no attribute 'variable'");
    return wrap(variable);
  });
}
PyObject* node_sequence(PyObject* self, PyObject*) {
  return guarded([&] { return PyLong_FromUnsignedLongLong(node_of(self).sequence); });
}

PyGetSetDef node_getset[] = {
    {"next_functions", node_next, nullptr,
     "For each input the node that its gradient goes to, and of which output.", nullptr},
    {"variable", node_variable, nullptr, "Of an AccumulateGrad node: the leaf that it adds to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef node_methods[] = {{"name", node_name, METH_NOARGS, "The op's name: MulBackward0."},
                              {"_sequence_nr", node_sequence, METH_NOARGS, nullptr},
                              {nullptr, nullptr, 0, nullptr}};

// A class per node name, so that type(grad_fn).__name__ is AddBackward0.
PyTypeObject* type_for(const char* name) {
  static PyObject* types = PyDict_New();
  if (PyObject* found = PyDict_GetItemString(types, name)) return reinterpret_cast<PyTypeObject*>(found);
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)}, {0, nullptr}};
  const std::string full = std::string("tensorgrad.") + name;
  PyType_Spec spec = {strdup(full.c_str()), sizeof(NodeObject), 0, Py_TPFLAGS_DEFAULT, slots};
  Object bases = owned(PyTuple_Pack(1, node_type));
  Object type = owned(PyType_FromSpecWithBases(&spec, bases.get()));
  check_status(
      PyObject_SetAttrString(type.get(), "__module__", owned(PyUnicode_FromString("tensorgrad")).get()));
  check_status(PyDict_SetItemString(types, name, type.get()));
  return reinterpret_cast<PyTypeObject*>(type.get());
}

// How PyTorch names the type of a refused gradient.
const char* c_name(DType dtype) {
  switch (dtype) {
    case DType::Float16: return "c10::Half";
    case DType::BFloat16: return "c10::BFloat16";
    case DType::Float32: return "float";
    case DType::Float64: return "double";
    case DType::UInt8: return "unsigned char";
    case DType::Int8: return "signed char";
    case DType::Int16: return "short int";
    case DType::Int32: return "int";
    case DType::Int64: return "long int";
    case DType::Bool: break;
  }
  return "bool";
}

PyObject* get_requires_grad(PyObject* self, void*) { return PyBool_FromLong(unwrap(self).requires_grad()); }
int set_requires_grad(PyObject* self, PyObject* value, void*) {
  if (!value || !PyBool_Check(value)) {
    PyErr_SetString(PyExc_RuntimeError, "requires_grad must be a bool");
    return -1;
  }
  return guarded(
      [&] {
        const Tensor& t = unwrap(self);
        TG_CHECK(value == Py_False || is_floating(t.dtype()), Runtime,
                 "only Tensors of floating point and complex dtype can require gradients");
        t.set_requires_grad(value == Py_True);
        return 0;
      },
      -1);
}
PyObject* get_is_leaf(PyObject* self, void*) {
  return guarded([&] {
    grad_fn_of(unwrap(self));  // a stale view raises here
    return PyBool_FromLong(unwrap(self).is_leaf());
  });
}
PyObject* get_grad(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& t = unwrap(self);
    const AutogradMeta* meta = t.impl()->meta.get();
    if (t.impl()->grad_fn && !(meta && (meta->retains_grad || meta->grad.defined())))
      check_status(PyErr_WarnEx(
          PyExc_UserWarning,
          "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
          "won't "
          "be populated during autograd.backward(). If you indeed want the .grad field to be populated for a "
          "non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
          "mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 "
          "for "
          "more information.",
          1));
    return wrap(t.grad());
  });
}
int set_grad(PyObject* self, PyObject* value, void*) {
  return guarded(
      [&] {
        const Tensor& t = unwrap(self);
        if (!value || value == Py_None) {
          t.set_grad({});
          return 0;
        }
        TG_CHECK(is_tensor(value), Type,
                 "assigned grad expected to be a Tensor or None but got grad of type ",
                 Py_TYPE(value)->tp_name);
        const Tensor& g = unwrap(value);
        TG_CHECK(!g.is_same(t), Runtime, "can't assign Variable as its own grad");
        TG_CHECK(
            g.dtype() == t.dtype(), Runtime, "attempting to assign a gradient with dtype '",
            c_name(g.dtype()), "' to a tensor with grad_dtype '", dtype_scalar_name(t.dtype()),
            "'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can "
            "set "
            "the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
            "grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream "
            "systems that assume they match.");
        TG_CHECK(g.device() == t.device(), Runtime, "attempting to assign a gradient with device type '",
                 device_type_name(g.device().type), "' to a tensor with device type '",
                 device_type_name(t.device().type),
                 "'. "
                 "Please ensure that the gradient and the tensor are on the same device");
        TG_CHECK(g.sizes() == t.sizes(), Runtime, "attempting to assign a gradient of size '", g.sizes(),
                 "' to a tensor of size '", t.sizes(),
                 "'. Please ensure that the gradient and the tensor are the same size");
        t.set_grad(g);
        return 0;
      },
      -1);
}
PyObject* get_grad_fn(PyObject* self, void*) {
  return guarded([&] { return wrap_node(grad_fn_of(unwrap(self))); });
}
PyObject* get_data(PyObject* self, void*) {
  return guarded([&] {
    Tensor data = unwrap(self).alias();
    data.impl()->own_version = Ref<VersionCounter>(new VersionCounter);
    return wrap(std::move(data));
  });
}
int set_data(PyObject* self, PyObject* value, void*) {
  return guarded(
      [&] {
        TG_CHECK(value, Runtime, "Deleting tensor data is not allowed. Delete tensor instead!");
        TG_CHECK(is_tensor(value), Type, "Variable data has to be a tensor, but got ",
                 value ? Py_TYPE(value)->tp_name : "None");
        TG_CHECK(!unwrap(self).requires_grad() || is_floating(unwrap(value).dtype()), Runtime,
                 "data set to a tensor that requires gradients must be floating point or complex dtype");
        unwrap(self).set_data(unwrap(value));
        return 0;
      },
      -1);
}

PyObject* get_base(PyObject* self, void*);

PyGetSetDef tensor_getset[] = {
    {"_base", get_base, nullptr, "The tensor that this one is a view of.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad, "Whether gradients are recorded for this tensor.",
     nullptr},
    {"is_leaf", get_is_leaf, nullptr, "Whether no recorded op made this tensor.", nullptr},
    {"grad", get_grad, set_grad, "The gradient that backward() accumulated.", nullptr},
    {"_grad", get_grad, set_grad, nullptr, nullptr},
    {"grad_fn", get_grad_fn, nullptr, "The graph node that made this tensor.", nullptr},
    {"_grad_fn", get_grad_fn, nullptr, nullptr, nullptr},
    {"data", get_data, set_data, "The same memory without history.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* requires_grad_(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"requires_grad", nullptr};
  int value = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p", const_cast<char**>(names), &value)) return nullptr;
  return guarded([&] {
    unwrap(self).set_requires_grad(value);
    return Py_NewRef(self);
  });
}
PyObject* is_view(PyObject* self, PyObject*) { return PyBool_FromLong(unwrap(self).view_info() != nullptr); }
PyObject* get_base(PyObject* self, void*) {
  return guarded([&] {
    const ViewInfo* info = unwrap(self).view_info();
    return wrap(info ? info->base : Tensor());
  });
}
PyObject* detach(PyObject* self, PyObject*) {
  return guarded([&] { return wrap(tensorgrad::detach(unwrap(self))); });
}
PyObject* detach_(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(self);
    TG_CHECK(!t.view_info(), Runtime,
             "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel "
             "(DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP "
             "buckets, and hence detach_() cannot be called on these gradients. To fix this error, please "
             "refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.");
    t.impl()->grad_fn.reset();
    t.impl()->output_nr = 0;
    t.impl()->requires_grad = false;
    return Py_NewRef(self);
  });
}
PyObject* clone_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"memory_format", nullptr};
  PyObject* format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O", const_cast<char**>(names), &format)) return nullptr;
  return guarded([&] { return wrap(clone(unwrap(self))); });
}

PyObject* backward_method(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names);

PyMethodDef tensor_autograd_methods[] = {
    {"requires_grad_", with_keywords(requires_grad_), METH_VARARGS | METH_KEYWORDS,
     "Sets requires_grad; returns self."},
    {"backward", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(backward_method)),
     METH_FASTCALL | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)\n\nAccumulates the "
     "gradient of this tensor into "
     "the leaves it depends on; see autograd.backward()."},
    {"_is_view", is_view, METH_NOARGS, nullptr},
    {"detach", detach, METH_NOARGS, "The same memory without history, sharing the version counter."},
    {"detach_", detach_, METH_NOARGS, "Takes this tensor out of the graph."},
    {"clone", with_keywords(clone_method), METH_VARARGS | METH_KEYWORDS, "A copy. Backward: u."},
    {nullptr, nullptr, 0, nullptr}};

// Lets go of Python's lock for runs that are long enough to be worth it.
class LargeRunReleasesGil {
 public:
  explicit LargeRunReleasesGil(BackwardOptions& options) {
    options.context = this;
    options.before_run = [](void* self, int64_t elements) {
      if (elements >= kReleaseGilFrom) static_cast<LargeRunReleasesGil*>(self)->state_ = PyEval_SaveThread();
    };
  }
  ~LargeRunReleasesGil() {
    if (state_) PyEval_RestoreThread(state_);
  }
  LargeRunReleasesGil(const LargeRunReleasesGil&) = delete;

 private:
  PyThreadState* state_ = nullptr;
};

TensorList tensors_from(PyObject* sequence, bool nullable) {
  TensorList list;
  Object fast = owned(PySequence_Fast(sequence, "expected a sequence of tensors"));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); i++) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    if (item == Py_None && nullable) {
      list.push_back(Tensor());
      continue;
    }
    TG_CHECK(is_tensor(item), Type, "expected Tensor as element ", i, ", but got ", Py_TYPE(item)->tp_name);
    list.push_back(unwrap(item));
  }
  return list;
}

// Tensors, and GradientEdges: tuples of a node and the number of one of its outputs.
struct Ends {
  TensorList tensors;  // undefined where an edge was given
  SmallVector<Edge, 3> edges;
  Ends(PyObject* sequence) {
    Object fast = owned(PySequence_Fast(sequence, "expected a sequence of tensors"));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); i++) {
      PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
      if (PyTuple_Check(item) && PyTuple_GET_SIZE(item) >= 2) {
        const long output = PyLong_AsLong(PyTuple_GET_ITEM(item, 1));
        if (output == -1 && PyErr_Occurred()) throw PythonError();
        edges.push_back({unwrap_node(PyTuple_GET_ITEM(item, 0)), uint32_t(output)});
        TG_CHECK(output >= 0 && size_t(output) < edges.back().node->outputs.size(), Index,
                 "the node has no output ", output);
        tensors.push_back(Tensor());
        continue;
      }
      TG_CHECK(is_tensor(item), Type, "expected Tensor as element ", i, ", but got ", Py_TYPE(item)->tp_name);
      tensors.push_back(unwrap(item));
      edges.push_back(gradient_edge(unwrap(item)));
    }
  }
};

// _run_backward(tensors, gradients, retain_graph, create_graph, inputs, allow_unreachable, accumulate):
// arguments were checked in Python; None gradients mean one for scalars.
PyObject* run_backward_py(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    TG_CHECK(count == 7, Type, "_run_backward takes 7 arguments");
    const Ends outputs(args[0]);
    TensorList gradients = tensors_from(args[1], true);
    BackwardOptions options{args[2] == Py_True, args[3] == Py_True, args[6] == Py_True};
    const Ends inputs(args[4]);
    const bool allow_unreachable = args[5] == Py_True;
    const SmallVector<Edge, 3>&roots = outputs.edges, &leaves = inputs.edges;
    for (size_t i = 0; i < roots.size(); i++) {
      TG_CHECK(roots[i].node, Runtime, "element ", i,
               " of tensors does not require grad and does not have a grad_fn");
      if (!gradients[i].defined()) {
        const OutputMeta& meta = roots[i].node->outputs[roots[i].index];
        TG_CHECK(count_elements(meta.sizes) == 1, Runtime,
                 "grad can be implicitly created only for scalar outputs");
        gradients[i] = full(meta.sizes, 1, meta.dtype, meta.device);
      }
    }
    for (size_t i = 0; i < leaves.size(); i++)
      TG_CHECK(leaves[i].node, Runtime, "One of the differentiated Tensors does not require grad");
    TensorList found;
    {
      LargeRunReleasesGil gil(options);
      if (options.accumulate && !leaves.empty()) {
        // backward(inputs=...): the inputs' gradients, then added into their .grad
        BackwardOptions quiet = options;
        quiet.accumulate = false;
        found = run_backward(roots, std::move(gradients), quiet, leaves);
      } else {
        found = run_backward(roots, std::move(gradients), options, leaves);
      }
    }
    Object result = owned(PyTuple_New(Py_ssize_t(found.size())));
    for (size_t i = 0; i < found.size(); i++) {
      TG_CHECK(allow_unreachable || found[i].defined(), Runtime, "The differentiated Tensor at index ", i,
               " appears to not have been used in the graph. Set allow_unused=True if this is the desired "
               "behavior.");
      PyTuple_SET_ITEM(result.get(), Py_ssize_t(i), checked(wrap(found[i])));
    }
    return result.release();
  });
}

// tensor.backward() without arguments runs here; with any, in Python.
PyObject* backward_method(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    if (count > 0 || names) {
      static PyObject* full = checked(PyObject_GetAttrString(
          owned(PyImport_ImportModule("tensorgrad.autograd")).get(), "_tensor_backward"));
      std::vector<PyObject*> all{self};
      all.insert(all.end(), args, args + count + (names ? PyTuple_GET_SIZE(names) : 0));
      return checked(PyObject_Vectorcall(full, all.data(), size_t(count) + 1, names));
    }
    const Tensor& t = unwrap(self);
    SmallVector<Edge, 3> roots{gradient_edge(t)};
    TG_CHECK(roots[0].node, Runtime,
             "element 0 of tensors does not require grad and does not have a grad_fn");
    TG_CHECK(t.numel() == 1, Runtime, "grad can be implicitly created only for scalar outputs");
    TensorList gradients{full(t.sizes(), 1, t.dtype(), t.device())};
    BackwardOptions options;
    LargeRunReleasesGil gil(options);
    run_backward(roots, std::move(gradients), options);
    return Py_NewRef(Py_None);
  });
}

PyObject* is_grad_enabled(PyObject*, PyObject*) { return PyBool_FromLong(autograd_state.grad); }
PyObject* set_grad_mode(PyObject*, PyObject* value) {
  autograd_state.grad = PyObject_IsTrue(value) == 1;
  Py_RETURN_NONE;
}
PyObject* is_inference_mode(PyObject*, PyObject*) { return PyBool_FromLong(autograd_state.inference); }
PyObject* set_inference_mode(PyObject*, PyObject* value) {
  autograd_state.inference = PyObject_IsTrue(value) == 1;
  Py_RETURN_NONE;
}

PyObject* backward_id(PyObject*, PyObject*) { return PyLong_FromLongLong(current_backward_id()); }
PyObject* will_run(PyObject*, PyObject* node) {
  return guarded([&] { return PyBool_FromLong(backward_will_run(unwrap_node(node).get())); });
}
PyObject* is_checkpoint_valid(PyObject*, PyObject*) { return PyBool_FromLong(backward_runs_everything()); }
// _gradient_node(tensor): its grad_fn, or the accumulator of a leaf.
PyObject* gradient_node(PyObject*, PyObject* tensor) {
  return guarded([&] {
    TG_CHECK(is_tensor(tensor), Type, "expected a Tensor, but got ", Py_TYPE(tensor)->tp_name);
    return wrap_node(gradient_edge(unwrap(tensor)).node);
  });
}
PyObject* running_node(PyObject*, PyObject*) {
  return guarded([&] { return wrap_node(NodePtr(RunningNode::current())); });
}
PyObject* increment_version(PyObject*, PyObject* tensor) {
  return guarded([&]() -> PyObject* {
    TG_CHECK(is_tensor(tensor), Type, "expected a Tensor, but got ", Py_TYPE(tensor)->tp_name);
    unwrap(tensor).bump_version();
    Py_RETURN_NONE;
  });
}

PyMethodDef module_methods[] = {
    {"_current_graph_task_id", backward_id, METH_NOARGS, nullptr},
    {"_will_engine_execute_node", will_run, METH_O, nullptr},
    {"_is_checkpoint_valid", is_checkpoint_valid, METH_NOARGS, nullptr},
    {"_gradient_node", gradient_node, METH_O, nullptr},
    {"_current_autograd_node", running_node, METH_NOARGS, nullptr},
    {"_increment_version", increment_version, METH_O, nullptr},
    {"_run_backward", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(run_backward_py)), METH_FASTCALL,
     nullptr},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS, "Whether ops record a graph on this thread."},
    {"_set_grad_enabled", set_grad_mode, METH_O, nullptr},
    {"is_inference_mode_enabled", is_inference_mode, METH_NOARGS,
     "Whether this thread is in inference mode."},
    {"_set_inference_mode", set_inference_mode, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* wrap_node(const NodePtr& node) {
  if (!node) Py_RETURN_NONE;
  if (node->python) {
    PyObject* object = static_cast<PyObject*>(node->python);
    if (!node->owns_python) return Py_NewRef(object);
    node->owns_python = false;  // the object holds its node again, and the caller the object
    reinterpret_cast<NodeObject*>(object)->node = node;
    return object;
  }
  const char* colon = std::strrchr(node->name(), ':');
  PyTypeObject* type = type_for(colon ? colon + 1 : node->name());
  NodeObject* self = reinterpret_cast<NodeObject*>(checked(type->tp_alloc(type, 0)));
  new (&self->node) NodePtr(node);
  node->python = self;
  return reinterpret_cast<PyObject*>(self);
}

NodePtr unwrap_node(PyObject* object) {
  TG_CHECK(PyObject_TypeCheck(object, node_type), Type, "expected a graph node, but got ",
           Py_TYPE(object)->tp_name);
  return NodePtr(&node_of(object));
}

void add_autograd(PyObject* module) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
      {Py_tp_repr, reinterpret_cast<void*>(node_repr)},
      {Py_tp_doc, const_cast<char*>("A node of the graph that backward() walks: a tensor's grad_fn.")},
      {Py_tp_getset, node_getset},
      {Py_tp_methods, node_methods},
      {0, nullptr}};
  PyType_Spec spec = {"tensorgrad._C._Node", sizeof(NodeObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                      slots};
  node_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
  check_status(PyModule_AddObjectRef(module, "_Node", reinterpret_cast<PyObject*>(node_type)));
  check_status(PyModule_AddFunctions(module, module_methods));
  extend_tensor_type(tensor_getset, tensor_autograd_methods);
}

}  // namespace tensorgrad::python
