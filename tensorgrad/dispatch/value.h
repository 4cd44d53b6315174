// Boxed arguments and results: what a caller that knows only an op's schema (Python) hands over and gets
// back.
#pragma once
#include <string>
#include <string_view>
#include <tuple>

#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

class Generator;

// dtype, device, requires_grad: the keyword arguments that factories share.
struct TensorOptions {
  std::optional<DType> dtype;
  std::optional<Device> device;
  bool requires_grad = false;
  bool pin_memory = false;
  bool contiguous = false;  // memory_format=contiguous_format, for the ..._like functions
};

enum class ValueKind : uint8_t {
  None,
  Tensor,
  TensorList,
  Int,
  Float,
  Bool,
  Ints,
  Floats,
  Bools,
  DType,
  Device,
  Text,
  Generator,
  Options,
  Out,
  InPlace
};

// One argument. Pointers are borrowed from the caller for the length of the call.
struct Value {
  ValueKind kind = ValueKind::None;
  union {
    const Tensor* tensor;
    const TensorList* tensors;
    int64_t i;
    double d;
    bool b;
    const Ints* ints;
    const SmallVector<double, 4>* floats;
    DType dtype;
    Device device;
    const std::string_view* text;
    Generator* generator;
    const TensorOptions* options;
  };
  Value() : i(0) {}
  Scalar scalar() const {
    return kind == ValueKind::Float ? Scalar(d) : kind == ValueKind::Bool ? Scalar(b) : Scalar(i);
  }
};

enum class ResultKind : uint8_t { None, Tensor, Tuple, List, Bool, Int, Float, Scalar, DType, Ints };

struct Result {
  ResultKind kind = ResultKind::None;
  TensorList tensors;
  Scalar scalar;
  DType dtype = DType::Float32;
  Ints ints;
};

// An op's parameter type T out of a Value.
template <class T>
struct Unbox;
#define TG_UNBOX(T, expression)                                       \
  template <>                                                         \
  struct Unbox<T> {                                                   \
    static decltype(auto) from(const Value& v) { return expression; } \
  }
inline const Tensor kUndefined{};
inline const Ints kNoInts{};
// What stands for None in a list of type int?[].
inline constexpr int64_t kNoneItem = INT64_MIN;
TG_UNBOX(Tensor, (v.kind == ValueKind::None ? kUndefined : *v.tensor));
TG_UNBOX(TensorList, *v.tensors);
TG_UNBOX(int64_t, v.i);
TG_UNBOX(double, (v.kind == ValueKind::Float ? v.d : double(v.i)));
TG_UNBOX(bool, v.b);
TG_UNBOX(Ints, (v.kind == ValueKind::None ? kNoInts : *v.ints));
TG_UNBOX(Scalar, v.scalar());
TG_UNBOX(DType, v.dtype);
TG_UNBOX(Device, v.device);
TG_UNBOX(std::string_view, *v.text);
TG_UNBOX(TensorOptions, *v.options);
#undef TG_UNBOX
template <>
struct Unbox<Generator*> {
  static Generator* from(const Value& v) { return v.kind == ValueKind::None ? nullptr : v.generator; }
};
template <>
struct Unbox<SmallVector<double, 4>> {
  static const SmallVector<double, 4>& from(const Value& v) { return *v.floats; }
};
template <>
struct Unbox<Out> {
  static Out from(const Value& v) {
    return v.kind == ValueKind::None ? Out{} : Out{v.tensor, v.kind == ValueKind::InPlace};
  }
};
template <class T>
struct Unbox<std::optional<T>> {
  static std::optional<T> from(const Value& v) {
    if (v.kind == ValueKind::None) return std::nullopt;
    return Unbox<T>::from(v);
  }
};

inline void box(Result& r, Tensor value) {
  r.kind = ResultKind::Tensor;
  r.tensors.push_back(std::move(value));
}
inline void box(Result& r, TensorList value) {
  r.kind = ResultKind::List;
  r.tensors = std::move(value);
}
template <class... T>
void box(Result& r, std::tuple<T...> value) {
  r.kind = ResultKind::Tuple;
  std::apply([&](auto&... each) { (r.tensors.push_back(std::move(each)), ...); }, value);
}
inline void box(Result& r, bool value) {
  r.kind = ResultKind::Bool;
  r.scalar = Scalar(value);
}
inline void box(Result& r, int64_t value) {
  r.kind = ResultKind::Int;
  r.scalar = Scalar(value);
}
inline void box(Result& r, double value) {
  r.kind = ResultKind::Float;
  r.scalar = Scalar(value);
}
inline void box(Result& r, Scalar value) {
  r.kind = ResultKind::Scalar;
  r.scalar = value;
}
inline void box(Result& r, DType value) {
  r.kind = ResultKind::DType;
  r.dtype = value;
}
inline void box(Result& r, Ints value) {
  r.kind = ResultKind::Ints;
  r.ints = std::move(value);
}

}  // namespace tensorgrad
