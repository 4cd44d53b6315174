#include "custom_function.h"

#include <structmember.h>

#include "autograd.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/gradient_edge.h"
#include "tensorgrad/tensor/saved.h"

namespace tensorgrad::python {
namespace {

// What forward and backward see as `ctx`, and the Python object of the node (which is null where nothing
// required a gradient). With the last reference from Python gone, it lives on for as long as the node does:
// then the node owns it, and `object.node` is null.
struct FunctionObject {
  NodeObject object;
  PyObject* to_save;
  PyObject* dirty;
  PyObject* non_differentiable;
  PyObject* needs_input_grad;
  PyObject* dict;
  PyObject* weakrefs;
  bool materialize_grads;
};
PyTypeObject* function_type = nullptr;
PyObject *backward_class_name, *forward_class_name, *setup_context_name, *forward_name, *backward_name,
    *vjp_name;

class FunctionNode final : public Node {
 public:
  explicit FunctionNode(FunctionObject* ctx) : Node(Py_TYPE(ctx)->tp_name), ctx_(ctx) {
    python = ctx;
    ctx->object.node = NodePtr(this);
  }
  ~FunctionNode() override {
    if (!owns_python || !Py_IsInitialized()) return;
    AcquireGil gil;
    Py_DECREF(ctx_);
  }

  TensorList apply(TensorList&& u) override;
  void release_saved() override {
    saved_.clear();
    freed_ = true;
  }

  PyObject* saved_tensors() {
    TG_CHECK(!freed_, Runtime, kBackwardTwice);
    const GradModeGuard with_history(true);
    Object tuple = owned(PyTuple_New(Py_ssize_t(saved_.size())));
    for (size_t i = 0; i < saved_.size(); i++)
      PyTuple_SET_ITEM(tuple.get(), Py_ssize_t(i), checked(wrap(saved_[i].unpack(*this))));
    return tuple.release();
  }
  void save(PyObject* tensors, const TensorList& outputs) {
    if (!tensors || tensors == Py_None) return;
    TG_CHECK(PyTuple_Check(tensors), Type, "saved variables attribute is expected to be a tuple, but is ",
             Py_TYPE(tensors)->tp_name);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tensors); i++) {
      PyObject* item = PyTuple_GET_ITEM(tensors, i);
      TG_CHECK(item == Py_None || is_tensor(item), Type,
               "save_for_backward can only save variables, but argument ", i, " is of type ",
               Py_TYPE(item)->tp_name);
      const Tensor t = item == Py_None ? Tensor() : unwrap(item);
      saved_.emplace_back(t, outputs.data(), outputs.size());
    }
  }
  // Outputs that are no tensors have a place among the gradients too.
  void add_other_output() {
    outputs.push_back({{}, DType::Float32, {}});
    is_tensor_output.push_back(false);
  }

  SmallVector<char, 8> is_tensor_input, is_tensor_output;

 private:
  Object call_backward(PyObject* ctx, TensorList& u);

  FunctionObject* ctx_;
  std::vector<Saved> saved_;
  bool freed_ = false;
};

Object FunctionNode::call_backward(PyObject* ctx, TensorList& u) {
  Object cls = owned(PyObject_GetAttr(ctx, forward_class_name));
  Object function = owned(PyObject_GetAttr(cls.get(), backward_name));
  Object vjp = owned(PyObject_GetAttr(cls.get(), vjp_name));
  static PyObject* base =
      PyObject_GetAttrString(owned(PyImport_ImportModule("tensorgrad.autograd.function")).get(), "Function");
  static PyObject* base_backward = PyObject_GetAttr(base, backward_name);
  static PyObject* base_vjp = PyObject_GetAttr(base, vjp_name);
  if (vjp.get() != base_vjp) {
    TG_CHECK(function.get() == base_backward, Runtime,
             "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only "
             "implement one of them.");
    function = vjp;
  }
  std::vector<PyObject*> args{ctx};
  std::vector<Object> held;
  for (size_t i = 0; i < is_tensor_output.size(); i++) {
    if (is_tensor_output[i] && !u[i].defined() && ctx_->materialize_grads)
      u[i] = zeros(outputs[i].sizes, outputs[i].dtype, outputs[i].device);
    held.push_back(owned(is_tensor_output[i] ? wrap(u[i]) : Py_NewRef(Py_None)));
    args.push_back(held.back().get());
  }
  return owned(PyObject_Vectorcall(function.get(), args.data(), args.size(), nullptr));
}

TensorList FunctionNode::apply(TensorList&& u) {
  AcquireGil gil;
  Object ctx = owned(wrap_node(NodePtr(this)));
  Object result = call_backward(ctx.get(), u);
  u.clear();
  if (!PyTuple_Check(result.get())) result = owned(PyTuple_Pack(1, result.get()));
  const Py_ssize_t expected = Py_ssize_t(is_tensor_input.size());
  Py_ssize_t got = PyTuple_GET_SIZE(result.get());
  // More gradients than inputs are no mistake if they are None.
  while (got > expected && PyTuple_GET_ITEM(result.get(), got - 1) == Py_None) got--;
  TG_CHECK(got == expected, Runtime, "function ", name(),
           " returned an incorrect number of gradients (expected ", expected, ", got ", got, ")");
  TensorList gradients;
  for (Py_ssize_t i = 0; i < expected; i++) {
    PyObject* item = PyTuple_GET_ITEM(result.get(), i);
    if (!is_tensor_input[size_t(i)]) {
      TG_CHECK(item == Py_None, Runtime, "function ", name(),
               " returned a gradient different than None at position ", i + 1,
               ", but the corresponding forward input was not a Variable");
      continue;
    }
    TG_CHECK(item == Py_None || is_tensor(item), Runtime, "expected Variable or None (got ",
             Py_TYPE(item)->tp_name, ")");
    gradients.push_back(item == Py_None ? Tensor() : unwrap(item));
  }
  return gradients;
}

FunctionNode* node_behind(FunctionObject* ctx) { return static_cast<FunctionNode*>(ctx->object.node.get()); }

bool holds(PyObject* tuple, PyObject* item) {
  if (!tuple) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
    if (PyTuple_GET_ITEM(tuple, i) == item) return true;
  return false;
}

// One call of a custom function, from the inputs to the wrapped outputs.
class Call {
 public:
  Call(FunctionObject* ctx, PyObject* const* args, Py_ssize_t count) : ctx_(ctx), args_(args), count_(count) {
    Object needs = owned(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; i++) {
      const bool wanted = is_tensor(args[i]) && unwrap(args[i]).requires_grad();
      recorded_ |= wanted;
      PyTuple_SET_ITEM(needs.get(), i, Py_NewRef(wanted ? Py_True : Py_False));
    }
    ctx->needs_input_grad = needs.release();
    recorded_ &= grad_enabled();
    if (!recorded_) return;
    node_ = NodePtr(new FunctionNode(ctx));
    for (Py_ssize_t i = 0; i < count; i++) {
      node().is_tensor_input.push_back(is_tensor(args[i]));
      if (is_tensor(args[i])) node_->add_edge(gradient_edge(unwrap(args[i])));
    }
  }

  // The outputs with their place in the graph: a tuple, or its only item.
  PyObject* finish(Object result) {
    const bool many = PyTuple_Check(result.get());
    if (!many) result = owned(PyTuple_Pack(1, result.get()));
    const Py_ssize_t count = PyTuple_GET_SIZE(result.get());
    check_marks(result.get());
    int differentiable = 0;
    for (Py_ssize_t i = 0; i < count; i++)
      differentiable += carries_gradient(PyTuple_GET_ITEM(result.get(), i));
    Object wrapped = owned(PyTuple_New(count));
    TensorList outputs;
    for (Py_ssize_t i = 0; i < count; i++) {
      PyObject* item = PyTuple_GET_ITEM(result.get(), i);
      if (is_tensor(item)) {
        outputs.push_back(output(item, differentiable, count));
        PyTuple_SET_ITEM(wrapped.get(), i, checked(wrap(outputs.back())));
        watch(PyTuple_GET_ITEM(wrapped.get(), i));
      } else {
        if (recorded_) node().add_other_output();
        PyTuple_SET_ITEM(wrapped.get(), i, Py_NewRef(item));
      }
    }
    if (recorded_) node().save(ctx_->to_save, outputs);
    for (PyObject** marks : {&ctx_->to_save, &ctx_->dirty, &ctx_->non_differentiable}) Py_CLEAR(*marks);
    return many ? wrapped.release() : Py_NewRef(PyTuple_GET_ITEM(wrapped.get(), 0));
  }

 private:
  FunctionNode& node() { return static_cast<FunctionNode&>(*node_); }
  bool is_input(PyObject* item) const {
    for (Py_ssize_t i = 0; i < count_; i++)
      if (args_[i] == item) return true;
    return false;
  }
  bool comes_from_outside(const Tensor& t) const {
    return t.requires_grad() && !(t.impl()->grad_fn == node_);
  }
  bool carries_gradient(PyObject* item) const {
    return recorded_ && is_tensor(item) && is_floating(unwrap(item).dtype()) &&
           !holds(ctx_->non_differentiable, item);
  }

  void check_marks(PyObject* result) {
    for (PyObject* marks : {ctx_->dirty, ctx_->non_differentiable})
      TG_CHECK(!marks || PyTuple_Check(marks), Type,
               "marks of a custom function are tuples of tensors, but got ", Py_TYPE(marks)->tp_name);
    if (PyObject* dirty = ctx_->dirty)
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(dirty); i++) {
        PyObject* item = PyTuple_GET_ITEM(dirty, i);
        TG_CHECK(is_tensor(item), Runtime, "mark_dirty can only accept variables, but argument ");
        TG_CHECK(holds(result, item), Runtime,
                 "Some elements marked as dirty during the forward method were not returned as output. The "
                 "inputs that are modified inplace must all be outputs of the Function.");
      }
    if (PyObject* marked = ctx_->non_differentiable)
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(marked); i++)
        TG_CHECK(is_tensor(PyTuple_GET_ITEM(marked, i)), Type,
                 "mark_non_differentiable only accepts variable arguments, but got ",
                 Py_TYPE(PyTuple_GET_ITEM(marked, i))->tp_name);
  }

  Tensor output(PyObject* item, int differentiable, Py_ssize_t count) {
    Tensor t = unwrap(item);
    const bool input = is_input(item), dirty = holds(ctx_->dirty, item), gradient = carries_gradient(item);
    if (recorded_) node().is_tensor_output.push_back(true);
    if (dirty) {
      if (!input)
        check_status(
            PyErr_WarnEx(PyExc_UserWarning,
                         "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors "
                         "that have been mutated should be passed to ctx.mark_dirty().",
                         1));
      t.bump_version();
      if (gradient) {
        rebase(t, count);
        return t;
      }
    } else if (gradient ? input || comes_from_outside(t) : input && !t.requires_grad()) {
      t = as_view(t);  // an input, or something from outside, keeps its own place in the graph
    }
    if (gradient) {
      if (ViewInfo* info = t.view_info())
        info->kind = differentiable > 1 ? ViewKind::MultiOutput : ViewKind::CustomFunction;
      set_history(t, node_);
    } else {
      if (recorded_) node_->add_output(t);
      if (t.requires_grad() && !dirty) t = t.alias();
    }
    return t;
  }

  void rebase(const Tensor& t, Py_ssize_t count) {
    const ViewInfo* info = t.view_info();
    TG_CHECK(!(info && info->base.requires_grad() && info->base.is_leaf()), Runtime,
             "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    TG_CHECK(!(t.is_leaf() && t.requires_grad()), Runtime,
             "a leaf Variable that requires grad has been used in an in-place operation.");
    TG_CHECK(
        !info || count == 1, Runtime,
        "If your Function modifies inplace an input that is a view of another Tensor, your Function cannot "
        "return more than one Tensor. This is not supported by the current autograd engine. You should "
        "either make sure the input is not a view (using .clone() for example) or make your Function only "
        "return one Tensor (potentially splitting it into two Functions: one doing the inplace that "
        "returns a single Tensor and a second one that does the other operations). You can ask on the "
        "forum https://discuss.pytorch.org/ if you need help to do this change.");
    rebase_history(t, node_);
  }

  static Tensor as_view(const Tensor& t) {
    Tensor view = t.alias();
    NoGradGuard guard;
    link_view(view, t, "view_as", ViewKind::CustomFunction);
    return view;
  }
  // The collector must see a result that its own ctx may come to hold.
  void watch(PyObject* object) {
    if (recorded_ && !PyObject_GC_IsTracked(object)) PyObject_GC_Track(object);
  }

  FunctionObject* ctx_;
  PyObject* const* args_;
  Py_ssize_t count_;
  NodePtr node_;
  bool recorded_ = false;
};

FunctionObject* new_ctx(PyObject* cls) {
  Object type = owned(PyObject_GetAttr(cls, backward_class_name));
  TG_CHECK(PyType_Check(type.get()) &&
               PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type.get()), function_type),
           Type, "_backward_cls of a custom function is not a class of contexts");
  PyTypeObject* made = reinterpret_cast<PyTypeObject*>(type.get());
  return reinterpret_cast<FunctionObject*>(checked(made->tp_new(made, nullptr, nullptr)));
}

// Positional arguments alone, all that forward takes: there is nothing to bind.
bool fits(PyObject* forward, Py_ssize_t count) {
  if (!PyFunction_Check(forward)) return false;
  PyCodeObject* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(forward));
  return code->co_argcount == count && !code->co_kwonlyargcount &&
         !(code->co_flags & (CO_VARARGS | CO_VARKEYWORDS));
}

PyObject* apply(PyObject* cls, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  static PyObject* module = PyImport_ImportModule("tensorgrad.autograd.function");
  static PyObject* base = module ? PyObject_GetAttrString(module, "Function") : nullptr;
  static PyObject* base_setup = base ? PyObject_GetAttr(base, setup_context_name) : nullptr;
  if (!base_setup) return nullptr;
  return guarded([&]() -> PyObject* {
    Object setup = owned(PyObject_GetAttr(cls, setup_context_name));
    Object forward = owned(PyObject_GetAttr(cls, forward_name));
    const bool separate = setup.get() != base_setup;
    if (!separate && names && PyTuple_GET_SIZE(names)) {
      PyErr_Format(PyExc_TypeError, "forward() got an unexpected keyword argument '%U'",
                   PyTuple_GET_ITEM(names, 0));
      throw PythonError();
    }
    Object bound;
    if (separate && (names || !fits(forward.get(), count))) {
      // setup_context sees every argument by position, defaults included.
      std::vector<PyObject*> all{forward.get()};
      all.insert(all.end(), args, args + count + (names ? PyTuple_GET_SIZE(names) : 0));
      static PyObject* bind = checked(PyObject_GetAttrString(module, "_bind_default_args"));
      bound = owned(PyObject_Vectorcall(bind, all.data(), size_t(count) + 1, names));
      args = PySequence_Fast_ITEMS(bound.get());
      count = PyTuple_GET_SIZE(bound.get());
      names = nullptr;
    }
    FunctionObject* ctx = new_ctx(cls);
    Object held(reinterpret_cast<PyObject*>(ctx));
    Call call(ctx, args, count);
    Object result;
    {
      NoGradGuard guard;
      if (separate) {
        result = owned(PyObject_Vectorcall(forward.get(), args, size_t(count), nullptr));
        Object inputs = owned(PyTuple_New(count));
        for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(inputs.get(), i, Py_NewRef(args[i]));
        owned(PyObject_CallFunctionObjArgs(setup.get(), held.get(), inputs.get(), result.get(), nullptr));
      } else {
        SmallVector<PyObject*, 8> all;
        all.push_back(held.get());
        for (Py_ssize_t i = 0; i < count; i++) all.push_back(args[i]);
        result = owned(PyObject_Vectorcall(forward.get(), all.data(), size_t(count) + 1, nullptr));
      }
    }
    return call.finish(std::move(result));
  });
}

PyObject* function_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  new (&reinterpret_cast<FunctionObject*>(self)->object.node) NodePtr();
  reinterpret_cast<FunctionObject*>(self)->materialize_grads = true;
  return self;
}
int function_clear(PyObject* self) {
  FunctionObject* ctx = reinterpret_cast<FunctionObject*>(self);
  Py_CLEAR(ctx->to_save);
  Py_CLEAR(ctx->dirty);
  Py_CLEAR(ctx->non_differentiable);
  Py_CLEAR(ctx->needs_input_grad);
  Py_CLEAR(ctx->dict);
  return 0;
}
int function_traverse(PyObject* self, visitproc visit, void* arg) {
  FunctionObject* ctx = reinterpret_cast<FunctionObject*>(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(ctx->to_save);
  Py_VISIT(ctx->dirty);
  Py_VISIT(ctx->non_differentiable);
  Py_VISIT(ctx->needs_input_grad);
  Py_VISIT(ctx->dict);
  return 0;
}
void function_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  FunctionObject* ctx = reinterpret_cast<FunctionObject*>(self);
  if (NodePtr& node = ctx->object.node; node && !node->owns_python) {
    if (node.use_count() > 1) {  // the graph lives on, and backward will ask for its ctx
      Py_SET_REFCNT(self, 1);
      node->owns_python = true;
      node.reset();
      return;
    }
    node->python = nullptr;
  }
  if (PyObject_GC_IsTracked(self)) PyObject_GC_UnTrack(self);
  if (ctx->weakrefs) PyObject_ClearWeakRefs(self);
  function_clear(self);
  ctx->object.node.reset();
  type->tp_free(self);
  Py_DECREF(type);
}

// Classes written in Python must die the same way.
PyObject* init_subclass(PyObject* cls, PyObject*) {
  reinterpret_cast<PyTypeObject*>(cls)->tp_dealloc = function_dealloc;
  Py_RETURN_NONE;
}

PyObject* keep(PyObject** place, PyObject* args) {
  Py_XSETREF(*place, Py_NewRef(args));
  Py_RETURN_NONE;
}
FunctionObject* as_ctx(PyObject* self) { return reinterpret_cast<FunctionObject*>(self); }
PyObject* save_for_backward(PyObject* self, PyObject* args) { return keep(&as_ctx(self)->to_save, args); }
PyObject* mark_dirty(PyObject* self, PyObject* args) { return keep(&as_ctx(self)->dirty, args); }
PyObject* mark_non_differentiable(PyObject* self, PyObject* args) {
  return keep(&as_ctx(self)->non_differentiable, args);
}
PyObject* set_materialize_grads(PyObject* self, PyObject* value) {
  const int on = PyObject_IsTrue(value);
  if (on < 0) return nullptr;
  as_ctx(self)->materialize_grads = on;
  Py_RETURN_NONE;
}
PyObject* saved_tensors(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    FunctionNode* node = node_behind(as_ctx(self));
    return node ? node->saved_tensors() : PyTuple_New(0);
  });
}
PyObject* function_name(PyObject* self, PyObject*) { return PyUnicode_FromString(Py_TYPE(self)->tp_name); }

PyMethodDef methods[] = {
    {"apply", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(apply)),
     METH_CLASS | METH_FASTCALL | METH_KEYWORDS,
     "Runs forward and records one node, whose backward is the class's."},
    {"save_for_backward", save_for_backward, METH_VARARGS,
     "Keeps tensors (inputs, outputs or others; None too) for backward, which finds them in saved_tensors."},
    {"mark_dirty", mark_dirty, METH_VARARGS,
     "Names the inputs that forward wrote in place; they must be returned."},
    {"mark_non_differentiable", mark_non_differentiable, METH_VARARGS,
     "Names outputs that carry no gradient."},
    {"set_materialize_grads", set_materialize_grads, METH_O,
     "Whether backward gets zeros (the default) or None for outputs that did not matter."},
    {"__init_subclass__", init_subclass, METH_CLASS | METH_NOARGS, nullptr},
    {"name", function_name, METH_NOARGS, "The node's name: that of the class, and Backward."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {{"saved_tensors", saved_tensors, nullptr,
                         "The tensors of save_for_backward; checked for writes since.", nullptr},
                        {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(FunctionObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(FunctionObject, weakrefs), READONLY, nullptr},
    {"needs_input_grad", T_OBJECT, offsetof(FunctionObject, needs_input_grad), 0, nullptr},
    {"to_save", T_OBJECT, offsetof(FunctionObject, to_save), 0, nullptr},
    {"dirty_tensors", T_OBJECT, offsetof(FunctionObject, dirty), 0, nullptr},
    {"non_differentiable", T_OBJECT, offsetof(FunctionObject, non_differentiable), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

// Stands behind the results of a backward that cannot be differentiated again.
class DelayedError final : public Node {
 public:
  explicit DelayedError(std::string message) : Node("torch::autograd::Error"), message_(std::move(message)) {}
  TensorList apply(TensorList&&) override { fail(ErrorKind::Runtime, message_); }

 private:
  std::string message_;
};

// _delayed_error(message, tensors): the tensors, as results of a node that raises in backward.
PyObject* delayed_error(PyObject*, PyObject* args) {
  const char* message;
  PyObject* tensors;
  if (!PyArg_ParseTuple(args, "sO!", &message, &PyTuple_Type, &tensors)) return nullptr;
  return guarded([&]() -> PyObject* {
    const NodePtr node(new DelayedError(message));
    Object result = owned(PyTuple_New(PyTuple_GET_SIZE(tensors)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tensors); i++) {
      PyObject* item = PyTuple_GET_ITEM(tensors, i);
      if (is_tensor(item)) {
        Tensor t = unwrap(item).alias();
        set_history(t, node);
        PyTuple_SET_ITEM(result.get(), i, checked(wrap(std::move(t))));
      } else {
        PyTuple_SET_ITEM(result.get(), i, Py_NewRef(item));
      }
    }
    return result.release();
  });
}
PyMethodDef functions[] = {{"_delayed_error", delayed_error, METH_VARARGS, nullptr},
                           {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyObject* solely_owned_ctx(const Tensor& tensor) {
  if (!tensor.defined() || tensor.use_count() != 1 || !tensor.impl()->grad_fn) return nullptr;
  const NodePtr& node = tensor.impl()->grad_fn;
  if (node.use_count() != 1 || !node->python) return nullptr;
  PyObject* object = static_cast<PyObject*>(node->python);
  return PyObject_TypeCheck(object, function_type) ? object : nullptr;
}

void add_custom_function(PyObject* module) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(function_new)},
      {Py_tp_dealloc, reinterpret_cast<void*>(function_dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(function_traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(function_clear)},
      {Py_tp_repr, reinterpret_cast<void*>(PyBaseObject_Type.tp_repr)},
      {Py_tp_doc, const_cast<char*>("What forward and backward of a Function are given as ctx.")},
      {Py_tp_methods, methods},
      {Py_tp_getset, getset},
      {Py_tp_members, members},
      {0, nullptr}};
  PyType_Spec spec = {"tensorgrad._C._FunctionBase", sizeof(FunctionObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  Object bases = owned(PyTuple_Pack(1, node_type));
  function_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpecWithBases(&spec, bases.get())));
  check_status(PyModule_AddObjectRef(module, "_FunctionBase", reinterpret_cast<PyObject*>(function_type)));
  for (auto [place, text] : {std::pair(&backward_class_name, "_backward_cls"),
                             {&forward_class_name, "_forward_cls"},
                             {&setup_context_name, "setup_context"},
                             {&forward_name, "forward"},
                             {&backward_name, "backward"},
                             {&vjp_name, "vjp"}})
    *place = checked(PyUnicode_InternFromString(text));
  check_status(PyModule_AddFunctions(module, functions));
}

}  // namespace tensorgrad::python
