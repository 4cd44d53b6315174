#include "arguments.h"

#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/pointwise.h"
#include "types.h"

namespace tensorgrad::python {

Generator* (*unwrap_generator)(PyObject* object) = nullptr;

namespace {

constexpr const char* kOptions[] = {"dtype",      "layout",        "device",
                                    "pin_memory", "requires_grad", "memory_format"};

// NumPy's names for the same parameters.
const char* other_name(const std::string& name) {
  if (name == "axis") return "dim";
  if (name == "keepdims") return "keepdim";
  if (name == "x" || name == "a" || name == "x1") return "input";
  if (name == "x2") return "other";
  return nullptr;
}

const char* type_name(const Param& p) {
  switch (p.type) {
    case ParamType::Tensor:
    case ParamType::Operand:
    case ParamType::Out: return "Tensor";
    case ParamType::TensorList: return "tuple of Tensors";
    case ParamType::Scalar: return "Number";
    case ParamType::Int: return "int";
    case ParamType::Ints: return "tuple of ints";
    case ParamType::Float: return "float";
    case ParamType::Floats: return "tuple of floats";
    case ParamType::Bool: return "bool";
    case ParamType::Bools: return "tuple of bools";
    case ParamType::Text: return "str";
    case ParamType::DType: return "torch.dtype";
    case ParamType::Device: return "torch.device";
    case ParamType::Generator: return "torch.Generator";
    case ParamType::Options: break;
  }
  return "";
}

std::string name_of_type(PyObject* object) {
  const std::string name = Py_TYPE(object)->tp_name;
  const size_t dot = name.rfind('.');
  return dot == name.npos || name.rfind("numpy.", 0) == 0 ? name : name.substr(dot + 1);
}

// What is said of an element of a list of tensors that is none.
std::string element_text(PyObject* object, Py_ssize_t element, int argument) {
  return "expected Tensor as element " + std::to_string(element) + " in argument " +
         std::to_string(argument) + ", but got " + name_of_type(object);
}

int64_t size_from(PyObject* object, Py_ssize_t place, const std::string& function, const Param& p) {
  try {
    return to_int(object);
  } catch (const Error& error) {
    fail(ErrorKind::Type, function, "(): argument '", p.name, "' failed to unpack the object at pos ",
         place + 1, " with error \"", error.what());
  }
}

bool same_name(PyObject* a, PyObject* b) { return a == b || PyUnicode_Compare(a, b) == 0; }

}  // namespace

Signature::Signature(const OpRow& row, bool method) : schema(row), self_params(method ? 1 : 0) {
  TG_CHECK(schema.params.size() < size_t(kMaxParams), Runtime, "too many parameters: ", schema.text);
  for (size_t i = 0; i < schema.params.size(); i++) {
    const Param& p = schema.params[i];
    if (p.type == ParamType::Out) out_param = int(i);
    if (p.type == ParamType::Options) {
      for (int o = 0; o < 6; o++) keywords.push_back({PyUnicode_InternFromString(kOptions[o]), int(i), o});
    } else {
      keywords.push_back({PyUnicode_InternFromString(p.name.c_str()), int(i), -1});
    }
  }
  if (row.writes_out && out_param < 0) out_param = int(schema.params.size());
  most_arguments = Py_ssize_t(keywords.size());
  const int first = self_params;
  packs_ints = schema.positional - first == 1 && schema.params[size_t(first)].type == ParamType::Ints;
}

std::string Signature::describe() const {
  std::string text = "(";
  bool star = false;
  for (size_t i = size_t(self_params); i < schema.params.size(); i++) {
    const Param& p = schema.params[i];
    if (i > size_t(self_params)) text += ", ";
    if (p.keyword_only && !star) {
      text += "*, ";
      star = true;
    }
    if (p.type == ParamType::Options) {
      text +=
          "torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory "
          "= False, "
          "bool requires_grad = False";
      continue;
    }
    text += std::string(type_name(p)) + " " + p.name;
    if (p.has_default) text += " = " + p.default_text;
  }
  return text + ")";
}

bool Arguments::ints_from(const std::string& function, PyObject* object, const Param& p, Ints& out,
                          std::string* element_problem) {
  if (PyTuple_Check(object) || PyList_Check(object)) {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(object);
    PyObject** items = PySequence_Fast_ITEMS(object);
    for (Py_ssize_t i = 0; i < n; i++) {
      if (items[i] == Py_None && p.nullable_items) {
        out.push_back(kNoneItem);
        continue;
      }
      if (!is_index(items[i]) && i > 0)
        fail(ErrorKind::Type, function, "(): argument '", p.name, "' failed to unpack the object at pos ",
             i + 1, " with error \"type must be ", type_name(p), ",but got ", name_of_type(items[i]), "\"");
      if (!is_index(items[i])) {
        if (element_problem)
          *element_problem =
              "but found element of type " + name_of_type(items[i]) + " at pos " + std::to_string(i);
        return false;
      }
      out.push_back(size_from(items[i], i, function, p));
    }
    return true;
  }
  if (p.fixed_size > 0 && is_index(object)) {
    const int64_t value = to_int(object);
    for (int64_t i = 0; i < p.fixed_size; i++) out.push_back(value);
    return true;
  }
  return false;
}

bool Arguments::set_option(int option, PyObject* object, std::string* why, const Signature& signature) {
  const auto mismatch = [&](const char* expected) {
    if (why)
      *why = signature.schema.name + "(): argument '" + kOptions[option] + "' must be " + expected +
             ", not " + name_of_type(object);
    return false;
  };
  if (object == Py_None) return true;
  switch (option) {
    case 0:
      if (!is_dtype(object)) return mismatch("torch.dtype");
      options_.dtype = unwrap_dtype(object);
      return true;
    case 2:
      if (!is_device(object)) return mismatch("torch.device");
      options_.device = unwrap_device(object);
      return true;
    case 3:
    case 4:
      if (!PyBool_Check(object)) return mismatch("bool");
      (option == 3 ? options_.pin_memory : options_.requires_grad) = object == Py_True;
      return true;
    default: {  // layout and memory_format: objects that know whether they are the plain one
      Object plain(PyObject_GetAttrString(object, "_is_strided"));
      if (!plain) {
        PyErr_Clear();
        return mismatch(option == 1 ? "torch.layout" : "torch.memory_format");
      }
      if (plain.get() != Py_True) {
        Object text = owned(PyObject_Str(object));
        fail(ErrorKind::NotImplemented, signature.schema.name, "(): ", checked_utf8(text.get()),
             " is not supported");
      }
      if (option == 5) {
        Object text = owned(PyObject_Str(object));
        options_.contiguous = checked_utf8(text.get()) == "torch.contiguous_format";
      }
      return true;
    }
  }
}

bool Arguments::set(const Signature& signature, int index, PyObject* object, int position, std::string* why) {
  const Param& p = signature.schema.params[size_t(index)];
  Value& v = values[index];
  std::string element_problem;
  if (object == Py_None && p.optional) {
    v.kind = ValueKind::None;
    return true;
  }
  switch (p.type) {
    case ParamType::Tensor:
    case ParamType::Operand:
      if (is_tensor(object)) {
        v.kind = ValueKind::Tensor;
        v.tensor = &unwrap(object);
        largest = std::max(largest, v.tensor->numel());
        return true;
      }
      if (p.type == ParamType::Operand && is_number(object)) {
        numbers_[number_count_] = wrap_number(to_scalar(object));
        v.kind = ValueKind::Tensor;
        v.tensor = &numbers_[number_count_++];
        return true;
      }
      break;
    case ParamType::Out:
      if (is_tensor(object)) {
        v.kind = ValueKind::Out;
        v.tensor = &unwrap(object);
        out = object;
        return true;
      }
      if ((PyTuple_Check(object) || PyList_Check(object)) && signature.schema.returns.size() > 1) {
        out = object;
        v.kind = ValueKind::None;
        return true;
      }
      break;
    case ParamType::TensorList:
      if (PyTuple_Check(object) || PyList_Check(object)) {
        TensorList& list = lists_[list_count_];
        list.clear();
        const Py_ssize_t n = PySequence_Fast_GET_SIZE(object);
        PyObject** items = PySequence_Fast_ITEMS(object);
        bool fits = true;
        for (Py_ssize_t i = 0; fits && i < n; i++) {
          if (is_tensor(items[i])) {
            list.push_back(unwrap(items[i]));
            largest = std::max(largest, list.back().numel());
          } else if (items[i] == Py_None && p.nullable_items) {
            list.push_back(Tensor());
          } else {
            if (why) *why = element_text(items[i], i, index);
            list.clear();
            fits = false;
          }
        }
        if (!fits) return false;
        v.kind = ValueKind::TensorList;
        v.tensors = &lists_[list_count_++];
        return true;
      }
      break;
    case ParamType::Scalar:
      if (is_number(object) ||
          (is_tensor(object) && unwrap(object).dim() == 0 && !unwrap(object).requires_grad())) {
        const Scalar s = is_tensor(object) ? unwrap(object).item() : to_scalar(object);
        v.kind = s.is_floating() ? ValueKind::Float : s.is_bool() ? ValueKind::Bool : ValueKind::Int;
        if (s.is_floating())
          v.d = s.to_double();
        else if (s.is_bool())
          v.b = s.to_bool();
        else
          v.i = s.to_int();
        return true;
      }
      break;
    case ParamType::Int:
      if (is_index(object)) {
        v.kind = ValueKind::Int;
        v.i = to_int(object);
        return true;
      }
      break;
    case ParamType::Ints: {
      Ints& list = ints_[ints_count_];
      list.clear();
      if (ints_from(signature.schema.name, object, p, list, &element_problem)) {
        v.kind = ValueKind::Ints;
        v.ints = &ints_[ints_count_++];
        return true;
      }
      break;
    }
    case ParamType::Float:
      if ((is_number(object) && !PyBool_Check(object)) || (is_tensor(object) && unwrap(object).dim() == 0)) {
        v.kind = ValueKind::Float;
        v.d = to_double(object);
        return true;
      }
      break;
    case ParamType::Floats:
      if (PyTuple_Check(object) || PyList_Check(object)) {
        floats_[0].clear();
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); i++)
          floats_[0].push_back(to_double(PySequence_Fast_ITEMS(object)[i]));
        v.kind = ValueKind::Floats;
        v.floats = &floats_[0];
        return true;
      }
      break;
    case ParamType::Bool:
      if (PyBool_Check(object)) {
        v.kind = ValueKind::Bool;
        v.b = object == Py_True;
        return true;
      }
      break;
    case ParamType::Bools: break;
    case ParamType::Text:
      if (PyUnicode_Check(object)) {
        texts_[text_count_] = checked_utf8(object);
        v.kind = ValueKind::Text;
        v.text = &texts_[text_count_++];
        return true;
      }
      break;
    case ParamType::DType:
      if (is_dtype(object)) {
        v.kind = ValueKind::DType;
        v.dtype = unwrap_dtype(object);
        return true;
      }
      break;
    case ParamType::Device:
      if (is_device(object)) {
        v.kind = ValueKind::Device;
        v.device = unwrap_device(object);
        return true;
      }
      break;
    case ParamType::Generator:
      if (unwrap_generator)
        if (Generator* generator = unwrap_generator(object)) {
          v.kind = ValueKind::Generator;
          v.generator = generator;
          return true;
        }
      break;
    case ParamType::Options: break;
  }
  if (why) {
    const std::string& name = p.name;
    *why = signature.schema.name + "(): argument '" + name + "'";
    if (position > 0) *why += " (position " + std::to_string(position) + ")";
    *why += std::string(" must be ") + type_name(p) + ", " +
            (element_problem.empty() ? "not " + name_of_type(object) : element_problem);
  }
  return false;
}

bool Arguments::parse(const Signature& signature, PyObject* const* args, Py_ssize_t positional,
                      PyObject* keyword_names, std::string* why) {
  const Schema& schema = signature.schema;
  const int count = int(schema.params.size()), self = signature.self_params;
  // An op that works in place but has no out= in Python: its Out stands behind the parameters.
  if (signature.out_param == count) values[count].kind = ValueKind::None;
  uint32_t given = 0;
  out = nullptr;
  number_count_ = list_count_ = ints_count_ = text_count_ = 0;
  options_ = {};
  Py_ssize_t taken = positional;
  if (signature.packs_ints && positional > self && is_index(args[self])) {
    // view(2, 3)
    Ints& list = ints_[ints_count_++];
    list.clear();
    for (Py_ssize_t i = self; i < positional; i++) {
      if (!is_index(args[i])) {
        if (why)
          *why = schema.name + "(): argument '" + schema.params[size_t(self)].name +
                 "' must be tuple of ints, but found element of type " + name_of_type(args[i]) + " at pos " +
                 std::to_string(i - self);
        return false;
      }
      list.push_back(size_from(args[i], i - self, schema.name, schema.params[size_t(self)]));
    }
    values[self].kind = ValueKind::Ints;
    values[self].ints = &list;
    given |= 1u << self;
    taken = self;
  } else if (schema.variadic >= 0 && positional > schema.variadic && is_tensor(args[schema.variadic])) {
    // broadcast_tensors(a, b)
    TensorList& list = lists_[list_count_++];
    list.clear();
    for (Py_ssize_t i = schema.variadic; i < positional; i++) {
      if (!is_tensor(args[i])) {
        if (why) *why = element_text(args[i], i - schema.variadic, schema.variadic);
        return false;
      }
      list.push_back(unwrap(args[i]));
      largest = std::max(largest, list.back().numel());
    }
    values[schema.variadic].kind = ValueKind::TensorList;
    values[schema.variadic].tensors = &list;
    given |= 1u << schema.variadic;
    taken = schema.variadic;
  } else if (positional > schema.positional) {
    if (why) {
      const Py_ssize_t most = schema.positional - self, were = positional - self;
      int least = 0;
      for (int i = self; i < schema.positional; i++) least += !schema.params[size_t(i)].has_default;
      *why = schema.name + "() takes ";
      if (least != most)
        *why += "from " + std::to_string(least) + " to " + std::to_string(most) +
                " positional arguments but " + std::to_string(were) +
                (were == 1 ? " was given" : " were given");
      else
        *why += std::to_string(most) + " positional argument" + (most == 1 ? "" : "s") + " but " +
                std::to_string(were) + (were == 1 ? " was given" : " were given");
    }
    return false;
  }
  for (Py_ssize_t i = 0; i < taken; i++) {
    if (!set(signature, int(i), args[i], int(i) - self + 1, why)) return false;
    given |= 1u << i;
  }
  const Py_ssize_t keywords = keyword_names ? PyTuple_GET_SIZE(keyword_names) : 0;
  for (Py_ssize_t k = 0; k < keywords; k++) {
    PyObject* name = PyTuple_GET_ITEM(keyword_names, k);
    PyObject* object = args[positional + k];
    const Signature::Keyword* found = nullptr;
    for (const auto& keyword : signature.keywords)
      if (keyword.name == name) found = &keyword;
    if (!found)
      for (const auto& keyword : signature.keywords)
        if (same_name(keyword.name, name)) found = &keyword;
    if (!found)
      if (const char* other = other_name(std::string(checked_utf8(name))))
        for (const auto& keyword : signature.keywords)
          if (PyUnicode_CompareWithASCIIString(keyword.name, other) == 0) found = &keyword;
    if (!found || found->param < self) {
      if (why)
        *why =
            schema.name + "() got an unexpected keyword argument '" + std::string(checked_utf8(name)) + "'";
      return false;
    }
    if (found->option >= 0) {
      if (!set_option(found->option, object, why, signature)) return false;
      continue;
    }
    if (given & (1u << found->param)) {
      if (why)
        *why = schema.name + "() got multiple values for argument '" + std::string(checked_utf8(name)) + "'";
      return false;
    }
    if (!set(signature, found->param, object, 0, why)) return false;
    given |= 1u << found->param;
  }
  for (int i = 0; i < count; i++) {
    if (given & (1u << i)) continue;
    const Param& p = schema.params[size_t(i)];
    if (p.type == ParamType::Options) {
      values[i].kind = ValueKind::Options;
      values[i].options = &options_;
    } else if (p.has_default) {
      values[i] = p.default_value;
    } else {
      if (why) {
        std::string names;
        int missing = 0;
        for (int j = i; j < count; j++)
          if (!(given & (1u << j)) && !schema.params[size_t(j)].has_default &&
              schema.params[size_t(j)].type != ParamType::Options) {
            names += (missing++ ? ", \"" : "\"") + schema.params[size_t(j)].name + "\"";
          }
        *why = schema.name + "() missing " + std::to_string(missing) + " required positional argument" +
               (missing == 1 ? "s" : "") + ": " + names;
      }
      return false;
    }
  }
  return true;
}

}  // namespace tensorgrad::python
