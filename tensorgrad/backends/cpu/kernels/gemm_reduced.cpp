// Products of float16 and bfloat16: the operands are widened, multiplied in float32, and rounded once.
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/cpu/kernels/gemm_problem.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
void widen(float* to, const void* from, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  const T* source = static_cast<const T*>(from);
  parallel_for(rows, 32768 / (columns + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* line = source + i * row;
      if (column == 1) {
        for (int64_t j = 0; j < columns; ++j) to[i * columns + j] = float(line[j]);
      } else {
        for (int64_t j = 0; j < columns; ++j) to[i * columns + j] = float(line[j * column]);
      }
    }
  });
}

// A copy in which the faster of the two strides stays the fast one.
template <class T>
void widen_operand(float* to, const void*& data, int64_t rows, int64_t columns, int64_t& row,
                   int64_t& column) {
  if (row == 1) {
    widen<T>(to, data, columns, rows, column, row);
    column = rows;
  } else {
    widen<T>(to, data, rows, columns, row, column);
    row = columns;
    column = 1;
  }
  data = to;
}

template <class T>
void reduced(const GemmArgs& args) {
  const int64_t a_size = args.m * args.k, b_size = args.k * args.n, c_size = args.m * args.n;
  float* memory = static_cast<float*>(
      thread_scratch(Scratch::convert, size_t(a_size + b_size + 2 * c_size) * sizeof(float)));
  for (int64_t q = 0; q < args.batch; ++q) {
    GemmArgs wide = args;
    wide.dtype = DType::Float32;
    wide.batch = 1;
    wide.a = static_cast<const T*>(args.a) + q * args.a_batch;
    wide.b = static_cast<const T*>(args.b) + q * args.b_batch;
    T* c = static_cast<T*>(args.c) + q * args.c_batch;
    widen_operand<T>(memory, wide.a, args.m, args.k, wide.a_row, wide.a_col);
    widen_operand<T>(memory + a_size, wide.b, args.k, args.n, wide.b_row, wide.b_col);
    float* result = memory + a_size + b_size;
    wide.c = result;
    wide.c_row = args.n;
    wide.c_col = 1;
    if (args.accumulate) widen<T>(result, c, args.m, args.n, args.c_row, args.c_col);
    if (args.bias) {
      float* bias = result + c_size;
      widen<T>(bias, static_cast<const T*>(args.bias) + q * args.bias_batch, args.m, args.n, args.bias_row,
               args.bias_col);
      wide.bias = bias;
      wide.bias_row = args.n;
      wide.bias_col = 1;
    }
    gemm(wide);
    for (int64_t i = 0; i < args.m; ++i) {
      for (int64_t j = 0; j < args.n; ++j) c[i * args.c_row + j * args.c_col] = T(result[i * args.n + j]);
    }
  }
}

}  // namespace

void gemm_reduced(const GemmArgs& args) {
  args.dtype == DType::Float16 ? reduced<Half>(args) : reduced<BFloat16>(args);
}

}  // namespace tensorgrad::cpu::TG_ISA
