// Python call arguments, matched against a schema into boxed values.
#pragma once
#include "common.h"
#include "tensorgrad/dispatch/schema.h"

namespace tensorgrad {
class Generator;
}

namespace tensorgrad::python {

// Set by the binding of Generator.
extern Generator* (*unwrap_generator)(PyObject* object);

// A schema with its names interned, ready to match calls.
struct Signature {
  explicit Signature(const OpRow& row, bool method);
  Schema schema;
  struct Keyword {
    PyObject* name;  // interned
    int param;
    int option;  // -1, or which member of Options
  };
  std::vector<Keyword> keywords;
  int self_params;  // 1 for methods: self does not count in texts
  int out_param = -1;
  Py_ssize_t most_arguments = 0;        // by position and by keyword
  bool packs_ints;                      // view(2, 3): all positional arguments are one list of ints
  PyTypeObject* named_tuple = nullptr;  // for results with names
  std::string describe() const;         // as error texts list it
};

constexpr int kMaxParams = 24;

// The values of one call and what they point at.
class Arguments {
 public:
  // parse() sets those that the signature has; the rest stays raw.
  Value* const values = reinterpret_cast<Value*>(raw_values_);
  PyObject* out = nullptr;  // the out= object, borrowed
  int64_t largest = 0;      // elements of the largest tensor

  // False where the call does not match. With `why`, says so in PyTorch's words.
  bool parse(const Signature& signature, PyObject* const* args, Py_ssize_t positional,
             PyObject* keyword_names, std::string* why = nullptr);

 private:
  bool set(const Signature& signature, int index, PyObject* object, int position, std::string* why);
  bool set_option(int option, PyObject* object, std::string* why, const Signature& signature);
  bool ints_from(const std::string& function, PyObject* object, const Param& p, Ints& out,
                 std::string* element_problem);

  alignas(Value) unsigned char raw_values_[kMaxParams * sizeof(Value)];
  Tensor numbers_[6];
  TensorList lists_[2];
  Ints ints_[6];
  SmallVector<double, 4> floats_[1];
  std::string_view texts_[4];
  TensorOptions options_;
  uint8_t number_count_ = 0, list_count_ = 0, ints_count_ = 0, text_count_ = 0;
};

}  // namespace tensorgrad::python
