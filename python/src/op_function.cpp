#include "op_function.h"

#include <structmember.h>

#include <algorithm>
#include <map>
#include <memory>

#include "arguments.h"
#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/gradient_edge.h"
#include "tensorgrad/ops/pointwise.h"
#include "types.h"

extern "C" {
extern const tensorgrad::OpRow* const __start_tensorgrad_ops[];
extern const tensorgrad::OpRow* const __stop_tensorgrad_ops[];
}

namespace tensorgrad::python {
namespace {

// All overloads of one name in one role.
struct OpFunction {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* name;
  PyObject* module;  // where Python finds the function under its name, so that it can be pickled
  std::vector<std::unique_ptr<Signature>>* signatures;
  bool method;
  bool in_place;
};
PyTypeObject* function_type = nullptr;
PyTypeObject* method_type = nullptr;

PyObject* to_python(const Signature& signature, Result& result) {
  switch (result.kind) {
    case ResultKind::None: Py_RETURN_NONE;
    case ResultKind::Tensor: return wrap(std::move(result.tensors[0]));
    case ResultKind::Tuple:
    case ResultKind::List: {
      const Py_ssize_t n = Py_ssize_t(result.tensors.size());
      const bool named = result.kind == ResultKind::Tuple && signature.named_tuple;
      Object tuple = owned(named ? PyStructSequence_New(signature.named_tuple) : PyTuple_New(n));
      for (Py_ssize_t i = 0; i < n; i++) {
        PyObject* item = wrap(std::move(result.tensors[size_t(i)]));
        if (named)
          PyStructSequence_SetItem(tuple.get(), i, item);
        else
          PyTuple_SET_ITEM(tuple.get(), i, item);
      }
      return tuple.release();
    }
    case ResultKind::Bool:
    case ResultKind::Int:
    case ResultKind::Float:
    case ResultKind::Scalar: return from_scalar(result.scalar);
    case ResultKind::DType: return wrap_dtype(result.dtype);
    case ResultKind::Ints: return wrap_size(result.ints);
  }
  Py_RETURN_NONE;
}

PyObject* run(const Signature& signature, Arguments& arguments, PyObject* self, bool in_place) {
  const OpRow& row = *signature.schema.row;
  Result result;
  if (in_place) {
    const Tensor& target = unwrap(self);
    if (row.flags & kInPlaceView) {
      check_in_place(target, false);
      row.call(arguments.values, result);
      become_view(target, result.tensors[0]);
    } else if (row.writes_out) {
      Value& out = arguments.values[signature.out_param];
      out.kind = ValueKind::InPlace;
      out.tensor = &target;
      ReleaseGil gil(arguments.largest >= kReleaseGilFrom);
      row.call(arguments.values, result);
    } else {
      ReleaseGil gil(arguments.largest >= kReleaseGilFrom);
      row.call(arguments.values, result);
      Tensor value = std::move(result.tensors[0]);
      TG_CHECK(value.sizes() == target.sizes(), Runtime, "output with shape ", target.sizes(),
               " doesn't match the broadcast shape ", value.sizes());
      TG_CHECK(can_cast(value.dtype(), target.dtype()), Runtime, "result type ",
               dtype_scalar_name(value.dtype()), " can't be cast to the desired output type ",
               dtype_scalar_name(target.dtype()));
      copy_(target, value);
    }
    return Py_NewRef(self);
  }
  {
    ReleaseGil gil(arguments.largest >= kReleaseGilFrom);
    row.call(arguments.values, result);
    if (arguments.out && !row.writes_out && result.kind == ResultKind::Tensor)
      deliver(signature.schema.name.c_str(), Out::into(unwrap(arguments.out)), result.tensors[0]);
  }
  if (!arguments.out) return to_python(signature, result);
  if (result.kind == ResultKind::Tensor) return Py_NewRef(arguments.out);
  // out=(values, indices)
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(arguments.out);
  TG_CHECK(size_t(n) == result.tensors.size(), Type, signature.schema.name, "(): expected tuple of ",
           result.tensors.size(), " elements but got ", n);
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject* item = PySequence_Fast_ITEMS(arguments.out)[i];
    TG_CHECK(is_tensor(item), Type, signature.schema.name, "(): out must be a tuple of Tensors");
    check_out_dtype(Out::into(unwrap(item)), result.tensors[size_t(i)].dtype());
    deliver(signature.schema.name.c_str(), Out::into(unwrap(item)), result.tensors[size_t(i)]);
    result.tensors[size_t(i)] = unwrap(item);
  }
  return to_python(signature, result);
}

std::string given_types(PyObject* const* args, Py_ssize_t from, Py_ssize_t positional, PyObject* names) {
  std::string text;
  const auto type_of = [](PyObject* object) {
    std::string name = is_exact_tensor(object) ? "Tensor" : Py_TYPE(object)->tp_name;
    const size_t dot = name.rfind('.');
    if (dot != name.npos && name.rfind("numpy.", 0) != 0) name = name.substr(dot + 1);
    if ((PyTuple_Check(object) || PyList_Check(object)) && PySequence_Fast_GET_SIZE(object) > 0) {
      name += " of ";
      if (PyTuple_Check(object))
        name += "(";
      else
        name += "[";
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); i++) {
        if (i) name += ", ";
        name += Py_TYPE(PySequence_Fast_ITEMS(object)[i])->tp_name;
      }
      name += PyTuple_Check(object) ? ")" : "]";
    }
    return name;
  };
  for (Py_ssize_t i = from; i < positional; i++) text += (i > from ? ", " : "") + type_of(args[i]);
  const Py_ssize_t keywords = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t k = 0; k < keywords; k++) {
    if (!text.empty()) text += ", ";
    text += std::string(checked_utf8(PyTuple_GET_ITEM(names, k))) + "=" + type_of(args[positional + k]);
  }
  return text;
}

[[noreturn]] void refuse(OpFunction* self, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  Arguments arguments;
  std::string why;
  const std::string name(checked_utf8(self->name));
  if (self->signatures->size() == 1) {
    const Signature& signature = *(*self->signatures)[0];
    arguments.parse(signature, args, positional, names, &why);
    if (self->in_place && why.rfind(signature.schema.name + "(", 0) == 0)
      why = name + why.substr(signature.schema.name.size());
    fail(ErrorKind::Type, why);
  }
  // Where the number of arguments leaves one overload, the text is about that one.
  const Py_ssize_t given = positional + (names ? PyTuple_GET_SIZE(names) : 0);
  const Signature* plausible = nullptr;
  int count = 0;
  for (auto& signature : *self->signatures)
    if (given >= signature->schema.required && given <= signature->most_arguments) {
      plausible = signature.get();
      count++;
    }
  if (count == 1 && !arguments.parse(*plausible, args, positional, names, &why)) fail(ErrorKind::Type, why);
  std::string text = name + "() received an invalid combination of arguments - got (" +
                     given_types(args, self->method, positional, names) + "), but expected one of:";
  for (auto& signature : *self->signatures) {
    text += "\n * " + signature->describe();
    why.clear();
    if (!arguments.parse(*signature, args, positional, names, &why) && !why.empty())
      text += "\n      didn't match because: " + why;
  }
  fail(ErrorKind::Type, text + "\n");
}

PyObject* call(PyObject* callable, PyObject* const* args, size_t flags, PyObject* names) {
  return guarded([&]() -> PyObject* {
    OpFunction* self = reinterpret_cast<OpFunction*>(callable);
    const Py_ssize_t positional = PyVectorcall_NARGS(flags);
    if (self->method && (positional < 1 || !is_tensor(args[0])))
      fail(ErrorKind::Type, "descriptor '", checked_utf8(self->name),
           "' for 'torch._C.TensorBase' objects doesn't apply to a '",
           positional < 1 ? "NoneType" : Py_TYPE(args[0])->tp_name, "' object");
    Arguments arguments;
    for (auto& signature : *self->signatures) {
      if (arguments.parse(*signature, args, positional, names))
        return run(*signature, arguments, args[0], self->in_place);
    }
    refuse(self, args, positional, names);
  });
}

PyObject* bind(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* function_name(PyObject* self, void*) {
  return Py_NewRef(reinterpret_cast<OpFunction*>(self)->name);
}
PyObject* function_module(PyObject* self, void*) {
  return Py_NewRef(reinterpret_cast<OpFunction*>(self)->module);
}
PyObject* function_doc(PyObject* self, void*) {
  std::string text;
  for (auto& signature : *reinterpret_cast<OpFunction*>(self)->signatures) {
    if (!text.empty()) text += "\n";
    text += signature->schema.text + "\n" + signature->schema.row->doc;
  }
  return PyUnicode_FromStringAndSize(text.data(), Py_ssize_t(text.size()));
}
PyObject* function_schemas(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    Object list = owned(PyList_New(0));
    for (auto& signature : *reinterpret_cast<OpFunction*>(self)->signatures)
      check_status(
          PyList_Append(list.get(), owned(PyUnicode_FromString(signature->schema.text.c_str())).get()));
    return list.release();
  });
}
PyObject* function_repr(PyObject* self) {
  OpFunction* f = reinterpret_cast<OpFunction*>(self);
  return PyUnicode_FromFormat(
      f->method ? "<method '%U' of 'tensorgrad.Tensor' objects>" : "<built-in function %U>", f->name);
}
PyObject* function_reduce(PyObject* self, PyObject*) {
  OpFunction* f = reinterpret_cast<OpFunction*>(self);
  if (!f->method) return Py_NewRef(f->name);
  return Py_BuildValue("(O(OO))", PyDict_GetItemString(PyEval_GetBuiltins(), "getattr"), tensor_type,
                       f->name);
}

PyGetSetDef getset[] = {{"__name__", function_name, nullptr, nullptr, nullptr},
                        {"__qualname__", function_name, nullptr, nullptr, nullptr},
                        {"__module__", function_module, nullptr, nullptr, nullptr},
                        {"__doc__", function_doc, nullptr, nullptr, nullptr},
                        {"__schemas__", function_schemas, nullptr, nullptr, nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpFunction, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};
PyMethodDef function_methods[] = {{"__reduce__", function_reduce, METH_NOARGS, nullptr},
                                  {nullptr, nullptr, 0, nullptr}};

void make_types() {
  PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                         {Py_tp_repr, reinterpret_cast<void*>(function_repr)},
                         {Py_tp_getset, getset},
                         {Py_tp_members, members},
                         {Py_tp_methods, function_methods},
                         {0, nullptr}};
  PyType_Spec spec = {"tensorgrad.OpFunction", sizeof(OpFunction), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, slots};
  function_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
  PyType_Slot method_slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                {Py_tp_repr, reinterpret_cast<void*>(function_repr)},
                                {Py_tp_getset, getset},
                                {Py_tp_members, members},
                                {Py_tp_methods, function_methods},
                                {Py_tp_descr_get, reinterpret_cast<void*>(bind)},
                                {0, nullptr}};
  PyType_Spec method_spec = {"tensorgrad.OpMethod", sizeof(OpFunction), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
                             method_slots};
  method_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&method_spec)));
}

PyTypeObject* named_tuple_type(const Schema& schema) {
  static std::map<std::string, PyTypeObject*> types;
  if (schema.returns.size() < 2 || schema.return_names[0].empty()) return nullptr;
  std::string key = schema.name;
  for (auto& name : schema.return_names) key += "," + name;
  PyTypeObject*& type = types[key];
  if (!type) {
    std::vector<PyStructSequence_Field> fields;
    for (auto& name : schema.return_names) fields.push_back({strdup(name.c_str()), ""});
    fields.push_back({nullptr, nullptr});
    PyStructSequence_Desc description = {strdup(("torch.return_types." + schema.name).c_str()), nullptr,
                                         fields.data(), int(schema.returns.size())};
    type = PyStructSequence_NewType(&description);
    if (!type) throw PythonError();
  }
  return type;
}

using Rows = std::vector<const OpRow*>;

Object make_function(const std::string& name, const char* module, const Rows& rows, bool method,
                     bool in_place) {
  OpFunction* self = PyObject_New(OpFunction, method ? method_type : function_type);
  if (!self) throw PythonError();
  Object object(reinterpret_cast<PyObject*>(self));
  self->vectorcall = call;
  self->name = PyUnicode_InternFromString(name.c_str());
  self->module = PyUnicode_InternFromString(module);
  self->signatures = new std::vector<std::unique_ptr<Signature>>;
  self->method = method;
  self->in_place = in_place;
  for (const OpRow* row : rows) {
    self->signatures->push_back(std::make_unique<Signature>(*row, method));
    self->signatures->back()->named_tuple = named_tuple_type(self->signatures->back()->schema);
  }
  return object;
}

}  // namespace

void add_ops(PyObject* module) {
  make_types();
  Rows rows(__start_tensorgrad_ops, __stop_tensorgrad_ops);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const OpRow* a, const OpRow* b) { return a->order < b->order; });
  std::map<std::string, Rows> functions, functionals, methods, in_place, in_place_functions;
  std::map<std::string, std::map<std::string, Rows>> spaces;
  for (const OpRow* row : rows) {
    std::string name(row->schema, std::string_view(row->schema).find('('));
    if (const size_t dot = name.find('.'); dot != name.npos) {
      spaces[name.substr(0, dot)][name.substr(dot + 1)].push_back(row);
      name = name.substr(dot + 1);
    } else if (row->flags & kFunction) {
      functions[name].push_back(row);
    }
    if (row->flags & kFunctional) functionals[name].push_back(row);
    if (row->flags & kMethod) methods[name].push_back(row);
    if (row->flags & (kInPlace | kInPlaceView)) in_place[name + "_"].push_back(row);
    if (row->flags & kInPlaceFunction) in_place_functions[name + "_"].push_back(row);
  }
  const auto add_to_module = [](PyObject* target, const std::string& where,
                                const std::map<std::string, Rows>& all, bool in_place) {
    for (auto& [name, overloads] : all) {
      const Object function = make_function(name, where.c_str(), overloads, false, in_place);
      check_status(PyModule_AddObjectRef(target, name.c_str(), function.get()));
    }
  };
  const auto submodule = [&](const char* name) {
    Object created = owned(PyModule_New((std::string("tensorgrad._C.") + name).c_str()));
    check_status(PyModule_AddObjectRef(module, name, created.get()));
    return created;
  };
  Object ops = submodule("_ops");
  add_to_module(ops.get(), "tensorgrad", functions, false);
  add_to_module(ops.get(), "tensorgrad", in_place_functions, true);
  Object nn = submodule("_nn");
  add_to_module(nn.get(), "tensorgrad.nn.functional", functionals, false);
  for (auto& [space, all] : spaces) {
    Object target = submodule(("_" + space).c_str());
    add_to_module(target.get(), "tensorgrad." + space, all, false);
  }
  const auto add_to_tensor = [](const std::map<std::string, Rows>& all, bool inplace) {
    for (auto& [name, overloads] : all)
      check_status(PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), name.c_str(),
                                          make_function(name, "tensorgrad", overloads, true, inplace).get()));
  };
  add_to_tensor(methods, false);
  add_to_tensor(in_place, true);
}

}  // namespace tensorgrad::python
