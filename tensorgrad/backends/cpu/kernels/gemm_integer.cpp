// Products of integers, as plain loops; the levels have them from here by the name of TG_PORTABLE.
#ifdef TG_PORTABLE
#include "tensorgrad/backends/common/parallel.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// Rows of b are added up into a row of c. The arithmetic is unsigned, which wraps around.
template <class T>
void product(const GemmArgs& args, int64_t q, int64_t begin, int64_t end) {
  const T* a = static_cast<const T*>(args.a) + q * args.a_batch;
  const T* b = static_cast<const T*>(args.b) + q * args.b_batch;
  const T* bias = static_cast<const T*>(args.bias);
  if (bias) bias += q * args.bias_batch;
  T* c = static_cast<T*>(args.c) + q * args.c_batch;
  constexpr int64_t stretch = 256;
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t first = 0; first < args.n; first += stretch) {
      const int64_t count = args.n - first < stretch ? args.n - first : stretch;
      uint64_t sums[stretch];
      for (int64_t j = 0; j < count; ++j) {
        const int64_t at = first + j;
        sums[j] = args.accumulate ? uint64_t(c[i * args.c_row + at * args.c_col])
                  : bias          ? uint64_t(bias[i * args.bias_row + at * args.bias_col])
                                  : 0;
      }
      for (int64_t p = 0; p < args.k; ++p) {
        const uint64_t x = uint64_t(a[i * args.a_row + p * args.a_col]);
        const T* row = b + p * args.b_row + first * args.b_col;
        if (args.b_col == 1) {
          for (int64_t j = 0; j < count; ++j) sums[j] += x * uint64_t(row[j]);
        } else {
          for (int64_t j = 0; j < count; ++j) sums[j] += x * uint64_t(row[j * args.b_col]);
        }
      }
      for (int64_t j = 0; j < count; ++j) c[i * args.c_row + (first + j) * args.c_col] = T(sums[j]);
    }
  }
}

template <class T>
void batches(const GemmArgs& args) {
  const int64_t work = args.n * args.k + 1;
  parallel_for(args.batch * args.m, 65536 / work + 1, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t q = begin / args.m, last = end < (q + 1) * args.m ? end : (q + 1) * args.m;
      product<T>(args, q, begin - q * args.m, last - q * args.m);
      begin = last;
    }
  });
}

}  // namespace

void gemm(const GemmArgs& args) {
  switch (args.dtype) {
    case DType::UInt8: return batches<uint8_t>(args);
    case DType::Int8: return batches<int8_t>(args);
    case DType::Int16: return batches<int16_t>(args);
    case DType::Int32: return batches<int32_t>(args);
    default: return batches<int64_t>(args);
  }
}

}  // namespace tensorgrad::cpu::TG_ISA
#endif
