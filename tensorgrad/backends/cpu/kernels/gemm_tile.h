#pragma once
// The two building blocks of every large product: packing a slice of a matrix into a panel, and multiplying
// two panels into a tile of c that lives in registers. conv uses the same ones.
#include <stdint.h>

#if defined(__AVX512F__)
#define TG_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define TG_VECTOR_BYTES 32
#else
#define TG_VECTOR_BYTES 16
#endif

namespace tensorgrad::cpu::TG_ISA {

// What a tile of c starts from. It is read as start[i * row_stride + j] (matrix: also c itself, or a bias row
// with row_stride 0) or as start[i * row_stride] (column).
enum class Start { zero, matrix, column };

template <class T>
struct TileArgs {
  int64_t k;
  const T* a;  // element (i, p) at a[i * a_row + p * a_col]; packed: a_row 1, a_col the tile's rows
  int64_t a_row, a_col;
  const T* b;  // element (p, j) at b[p * b_row + j]; panel_width readable elements per row
  int64_t b_row;
  T* c;
  int64_t c_row;
  int columns;  // how many columns of the tile exist in c
  Start start;
  const T* start_data;
  int64_t start_row;
};

template <class T>
using TileFunction = void (*)(const TileArgs<T>&);

// The most rows a tile has, and the columns of its widest form.
int max_tile_rows();
template <class T>
constexpr int panel_width = 2 * TG_VECTOR_BYTES / int(sizeof(T));

// The function for tiles of 1 <= rows <= max_tile_rows() and of half a panel (vectors 1) or a panel (vectors
// 2), with a packed or of any strides. The last argument only chooses the type.
TileFunction<float> tile_function(int rows, int vectors, bool packed, const float*);
TileFunction<double> tile_function(int rows, int vectors, bool packed, const double*);

// panel[p * width + i] = source[i * i_stride + p * p_stride] for i < count, zero for count <= i < width. Up
// to 64 bytes after the panel may be overwritten.
void pack_panel(float* panel, int width, int count, const float* source, int64_t i_stride, int64_t p_stride,
                int64_t k);
void pack_panel(double* panel, int width, int count, const double* source, int64_t i_stride, int64_t p_stride,
                int64_t k);

}  // namespace tensorgrad::cpu::TG_ISA
