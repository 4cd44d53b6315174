#include "storage.h"

#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/views.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

const Tensor& checked_tensor(PyObject* object) {
  TG_CHECK(is_tensor(object), Type, "expected a Tensor, not ", Py_TYPE(object)->tp_name);
  return unwrap(object);
}

PyObject* storage_id(PyObject*, PyObject* object) {
  return guarded([&] { return PyLong_FromVoidPtr(checked_tensor(object).storage().get()); });
}

// _storage(tensor): a 1-d uint8 tensor over the whole storage, sharing it.
PyObject* storage(PyObject*, PyObject* object) {
  return guarded([&] {
    const StoragePtr& bytes = checked_tensor(object).storage();
    return wrap(Tensor::wrap(bytes, {int64_t(bytes->bytes())}, {1}, 0, DType::UInt8));
  });
}

Ints to_ints(PyObject* object) {
  // As many dimensions as a view through the buffer protocol can have.
  constexpr Py_ssize_t kMaxDims = 64;
  TG_CHECK(PyTuple_Check(object), Type, "expected a tuple of ints, not ", Py_TYPE(object)->tp_name);
  const Py_ssize_t n = PyTuple_GET_SIZE(object);
  TG_CHECK(n <= kMaxDims, Runtime, "a tensor of ", n, " dimensions, the most is ", kMaxDims);
  Ints values;
  for (Py_ssize_t i = 0; i < n; i++) {
    PyObject* item = PyTuple_GET_ITEM(object, i);
    TG_CHECK(PyLong_CheckExact(item), Type, "expected a tuple of ints, which has a ", Py_TYPE(item)->tp_name);
    values.push_back(to_int(item));
  }
  return values;
}

// _on_storage(bytes, dtype, offset, size, stride): a tensor on the storage of `bytes`; offset and stride
// count elements. Every number is checked, since it may come from a file.
PyObject* on_storage(PyObject*, PyObject* args) {
  PyObject *bytes, *dtype, *size, *stride;
  long long offset;
  if (!PyArg_ParseTuple(args, "OOLOO", &bytes, &dtype, &offset, &size, &stride)) return nullptr;
  return guarded([&] {
    const StoragePtr& memory = checked_tensor(bytes).storage();
    TG_CHECK(is_dtype(dtype), Type, "expected a dtype, not ", Py_TYPE(dtype)->tp_name);
    const DType t = unwrap_dtype(dtype);
    const Ints sizes = to_ints(size), strides = to_ints(stride);
    check_window(*memory, element_size(t), sizes, strides, offset);
    // Where no element is reached the strides still enter arithmetic, which must not overflow.
    constexpr int64_t kMaxStride = int64_t(1) << 40;
    for (int64_t s : strides)
      TG_CHECK(s <= kMaxStride, Runtime, "strides ", strides, " are out of range for sizes ", sizes);
    TG_CHECK(uint64_t(offset) <= memory->bytes() / element_size(t), Runtime, "storage offset ", offset,
             " is out of bounds for storage of size ", memory->bytes());
    return wrap(Tensor::wrap(memory, sizes, strides, offset, t));
  });
}

PyMethodDef methods[] = {{"_storage_id", storage_id, METH_O, nullptr},
                         {"_storage", storage, METH_O, nullptr},
                         {"_on_storage", on_storage, METH_VARARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_storage(PyObject* module) { check_status(PyModule_AddFunctions(module, methods)); }

}  // namespace tensorgrad::python
