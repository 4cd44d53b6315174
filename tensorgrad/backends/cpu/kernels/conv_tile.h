#pragma once
// The register tiles of convolution. Both read the image through a list of offsets, one per (channel, tap),
// from a window copied beside zeros, so no matrix of patches is ever built.
#include <stdint.h>

#include "tensorgrad/backends/cpu/kernels/gemm_tile.h"

namespace tensorgrad::cpu::TG_ISA {

// c[i][j] = sum over p of a[p * rows + i] * b[offsets[p] + j], plus bias[i] where given. `vectors` vectors of
// b are read for every p, whatever `columns` says.
template <class T>
struct GatherTile {
  int64_t k;
  const T* a;
  const T* b;
  const int32_t* offsets;
  T* c;
  int64_t c_row;
  int columns;
  const T* bias;
};
template <class T>
using GatherFunction = void (*)(const GatherTile<T>&);

// vectors is 1 or 2; for one row also wide_vectors.
constexpr int wide_vectors = 8;
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
