// What reductions share: bringing the input to [outer, length, inner], and gradients back to its shape.
#pragma once
#include "tensorgrad/backends/slots.h"
#include "tensorgrad/tensor/tensor.h"

namespace tensorgrad {

class Reduction {
 public:
  // Over `dims`; none means all. Memory is read in its own order unless the places of elements matter
  // (`ordered`).
  Reduction(const Tensor& input, const Ints& dims, bool keepdim, bool ordered = false);
  Shape sizes;      // of the result
  ReduceArgs args;  // all but out

 private:
  Tensor source_;  // keeps a permuted copy alive
};

// A reduced gradient with its reduced dimensions back as size 1, so that it broadcasts over the input.
Tensor restore_reduced(const Tensor& u, const Ints& dims, const Shape& sizes, bool keepdim);

// How many elements meet in each result.
int64_t reduced_count(const Tensor& input, const Ints& dims);

}  // namespace tensorgrad
