// Typed errors: each carries the kind of Python exception it becomes and PyTorch's message.
#pragma once
#include <exception>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tensorgrad {

enum class ErrorKind { Runtime, Value, Index, Type, NotImplemented, OutOfMemory, Attribute };

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

  // Notes name the place (operands, module path, forward line); they never change the first line.
  void add_note(std::string note) { notes_.push_back(std::move(note)); }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  ErrorKind kind_;
  std::string message_;
  std::vector<std::string> notes_;
};

template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(ErrorKind kind, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(kind, text.str());
}

}  // namespace tensorgrad

// A macro because the message's parts must be evaluated only on failure.
#define TG_CHECK(condition, kind, ...)                                \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::tensorgrad::fail(::tensorgrad::ErrorKind::kind, __VA_ARGS__); \
  } while (0)
