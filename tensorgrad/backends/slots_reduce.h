// Kernel slots of reductions other than sums, and of scans.
#pragma once
#include "tensorgrad/backends/slots.h"

namespace tensorgrad {

enum class Fold : uint8_t {
  Sum,
  Product,
  Maximum,
  Minimum,  // NaN wins the extremes
  Any,
  All,
  CountNonzero,
  NanSum,
  CountNotNan,
  AbsSum,
  SquareSum,
  AbsMaximum,
  AbsMinimum,
  PowerSum  // of |x|; the last to the power p
};

// As ReduceArgs, whose dtype is that of the input. Any and All write bool, the counts int64; sums and
// products write `out_dtype`: the input's, or int64 of integers.
struct FoldArgs : ReduceArgs {
  Fold fold;
  DType out_dtype;
  double power = 0, divisor = 1;
};
// The extreme and its first place along `length`; `out` may be null.
struct ArgArgs : ReduceArgs {
  int64_t* places;
  bool greatest;
};
// The mean, and the sum of squared distances from it divided by `divisor`; either may be null.
struct MomentArgs : ReduceArgs {
  void* mean;
  double divisor;
  bool root;
};
enum class Scan : uint8_t { Sum, Product, Maximum, Minimum, LogSumExp };
struct ScanArgs : ReduceArgs {
  Scan scan;
  int64_t* places;  // of the extremes
};

}  // namespace tensorgrad

TG_SLOT(reduce_fold, void(const FoldArgs&))
TG_SLOT(reduce_arg, void(const ArgArgs&))
TG_SLOT(reduce_moments, void(const MomentArgs&))
TG_SLOT(scan, void(const ScanArgs&))
