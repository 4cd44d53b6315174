#include "interop.h"

#include <cstring>

#include "scalars.h"
#include "tensor_object.h"
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/dispatch/cpu_level.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/views.h"
#include "tensorgrad/storage/allocator.h"
#include "types.h"

namespace tensorgrad::python {
namespace {

// DLPack's C ABI, version 0 (https://dmlc.github.io/dlpack/latest/c_api.html).
struct DLTensor {
  void* data;
  int32_t device_type, device_id;
  int32_t ndim;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};
enum : uint8_t { kDLInt = 0, kDLUInt = 1, kDLFloat = 2, kDLBfloat = 4, kDLBool = 6 };

uint8_t dlpack_code(DType t) {
  if (t == DType::BFloat16) return kDLBfloat;
  if (is_floating(t)) return kDLFloat;
  return t == DType::Bool ? kDLBool : t == DType::UInt8 ? kDLUInt : kDLInt;
}
std::optional<DType> dlpack_dtype(const DLTensor& t) {
  for (int i = 0; i < kDTypeCount; i++)
    if (dlpack_code(DType(i)) == t.code && element_size(DType(i)) * 8 == t.bits && t.lanes == 1)
      return DType(i);
  return std::nullopt;
}

struct Exported {
  DLManagedTensor managed;
  Tensor keep;
  Ints sizes, strides;
};

void capsule_destructor(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, "dltensor")) return;  // taken over by its consumer
  auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
  if (managed && managed->deleter) managed->deleter(managed);
}

PyObject* to_dlpack(PyObject*, PyObject* object) {
  return guarded([&] {
    TG_CHECK(is_tensor(object), Type, "expected a Tensor");
    auto* exported = new Exported{{}, unwrap(object), unwrap(object).sizes(), unwrap(object).strides()};
    const Tensor& t = exported->keep;
    exported->managed.tensor = {t.bytes(),
                                1,
                                0,
                                int32_t(t.dim()),
                                dlpack_code(t.dtype()),
                                uint8_t(t.element_size() * 8),
                                1,
                                exported->sizes.data(),
                                exported->strides.data(),
                                0};
    exported->managed.context = exported;
    exported->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Exported*>(self->context); };
    return checked(PyCapsule_New(&exported->managed, "dltensor", capsule_destructor));
  });
}

PyObject* from_dlpack(PyObject*, PyObject* capsule) {
  return guarded([&] {
    auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    if (!managed) throw PythonError();
    const DLTensor& t = managed->tensor;
    const auto dtype = dlpack_dtype(t);
    TG_CHECK(dtype, Runtime, "Unsupported kUInt/kInt/kFloat bits or lanes: code ", int(t.code), ", bits ",
             int(t.bits), ", lanes ", t.lanes);
    TG_CHECK(t.device_type == 1, Runtime, "from_dlpack(): device type ", t.device_type, " is not supported");
    Shape sizes(t.shape, t.shape + t.ndim);
    const Ints strides = t.strides ? Ints(t.strides, t.strides + t.ndim) : contiguous_strides(sizes);
    size_t bytes = element_size(*dtype);
    for (int32_t i = 0; i < t.ndim; i++)
      bytes += size_t(std::max<int64_t>(sizes[size_t(i)] - 1, 0) * strides[size_t(i)]) * element_size(*dtype);
    PyCapsule_SetName(capsule, "used_dltensor");
    StoragePtr storage =
        Storage::from_external(static_cast<char*>(t.data) + t.byte_offset, bytes, Device{}, [managed] {
          AcquireGil gil;
          if (managed->deleter) managed->deleter(managed);
        });
    return wrap(Tensor::wrap(std::move(storage), sizes, strides, 0, *dtype));
  });
}

// _bitcast(tensor, dtype): Tensor.view(dtype).
PyObject* bitcast(PyObject*, PyObject* args) {
  PyObject *object, *dtype;
  if (!PyArg_ParseTuple(args, "OO", &object, &dtype)) return nullptr;
  return guarded([&] {
    TG_CHECK(is_tensor(object) && is_dtype(dtype), Type, "expected a Tensor and a dtype");
    return wrap(view_dtype(unwrap(object), unwrap_dtype(dtype)));
  });
}

Tensor operand(PyObject* object) {
  if (is_tensor(object)) return unwrap(object);
  TG_CHECK(is_number(object), Type, "result_type(): argument must be Tensor or Number, not ",
           Py_TYPE(object)->tp_name);
  return wrap_number(to_scalar(object));
}
PyObject* result_type_py(PyObject*, PyObject* args) {
  PyObject *a, *b;
  if (!PyArg_ParseTuple(args, "OO", &a, &b)) return nullptr;
  return guarded([&] {
    const Tensor x = operand(a), y = operand(b);
    return wrap_dtype(result_type({&x, &y}));
  });
}
bool two_dtypes(PyObject* args, DType& a, DType& b) {
  PyObject *x, *y;
  if (!PyArg_ParseTuple(args, "OO", &x, &y)) return false;
  if (!is_dtype(x) || !is_dtype(y)) {
    PyErr_Format(PyExc_TypeError, "expected torch.dtype, not %s", Py_TYPE(is_dtype(x) ? y : x)->tp_name);
    return false;
  }
  a = unwrap_dtype(x);
  b = unwrap_dtype(y);
  return true;
}
PyObject* promote_types_py(PyObject*, PyObject* args) {
  DType a, b;
  return two_dtypes(args, a, b) ? wrap_dtype(promote_types(a, b)) : nullptr;
}
PyObject* can_cast_py(PyObject*, PyObject* args) {
  DType a, b;
  return two_dtypes(args, a, b) ? PyBool_FromLong(can_cast(a, b)) : nullptr;
}
PyObject* get_default(PyObject*, PyObject*) { return wrap_dtype(default_dtype()); }
PyObject* set_default(PyObject*, PyObject* d) {
  set_default_dtype(unwrap_dtype(d));
  Py_RETURN_NONE;
}
PyObject* get_threads(PyObject*, PyObject*) { return PyLong_FromLong(get_num_threads()); }
PyObject* set_threads(PyObject*, PyObject* n) {
  set_num_threads(int(PyLong_AsLong(n)));
  Py_RETURN_NONE;
}
PyObject* cpu_level_py(PyObject*, PyObject*) { return PyUnicode_FromString(cpu_level_name()); }
PyObject* memory_stats(PyObject*, PyObject*) {
  const MemoryStats s = cpu::memory_stats();
  return Py_BuildValue("{sLsLsLsL}", "allocated_bytes", (long long)s.allocated_bytes, "peak_allocated_bytes",
                       (long long)s.peak_allocated_bytes, "cached_bytes", (long long)s.cached_bytes,
                       "allocations", (long long)s.allocations);
}
PyObject* empty_cache(PyObject*, PyObject*) {
  cpu::empty_cache();
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"_to_dlpack", to_dlpack, METH_O, nullptr},
    {"_from_dlpack", from_dlpack, METH_O, nullptr},
    {"_bitcast", bitcast, METH_VARARGS, nullptr},
    {"_result_type", result_type_py, METH_VARARGS, nullptr},
    {"_promote_types", promote_types_py, METH_VARARGS, nullptr},
    {"_can_cast", can_cast_py, METH_VARARGS, nullptr},
    {"_get_default_dtype", get_default, METH_NOARGS, nullptr},
    {"_set_default_dtype", set_default, METH_O, nullptr},
    {"_get_num_threads", get_threads, METH_NOARGS, nullptr},
    {"_set_num_threads", set_threads, METH_O, nullptr},
    {"_cpu_level", cpu_level_py, METH_NOARGS, nullptr},
    {"memory_stats", memory_stats, METH_NOARGS, "Bytes the cpu allocator holds and keeps."},
    {"empty_cache", empty_cache, METH_NOARGS, "Gives the cpu allocator's free blocks back to the system."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_interop(PyObject* module) { check_status(PyModule_AddFunctions(module, methods)); }

}  // namespace tensorgrad::python
