#include "tensorgrad/core/dtype.h"

namespace tensorgrad {
namespace {
DType current_default = DType::Float32;
}

const char* dtype_name(DType t) {
  static constexpr const char* names[] = {"uint8",   "int8",    "int16",   "int32", "int64",
                                          "float16", "float32", "float64", "bool",  "bfloat16"};
  return names[size_t(t)];
}
const char* dtype_scalar_name(DType t) {
  static constexpr const char* names[] = {"Byte", "Char",  "Short",  "Int",  "Long",
                                          "Half", "Float", "Double", "Bool", "BFloat16"};
  return names[size_t(t)];
}
const char* c_type_name(DType t) {
  static constexpr const char* names[] = {"unsigned char", "signed char",  "short int", "int",
                                          "long int",      "c10::Half",    "float",     "double",
                                          "bool",          "c10::BFloat16"};
  return names[size_t(t)];
}
const char* dtype_tensor_name(DType t) {
  static constexpr const char* names[] = {"torch.ByteTensor",    "torch.CharTensor",   "torch.ShortTensor",
                                          "torch.IntTensor",     "torch.LongTensor",   "torch.HalfTensor",
                                          "torch.FloatTensor",   "torch.DoubleTensor", "torch.BoolTensor",
                                          "torch.BFloat16Tensor"};
  return names[size_t(t)];
}

// bool < integers < floating. uint8 meets a signed type in the next wider signed one; half meets bfloat16 in
// float32.
DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::Bool) return b;
  if (b == DType::Bool) return a;
  if (is_floating(a) != is_floating(b)) return is_floating(a) ? a : b;
  if (is_floating(a)) {
    if (element_size(a) == element_size(b)) return DType::Float32;
    return element_size(a) > element_size(b) ? a : b;
  }
  if (a == DType::UInt8 || b == DType::UInt8) {
    const DType other = a == DType::UInt8 ? b : a;
    return other == DType::Int8 ? DType::Int16 : other;
  }
  return element_size(a) > element_size(b) ? a : b;
}

bool can_cast(DType from, DType to) {
  if (is_floating(from) && !is_floating(to)) return false;
  return from == DType::Bool || to != DType::Bool;
}

DType default_dtype() { return current_default; }
void set_default_dtype(DType t) { current_default = t; }

}  // namespace tensorgrad
