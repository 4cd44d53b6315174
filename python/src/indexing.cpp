#include "indexing.h"

#include <cstring>

#include "construct.h"
#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad::python {
namespace {

Tensor select_at(const Tensor& t, int64_t dim, int64_t index, int64_t position) {
  if (t.dim() == 0)
    fail(ErrorKind::Index,
         "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
         "convert a 0-dim tensor to a number");
  const int64_t size = t.sizes()[size_t(dim)];
  TG_CHECK(index >= -size && index < size, Index, "index ", index, " is out of bounds for dimension ",
           position, " with size ", size);
  return select(t, dim, index);
}

std::optional<int64_t> bound(PyObject* object) {
  if (object == Py_None) return std::nullopt;
  if (is_tensor(object)) return to_int(object);
  if (!PyIndex_Check(object))
    fail(ErrorKind::Type, "slice indices must be integers or None or have an __index__ method");
  Object index = owned(PyNumber_Index(object));
  const Py_ssize_t value = PyNumber_AsSsize_t(index.get(), nullptr);  // clamps, as Python's own slices do
  return int64_t(value);
}

Tensor slice_at(const Tensor& t, int64_t dim, PyObject* object) {
  PySliceObject* s = reinterpret_cast<PySliceObject*>(object);
  const int64_t step = bound(s->step).value_or(1);
  TG_CHECK(step != 0, Value, "slice step cannot be zero");
  TG_CHECK(step > 0, Value, "step must be greater than zero");
  return slice(t, dim, bound(s->start), bound(s->stop), step);
}

// True selects a new dimension of size 1, False one of size 0.
Tensor bool_index(bool value) { return value ? zeros({1}, DType::Int64) : zeros({0}, DType::Int64); }

Tensor index_tensor(PyObject* object) {
  if (is_tensor(object)) return unwrap(object);
  const bool empty = PyList_Check(object) && PyList_GET_SIZE(object) == 0;
  return tensor_from_data(object, empty ? std::optional(DType::Int64) : std::nullopt, std::nullopt);
}

bool is_array(PyObject* object) { return std::strcmp(Py_TYPE(object)->tp_name, "numpy.ndarray") == 0; }

// A list that holds a sequence, a tensor, a slice, None or an ellipsis stands for the tuple of its items (an
// old rule of NumPy's that PyTorch keeps).
bool stands_for_tuple(PyObject* key) {
  if (!PyList_Check(key) || PyList_GET_SIZE(key) >= 32) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(key); i++) {
    PyObject* item = PyList_GET_ITEM(key, i);
    if (is_tensor(item) || PySequence_Check(item) || PySlice_Check(item) || item == Py_None ||
        item == Py_Ellipsis)
      return true;
  }
  return false;
}

[[noreturn]] void refuse(PyObject* key) {
  fail(ErrorKind::Index,
       "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
       "(got ",
       Py_TYPE(key)->tp_name, ")");
}

bool is_mask(const Tensor& t) { return t.dtype() == DType::Bool || t.dtype() == DType::UInt8; }

// How many dimensions of the tensor one index item takes.
int64_t dims_taken(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item)) {
    const Tensor& t = unwrap(item);
    if (is_mask(t)) return t.dim();
  }
  return 1;
}

// Applies the plain items as views; index tensors are left for index() and index_put_(), one per remaining
// dimension.
Tensor apply(const Tensor& self, PyObject* key, TensorList& tensors) {
  const Object tuple = stands_for_tuple(key) ? owned(PySequence_Tuple(key)) : Object::borrowed(key);
  key = tuple.get();
  PyObject* one[] = {key};
  PyObject** items = one;
  Py_ssize_t count = 1;
  if (PyTuple_Check(key)) {
    count = PyTuple_GET_SIZE(key);
    items = &PyTuple_GET_ITEM(key, 0);
  }
  int64_t specified = 0;
  TensorList lists;  // items that are sequences, converted once
  lists.resize(size_t(count));
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject* item = items[i];
    if (PyLong_CheckExact(item) || PySlice_Check(item)) {
      specified++;
      continue;
    }
    if (!is_tensor(item) && (!is_index(item) || is_array(item)) && !PyBool_Check(item) && item != Py_None &&
        item != Py_Ellipsis) {
      if (!PySequence_Check(item) && !(is_number(item) && PyIndex_Check(item))) refuse(item);
      lists[size_t(i)] = index_tensor(item);
      const Tensor& t = lists[size_t(i)];
      specified += is_mask(t) ? t.dim() : 1;
    } else {
      specified += dims_taken(item);
    }
  }
  TG_CHECK(specified <= self.dim(), Index, "too many indices for tensor of dimension ", self.dim());

  Tensor result = self;
  int64_t dim = 0,
          covered = 0;  // dimensions gone by; those for which `tensors` has entries (a mask covers several)
  const auto record_tensor = [&](const Tensor& t) {
    for (; covered < dim; covered++) tensors.push_back(Tensor());
    tensors.push_back(t);
    dim += is_mask(t) ? t.dim() : 1;
    covered = dim;
  };
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject* item = items[i];
    if (PyLong_CheckExact(item)) {
      result = select_at(result, dim, to_int(item), i);
    } else if (lists[size_t(i)].defined()) {
      record_tensor(lists[size_t(i)]);
    } else if (item == Py_None) {
      result = unsqueeze(result, dim++);
    } else if (item == Py_Ellipsis) {
      dim += self.dim() - specified;
    } else if (PyBool_Check(item)) {
      result = unsqueeze(result, dim);
      record_tensor(bool_index(item == Py_True));
    } else if (PySlice_Check(item)) {
      result = slice_at(result, dim, item);
      dim++;
    } else if (is_tensor(item)) {
      const Tensor& t = unwrap(item);
      if (t.dim() == 0 && !is_floating(t.dtype())) {
        if (!is_mask(t)) {
          result = select_at(result, dim, t.item().to_int(), i);
        } else {
          result = unsqueeze(result, dim);
          record_tensor(bool_index(t.item().to_bool()));
        }
      } else {
        record_tensor(t);
      }
    } else {
      result = select_at(result, dim, to_int(item), i);
    }
  }
  return result;
}

Tensor alias_view(const Tensor& t) { return slice(t, 0, std::nullopt, std::nullopt, 1); }

// Leading dimensions of size 1 are dropped before broadcasting, as in NumPy.
void copy_into(const Tensor& target, const Tensor& value) {
  if (value.sizes() == target.sizes() || value.dim() == 0) {
    copy_(target, value);
    return;
  }
  size_t extra = 0;
  while (extra < value.sizes().size() && value.sizes()[extra] == 1) extra++;
  const Shape sizes(value.sizes().begin() + extra, value.sizes().end());
  copy_(target, expand(extra ? view(value, sizes) : value, target.sizes()));
}

// NumPy's numbers other than float64 (which is a Python float), its integers and bools are refused.
bool is_assignable(PyObject* value) {
  return is_number(value) && (PyFloat_Check(value) || PyIndex_Check(value) ||
                              std::strncmp(Py_TYPE(value)->tp_name, "numpy.float", 11) != 0);
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
        } else if (is_assignable(value)) {
          number = to_scalar(value);
        } else {
          fail(ErrorKind::Type, "can't assign a ", Py_TYPE(value)->tp_name, " to a ",
               dtype_tensor_name(self.dtype()));
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
        if (number)
          source = full({}, *number, self.dtype(), self.device());
        else if (source.device().is_cpu() && !self.device().is_cpu() && source.dim() == 0)
          source = to(source, {}, self.device());
        index_put_(target, tensors, source, false);
        return 0;
      },
      -1);
}

}  // namespace tensorgrad::python
