// A schema row, parsed: the op's name, its parameters with types and defaults, and what it returns.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tensorgrad/dispatch/op_row.h"

namespace tensorgrad {

enum class ParamType : uint8_t {
  Tensor,
  Operand,
  TensorList,
  Scalar,
  Int,
  Ints,
  Float,
  Floats,
  Bool,
  Bools,
  Text,
  DType,
  Device,
  Generator,
  Options,
  Out
};

struct Param {
  std::string name;
  ParamType type;
  bool optional = false;  // None is allowed
  bool keyword_only = false;
  bool has_default = false;
  int64_t fixed_size = 0;       // int[2]: one int stands for both
  bool nullable_items = false;  // Tensor?[]
  Value default_value;
  std::string default_text;
  // Where a default that is not plain data lives.
  Ints default_ints;
  std::string default_storage;
  std::string_view default_view;
};

struct Schema {
  std::string text;
  std::string space;  // "" or "linalg", "special" ...
  std::string name;
  std::vector<Param> params;
  std::vector<std::string> returns;       // types
  std::vector<std::string> return_names;  // empty strings where unnamed
  int required = 0;                       // parameters without a default
  int positional = 0;                     // parameters that may be given by position
  int variadic = -1;                      // the list that may be given as separate arguments
  const OpRow* row = nullptr;

  explicit Schema(const OpRow& row);
  Schema(const Schema&) = delete;
};

}  // namespace tensorgrad
