#include "casts.h"

#include "scalars.h"
#include "tensor_methods.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

void refuse_format(const char* function, PyObject* format) {
  if (!format || format == Py_None) return;
  Object plain(PyObject_GetAttrString(format, "_is_strided"));
  if (!plain) {
    PyErr_Clear();
    fail(ErrorKind::Type, function, "(): argument 'memory_format' must be torch.memory_format, not ",
         Py_TYPE(format)->tp_name);
  }
  if (plain.get() == Py_True) return;
  Object text = owned(PyObject_Str(format));
  fail(ErrorKind::NotImplemented, function, "(): ", checked_utf8(text.get()), " is not supported");
}

PyObject* cast(PyObject* self, std::optional<DType> dtype, std::optional<Device> device, bool copy) {
  const Tensor& t = unwrap(self);
  if (!copy && (!dtype || *dtype == t.dtype()) && (!device || *device == t.device())) return Py_NewRef(self);
  Tensor result;
  {
    ReleaseGil gil(t.numel() >= kReleaseGilFrom);
    result = to(t, dtype, device, copy);
  }
  return wrap(std::move(result));
}

// to(dtype), to(device, dtype), to(other), each with non_blocking, copy, memory_format.
PyObject* to_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    std::optional<DType> dtype;
    std::optional<Device> device;
    bool copy = false;
    int flags = 0;
    const auto wrong = [&](PyObject* object) {
      fail(ErrorKind::Type, "to() received an invalid combination of arguments - got (",
           Py_TYPE(object)->tp_name,
           "), but expected one of:\n * (torch.device device = None, torch.dtype dtype = None, bool "
           "non_blocking = False, bool copy = "
           "False, *, torch.memory_format memory_format = None)\n * (torch.dtype dtype, bool non_blocking = "
           "False, bool copy = False, "
           "*, torch.memory_format memory_format = None)\n * (Tensor tensor, bool non_blocking = False, bool "
           "copy = False, *, "
           "torch.memory_format memory_format = None)\n");
    };
    const auto positional = [&](PyObject* item) {
      if (PyBool_Check(item)) {
        if (flags++ == 1) copy = item == Py_True;
      } else if (is_tensor(item)) {
        dtype = unwrap(item).dtype();
        device = unwrap(item).device();
      } else if (is_dtype(item)) {
        dtype = unwrap_dtype(item);
      } else if (item == Py_None) {
      } else if (is_device(item)) {
        device = unwrap_device(item);
      } else {
        wrong(item);
      }
    };
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) positional(PyTuple_GET_ITEM(args, i));
    bool named = false;
    if (kwargs) {
      PyObject *key, *value;
      Py_ssize_t position = 0;
      while (PyDict_Next(kwargs, &position, &key, &value)) {
        const std::string_view name = checked_utf8(key);
        if (name == "dtype" || name == "device" || name == "tensor" || name == "other")
          positional(value), named = true;
        else if (name == "copy")
          copy = PyObject_IsTrue(value) == 1;
        else if (name == "memory_format")
          refuse_format("to", value);
        else if (name != "non_blocking")
          fail(ErrorKind::Type, "to() got an unexpected keyword argument '", name, "'");
      }
    }
    if (PyTuple_GET_SIZE(args) == 0 && !named && !copy) return Py_NewRef(self);
    return cast(self, dtype, device, copy);
  });
}

template <DType dtype>
PyObject* cast_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"memory_format", nullptr};
  PyObject* format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &format)) return nullptr;
  return guarded([&] {
    refuse_format(dtype_name(dtype), format);
    return cast(self, dtype, std::nullopt, false);
  });
}
PyObject* cpu(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"memory_format", nullptr};
  PyObject* format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &format)) return nullptr;
  return guarded([&] {
    refuse_format("cpu", format);
    return cast(self, std::nullopt, Device{}, false);
  });
}
PyObject* cuda(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"device", "non_blocking", "memory_format", nullptr};
  PyObject *device = Py_None, *blocking = nullptr, *format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOO", const_cast<char**>(names), &device, &blocking,
                                   &format))
    return nullptr;
  return guarded([&] {
    refuse_format("cuda", format);
    const Device target = device == Py_None ? Device{DeviceType::CUDA, -1} : unwrap_device(device);
    device_memory(target);
    return cast(self, std::nullopt, target, false);
  });
}
PyObject* contiguous_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"memory_format", nullptr};
  PyObject* format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &format)) return nullptr;
  return guarded([&]() -> PyObject* {
    refuse_format("contiguous", format);
    if (unwrap(self).is_contiguous()) return Py_NewRef(self);
    return wrap(contiguous(unwrap(self)));
  });
}
PyObject* is_contiguous_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"memory_format", nullptr};
  PyObject* format = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &format)) return nullptr;
  return guarded([&] {
    refuse_format("is_contiguous", format);
    return PyBool_FromLong(unwrap(self).is_contiguous());
  });
}
PyObject* type_method(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"dtype", "non_blocking", nullptr};
  PyObject *type = Py_None, *blocking = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", const_cast<char**>(names), &type, &blocking))
    return nullptr;
  return guarded([&]() -> PyObject* {
    if (type == Py_None) return PyUnicode_FromString(dtype_tensor_name(unwrap(self).dtype()));
    if (PyUnicode_Check(type)) {
      for (int i = 0; i < kDTypeCount; i++)
        if (checked_utf8(type) == dtype_tensor_name(DType(i)))
          return cast(self, DType(i), std::nullopt, false);
      fail(ErrorKind::Value, "invalid type: '", checked_utf8(type), "'");
    }
    TG_CHECK(is_dtype(type), Type, "dtype must be a type, str, or dtype object");
    return cast(self, unwrap_dtype(type), std::nullopt, false);
  });
}
PyObject* type_as(PyObject* self, PyObject* other) {
  return guarded([&] {
    TG_CHECK(is_tensor(other), Type, "type_as(): argument 'other' (position 1) must be Tensor, not ",
             Py_TYPE(other)->tp_name);
    return cast(self, unwrap(other).dtype(), unwrap(other).device(), false);
  });
}

#define TG_CAST(NAME, DTYPE)                                                     \
  {NAME, with_keywords(cast_method<DType::DTYPE>), METH_VARARGS | METH_KEYWORDS, \
   "The tensor cast to this dtype; itself if it has it."}

PyMethodDef methods[] = {
    {"to", with_keywords(to_method), METH_VARARGS | METH_KEYWORDS,
     "to(dtype), to(device, dtype), to(other): the tensor cast and moved; itself if nothing changes and copy "
     "is False."},
    TG_CAST("float", Float32),
    TG_CAST("double", Float64),
    TG_CAST("half", Float16),
    TG_CAST("bfloat16", BFloat16),
    TG_CAST("long", Int64),
    TG_CAST("int", Int32),
    TG_CAST("short", Int16),
    TG_CAST("char", Int8),
    TG_CAST("byte", UInt8),
    TG_CAST("bool", Bool),
    {"cpu", with_keywords(cpu), METH_VARARGS | METH_KEYWORDS, "The tensor on the cpu."},
    {"cuda", with_keywords(cuda), METH_VARARGS | METH_KEYWORDS, "The tensor on a cuda device."},
    {"contiguous", with_keywords(contiguous_method), METH_VARARGS | METH_KEYWORDS,
     "Itself if contiguous, else a contiguous copy."},
    {"is_contiguous", with_keywords(is_contiguous_method), METH_VARARGS | METH_KEYWORDS,
     "Whether the elements lie in order without gaps."},
    {"type", with_keywords(type_method), METH_VARARGS | METH_KEYWORDS,
     "The type's name, or the tensor cast to a type."},
    {"type_as", type_as, METH_O, "The tensor cast to the dtype of other."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_casts(PyObject*) { extend_tensor_type(nullptr, methods); }

}  // namespace tensorgrad::python
