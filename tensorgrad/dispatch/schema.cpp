#include "tensorgrad/dispatch/schema.h"

#include <charconv>
#include <cstdlib>

namespace tensorgrad {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Splits at commas outside brackets.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); i++) {
    if (i < text.size() && (text[i] == '[' || text[i] == '(')) depth++;
    if (i < text.size() && (text[i] == ']' || text[i] == ')')) depth--;
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      if (auto part = trim(text.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
      begin = i + 1;
    }
  }
  return parts;
}

[[noreturn]] void malformed(std::string_view schema, std::string_view part) {
  fail(ErrorKind::Runtime, "malformed schema '", schema, "' at '", part, "'");
}

ParamType base_type(std::string_view type, std::string_view schema) {
  static constexpr std::pair<std::string_view, ParamType> names[] = {
      {"Tensor", ParamType::Tensor},  {"Operand", ParamType::Operand},
      {"Scalar", ParamType::Scalar},  {"int", ParamType::Int},
      {"float", ParamType::Float},    {"bool", ParamType::Bool},
      {"str", ParamType::Text},       {"ScalarType", ParamType::DType},
      {"Device", ParamType::Device},  {"Generator", ParamType::Generator},
      {"Options", ParamType::Options}};
  for (auto& [name, value] : names)
    if (name == type) return value;
  malformed(schema, type);
}

void parse_type(Param& p, std::string_view type, std::string_view schema) {
  if (type.back() == '?') {
    p.optional = true;
    type.remove_suffix(1);
  }
  if (type.back() != ']') {
    p.type = base_type(type, schema);
    return;
  }
  const size_t open = type.rfind('[');
  const std::string size(type.substr(open + 1, type.size() - open - 2));
  p.fixed_size = size.empty() ? 0 : std::atoll(size.c_str());
  type = type.substr(0, open);
  if (type.back() == '?') {
    p.nullable_items = true;
    type.remove_suffix(1);
  }
  switch (base_type(type, schema)) {
    case ParamType::Tensor: p.type = ParamType::TensorList; break;
    case ParamType::Int: p.type = ParamType::Ints; break;
    case ParamType::Float: p.type = ParamType::Floats; break;
    case ParamType::Bool: p.type = ParamType::Bools; break;
    default: malformed(schema, type);
  }
}

void parse_default(Param& p, std::string_view text, std::string_view schema) {
  p.has_default = true;
  p.default_text = text;
  Value& v = p.default_value;
  if (text == "None") return;
  if (text == "True" || text == "False") {
    v.kind = ValueKind::Bool;
    v.b = text == "True";
  } else if (text.front() == '"' || text.front() == '\'') {
    p.default_storage = text.substr(1, text.size() - 2);
    v.kind = ValueKind::Text;
  } else if (text.front() == '[') {
    for (auto item : split(text.substr(1, text.size() - 2)))
      p.default_ints.push_back(std::atoll(std::string(item).c_str()));
    v.kind = ValueKind::Ints;
  } else if (p.type == ParamType::Ints) {
    for (int64_t i = 0; i < std::max<int64_t>(p.fixed_size, 1); i++)
      p.default_ints.push_back(std::atoll(std::string(text).c_str()));
    v.kind = ValueKind::Ints;
  } else if (text.find_first_of(".einf") != text.npos) {
    v.kind = ValueKind::Float;
    v.d = std::strtod(std::string(text).c_str(), nullptr);
  } else {
    int64_t number;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc())
      malformed(schema, text);
    v.kind = ValueKind::Int;
    v.i = number;
  }
}

}  // namespace

Schema::Schema(const OpRow& op) : text(op.schema), row(&op) {
  const std::string_view all = text;
  const size_t open = all.find('('), arrow = all.rfind("->");
  if (open == all.npos || arrow == all.npos) malformed(all, all);
  const size_t close = all.rfind(')', arrow);
  std::string_view full = trim(all.substr(0, open));
  if (const size_t dot = full.find('.'); dot != full.npos) {
    space = full.substr(0, dot);
    full.remove_prefix(dot + 1);
  }
  name = full;
  bool keyword_only = false;
  for (std::string_view part : split(all.substr(open + 1, close - open - 1))) {
    if (part == "*") {
      keyword_only = true;
      continue;
    }
    const size_t space_at = part.find(' ');
    if (space_at == part.npos) malformed(all, part);
    Param& p = params.emplace_back();
    p.keyword_only = keyword_only;
    parse_type(p, part.substr(0, space_at), all);
    std::string_view rest = trim(part.substr(space_at));
    if (const size_t equals = rest.find('='); equals != rest.npos) {
      parse_default(p, trim(rest.substr(equals + 1)), all);
      rest = trim(rest.substr(0, equals));
    }
    if (rest.front() == '*') {
      variadic = int(params.size()) - 1;
      rest.remove_prefix(1);
    }
    p.name = rest;
    if (p.name == "out" && p.optional) p.type = ParamType::Out;
    if (p.type == ParamType::Options) p.has_default = true;
    if (!p.has_default) required++;
    if (!keyword_only) positional++;
  }
  for (Param& p : params) {  // pointers into params are stable from here on
    if (p.default_value.kind == ValueKind::Ints) p.default_value.ints = &p.default_ints;
    if (p.default_value.kind == ValueKind::Text) {
      p.default_view = p.default_storage;
      p.default_value.text = &p.default_view;
    }
  }
  std::string_view result = trim(all.substr(arrow + 2));
  if (result.front() == '(') result = result.substr(1, result.size() - 2);
  for (std::string_view part : split(result)) {
    const size_t at = part.find(' ');
    returns.emplace_back(part.substr(0, at));
    return_names.emplace_back(at == part.npos ? "" : trim(part.substr(at)));
  }
}

}  // namespace tensorgrad
