#include "types.h"

#include "scalars.h"

namespace tensorgrad::python {

PyTypeObject* dtype_type = nullptr;
PyTypeObject* device_type = nullptr;
PyTypeObject* size_type = nullptr;

namespace {

struct DTypeObject {
  PyObject_HEAD DType dtype;
};
struct DeviceObject {
  PyObject_HEAD Device device;
};
PyObject* dtype_objects[kDTypeCount];

DType dtype_at(PyObject* self) { return reinterpret_cast<DTypeObject*>(self)->dtype; }
Device device_at(PyObject* self) { return reinterpret_cast<DeviceObject*>(self)->device; }

PyObject* dtype_repr(PyObject* self) { return PyUnicode_FromFormat("torch.%s", dtype_name(dtype_at(self))); }
PyObject* dtype_reduce(PyObject* self, PyObject*) { return PyUnicode_FromString(dtype_name(dtype_at(self))); }
PyObject* dtype_itemsize(PyObject* self, void*) { return PyLong_FromSize_t(element_size(dtype_at(self))); }
PyObject* dtype_is_floating(PyObject* self, void*) { return PyBool_FromLong(is_floating(dtype_at(self))); }
PyObject* dtype_is_complex(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* dtype_is_signed(PyObject* self, void*) {
  return PyBool_FromLong(dtype_at(self) != DType::UInt8 && dtype_at(self) != DType::Bool);
}
PyObject* dtype_to_real(PyObject* self, PyObject*) { return Py_NewRef(self); }

PyGetSetDef dtype_getset[] = {
    {"itemsize", dtype_itemsize, nullptr, "Bytes per element.", nullptr},
    {"is_floating_point", dtype_is_floating, nullptr, "Whether it is a floating type.", nullptr},
    {"is_complex", dtype_is_complex, nullptr, "False: there are no complex types.", nullptr},
    {"is_signed", dtype_is_signed, nullptr, "Whether it has negative numbers.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef dtype_methods[] = {
    {"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
    {"to_real", dtype_to_real, METH_NOARGS, "The type itself: there are no complex types."},
    {nullptr, nullptr, 0, nullptr}};

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    PyObject* kind = nullptr;
    PyObject* index = nullptr;
    static const char* names[] = {"type", "index", nullptr};
    static const char* alternative[] = {"device", nullptr};
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(names), &kind, &index)) {
    } else {
      PyErr_Clear();
      if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", const_cast<char**>(alternative), &kind))
        throw PythonError();
    }
    if (!is_device(kind)) {
      PyErr_Format(PyExc_TypeError,
                   "device() received an invalid combination of arguments - got (%s), but expected one of:\n"
                   " * (torch.device device)\n * (str type, int index = -1)\n",
                   Py_TYPE(kind)->tp_name);
      throw PythonError();
    }
    Device device = unwrap_device(kind);
    if (index && index != Py_None) {
      const long ordinal = PyLong_AsLong(index);
      if (ordinal == -1 && PyErr_Occurred()) throw PythonError();
      TG_CHECK(
          device.index < 0, Runtime,
          "type (string) must not include an index because index was passed explicitly: ", to_string(device));
      TG_CHECK(ordinal >= 0 && ordinal < 128, Runtime, "Device index must not be negative");
      device.index = int8_t(ordinal);
    }
    return wrap_device(device);
  });
}
PyObject* device_repr(PyObject* self) {
  const Device d = device_at(self);
  if (d.index < 0) return PyUnicode_FromFormat("device(type='%s')", device_type_name(d.type));
  return PyUnicode_FromFormat("device(type='%s', index=%d)", device_type_name(d.type), int(d.index));
}
PyObject* device_str(PyObject* self) { return PyUnicode_FromString(to_string(device_at(self)).c_str()); }
PyObject* device_kind(PyObject* self, void*) {
  return PyUnicode_FromString(device_type_name(device_at(self).type));
}
PyObject* device_index(PyObject* self, void*) {
  const int index = device_at(self).index;
  if (index < 0) Py_RETURN_NONE;
  return PyLong_FromLong(index);
}
Py_hash_t device_hash(PyObject* self) {
  return Py_hash_t(device_at(self).type) * 131 + device_at(self).index + 2;
}
PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if (Py_TYPE(b) != device_type || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  const Device x = device_at(a), y = device_at(b);
  const bool same = x.type == y.type && x.index == y.index;
  return PyBool_FromLong(same == (op == Py_EQ));
}
PyObject* device_reduce(PyObject* self, PyObject*) {
  const Device d = device_at(self);
  if (d.index < 0) return Py_BuildValue("(O(s))", device_type, device_type_name(d.type));
  return Py_BuildValue("(O(si))", device_type, device_type_name(d.type), int(d.index));
}
PyGetSetDef device_getset[] = {
    {"type", device_kind, nullptr, "Its kind, such as 'cpu'.", nullptr},
    {"index", device_index, nullptr, "Its number among those of its kind, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {nullptr, nullptr, 0, nullptr}};

// Size: a tuple of ints that prints as torch.Size and keeps its type when sliced, added or repeated.
PyObject* as_size(PyObject* tuple) {
  if (!tuple) return nullptr;
  if (!PyTuple_CheckExact(tuple)) return tuple;
  PyObject* size = PyObject_CallOneArg(reinterpret_cast<PyObject*>(size_type), tuple);
  Py_DECREF(tuple);
  return size;
}
PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Object self(PyTuple_Type.tp_new(type, args, kwargs));
  if (!self) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self.get()); i++) {
    PyObject* item = PyTuple_GET_ITEM(self.get(), i);
    if (PyLong_CheckExact(item)) continue;
    Object index(PyBool_Check(item) ? PyLong_FromLong(item == Py_True) : PyNumber_Index(item));
    if (!index) {
      PyErr_Clear();
      return PyErr_Format(PyExc_TypeError, "torch.Size() takes an iterable of 'int' (item %zd is '%s')", i,
                          Py_TYPE(item)->tp_name);
    }
    PyTuple_SET_ITEM(self.get(), i, index.release());
    Py_DECREF(item);
  }
  return self.release();
}
PyObject* size_repr(PyObject* self) {
  std::string text = "torch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); i++) {
    if (i) text += ", ";
    Object item(PyObject_Repr(PyTuple_GET_ITEM(self, i)));
    if (!item) return nullptr;
    text += PyUnicode_AsUTF8(item.get());
  }
  return PyUnicode_FromString((text + "])").c_str());
}
PyObject* size_numel(PyObject* self, PyObject*) {
  Object product(PyLong_FromLong(1));
  for (Py_ssize_t i = 0; product && i < PyTuple_GET_SIZE(self); i++)
    product = Object(PyNumber_Multiply(product.get(), PyTuple_GET_ITEM(self, i)));
  return product.release();
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  Object tuple(PySequence_Tuple(self));
  Object plain(PyTuple_GetSlice(tuple.get(), 0, PyTuple_GET_SIZE(tuple.get())));
  Object list(PySequence_List(self));
  return list ? Py_BuildValue("(O(N))", size_type, PyList_AsTuple(list.get())) : nullptr;
}
PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(b))
    return PyErr_Format(PyExc_TypeError, "can only concatenate tuple (not %s) to torch.Size",
                        Py_TYPE(b)->tp_name);
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_add(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* a, Py_ssize_t n) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(a, n));
}
PyObject* size_subscript(PyObject* self, PyObject* key) {
  return PySlice_Check(key) ? as_size(PyTuple_Type.tp_as_mapping->mp_subscript(self, key))
                            : PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS, "The product of the sizes."},
                              {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                              {nullptr, nullptr, 0, nullptr}};

PyTypeObject* make_type(PyObject* module, const char* name, int size, std::vector<PyType_Slot> slots,
                        PyObject* base = nullptr, unsigned flags = 0) {
  slots.push_back({0, nullptr});
  PyType_Spec spec = {name, size, 0, Py_TPFLAGS_DEFAULT | flags, slots.data()};
  Object bases(base ? PyTuple_Pack(1, base) : nullptr);
  PyObject* type = checked(base ? PyType_FromSpecWithBases(&spec, bases.get()) : PyType_FromSpec(&spec));
  check_status(PyModule_AddObjectRef(
      module, std::string(name).substr(std::string(name).rfind('.') + 1).c_str(), type));
  return reinterpret_cast<PyTypeObject*>(type);
}
template <class F>
void* slot(F* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

PyObject* wrap_dtype(DType dtype) { return Py_NewRef(dtype_objects[int(dtype)]); }
PyObject* wrap_device(Device device) {
  DeviceObject* self = PyObject_New(DeviceObject, device_type);
  if (!self) throw PythonError();
  self->device = device;
  return reinterpret_cast<PyObject*>(self);
}
PyObject* wrap_size(const Shape& sizes) {
  PyObject* self = checked(size_type->tp_alloc(size_type, Py_ssize_t(sizes.size())));
  for (size_t i = 0; i < sizes.size(); i++)
    PyTuple_SET_ITEM(self, Py_ssize_t(i), PyLong_FromLongLong(sizes[i]));
  return self;
}

bool is_dtype(PyObject* object) {
  return Py_TYPE(object) == dtype_type || object == reinterpret_cast<PyObject*>(&PyFloat_Type) ||
         object == reinterpret_cast<PyObject*>(&PyLong_Type) ||
         object == reinterpret_cast<PyObject*>(&PyBool_Type);
}
DType unwrap_dtype(PyObject* object) {
  if (Py_TYPE(object) == dtype_type) return dtype_at(object);
  if (object == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::Float64;
  return object == reinterpret_cast<PyObject*>(&PyLong_Type) ? DType::Int64 : DType::Bool;
}
bool is_device(PyObject* object) {
  return Py_TYPE(object) == device_type || PyUnicode_Check(object) ||
         (PyLong_Check(object) && !PyBool_Check(object));
}
Device unwrap_device(PyObject* object) {
  if (Py_TYPE(object) == device_type) return device_at(object);
  if (PyUnicode_Check(object)) return parse_device(checked_utf8(object));
  const long index = PyLong_AsLong(object);
  if (index == -1 && PyErr_Occurred()) throw PythonError();
  TG_CHECK(index >= 0 && index < 128, Runtime, "Device index must not be negative");
  return {DeviceType::CUDA, int8_t(index)};
}

void add_types(PyObject* module) {
  dtype_type = make_type(
      module, "torch.dtype", sizeof(DTypeObject),
      {{Py_tp_repr, slot(dtype_repr)},
       {Py_tp_doc, const_cast<char*>("The type of a tensor's elements: float32, int64, bool and others.")},
       {Py_tp_getset, dtype_getset},
       {Py_tp_methods, dtype_methods}},
      nullptr, Py_TPFLAGS_DISALLOW_INSTANTIATION);
  for (int i = 0; i < kDTypeCount; i++) {
    DTypeObject* self = PyObject_New(DTypeObject, dtype_type);
    if (!self) throw PythonError();
    self->dtype = DType(i);
    dtype_objects[i] = reinterpret_cast<PyObject*>(self);
    check_status(PyModule_AddObjectRef(module, dtype_name(DType(i)), dtype_objects[i]));
  }
  device_type = make_type(
      module, "torch.device", sizeof(DeviceObject),
      {{Py_tp_new, slot(device_new)},
       {Py_tp_doc,
        const_cast<char*>("device('cpu'), device('cuda:0'), device('cuda', 0): where a tensor's memory is.")},
       {Py_tp_repr, slot(device_repr)},
       {Py_tp_str, slot(device_str)},
       {Py_tp_hash, slot(device_hash)},
       {Py_tp_richcompare, slot(device_compare)},
       {Py_tp_getset, device_getset},
       {Py_tp_methods, device_methods}});
  size_type =
      make_type(module, "torch.Size", 0,
                {{Py_tp_new, slot(size_new)},
                 {Py_tp_doc, const_cast<char*>("The sizes of a tensor's dimensions: a tuple of ints.")},
                 {Py_tp_repr, slot(size_repr)},
                 {Py_tp_methods, size_methods},
                 {Py_sq_concat, slot(size_concat)},
                 {Py_nb_add, slot(size_add)},
                 {Py_sq_repeat, slot(size_repeat)},
                 {Py_mp_subscript, slot(size_subscript)}},
                reinterpret_cast<PyObject*>(&PyTuple_Type));
  // `module.dtype` pickles by name: tensorgrad.float32.
  for (PyTypeObject* type : {dtype_type, device_type, size_type})
    check_status(PyObject_SetAttrString(reinterpret_cast<PyObject*>(type), "__module__",
                                        owned(PyUnicode_FromString("tensorgrad")).get()));
}

}  // namespace tensorgrad::python
