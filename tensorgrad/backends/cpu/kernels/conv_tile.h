#pragma once
// The register tiles of convolution. Both read the image through a list of offsets, one per (channel, tap),
// from a window copied beside zeros, so no matrix of patches is ever built.
#include <stdint.h>

#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

namespace tensorgrad::cpu::TG_ISA {

// One vector of positions of the window: where it starts, and which of its lanes are output columns. Those
// are neighbours in the output, from `to` on. `stored` lanes may be written: more than there are where what
// is written too many belongs to the next vector.
struct GatherVector {
  int32_t from, to, line, column;
  int32_t lanes, stored;
  uint8_t lane[16];
};

// c[i] at vectors[v] = sum over p of a[p * rows + i] * b[offsets[p] + vectors[v].from ...], plus bias[i]
// where given. With `raw` vector v of row i goes as it is to c + i * c_row + v * width.
template <class T>
struct GatherTile {
  int64_t k;
  const T* a;
  const T* b;
  const int32_t* offsets;
  const GatherVector* vectors;
  T* c;
  int64_t c_row;
  bool raw;
  const T* bias;
};
template <class T>
using GatherFunction = void (*)(const GatherTile<T>&);

// How many vectors a tile of so many rows may have.
constexpr int wide_vectors = 8;
constexpr int most_vectors(int rows) { return rows == 1 ? wide_vectors : 2; }
GatherFunction<float> gather_function(int rows, int vectors, const float*);
GatherFunction<double> gather_function(int rows, int vectors, const double*);

// c[i][j] += sum over lines y and x < columns of a_i[y * pitch + x] * b[(y * columns + x) * b_row + j], where
// a_i is window + offsets[i].
template <class T>
struct WeightTile {
  int64_t lines, columns, pitch;
  const T* window;
  const int32_t* offsets;
  const T* b;
  int64_t b_row;
  T* c;
  int64_t c_row;
};
template <class T>
using WeightFunction = void (*)(const WeightTile<T>&);
WeightFunction<float> weight_function(int rows, int vectors, const float*);
WeightFunction<double> weight_function(int rows, int vectors, const double*);

}  // namespace tensorgrad::cpu::TG_ISA
