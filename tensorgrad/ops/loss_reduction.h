// What losses share: their reduction, and the two old arguments that named it before.
#pragma once
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/reduce.h"

namespace tensorgrad {

enum class Reduced : uint8_t { None, Mean, Sum };

inline Reduced parse_reduction(std::string_view text) {
  if (text == "mean") return Reduced::Mean;
  if (text == "sum") return Reduced::Sum;
  TG_CHECK(text == "none", Value, text, " is not a valid value for reduction");
  return Reduced::None;
}
// size_average and reduce, where one is given, decide instead of `reduction`.
inline std::string_view legacy(std::string_view reduction, std::optional<bool> size_average,
                               std::optional<bool> reduce) {
  if (!size_average && !reduce) return reduction;
  if (!reduce.value_or(true)) return "none";
  return size_average.value_or(true) ? "mean" : "sum";
}
inline Tensor reduce_loss(const Tensor& loss, Reduced how) {
  if (how == Reduced::None) return loss;
  return how == Reduced::Sum ? sum_all(loss) : mean_all(loss);
}
// What a gradient of one element of the loss is multiplied with because of the reduction.
inline Tensor unreduced(const Tensor& u, Reduced how, int64_t count) {
  return how == Reduced::Mean ? u * Scalar(1.0 / double(count)) : u;
}

}  // namespace tensorgrad
