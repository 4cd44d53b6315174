// Activations, and their derivatives times the upstream gradient a; b is what forward saved (input or
// result).
#include "tensorgrad/backends/cpu/kernels/blocks.h"
#include "tensorgrad/backends/cpu/kernels/vmath.h"
#include "tensorgrad/backends/cpu/kernels/vmath_pieces.h"
#include "tensorgrad/backends/slots.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {
template <class T>
TG_INLINE T clamp(T x, T low, T high) {
  return x < low ? low : (x > high ? high : x);
}
template <class T>
TG_INLINE T mish_grad(T x) {
  const T t = vm::tanh(vm::softplus(x));
  return t + x * vm::sigmoid(x) * (T(1) - t * t);
}
}  // namespace

TG_UNARY0(sigmoid, vm::sigmoid(x))
TG_PAIR0(sigmoid_backward, a*(T(1) - b) * b)
TG_PAIR0(tanh_backward, a*(T(1) - b * b))
TG_UNARY0(log_sigmoid, vm::log_sigmoid(x))
TG_PAIR0(log_sigmoid_backward, a* vm::sigmoid(-b))
TG_UNARY0(silu, vm::silu(x))
TG_PAIR0(silu_backward, a* vm::silu_grad(b))
void gelu(const Plan& p) { run_loop1(p, loop1<float, Gelu>, loop1<double, Gelu>); }
void gelu_backward(const Plan& p) { run_loop2(p, loop2<float, GeluGrad>, loop2<double, GeluGrad>); }
TG_UNARY0(gelu_tanh, vm::gelu_tanh(x))
TG_PAIR0(gelu_tanh_backward, a* vm::gelu_tanh_grad(b))
TG_UNARY0(mish, x* vm::tanh(vm::softplus(x)))
TG_PAIR0(mish_backward, a* mish_grad(b))

// threshold, value
TG_UNARY2(threshold, x <= c0 ? c1 : x)
TG_PAIR1(threshold_backward, b <= c0 ? T(0) : a)
TG_UNARY1(leaky_relu, x > T(0) ? x : x * c0)
TG_PAIR1(leaky_relu_backward, b > T(0) ? a : a * c0)
// negative coefficient, positive coefficient, coefficient of the input below zero
TG_UNARY3(elu, x <= T(0) ? vm::expm1(x * c2) * c0 : x * c1)
TG_PAIR3(elu_backward, b <= T(0) ? a * c2 * c0 * vm::exp(b * c2) : a * c1)
// beta, threshold
TG_UNARY2(softplus, x* c0 > c1 ? x : vm::log1p(vm::exp(x * c0)) / c0)
TG_PAIR2(softplus_backward, b* c0 > c1 ? a : a * vm::sigmoid(b * c0))
TG_UNARY2(hardtanh, clamp(x, c0, c1))
TG_PAIR2(hardtanh_backward, (b <= c0) | (b >= c1) ? T(0) : a)
TG_UNARY0(hardsigmoid, clamp(x + T(3), T(0), T(6)) / T(6))
TG_PAIR0(hardsigmoid_backward, (b > T(-3)) & (b < T(3)) ? a * T(1.0 / 6.0) : T(0))
TG_UNARY0(hardswish, x* clamp(x + T(3), T(0), T(6)) / T(6))
TG_PAIR0(hardswish_backward, b <= T(-3) ? T(0) : (b < T(3) ? a * (b / T(3) + T(0.5)) : a))
TG_UNARY1(softshrink, x > c0 ? x - c0 : (x < -c0 ? x + c0 : x * T(0)))
TG_UNARY1(hardshrink, (x >= -c0) & (x <= c0) ? T(0) : x)
TG_PAIR1(shrink_backward, (b >= -c0) & (b <= c0) ? T(0) : a)

}  // namespace tensorgrad::cpu::TG_ISA
