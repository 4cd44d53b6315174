#include "generator.h"

#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "arguments.h"
#include "tensor_object.h"
#include "tensorgrad/core/random.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

struct GeneratorObject {
  PyObject_HEAD std::shared_ptr<Generator> generator;
};
PyTypeObject* generator_type = nullptr;

Generator& at(PyObject* self) { return *reinterpret_cast<GeneratorObject*>(self)->generator; }

PyObject* make(PyTypeObject* type, std::shared_ptr<Generator> generator) {
  PyObject* self = checked(type->tp_alloc(type, 0));
  new (&reinterpret_cast<GeneratorObject*>(self)->generator) std::shared_ptr<Generator>(std::move(generator));
  return self;
}

PyObject* generator_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    PyObject* device = Py_None;
    static const char* names[] = {"device", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Generator", const_cast<char**>(names), &device))
      throw PythonError();
    if (device != Py_None) {
      if (!is_device(device)) {
        PyErr_Format(PyExc_TypeError,
                     "Generator(): argument 'device' (position 1) must be torch.device, not %s",
                     Py_TYPE(device)->tp_name);
        throw PythonError();
      }
      const Device wanted = unwrap_device(device);
      TG_CHECK(wanted.is_cpu(), Runtime, "Device type ", device_type_name(wanted.type),
               " is not supported for torch.Generator() api.");
    }
    return make(type, std::make_shared<Generator>());
  });
}

void generator_free(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  reinterpret_cast<GeneratorObject*>(self)->generator.~shared_ptr();
  type->tp_free(self);
  Py_DECREF(type);
}

// Any 64-bit number, signed or not.
uint64_t unpack_seed(PyObject* object) {
  if (!PyLong_Check(object) || PyBool_Check(object))
    fail(ErrorKind::Runtime, "manual_seed expected a long, but got ", Py_TYPE(object)->tp_name);
  int overflow;
  const int64_t seed = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0) return uint64_t(seed);
  const uint64_t large = overflow > 0 ? PyLong_AsUnsignedLongLong(object) : 0;
  if (overflow < 0 || PyErr_Occurred()) {
    PyErr_Clear();
    fail(ErrorKind::Value, "Overflow when unpacking long long");
  }
  return large;
}

PyObject* manual_seed(PyObject* self, PyObject* seed) {
  return guarded([&]() -> PyObject* {
    const uint64_t value = unpack_seed(seed);
    std::lock_guard lock(at(self).mutex());
    at(self).manual_seed(value);
    return Py_NewRef(self);
  });
}

PyObject* seed(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    std::lock_guard lock(at(self).mutex());
    return PyLong_FromUnsignedLongLong(at(self).seed());
  });
}

PyObject* initial_seed(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(at(self).initial_seed());
}

PyObject* get_state(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Tensor bytes = Tensor::empty({int64_t(Generator::state_size)}, DType::UInt8);
    std::lock_guard lock(at(self).mutex());
    const auto state = at(self).get_state();
    std::memcpy(bytes.bytes(), state.data(), state.size());
    return wrap(std::move(bytes));
  });
}

PyObject* set_state(PyObject* self, PyObject* object) {
  return guarded([&]() -> PyObject* {
    if (!is_tensor(object))
      fail(ErrorKind::Type, "expected a torch.ByteTensor, but got ", Py_TYPE(object)->tp_name);
    const Tensor& bytes = unwrap(object);
    TG_CHECK(bytes.dtype() == DType::UInt8 && bytes.device().is_cpu(), Type,
             "RNG state must be a torch.ByteTensor");
    TG_CHECK(bytes.is_contiguous(), Runtime, "RNG state must be contiguous");
    std::lock_guard lock(at(self).mutex());
    at(self).set_state(bytes.data<uint8_t>(), size_t(bytes.numel()));
    return Py_NewRef(self);
  });
}

PyObject* clone_state(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    std::lock_guard lock(at(self).mutex());
    return make(generator_type, at(self).clone());
  });
}

PyObject* no_offset(PyObject*, PyObject*) {
  return guarded([&]() -> PyObject* { fail(ErrorKind::Runtime, "CPU Generator does not use offset"); });
}
PyObject* no_graph_get(PyObject*, PyObject*) {
  return guarded([&]() -> PyObject* {
    fail(ErrorKind::NotImplemented, "graphsafe_get_state is not supported in this Generator");
  });
}
PyObject* no_graph_set(PyObject*, PyObject*) {
  return guarded([&]() -> PyObject* {
    fail(ErrorKind::NotImplemented, "graphsafe_set_state is not supported in this Generator");
  });
}

PyObject* reduce(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    Object state = owned(get_state(self, nullptr)), device = owned(wrap_device(Device{}));
    return Py_BuildValue("(O(O)(KOO))", Py_TYPE(self), device.get(), at(self).initial_seed(), Py_None,
                         state.get());
  });
}

PyObject* restore(PyObject* self, PyObject* parts) {
  return guarded([&]() -> PyObject* {
    PyObject *initial = nullptr, *offset = nullptr, *state = nullptr;
    if (!PyArg_ParseTuple(parts, "OOO", &initial, &offset, &state)) throw PythonError();
    owned(manual_seed(self, initial));
    owned(set_state(self, state));
    Py_RETURN_NONE;
  });
}

PyObject* device(PyObject*, void*) {
  return guarded([&] { return wrap_device(Device{}); });
}

PyMethodDef methods[] = {
    {"manual_seed", manual_seed, METH_O,
     "manual_seed(seed: int) -> Generator\n\nStarts the stream of `seed`, any signed or unsigned 64-bit "
     "integer; returns "
     "itself. ValueError beyond 64 bits."},
    {"seed", seed, METH_NOARGS,
     "seed() -> int\n\nStarts a stream that the operating system chooses; returns its seed."},
    {"initial_seed", initial_seed, METH_NOARGS,
     "initial_seed() -> int\n\nThe seed that the stream started from."},
    {"get_state", get_state, METH_NOARGS,
     "get_state() -> Tensor\n\nThe position in the stream: uint8, shape [5056], the layout of PyTorch's cpu "
     "generator."},
    {"set_state", set_state, METH_O,
     "set_state(new_state: Tensor) -> Generator\n\nGoes to the position that get_state() gave. TypeError "
     "unless uint8, "
     "RuntimeError if it is no state."},
    {"clone_state", clone_state, METH_NOARGS,
     "clone_state() -> Generator\n\nA new generator at the same position of the same stream."},
    {"get_offset", no_offset, METH_NOARGS,
     "get_offset() -> int\n\nFor other devices; RuntimeError on the cpu."},
    {"set_offset", no_offset, METH_O,
     "set_offset(offset: int)\n\nFor other devices; RuntimeError on the cpu."},
    {"graphsafe_get_state", no_graph_get, METH_NOARGS, "For other devices; NotImplementedError on the cpu."},
    {"graphsafe_set_state", no_graph_set, METH_O, "For other devices; NotImplementedError on the cpu."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__setstate__", restore, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {{"device", device, nullptr, "The device that the numbers are drawn on.", nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(generator_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(generator_free)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_doc,
     const_cast<char*>("Generator(device='cpu')\n\nA stream of random numbers, PyTorch's for the same seed. "
                       "Functions that draw take it as `generator=`.")},
    {0, nullptr}};
PyType_Spec spec = {"torch._C.Generator", sizeof(GeneratorObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void add_generator(PyObject* module) {
  generator_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
  PyObject* type = reinterpret_cast<PyObject*>(generator_type);
  check_status(PyObject_SetAttrString(type, "__module__", owned(PyUnicode_FromString("tensorgrad")).get()));
  check_status(PyModule_AddObjectRef(module, "Generator", type));
  Object common = owned(make(generator_type, default_generator_handle()));
  check_status(PyModule_AddObjectRef(module, "default_generator", common.get()));
  unwrap_generator = [](PyObject* object) -> Generator* {
    return PyObject_TypeCheck(object, generator_type) ? &at(object) : nullptr;
  };
}

}  // namespace tensorgrad::python
