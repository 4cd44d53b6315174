// Reading and writing at lists of indices and masks.
#pragma once
#include "tensorgrad/backends/slots_index.h"
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

// self[indices], one entry per dimension from the first; undefined: the whole dimension. Bool tensors are
// masks.
Tensor index(const Tensor& self, const TensorList& indices);
Tensor index_put(const Tensor& self, const TensorList& indices, const Tensor& values,
                 bool accumulate = false);
Tensor index_put_(const Tensor& self, const TensorList& indices, const Tensor& values,
                  bool accumulate = false);

// [n, dim] positions of the elements that are not zero.
Tensor nonzero(const Tensor& input);
// One tensor of positions per dimension.
TensorList nonzero_per_dim(const Tensor& input);
Tensor masked_fill(const Tensor& input, const Tensor& mask, const Tensor& value, Out out = {});
Tensor masked_select(const Tensor& input, const Tensor& mask, Out out = {});
// masked_select under the name of the node that it records.
Tensor select_where(const char* name, const Tensor& input, const Tensor& mask, Out out = {});
Tensor masked_scatter(const Tensor& input, const Tensor& mask, const Tensor& source, Out out = {});

// What a writing op starts from: its own input in place, else a copy; deliver() ends it.
Tensor writable(const Out& out, const Tensor& input);

// The walk of data[before..., (indexed), after...] for index_get and index_set.
IndexArgs index_args(const Tensor& data, int64_t first, int64_t indexed, const Tensor& offsets,
                     const Tensor& values);

}  // namespace tensorgrad
