// 16-bit floats times or over one number. The number keeps the precision of float32: rounding it to 16 bits
// first would change every product.
#include "tensorgrad/backends/cpu/kernels/loops.h"
#include "tensorgrad/backends/number_slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

template <class T>
void scale_by(const Plan& p, float number, bool divide) {
  if (divide) {
    map_unary<T, T>(p, [=](float a) { return a / number; });
  } else {
    map_unary<T, T>(p, [=](float a) { return a * number; });
  }
}

}  // namespace

void scale(const Plan& p, double number, bool divide) {
  p.dtype == DType::Float16 ? scale_by<Half>(p, float(number), divide)
                            : scale_by<BFloat16>(p, float(number), divide);
}

}  // namespace tensorgrad::cpu::TG_ISA
