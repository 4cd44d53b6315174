#include "indexing.h"

#include "construct.h"
#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad::python {
namespace {


Tensor select_at(const Tensor& t, int64_t dim, int64_t index, int64_t real_dim) {
  if (t.dim() == 0)
    fail(ErrorKind::Index, "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
         "convert a 0-dim tensor to a number");
  const int64_t size = t.sizes()[size_t(dim)];
  TG_CHECK(index >= -size && index < size, Index, "index ", index, " is out of bounds for dimension ", real_dim, " with size ", size);
  return select(t, dim, index);
}

std::optional<int64_t> bound(PyObject* object) {
  if (object == Py_None) return std::nullopt;
  if (is_tensor(object)) return to_int(object);
  if (!PyIndex_Check(object)) fail(ErrorKind::Type, "slice indices must be integers or None or have an __index__ method");
  Object index = owned(PyNumber_Index(object));
  const Py_ssize_t value = PyNumber_AsSsize_t(index.get(), nullptr);  // clamps, as Python's own slices do
  return int64_t(value);
}

Tensor slice_at(const Tensor& t, int64_t dim, PyObject* object) {
  PySliceObject* s = reinterpret_cast<PySliceObject*>(object);
  const int64_t step = bound(s->step).value_or(1);
  TG_CHECK(step > 0, Value, "step must be greater than zero");
  return slice(t, dim, bound(s->start), bound(s->stop), step);
}

// True selects a new dimension of size 1, False one of size 0.
Tensor bool_index(bool value) { return value ? zeros({1}, DType::Int64) : zeros({0}, DType::Int64); }

Tensor index_tensor(PyObject* object) {
  if (is_tensor(object)) return unwrap(object);
  return tensor_from_data(object, std::nullopt, std::nullopt);
}

[[noreturn]] void refuse(PyObject* key) {
  fail(ErrorKind::Index, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got ",
       Py_TYPE(key)->tp_name, ")");
}

// How many dimensions of the tensor one index item takes.
int64_t dims_taken(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    const Tensor& t = unwrap(item);
    if (t.dtype() == DType::Bool || t.dtype() == DType::UInt8) return t.dim();
  }
  return 1;
}

// Applies the plain items as views; index tensors are left for index() and index_put_(), one per remaining dimension.
Tensor apply(const Tensor& self, PyObject* key, TensorList& tensors) {
  PyObject* one[] = {key};
  PyObject** items = one;
  Py_ssize_t count = 1;
  if (PyTuple_Check(key)) {
    count = PyTuple_GET_SIZE(key);
    items = &PyTuple_GET_ITEM(key, 0);
  }
  int64_t specified = 0;
  std::vector<Tensor> lists(static_cast<size_t>(count));  // items that are sequences, converted once
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject* item = items[i];
    if (!is_tensor(item) && !is_index(item) && !PyBool_Check(item) && item != Py_None && item != Py_Ellipsis && !PySlice_Check(item)) {
      if (!PySequence_Check(item) && !(is_number(item) && PyIndex_Check(item))) refuse(item);
      lists[size_t(i)] = index_tensor(item);
      const Tensor& t = lists[size_t(i)];
      specified += t.dtype() == DType::Bool || t.dtype() == DType::UInt8 ? t.dim() : 1;
    } else {
      specified += dims_taken(item);
    }
  }
  TG_CHECK(specified <= self.dim(), Index, "too many indices for tensor of dimension ", self.dim());

  Tensor result = self;
  int64_t dim = 0, real_dim = 0;
  const auto record_tensor = [&](const Tensor& t) {
    while (int64_t(tensors.size()) < dim) tensors.push_back(Tensor());
    tensors.push_back(t);
    dim++;
  };
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject* item = items[i];
    if (lists[size_t(i)].defined()) {
      record_tensor(lists[size_t(i)]);
    } else if (item == Py_None) {
      result = unsqueeze(result, dim++);
    } else if (item == Py_Ellipsis) {
      dim += self.dim() - specified;
      real_dim += self.dim() - specified;
      continue;
    } else if (PyBool_Check(item)) {
      result = unsqueeze(result, dim);
      record_tensor(bool_index(item == Py_True));
    } else if (PySlice_Check(item)) {
      result = slice_at(result, dim, item);
      dim++;
    } else if (is_tensor(item)) {
      const Tensor& t = unwrap(item);
      if (t.dim() == 0 && !is_floating(t.dtype())) {
        if (t.dtype() != DType::Bool && t.dtype() != DType::UInt8) {
          result = select_at(result, dim, t.item().to_int(), real_dim);
        } else {
          result = unsqueeze(result, dim);
          record_tensor(bool_index(t.item().to_bool()));
        }
      } else {
        record_tensor(t);
      }
    } else {
      result = select_at(result, dim, to_int(item), real_dim);
    }
    real_dim += item == Py_None ? 0 : 1;
  }
  return result;
}

Tensor alias_view(const Tensor& t) { return slice(t, 0, std::nullopt, std::nullopt, 1); }

// Leading dimensions of size 1 that the target does not have are dropped, as NumPy does.
void copy_into(const Tensor& target, const Tensor& value) {
  Tensor source = value;
  if (source.dim() > target.dim()) {
    int64_t extra = 0;
    while (extra < source.dim() - target.dim() && source.sizes()[size_t(extra)] == 1) extra++;
    Shape sizes(source.sizes().begin() + extra, source.sizes().end());
    source = view(source, sizes);
  }
  copy_(target, source);
}

}  // namespace

PyObject* get_item(PyObject* object, PyObject* key) {
  return guarded([&]() -> PyObject* {
    const Tensor& self = unwrap(object);
    if (PyLong_CheckExact(key)) return wrap(select_at(self, 0, to_int(key), 0));
    if (PySlice_Check(key)) return wrap(slice_at(self, 0, key));
    TensorList tensors;
    Tensor result = apply(self, key, tensors);
    if (tensors.empty()) {
      if (result.is_same(self)) result = self.dim() > 0 ? alias_view(self) : expand(self, {});
      return wrap(std::move(result));
    }
    
    return wrap(index(result, tensors));
  });
}

int set_item(PyObject* object, PyObject* key, PyObject* value) {
  return guarded(
      [&] {
        TG_CHECK(value, Type, "Tensor does not support deleting items");
        const Tensor& self = unwrap(object);
        Tensor source;
        std::optional<Scalar> number;
        if (is_tensor(value)) {
          source = unwrap(value);
        } else if (is_number(value)) {
          number = to_scalar(value);
        } else {
          fail(ErrorKind::Type, "can't assign a ", Py_TYPE(value)->tp_name, " to a ", dtype_tensor_name(self.dtype()));
        }
        TensorList tensors;
        const Tensor target = PyLong_CheckExact(key) ? select_at(self, 0, to_int(key), 0)
                              : PySlice_Check(key)   ? slice_at(self, 0, key)
                                                     : apply(self, key, tensors);
        if (tensors.empty()) {
          if (number)
            fill_(target, *number);
          else
            copy_into(target, source);
          return 0;
        }
        if (number) source = full({}, *number, self.dtype(), self.device());
        else if (source.device().is_cpu() && !self.device().is_cpu() && source.dim() == 0) source = to(source, {}, self.device());
        index_put_(target, tensors, source, false);
        return 0;
      },
      -1);
}

}  // namespace tensorgrad::python
