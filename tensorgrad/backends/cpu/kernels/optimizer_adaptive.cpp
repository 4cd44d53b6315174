// Steps of the optimizers beside SGD and Adam. As there, each line of a loop is one of the operations
// PyTorch's step is made of.
#include "tensorgrad/backends/cpu/kernels/optimizer_math.h"
#include "tensorgrad/backends/optimizer_args.h"

namespace tensorgrad::cpu::TG_ISA {
namespace {

// What every rule begins with: pointers, and the gradient with sign and decay.
template <class T>
struct Rule {
  explicit Rule(const AdaptiveArgs& args)
      : parameter(static_cast<T*>(args.parameter)),
        gradient(static_cast<const T*>(args.gradient)),
        first(static_cast<T*>(args.state[0])),
        second(static_cast<T*>(args.state[1])),
        third(static_cast<T*>(args.state[2])),
        sign(args.maximize ? T(-1) : T(1)),
        decay(T(args.weight_decay)),
        shrink(T(args.shrink)),
        weight(T(1 - args.beta1)),
        keep(T(args.keep)),
        take(T(1 - args.keep)),
        eps(T(args.eps)),
        rate(T(-args.rate)) {}

  T start(int64_t i) const { return parameter[i] * shrink; }
  T slope(int64_t i) const {
    const T g = sign * gradient[i];
    return decay != 0 ? fused(decay, parameter[i], g) : g;
  }
  // keep * state + (1 - keep) * value^2
  T mean_square(T state, T value) const { return fused(take * value, value, state * keep); }

  T* __restrict parameter;
  const T* __restrict gradient;
  T* __restrict first;
  T* __restrict second;
  T* __restrict third;
  T sign, decay, shrink, weight, keep, take, eps, rate;
};

// state: square_avg, momentum_buffer, grad_avg
template <class T, bool has_momentum, bool centered>
void rmsprop_loop(const AdaptiveArgs& args) {
  const Rule<T> rule(args);
  const T momentum = T(args.momentum);
#pragma GCC ivdep
  for (int64_t i = 0; i < args.n; ++i) {
    const T g = rule.slope(i), p = rule.parameter[i];
    const T square = rule.mean_square(rule.first[i], g);
    rule.first[i] = square;
    T size = square;
    if constexpr (centered) {
      const T mean = lerp(rule.third[i], g, rule.weight);
      rule.third[i] = mean;
      size = fused(-mean, mean, square);
    }
    size = root(size) + rule.eps;
    if constexpr (has_momentum) {
      const T buffer = rule.second[i] * momentum + g / size;
      rule.second[i] = buffer;
      rule.parameter[i] = fused(rule.rate, buffer, p);
    } else {
      rule.parameter[i] = p + rule.rate * g / size;
    }
  }
}
template <class T>
void rmsprop_of(const AdaptiveArgs& args) {
  if (args.state[1])
    args.state[2] ? rmsprop_loop<T, true, true>(args) : rmsprop_loop<T, true, false>(args);
  else
    args.state[2] ? rmsprop_loop<T, false, true>(args) : rmsprop_loop<T, false, false>(args);
}

// state: sum
template <class T>
void adagrad_of(const AdaptiveArgs& args) {
  const Rule<T> rule(args);
#pragma GCC ivdep
  for (int64_t i = 0; i < args.n; ++i) {
    const T g = rule.slope(i);
    const T sum = fused(g, g, rule.first[i]);
    rule.first[i] = sum;
    rule.parameter[i] = rule.parameter[i] + rule.rate * g / (root(sum) + rule.eps);
  }
}

// state: square_avg, acc_delta
template <class T>
void adadelta_of(const AdaptiveArgs& args) {
  const Rule<T> rule(args);
#pragma GCC ivdep
  for (int64_t i = 0; i < args.n; ++i) {
    const T g = rule.slope(i);
    const T square = rule.mean_square(rule.first[i], g);
    rule.first[i] = square;
    const T delta = root(rule.second[i] + rule.eps) / root(square + rule.eps) * g;
    rule.second[i] = rule.mean_square(rule.second[i], delta);
    rule.parameter[i] = fused(rule.rate, delta, rule.parameter[i]);
  }
}

// state: exp_avg, exp_inf
template <class T>
void adamax_of(const AdaptiveArgs& args) {
  const Rule<T> rule(args);
#pragma GCC ivdep
  for (int64_t i = 0; i < args.n; ++i) {
    const T g = rule.slope(i);
    const T mean = lerp(rule.first[i], g, rule.weight);
    rule.first[i] = mean;
    const T old = rule.second[i] * rule.keep, now = (g < 0 ? -g : g) + rule.eps;
    const T largest = old > now || old != old ? old : now;
    rule.second[i] = largest;
    rule.parameter[i] = rule.parameter[i] + rule.rate * mean / largest;
  }
}

// state: exp_avg, exp_avg_sq
template <class T>
void nadam_of(const AdaptiveArgs& args) {
  const Rule<T> rule(args);
  const T mean_rate = T(-args.mean_rate), correction = T(args.correction);
#pragma GCC ivdep
  for (int64_t i = 0; i < args.n; ++i) {
    const T g = rule.slope(i);
    const T mean = lerp(rule.first[i], g, rule.weight);
    rule.first[i] = mean;
    const T square = rule.mean_square(rule.second[i], g);
    rule.second[i] = square;
    const T size = root(square / correction) + rule.eps;
    const T p = rule.start(i) + rule.rate * g / size;
    rule.parameter[i] = p + mean_rate * mean / size;
  }
}

// state: exp_avg, exp_avg_sq
template <class T>
void radam_of(const AdaptiveArgs& args) {
  const Rule<T> rule(args);
  const T correction = T(args.correction), rate = T(args.rate);
  const T square_root = T(args.root), rectifier = T(args.rectifier);
  const bool rectified = args.rectifier != 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < args.n; ++i) {
    const T g = rule.slope(i);
    const T mean = lerp(rule.first[i], g, rule.weight);
    rule.first[i] = mean;
    const T square = rule.mean_square(rule.second[i], g);
    rule.second[i] = square;
    T step = mean / correction * rate;
    if (rectified) step = step * (T(1) / (root(square) + rule.eps) * square_root) * rectifier;
    rule.parameter[i] = rule.start(i) - step;
  }
}

}  // namespace

#define TG_STEP(NAME)                                                  \
  void NAME##_step(const AdaptiveArgs& args) {                         \
    args.is_double ? NAME##_of<double>(args) : NAME##_of<float>(args); \
  }
TG_STEP(rmsprop)
TG_STEP(adagrad)
TG_STEP(adadelta)
TG_STEP(adamax)
TG_STEP(nadam)
TG_STEP(radam)
#undef TG_STEP

}  // namespace tensorgrad::cpu::TG_ISA
