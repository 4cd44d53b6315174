// Kernel slots that read and write at computed places.
#pragma once
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/core/scalar.h"
#include "tensorgrad/dispatch/slot.h"

namespace tensorgrad {

// What a write does with the element that is there.
enum class Combine : uint8_t { Assign, Add, Multiply, Maximum, Minimum };

// Turns lists of indices, one per indexed dimension, into byte offsets.
struct OffsetArgs {
  int64_t* offsets;
  int64_t count;
  int dims;
  const int64_t* index[kMaxDims];  // contiguous, `count` each
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxDims];  // in bytes
  bool wrap;                  // negative indices count from the end
  // Set where an index is out of bounds (its offset is then 0).
  int64_t* bad_value;
  int* bad_dim;  // -1: none
};

// data[before, offset, after] against contiguous values[before, count, after]; a single value stands for all
// if `scalar`.
struct IndexArgs {
  char* data;
  char* values;
  const int64_t* offsets;
  int64_t count;
  int before_dims, after_dims;  // innermost first
  int64_t before_sizes[kMaxDims], before_strides[kMaxDims];
  int64_t after_sizes[kMaxDims], after_strides[kMaxDims];
  DType dtype;
  bool scalar;
};

// One dimension is indexed by the element, the others by position: operand `indexed` of the plan has stride 0
// there.
struct GatherArgs {
  int64_t size, stride;  // of the indexed dimension, in bytes
  int64_t* bad;          // set to an index that is out of bounds
};

struct MaskArgs {
  const uint8_t* mask;  // contiguous
  int64_t numel;
  int64_t* chunks;  // per chunk of kMaskChunk elements: how many are set, or where its output begins
};
inline constexpr int64_t kMaskChunk = 32768;

}  // namespace tensorgrad

TG_SLOT(index_offsets, void(const OffsetArgs&))
TG_SLOT(index_get, void(const IndexArgs&))             // values = data
TG_SLOT(index_set, void(const IndexArgs&, Combine))    // data = values; the last write of an element wins
TG_SLOT(gather, void(const Plan&, const GatherArgs&))  // out[0] = in[2] at index[1]
TG_SLOT(scatter, void(const Plan&, const GatherArgs&, Combine))  // out[0] at index[1] = src[2]
TG_SLOT(mask_count, void(const MaskArgs&))
// Where elements are set: for each of the mask's dimensions a row of out, as long as elements are set.
TG_SLOT(mask_positions, void(const MaskArgs&, int dims, const int64_t* sizes, int64_t* out))
// Contiguous data where the mask is set, one after another in out; and back from values.
TG_SLOT(mask_select, void(const MaskArgs&, const void* data, void* out, int64_t element_size))
TG_SLOT(mask_put, void(const MaskArgs&, void* data, const void* values, int64_t element_size))
