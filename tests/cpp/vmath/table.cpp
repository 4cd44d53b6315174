// Compiled once per level, as the kernels are: every unary function of the vector maths as a loop.
#include "tests/cpp/vmath/table.h"

#include "tensorgrad/backends/cpu/kernels/vmath.h"
#include "tensorgrad/backends/cpu/kernels/vmath_pieces.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T, class F>
void loop(const T* x, T* y, size_t n) {
  vm::map(x, y, n, F{});
}

#define TG_WRAP(name)                   \
  struct name##_f {                     \
    template <class T>                  \
    TG_INLINE T operator()(T x) const { \
      return vm::name(x);               \
    }                                   \
  };
// clang-format off
#define TG_FUNCTIONS(X)                                                                                    \
  X(exp)                                                                                                   \
  X(exp2)                                                                                                  \
  X(expm1)                                                                                                 \
  X(log)                                                                                                   \
  X(log2) X(log10) X(log1p) X(sqrt) X(rsqrt) X(reciprocal) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) \
      X(asinh) X(acosh) X(atanh) X(sigmoid) X(erf) X(erfc) X(erfinv) X(gelu_tanh)                         \
          X(gelu_tanh_grad) X(silu) X(silu_grad) X(softplus) X(log_sigmoid) X(floor) X(ceil) X(trunc)      \
              X(round_even)
// clang-format on
TG_FUNCTIONS(TG_WRAP)
struct Pow {
  TG_INLINE float operator()(float x, float y) const { return vm::pow(x, y); }
};
using sin_f = Sin;
using cos_f = Cos;
using tan_f = Tan;
using gelu_f = Gelu;
using gelu_grad_f = GeluGrad;

#define TG_ROW(name) {#name, loop<float, name##_f>, loop<double, name##_f>},

}  // namespace

extern const VmathRow vmath_rows[];
const VmathRow vmath_rows[] = {TG_FUNCTIONS(TG_ROW) TG_ROW(gelu) TG_ROW(gelu_grad) TG_ROW(sin) TG_ROW(cos)
                                   TG_ROW(tan){nullptr, nullptr, nullptr}};
void vmath_pow(const float* x, const float* y, float* z, size_t n);
void vmath_pow(const float* x, const float* y, float* z, size_t n) { vm::map(x, y, z, n, Pow{}); }
void vmath_remainder(const float* x, const float* y, float* z, size_t n);
void vmath_remainder(const float* x, const float* y, float* z, size_t n) { vm::map(x, y, z, n, Remainder{}); }

}  // namespace tensorgrad::cpu::TG_ISA
