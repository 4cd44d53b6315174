#include "operators.h"

#include "indexing.h"
#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/matmul.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/power.h"
#include "tensorgrad/ops/sign.h"

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

template <Tensor (*op)(const Tensor&, Out)>
PyObject* unary(PyObject* self) {
  return guarded([&] {
    const Tensor& input = unwrap(self);
    Tensor result;
    {
      ReleaseGil gil(input.numel() >= kReleaseGilFrom);
      result = op(input, {});
    }
    return wrap(std::move(result));
  });
}
PyObject* positive(PyObject* a) { return Py_NewRef(a); }

// PyTorch has kernels of their own for a number as base and as exponent.
Tensor power_of(PyObject* base, PyObject* exponent, const Out& out) {
  if (!is_tensor(base)) return pow_base(to_scalar(base), unwrap(exponent));
  if (!is_tensor(exponent)) return pow_scalar(unwrap(base), to_scalar(exponent), out);
  return pow(unwrap(base), unwrap(exponent), out);
}
bool operand(PyObject* object) { return is_tensor(object) || is_number(object); }
PyObject* power(PyObject* a, PyObject* b, PyObject*) {
  if (!operand(a) || !operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return wrap(power_of(a, b, {})); });
}
PyObject* power_(PyObject* a, PyObject* b, PyObject*) {
  if (!operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    power_of(a, b, Out::in_place_of(unwrap(a)));
    return Py_NewRef(a);
  });
}
PyObject* matrix_multiply(PyObject* a, PyObject* b) {
  if (!is_tensor(a) || !is_tensor(b)) Py_RETURN_NOTIMPLEMENTED;
  return binary<matmul>(a, b);
}
Tensor not_of(const Tensor& input, Out out) {
  TG_CHECK(!is_floating(input.dtype()), Type,
           "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
  return bitwise_not(input, out);
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  switch (op) {
    case Py_LT: return binary<lt>(a, b);
    case Py_LE: return binary<le>(a, b);
    case Py_EQ: return binary<eq>(a, b);
    case Py_NE: return binary<ne>(a, b);
    case Py_GT: return binary<gt>(a, b);
    default: return binary<ge>(a, b);
  }
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
      {Py_nb_and, slot(binary<bitwise_and>)},
      {Py_nb_or, slot(binary<bitwise_or>)},
      {Py_nb_xor, slot(binary<bitwise_xor>)},
      {Py_nb_lshift, slot(binary<bitwise_left_shift>)},
      {Py_nb_rshift, slot(binary<bitwise_right_shift>)},
      {Py_nb_inplace_and, slot(in_place<bitwise_and>)},
      {Py_nb_inplace_or, slot(in_place<bitwise_or>)},
      {Py_nb_inplace_xor, slot(in_place<bitwise_xor>)},
      {Py_nb_inplace_lshift, slot(in_place<bitwise_left_shift>)},
      {Py_nb_inplace_rshift, slot(in_place<bitwise_right_shift>)},
      {Py_nb_negative, slot(unary<neg>)},
      {Py_nb_positive, slot(positive)},
      {Py_nb_absolute, slot(unary<abs>)},
      {Py_nb_invert, slot(unary<not_of>)},
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
