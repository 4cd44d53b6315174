#include "construct.h"

#include <algorithm>
#include <cstring>

#include "scalars.h"
#include "tensor_methods.h"
#include "tensor_object.h"
#include "tensorgrad/core/narrowing.h"
#include "tensorgrad/ops/copy.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

bool is_sequence(PyObject* object) {
  return PyList_Check(object) || PyTuple_Check(object) ||
         (PySequence_Check(object) && !PyUnicode_Check(object) && !PyBytes_Check(object) &&
          !is_tensor(object));
}

const char* buffer_format(DType dtype) {
  switch (dtype) {
    case DType::UInt8: return "B";
    case DType::Int8: return "b";
    case DType::Int16: return "h";
    case DType::Int32: return "i";
    case DType::Int64: return "l";
    case DType::Float16: return "e";
    case DType::Float32: return "f";
    case DType::Float64: return "d";
    case DType::Bool: return "?";
    case DType::BFloat16: return nullptr;
  }
  return nullptr;
}

std::optional<DType> dtype_of_buffer(const Py_buffer& view) {
  const char* format = view.format ? view.format : "B";
  if (*format == '<' || *format == '=' || *format == '@' || *format == '|') format++;
  if (std::strlen(format) != 1) return std::nullopt;
  switch (*format) {
    case 'B': return DType::UInt8;
    case 'b': return DType::Int8;
    case '?': return DType::Bool;
    case 'e': return DType::Float16;
    case 'f': return DType::Float32;
    case 'd': return DType::Float64;
    case 'h':
    case 'i':
    case 'l':
    case 'q': return view.itemsize == 2 ? DType::Int16 : view.itemsize == 4 ? DType::Int32 : DType::Int64;
    default: return std::nullopt;
  }
}

// The shape and the widest kind of number in nested sequences.
struct Scan {
  Shape sizes;
  bool any = false;
  DType dtype = DType::Bool;
};

void note_dtype(Scan& scan, DType t) {
  scan.dtype = scan.any ? promote_types(scan.dtype, t) : t;
  scan.any = true;
}

DType number_dtype(PyObject* object) {
  if (PyBool_Check(object)) return DType::Bool;
  const char* name = Py_TYPE(object)->tp_name;
  if (std::strncmp(name, "numpy.", 6) == 0) {
    static constexpr std::pair<const char*, DType> names[] = {
        {"float64", DType::Float64}, {"float32", DType::Float32}, {"float16", DType::Float16},
        {"int64", DType::Int64},     {"int32", DType::Int32},     {"int16", DType::Int16},
        {"int8", DType::Int8},       {"uint8", DType::UInt8},     {"bool", DType::Bool},
        {"bool_", DType::Bool}};
    for (auto& [numpy, dtype] : names)
      if (std::strcmp(name + 6, numpy) == 0) return dtype;
  }
  if (PyFloat_Check(object)) return default_dtype();
  return DType::Int64;
}

void scan_data(PyObject* data, Scan& scan, size_t depth, bool first) {
  TG_CHECK(depth <= 64, Value, "too many dimensions '", Py_TYPE(data)->tp_name, "'");
  if (is_tensor(data)) {
    const Tensor& t = unwrap(data);
    note_dtype(scan, t.dtype());
    if (first)
      for (int64_t size : t.sizes()) scan.sizes.push_back(size);
    return;
  }
  if (is_number(data)) {
    note_dtype(scan, number_dtype(data));
    return;
  }
  if (PyObject_CheckBuffer(data) && !PyBytes_Check(data) && !PyList_Check(data)) {
    const Tensor t = tensor_from_buffer(data, false);
    note_dtype(scan, t.dtype());
    if (first)
      for (int64_t size : t.sizes()) scan.sizes.push_back(size);
    return;
  }
  if (PyUnicode_Check(data)) {
    TG_CHECK(depth > 0, Type, "new(): invalid data type 'str'");
    fail(ErrorKind::Value, "too many dimensions 'str'");
  }
  TG_CHECK(is_sequence(data), Runtime, "Could not infer dtype of ", Py_TYPE(data)->tp_name);
  Object fast = owned(PySequence_Fast(data, "expected a sequence"));
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
  if (first) scan.sizes.push_back(n);
  for (Py_ssize_t i = 0; i < n; i++)
    scan_data(PySequence_Fast_GET_ITEM(fast.get(), i), scan, depth + 1, first && i == 0);
}

void store(PyObject* data, const Tensor& out, char* to, size_t depth) {
  if (is_tensor(data) ||
      (depth <= out.sizes().size() && !is_sequence(data) && !is_number(data) && PyObject_CheckBuffer(data)) ||
      (!is_number(data) && !PyList_Check(data) && !PyTuple_Check(data) && PyObject_CheckBuffer(data))) {
    const Tensor source = is_tensor(data) ? unwrap(data) : tensor_from_buffer(data, false);
    Shape rest(out.sizes().begin() + depth, out.sizes().end());
    TG_CHECK(source.sizes() == rest, Value, "expected sequence of length ", rest.empty() ? 0 : rest[0],
             " at dim ", depth, " (got ", source.dim() ? source.sizes()[0] : 0, ")");
    Ints strides(out.strides().begin() + depth, out.strides().end());
    NoGradGuard guard;
    copy_(out.window(rest, strides, (to - out.storage()->data()) / int64_t(out.element_size())), source);
    return;
  }
  if (depth == out.sizes().size()) {
    if (is_sequence(data))
      fail(ErrorKind::Type, "'", Py_TYPE(data)->tp_name, "' object cannot be interpreted as an integer");
    TG_CHECK(is_number(data), Type, "must be real number, not ", Py_TYPE(data)->tp_name);
    const Scalar value = to_scalar(data);
    dispatch_all(out.dtype(), [&]<class T>() {
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
        TG_CHECK(fits(Scalar(value.to_int()), out.dtype()), Runtime, "value cannot be converted to type ",
                 dtype_name(out.dtype()), " without overflow");
      *reinterpret_cast<T*>(to) = value.to<T>();
    });
    return;
  }
  const int64_t size = out.sizes()[depth], step = out.strides()[depth] * int64_t(out.element_size());
  TG_CHECK(is_sequence(data), Type, "not a sequence");
  Object fast = owned(PySequence_Fast(data, "expected a sequence"));
  TG_CHECK(PySequence_Fast_GET_SIZE(fast.get()) == size, Value, "expected sequence of length ", size,
           " at dim ", depth, " (got ", PySequence_Fast_GET_SIZE(fast.get()), ")");
  for (int64_t i = 0; i < size; i++)
    store(PySequence_Fast_GET_ITEM(fast.get(), i), out, to + i * step, depth + 1);
}

struct Options {
  PyObject* data = nullptr;
  std::optional<DType> dtype;
  std::optional<Device> device;
  bool requires_grad = false;
};
Options parse(const char* function, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"data", "dtype", "device", "requires_grad", "pin_memory", nullptr};
  PyObject *dtype = Py_None, *device = Py_None;
  int requires_grad = 0, pin = 0;
  Options o;
  PyObject *name, *value;
  for (Py_ssize_t place = 0; kwargs && PyDict_Next(kwargs, &place, &name, &value);)
    TG_CHECK(std::any_of(names, names + 5, [&](const char* known) { return checked_utf8(name) == known; }),
             Type, function, "() got an unexpected keyword argument '", checked_utf8(name), "'");
  TG_CHECK(PyTuple_GET_SIZE(args) > 0 || (kwargs && PyDict_GetItemString(kwargs, "data")), Type, function,
           "() missing 1 required positional arguments: \"data\"");
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$OOpp", const_cast<char**>(names), &o.data, &dtype,
                                   &device, &requires_grad, &pin))
    throw PythonError();
  TG_CHECK(dtype == Py_None || is_dtype(dtype), Type, function,
           "(): argument 'dtype' must be torch.dtype, not ", Py_TYPE(dtype)->tp_name);
  TG_CHECK(device == Py_None || is_device(device), Type, function,
           "(): argument 'device' must be torch.device, not ", Py_TYPE(device)->tp_name);
  if (dtype != Py_None) o.dtype = unwrap_dtype(dtype);
  if (device != Py_None) o.device = unwrap_device(device);
  o.requires_grad = requires_grad;
  return o;
}

PyObject* tensor(PyObject*, PyObject* args, PyObject* kwargs) {
  return guarded([&] {
    const Options o = parse("tensor", args, kwargs);
    if (is_tensor(o.data))
      check_status(PyErr_WarnEx(
          PyExc_UserWarning,
          "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
          "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
          1));
    Tensor t = tensor_from_data(o.data, o.dtype, o.device);
    TG_CHECK(!o.requires_grad || is_floating(t.dtype()), Runtime,
             "Only Tensors of floating point and complex dtype can require gradients");
    if (o.requires_grad) t.set_requires_grad(true);
    return wrap(std::move(t));
  });
}

// Shares memory wherever dtype and device allow.
PyObject* as_tensor(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"data", "dtype", "device", nullptr};
  PyObject *data, *dtype = Py_None, *device = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO", const_cast<char**>(names), &data, &dtype, &device))
    return nullptr;
  return guarded([&]() -> PyObject* {
    TG_CHECK(dtype == Py_None || is_dtype(dtype), Type,
             "as_tensor(): argument 'dtype' must be torch.dtype, not ", Py_TYPE(dtype)->tp_name);
    std::optional<DType> t;
    std::optional<Device> d;
    if (dtype != Py_None) t = unwrap_dtype(dtype);
    if (device != Py_None) d = unwrap_device(device);
    if (is_tensor(data)) {
      Tensor result = to(unwrap(data), t, d);
      return wrap(std::move(result));
    }
    if (!PyList_Check(data) && !PyTuple_Check(data) && !is_number(data) && PyObject_CheckBuffer(data))
      return wrap(to(tensor_from_buffer(data, false), t, d));
    return wrap(tensor_from_data(data, t, d));
  });
}

PyObject* from_numpy(PyObject*, PyObject* array) {
  return guarded([&] {
    TG_CHECK(std::strcmp(Py_TYPE(array)->tp_name, "numpy.ndarray") == 0, Type, "expected np.ndarray (got ",
             Py_TYPE(array)->tp_name, ")");
    return wrap(tensor_from_buffer(array, true));
  });
}

// The buffer protocol: NumPy and memoryview see the tensor's memory without a copy.
struct BufferShape {
  Tensor keep;
  Py_ssize_t sizes[64], strides[64];
};
int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  return guarded(
      [&] {
        const Tensor& t = unwrap(self);
        TG_CHECK(!t.requires_grad(), Runtime,
                 "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
        const char* format = buffer_format(t.dtype());
        TG_CHECK(format, Type, "Got unsupported ScalarType ", dtype_scalar_name(t.dtype()));
        TG_CHECK(t.device().is_cpu(), Type, "can't convert ", to_string(t.device()),
                 " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.");
        if (!(flags & PyBUF_STRIDES) && !t.is_contiguous()) {
          PyErr_SetString(PyExc_BufferError, "the tensor is not contiguous");
          throw PythonError();
        }
        auto* shape = new BufferShape{t, {}, {}};
        for (size_t i = 0; i < t.sizes().size(); i++) {
          shape->sizes[i] = Py_ssize_t(t.sizes()[i]);
          shape->strides[i] = Py_ssize_t(t.strides()[i] * int64_t(t.element_size()));
        }
        view->buf = t.bytes();
        view->obj = Py_NewRef(self);
        view->len = Py_ssize_t(t.numel() * int64_t(t.element_size()));
        view->itemsize = Py_ssize_t(t.element_size());
        view->readonly = 0;
        view->ndim = int(t.dim());
        view->format = const_cast<char*>(format);
        view->shape = shape->sizes;
        view->strides = shape->strides;
        view->suboffsets = nullptr;
        view->internal = shape;
        return 0;
      },
      -1);
}
void release_buffer(PyObject*, Py_buffer* view) { delete static_cast<BufferShape*>(view->internal); }
PyBufferProcs buffer_procs = {get_buffer, release_buffer};

// _share_memory(tensor): a memoryview that keeps the tensor alive.
PyObject* memory_view(PyObject*, PyObject* self) {
  return guarded([&] {
    TG_CHECK(is_tensor(self), Type, "expected a Tensor");
    return checked(PyMemoryView_FromObject(self));
  });
}

PyMethodDef methods[] = {
    {"tensor", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(tensor)), METH_VARARGS | METH_KEYWORDS,
     "tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False)\n\nA new tensor from "
     "nested sequences, "
     "numbers, arrays or tensors; the data is copied. Floats give the default dtype, integers int64."},
    {"as_tensor", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(as_tensor)),
     METH_VARARGS | METH_KEYWORDS,
     "as_tensor(data, dtype=None, device=None)\n\nLike tensor(), sharing the memory of arrays and tensors "
     "where it can."},
    {"from_numpy", from_numpy, METH_O, "from_numpy(ndarray)\n\nA tensor on the array's memory."},
    {"_memory_view", memory_view, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

Tensor tensor_from_buffer(PyObject* object, bool) {
  auto view = std::make_shared<Py_buffer>();
  bool read_only = false;
  if (PyObject_GetBuffer(object, view.get(), PyBUF_FULL) < 0) {
    PyErr_Clear();
    read_only = true;
    if (PyObject_GetBuffer(object, view.get(), PyBUF_FULL_RO) < 0) throw PythonError();
  }
  const auto dtype = dtype_of_buffer(*view);
  Shape sizes;
  Ints strides;
  bool fits = dtype.has_value();
  std::string problem;
  for (int i = 0; i < view->ndim && fits; i++) {
    sizes.push_back(view->shape[i]);
    const Py_ssize_t stride = view->strides ? view->strides[i] : 0;
    if (stride < 0) {
      fits = false;
      problem =
          "At least one stride in the given numpy array is negative, and tensors with negative strides are "
          "not currently "
          "supported. (You can probably work around this by making a copy of your array  with "
          "array.copy().) ";
    } else if (stride % view->itemsize != 0) {
      fits = false;
      problem =
          "given numpy array strides not a multiple of the element byte size. Copy the numpy array to "
          "reallocate the memory.";
    }
    strides.push_back(stride / view->itemsize);
  }
  if (!dtype) {
    Object type(PyObject_GetAttrString(object, "dtype"));
    PyErr_Clear();
    Object text(type ? PyObject_Str(type.get()) : nullptr);
    PyErr_Clear();
    std::string kind = text ? std::string(checked_utf8(text.get())) : view->format ? view->format : "?";
    PyBuffer_Release(view.get());
    fail(ErrorKind::Type, "can't convert np.ndarray of type numpy.",
         kind.rfind("object", 0) == 0 ? "object_" : kind,
         ". The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, "
         "int16, int8, uint64, "
         "uint32, uint16, uint8, and bool.");
  }
  if (!fits) {
    PyBuffer_Release(view.get());
    fail(ErrorKind::Value, problem);
  }
  if (!view->strides) strides = contiguous_strides(sizes);
  (void)read_only;
  StoragePtr storage = Storage::from_external(view->buf, size_t(view->len), Device{}, [view] {
    AcquireGil gil;
    PyBuffer_Release(view.get());
  });
  return Tensor::wrap(std::move(storage), sizes, strides, 0, *dtype);
}

Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype, std::optional<Device> device) {
  const Device target = device.value_or(is_tensor(data) ? unwrap(data).device() : Device{});
  if (is_tensor(data)) {
    NoGradGuard guard;
    return to(unwrap(data), dtype, target, true);
  }
  Scan scan;
  if (!PyList_Check(data) && !PyTuple_Check(data) && !is_number(data) && !PyUnicode_Check(data) &&
      !PyBytes_Check(data) && PyObject_CheckBuffer(data)) {
    NoGradGuard guard;
    return to(tensor_from_buffer(data, false), dtype, target, true);
  }
  scan_data(data, scan, 0, true);
  const DType t = dtype.value_or(scan.any ? scan.dtype : default_dtype());
  Tensor out = Tensor::empty(scan.sizes, t);
  if (out.numel() > 0 || scan.sizes.size() > 1) store(data, out, out.bytes(), 0);
  return to(out, std::nullopt, target);
}

void add_construct(PyObject* module) {
  tensor_type->tp_as_buffer = &buffer_procs;
  check_status(PyModule_AddFunctions(module, methods));
}

}  // namespace tensorgrad::python
