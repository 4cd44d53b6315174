#include "operators.h"

#include "indexing.h"
#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/pointwise.h"

namespace tensorgrad::python {
namespace {

using BinaryOp = Tensor (*)(const Tensor&, const Tensor&, Out);

Tensor add_op(const Tensor& a, const Tensor& b, Out out) { return add(a, b, 1, out); }
Tensor sub_op(const Tensor& a, const Tensor& b, Out out) { return sub(a, b, 1, out); }
Tensor mul_op(const Tensor& a, const Tensor& b, Out out) {
  return a.impl()->wrapped_number ? mul(b, a, out) : mul(a, b, out);
}
// A number over a tensor is the reciprocal times the number, as PyTorch has it.
Tensor div_op(const Tensor& a, const Tensor& b, Out out) {
  return a.impl()->wrapped_number ? mul(reciprocal(b), a, out) : div(a, b, {}, out);
}

// Either side may be a Python number; anything else is left to the other operand.
template <BinaryOp op>
PyObject* binary(PyObject* a, PyObject* b) {
  return guarded([&]() -> PyObject* {
    const bool left = is_tensor(a), right = is_tensor(b);
    if (left && right) {
      const Tensor &x = unwrap(a), &y = unwrap(b);
      if (x.numel() < kReleaseGilFrom && y.numel() < kReleaseGilFrom) return wrap(op(x, y, {}));
      Tensor result;
      {
        ReleaseGil gil;
        result = op(x, y, {});
      }
      return wrap(std::move(result));
    }
    PyObject* other = left ? b : a;
    if (!is_number(other)) Py_RETURN_NOTIMPLEMENTED;
    const Tensor number = wrap_number(to_scalar(other));
    Tensor result;
    {
      ReleaseGil gil(unwrap(left ? a : b).numel() >= kReleaseGilFrom);
      result = left ? op(unwrap(a), number, {}) : op(number, unwrap(b), {});
    }
    return wrap(std::move(result));
  });
}

template <BinaryOp op>
PyObject* in_place(PyObject* a, PyObject* b) {
  return guarded([&]() -> PyObject* {
    const Tensor& self = unwrap(a);
    Tensor number;
    if (!is_tensor(b)) {
      if (!is_number(b)) Py_RETURN_NOTIMPLEMENTED;
      number = wrap_number(to_scalar(b));
    }
    const Tensor& other = is_tensor(b) ? unwrap(b) : number;
    {
      ReleaseGil gil(self.numel() >= kReleaseGilFrom);
      op(self, other, Out::in_place_of(self));
    }
    return Py_NewRef(a);
  });
}

// Operators whose ops the parser knows by name: one attribute look-up more.
PyObject* call_method(PyObject* self, const char* name, PyObject* argument) {
  Object method(PyObject_GetAttrString(self, name));
  return method ? PyObject_CallOneArg(method.get(), argument) : nullptr;
}
bool operand(PyObject* object) { return is_tensor(object) || is_number(object); }

#define TG_NAMED_BINARY(FUNCTION, NAME)                                      \
  PyObject* FUNCTION(PyObject* a, PyObject* b) {                             \
    if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;                \
    if (is_tensor(a)) return call_method(a, NAME, b);                        \
    return guarded([&]() -> PyObject* {                                      \
      Object ops = owned(PyImport_ImportModule("tensorgrad._operators"));    \
      return PyObject_CallMethod(ops.get(), "reflected", "sOO", NAME, a, b); \
    });                                                                      \
  }
TG_NAMED_BINARY(bit_and, "bitwise_and")
TG_NAMED_BINARY(bit_or, "bitwise_or")
TG_NAMED_BINARY(bit_xor, "bitwise_xor")
TG_NAMED_BINARY(shift_left, "bitwise_left_shift")
TG_NAMED_BINARY(shift_right, "bitwise_right_shift")
#undef TG_NAMED_BINARY

#define TG_NAMED_IN_PLACE(FUNCTION, NAME)        \
  PyObject* FUNCTION(PyObject* a, PyObject* b) { \
    if (!operand(b)) Py_RETURN_NOTIMPLEMENTED;   \
    return call_method(a, NAME, b);              \
  }
TG_NAMED_IN_PLACE(bit_and_, "bitwise_and_")
TG_NAMED_IN_PLACE(bit_or_, "bitwise_or_")
TG_NAMED_IN_PLACE(bit_xor_, "bitwise_xor_")
TG_NAMED_IN_PLACE(shift_left_, "bitwise_left_shift_")
TG_NAMED_IN_PLACE(shift_right_, "bitwise_right_shift_")
#undef TG_NAMED_IN_PLACE

PyObject* power(PyObject* a, PyObject* b, PyObject*) {
  if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  if (is_tensor(a)) return call_method(a, "pow", b);
  return guarded([&]() -> PyObject* {
    Object ops = owned(PyImport_ImportModule("tensorgrad._operators"));
    return PyObject_CallMethod(ops.get(), "reflected", "sOO", "pow", a, b);
  });
}
PyObject* power_(PyObject* a, PyObject* b, PyObject*) { return call_method(a, "pow_", b); }
PyObject* matrix_multiply(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) Py_RETURN_NOTIMPLEMENTED;
  return call_method(a, "matmul", b);
}
PyObject* negative(PyObject* a) {
  return guarded([&] { return wrap(neg(unwrap(a))); });
}
PyObject* positive(PyObject* a) { return Py_NewRef(a); }
PyObject* absolute(PyObject* a) { return PyObject_CallMethod(a, "abs", nullptr); }
PyObject* invert(PyObject* a) {
  return guarded([&]() -> PyObject* {
    TG_CHECK(!is_floating(unwrap(a).dtype()), Type,
             "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
    return PyObject_CallMethod(a, "bitwise_not", nullptr);
  });
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  static constexpr const char* names[] = {"lt", "le", "eq", "ne", "gt", "ge"};
  if (!operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return call_method(a, names[op], b);
}
Py_hash_t identity_hash(PyObject* self) { return reinterpret_cast<Py_hash_t>(self); }

int truth(PyObject* self) {
  return guarded(
      [&] {
        const Tensor& t = unwrap(self);
        TG_CHECK(t.numel() != 0, Runtime, "Boolean value of Tensor with no values is ambiguous");
        TG_CHECK(t.numel() == 1, Runtime, "Boolean value of Tensor with more than one value is ambiguous");
        return int(t.item().to_bool());
      },
      -1);
}
Scalar only_element(PyObject* self) {
  TG_CHECK(unwrap(self).numel() == 1, Value, "only one element tensors can be converted to Python scalars");
  return unwrap(self).item();
}
PyObject* as_int(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Scalar s = only_element(self);
    if (s.is_floating()) return PyLong_FromDouble(s.to_double());
    return PyLong_FromLongLong(s.to_int());
  });
}
PyObject* as_float(PyObject* self) {
  return guarded([&] { return PyFloat_FromDouble(only_element(self).to_double()); });
}
PyObject* as_index(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor& t = unwrap(self);
    TG_CHECK(t.numel() == 1 && !is_floating(t.dtype()), Type,
             "only integer tensors of a single element can be converted to an index");
    return PyLong_FromLongLong(t.item().to_int());
  });
}
Py_ssize_t length(PyObject* self) {
  return guarded(
      [&]() -> Py_ssize_t {
        const Tensor& t = unwrap(self);
        TG_CHECK(t.dim() > 0, Type, "len() of a 0-d tensor");
        return Py_ssize_t(t.sizes()[0]);
      },
      Py_ssize_t(-1));
}

template <class F>
void* slot(F* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

void add_operator_slots(std::vector<PyType_Slot>& slots) {
  const std::vector<PyType_Slot> operators = {
      {Py_nb_add, slot(binary<add_op>)},
      {Py_nb_subtract, slot(binary<sub_op>)},
      {Py_nb_multiply, slot(binary<mul_op>)},
      {Py_nb_true_divide, slot(binary<div_op>)},
      {Py_nb_floor_divide, slot(binary<floor_divide>)},
      {Py_nb_remainder, slot(binary<remainder>)},
      {Py_nb_inplace_add, slot(in_place<add_op>)},
      {Py_nb_inplace_subtract, slot(in_place<sub_op>)},
      {Py_nb_inplace_multiply, slot(in_place<mul>)},
      {Py_nb_inplace_true_divide, slot(in_place<div_op>)},
      {Py_nb_inplace_floor_divide, slot(in_place<floor_divide>)},
      {Py_nb_inplace_remainder, slot(in_place<remainder>)},
      {Py_nb_power, slot(power)},
      {Py_nb_inplace_power, slot(power_)},
      {Py_nb_matrix_multiply, slot(matrix_multiply)},
      {Py_nb_and, slot(bit_and)},
      {Py_nb_or, slot(bit_or)},
      {Py_nb_xor, slot(bit_xor)},
      {Py_nb_lshift, slot(shift_left)},
      {Py_nb_rshift, slot(shift_right)},
      {Py_nb_inplace_and, slot(bit_and_)},
      {Py_nb_inplace_or, slot(bit_or_)},
      {Py_nb_inplace_xor, slot(bit_xor_)},
      {Py_nb_inplace_lshift, slot(shift_left_)},
      {Py_nb_inplace_rshift, slot(shift_right_)},
      {Py_nb_negative, slot(negative)},
      {Py_nb_positive, slot(positive)},
      {Py_nb_absolute, slot(absolute)},
      {Py_nb_invert, slot(invert)},
      {Py_nb_bool, slot(truth)},
      {Py_nb_int, slot(as_int)},
      {Py_nb_float, slot(as_float)},
      {Py_nb_index, slot(as_index)},
      {Py_mp_length, slot(length)},
      {Py_mp_subscript, slot(get_item)},
      {Py_mp_ass_subscript, slot(set_item)},
      {Py_tp_richcompare, slot(compare)},
      {Py_tp_hash, slot(identity_hash)},
  };
  slots.insert(slots.end(), operators.begin(), operators.end());
}

}  // namespace tensorgrad::python
