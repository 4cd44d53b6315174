#include "tensor_methods.h"

#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/gradient_edge.h"
#include "tensorgrad/ops/views.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

PyObject* get_shape(PyObject* self, void*) {
  return guarded([&] { return wrap_size(unwrap(self).sizes()); });
}
PyObject* get_dtype(PyObject* self, void*) { return wrap_dtype(unwrap(self).dtype()); }
PyObject* get_device(PyObject* self, void*) {
  return guarded([&] { return wrap_device(unwrap(self).device()); });
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLongLong(unwrap(self).dim()); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromSize_t(unwrap(self).element_size()); }
PyObject* get_nbytes(PyObject* self, void*) {
  return PyLong_FromLongLong(unwrap(self).numel() * int64_t(unwrap(self).element_size()));
}
PyObject* get_version(PyObject* self, void*) {
  return guarded([&] {
    TG_CHECK(!unwrap(self).impl()->inference, Runtime, "Inference tensors do not track version counter.");
    return PyLong_FromUnsignedLong(unwrap(self).version());
  });
}
PyObject* get_output_nr(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(unwrap(self).impl()->output_nr);
}
PyObject* is_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_is_cpu(PyObject* self, void*) { return PyBool_FromLong(unwrap(self).device().is_cpu()); }
PyObject* get_is_cuda(PyObject* self, void*) {
  return PyBool_FromLong(unwrap(self).device().type == DeviceType::CUDA);
}
PyObject* get_T(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& x = unwrap(self);
    Ints reversed;
    for (int64_t d = x.dim(); d-- > 0;) reversed.push_back(d);
    return wrap(permute(x, reversed));
  });
}
PyObject* get_mT(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& x = unwrap(self);
    TG_CHECK(x.dim() >= 2, Runtime, "tensor.mT is only supported on matrices or batches of matrices. Got ",
             x.dim(), "-D tensor.");
    return wrap(transpose(x, -2, -1));
  });
}
PyObject* get_H(PyObject* self, void*) {
  return guarded([&] {
    const Tensor& x = unwrap(self);
    TG_CHECK(x.dim() == 2 || x.dim() == 0, Runtime,
             "tensor.H is only supported on matrices (2-D tensors). Got ", x.dim(), "-D tensor.",
             x.dim() == 1 ? "" : " For batches of matrices, consider using tensor.mH");
    return wrap(x.dim() == 0 ? x : transpose(x, 0, 1));
  });
}

PyGetSetDef getset[] = {
    {"shape", get_shape, nullptr, "The sizes, as a torch.Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The element type.", nullptr},
    {"device", get_device, nullptr, "Where the memory is.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes per element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"_version", get_version, nullptr, "How many times the memory was written in place.", nullptr},
    {"output_nr", get_output_nr, nullptr, "Which of its grad_fn's outputs the tensor is.", nullptr},
    {"is_cpu", get_is_cpu, nullptr, "Whether the memory is the cpu's.", nullptr},
    {"is_cuda", get_is_cuda, nullptr, "Whether the memory is a GPU's.", nullptr},
    {"is_sparse", is_false, nullptr, "False: there are no sparse tensors.", nullptr},
    {"is_quantized", is_false, nullptr, "False: there are no quantized tensors.", nullptr},
    {"is_meta", is_false, nullptr, "False: there are no meta tensors.", nullptr},
    {"is_mkldnn", is_false, nullptr, "False: there are no mkldnn tensors.", nullptr},
    {"is_nested", is_false, nullptr, "False: there are no nested tensors.", nullptr},
    {"T", get_T, nullptr, "The dimensions reversed.", nullptr},
    {"mT", get_mT, nullptr, "The last two dimensions swapped.", nullptr},
    {"mH", get_mT, nullptr, "The last two dimensions swapped.", nullptr},
    {"H", get_H, nullptr, "The transpose of a matrix.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* item(PyObject* self, PyObject*) {
  return guarded([&] { return from_scalar(unwrap(self).item()); });
}
PyObject* dim(PyObject* self, PyObject*) { return PyLong_FromLongLong(unwrap(self).dim()); }
PyObject* numel(PyObject* self, PyObject*) { return PyLong_FromLongLong(unwrap(self).numel()); }
PyObject* element_size(PyObject* self, PyObject*) { return PyLong_FromSize_t(unwrap(self).element_size()); }
PyObject* storage_offset(PyObject* self, PyObject*) {
  return PyLong_FromLongLong(unwrap(self).storage_offset());
}
PyObject* data_ptr(PyObject* self, PyObject*) {
  return PyLong_FromVoidPtr(unwrap(self).numel() ? unwrap(self).bytes() : nullptr);
}
PyObject* is_floating_point(PyObject* self, PyObject*) {
  return PyBool_FromLong(is_floating(unwrap(self).dtype()));
}
PyObject* is_complex(PyObject*, PyObject*) { Py_RETURN_FALSE; }
PyObject* is_signed(PyObject* self, PyObject*) {
  const DType t = unwrap(self).dtype();
  return PyBool_FromLong(t != DType::UInt8 && t != DType::Bool);
}
PyObject* is_inference(PyObject* self, PyObject*) { return PyBool_FromLong(unwrap(self).impl()->inference); }
PyObject* is_set_to(PyObject* self, PyObject* other) {
  if (!is_tensor(other))
    return PyErr_Format(PyExc_TypeError, "is_set_to(): argument 'tensor' (position 1) must be Tensor");
  const Tensor &a = unwrap(self), &b = unwrap(other);
  return PyBool_FromLong(a.storage() == b.storage() && a.storage_offset() == b.storage_offset() &&
                         a.sizes() == b.sizes() && a.strides() == b.strides());
}

// size(), size(dim) and stride() alike: all of them, or one.
PyObject* all_or_one(const char* name, PyObject* args, PyObject* kwargs, const Tensor& self,
                     const Ints& values, bool as_size) {
  static const char* names[] = {"dim", nullptr};
  PyObject* dim = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &dim)) return nullptr;
  return guarded([&]() -> PyObject* {
    if (dim == Py_None) {
      if (as_size) return wrap_size(values);
      Object tuple = owned(PyTuple_New(Py_ssize_t(values.size())));
      for (size_t i = 0; i < values.size(); i++)
        PyTuple_SET_ITEM(tuple.get(), Py_ssize_t(i), PyLong_FromLongLong(values[i]));
      return tuple.release();
    }
    TG_CHECK(is_index(dim), Type, name, "(): argument 'dim' (position 1) must be int, not ",
             Py_TYPE(dim)->tp_name);
    return PyLong_FromLongLong(values[size_t(wrap_dim(to_int(dim), self.dim(), false))]);
  });
}
PyObject* size(PyObject* self, PyObject* args, PyObject* kwargs) {
  return all_or_one("size", args, kwargs, unwrap(self), unwrap(self).sizes(), true);
}
PyObject* stride(PyObject* self, PyObject* args, PyObject* kwargs) {
  return all_or_one("stride", args, kwargs, unwrap(self), unwrap(self).strides(), false);
}

PyObject* list_of(const Tensor& t, int64_t dim, const char* data) {
  if (dim == t.dim()) {
    return dispatch_all(t.dtype(), [&]<class T>() -> PyObject* {
      const T value = *reinterpret_cast<const T*>(data);
      if constexpr (std::is_same_v<T, bool>)
        return PyBool_FromLong(value);
      else if constexpr (std::is_integral_v<T>)
        return PyLong_FromLongLong(value);
      else
        return PyFloat_FromDouble(double(value));
    });
  }
  const int64_t n = t.sizes()[size_t(dim)], step = t.strides()[size_t(dim)] * int64_t(t.element_size());
  Object list = owned(PyList_New(n));
  for (int64_t i = 0; i < n; i++)
    PyList_SET_ITEM(list.get(), i, checked(list_of(t, dim + 1, data + i * step)));
  return list.release();
}
PyObject* tolist(PyObject* self, PyObject*) {
  return guarded([&] {
    Tensor t = unwrap(self);
    if (!t.device().is_cpu()) {
      NoGradGuard guard;
      t = to(t, std::nullopt, Device{});
    }
    return list_of(t, 0, t.bytes());
  });
}

int refuse_to_set(PyObject*, PyObject*, void* name) {
  PyErr_Format(PyExc_AttributeError, "attribute '%s' of 'torch._C.TensorBase' objects is not writable",
               static_cast<char*>(name));
  return -1;
}

PyMethodDef methods[] = {
    {"item", item, METH_NOARGS, "The only element as a Python number."},
    {"tolist", tolist, METH_NOARGS, "The elements as nested lists of Python numbers."},
    {"dim", dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", dim, METH_NOARGS, "The number of dimensions."},
    {"numel", numel, METH_NOARGS, "The number of elements."},
    {"nelement", numel, METH_NOARGS, "The number of elements."},
    {"element_size", element_size, METH_NOARGS, "Bytes per element."},
    {"storage_offset", storage_offset, METH_NOARGS, "Elements before the first one in the storage."},
    {"data_ptr", data_ptr, METH_NOARGS, "The address of the first element."},
    {"is_floating_point", is_floating_point, METH_NOARGS, "Whether the dtype is a floating type."},
    {"is_complex", is_complex, METH_NOARGS, "False: there are no complex types."},
    {"is_signed", is_signed, METH_NOARGS, "Whether the dtype has negative numbers."},
    {"is_inference", is_inference, METH_NOARGS, "Whether it was made in inference mode."},
    {"is_set_to", is_set_to, METH_O,
     "is_set_to(tensor): whether both are the same window of the same memory."},
    {"size", with_keywords(size), METH_VARARGS | METH_KEYWORDS, "The sizes, or the size of one dimension."},
    {"stride", with_keywords(stride), METH_VARARGS | METH_KEYWORDS,
     "The strides in elements, or that of one dimension."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void extend_tensor_type(PyGetSetDef* getters, PyMethodDef* functions) {
  PyObject* type = reinterpret_cast<PyObject*>(tensor_type);
  for (; getters && getters->name; getters++) {
    if (!getters->set) {
      getters->set = refuse_to_set;
      getters->closure = const_cast<char*>(getters->name);
    }
    check_status(
        PyObject_SetAttrString(type, getters->name, owned(PyDescr_NewGetSet(tensor_type, getters)).get()));
  }
  for (; functions && functions->ml_name; functions++)
    check_status(PyObject_SetAttrString(type, functions->ml_name,
                                        owned(PyDescr_NewMethod(tensor_type, functions)).get()));
}

void add_tensor_methods(PyObject*) { extend_tensor_type(getset, methods); }

}  // namespace tensorgrad::python
