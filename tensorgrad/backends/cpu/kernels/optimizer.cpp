// Optimizer steps over one parameter. Each line of a loop is one of the operations PyTorch's step is made of,
// rounded where it rounds: results are equal to the last bit where the instruction set has a fused
// multiply-add.
#include "tensorgrad/backends/cpu/kernels/optimizer_math.h"
#include "tensorgrad/backends/optimizer_args.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

enum class Momentum { none, first, later };

template <class T, Momentum momentum, bool decays, bool nesterov>
void sgd_loop(const SgdArgs& args) {
  T* __restrict parameter = static_cast<T*>(args.parameter);
  const T* __restrict gradient = static_cast<const T*>(args.gradient);
  T* __restrict buffer = static_cast<T*>(args.momentum_buffer);
  const T sign = args.maximize ? T(-1) : T(1);
  const T decay = T(args.weight_decay), rate = T(-args.lr), keep = T(args.momentum);
  const T take = T(1 - args.dampening);
  for (int64_t i = 0; i < args.n; ++i) {
    T g = sign * gradient[i];
    if constexpr (decays) g = fused(decay, parameter[i], g);
    if constexpr (momentum != Momentum::none) {
      const T b = momentum == Momentum::first ? g : fused(take, g, buffer[i] * keep);
      buffer[i] = b;
      g = nesterov ? fused(keep, b, g) : b;
    }
    parameter[i] = fused(rate, g, parameter[i]);
  }
}

template <class T, Momentum momentum, bool decays>
void sgd_choose_nesterov(const SgdArgs& args) {
  args.nesterov ? sgd_loop<T, momentum, decays, true>(args) : sgd_loop<T, momentum, decays, false>(args);
}

template <class T, bool decays>
void sgd_choose_momentum(const SgdArgs& args) {
  if (!args.momentum_buffer)
    sgd_loop<T, Momentum::none, decays, false>(args);
  else if (args.first)
    sgd_choose_nesterov<T, Momentum::first, decays>(args);
  else
    sgd_choose_nesterov<T, Momentum::later, decays>(args);
}

template <class T>
void sgd_of(const SgdArgs& args) {
  args.weight_decay != 0 ? sgd_choose_momentum<T, true>(args) : sgd_choose_momentum<T, false>(args);
}

enum class Decay { none, gradient, parameter };

template <class T, Decay kind, bool amsgrad>
void adam_loop(const AdamArgs& args) {
  T* __restrict parameter = static_cast<T*>(args.parameter);
  const T* __restrict gradient = static_cast<const T*>(args.gradient);
  T* __restrict mean = static_cast<T*>(args.mean);
  T* __restrict square = static_cast<T*>(args.square);
  T* __restrict largest = static_cast<T*>(args.largest_square);
  const T sign = args.maximize ? T(-1) : T(1);
  const T decay = T(args.weight_decay), shrink = T(1 - args.lr * args.weight_decay);
  const T weight = T(1 - args.beta1);
  const T keep = T(args.beta2), take = T(1 - args.beta2);
  const T correction = T(args.correction_root), eps = T(args.eps), rate = T(-args.step_size);
  for (int64_t i = 0; i < args.n; ++i) {
    T p = parameter[i];
    T g = sign * gradient[i];
    if constexpr (kind == Decay::gradient) g = fused(decay, p, g);
    if constexpr (kind == Decay::parameter) p = p * shrink;
    const T m = lerp(mean[i], g, weight);
    mean[i] = m;
    const T s = fused(take * g, g, square[i] * keep);
    square[i] = s;
    T most = s;
    if constexpr (amsgrad) {
      most = largest[i] > s || largest[i] != largest[i] ? largest[i] : s;
      largest[i] = most;
    }
    const T scale = root(most) / correction + eps;
    parameter[i] = p + rate * m / scale;
  }
}

template <class T, bool amsgrad>
void adam_choose_decay(const AdamArgs& args) {
  if (args.weight_decay == 0)
    adam_loop<T, Decay::none, amsgrad>(args);
  else if (args.decoupled)
    adam_loop<T, Decay::parameter, amsgrad>(args);
  else
    adam_loop<T, Decay::gradient, amsgrad>(args);
}

template <class T>
void adam_of(const AdamArgs& args) {
  args.largest_square ? adam_choose_decay<T, true>(args) : adam_choose_decay<T, false>(args);
}

}  // namespace

void sgd_step(const SgdArgs& args) { args.is_double ? sgd_of<double>(args) : sgd_of<float>(args); }
void adam_step(const AdamArgs& args) { args.is_double ? adam_of<double>(args) : adam_of<float>(args); }

}  // namespace tensorgrad::cpu::TG_ISA
