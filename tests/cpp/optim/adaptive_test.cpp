// The kernels of RMSprop and its kin at every instruction-set level against plain double arithmetic, and the
// C++ optimizers.
#include "tensorgrad/optim/adaptive.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tests/cpp/levels.h"

using namespace tensorgrad;
using optim::AdaptiveOptions;
using optim::Rule;

#define TG_TEST_DECLARE(level, name)            \
  namespace tensorgrad::cpu::level {            \
  void rmsprop_step(const AdaptiveArgs& args);  \
  void adagrad_step(const AdaptiveArgs& args);  \
  void adadelta_step(const AdaptiveArgs& args); \
  void adamax_step(const AdaptiveArgs& args);   \
  void nadam_step(const AdaptiveArgs& args);    \
  void radam_step(const AdaptiveArgs& args);    \
  }
TG_TEST_LEVELS(TG_TEST_DECLARE)

namespace {

using Kernel = void (*)(const AdaptiveArgs&);

std::vector<std::vector<Kernel>> kernels() {  // by level, in the order of Rule
  std::vector<std::vector<Kernel>> found;
#define TG_TEST_ADD(level, name)                                                                    \
  if (TG_TEST_HAS(name))                                                                            \
    found.push_back({cpu::level::rmsprop_step, cpu::level::adagrad_step, cpu::level::adadelta_step, \
                     cpu::level::adamax_step, cpu::level::nadam_step, cpu::level::radam_step});
  TG_TEST_LEVELS(TG_TEST_ADD)
  return found;
}

double wave(int64_t i, double shift) { return std::sin(double(i) * 0.37 + shift); }

// One element's step by the rule's formula.
double step_of(Rule rule, const AdaptiveArgs& a, double p, double g, double (&state)[3]) {
  g = (a.maximize ? -g : g) + a.weight_decay * p;
  p *= a.shrink;
  const auto mean = [&](double old, double now, double keep) { return keep * old + (1 - keep) * now; };
  switch (rule) {
    case Rule::RMSprop: {
      state[0] = mean(state[0], g * g, a.keep);
      double size = state[0];
      if (a.state[2]) {
        state[2] = mean(state[2], g, a.beta1);
        size -= state[2] * state[2];
      }
      double step = g / (std::sqrt(size) + a.eps);
      if (a.state[1]) step = state[1] = a.momentum * state[1] + step;
      return p - a.rate * step;
    }
    case Rule::Adagrad: state[0] += g * g; return p - a.rate * g / (std::sqrt(state[0]) + a.eps);
    case Rule::Adadelta: {
      state[0] = mean(state[0], g * g, a.keep);
      const double delta = g * std::sqrt(state[1] + a.eps) / std::sqrt(state[0] + a.eps);
      state[1] = mean(state[1], delta * delta, a.keep);
      return p - a.rate * delta;
    }
    case Rule::Adamax:
      state[0] = mean(state[0], g, a.beta1);
      state[1] = std::fmax(a.keep * state[1], std::fabs(g) + a.eps);
      return p - a.rate * state[0] / state[1];
    case Rule::NAdam:
      state[0] = mean(state[0], g, a.beta1);
      state[1] = mean(state[1], g * g, a.keep);
      return p - (a.rate * g + a.mean_rate * state[0]) / (std::sqrt(state[1] / a.correction) + a.eps);
    case Rule::RAdam: break;
  }
  state[0] = mean(state[0], g, a.beta1);
  state[1] = mean(state[1], g * g, a.keep);
  double step = state[0] / a.correction * a.rate;
  if (a.rectifier != 0) step *= a.rectifier * a.root / (std::sqrt(state[1]) + a.eps);
  return p - step;
}

template <class T>
void check(Kernel kernel, Rule rule, int64_t n, int variant) {
  std::vector<T> parameter(n), gradient(n), arrays[3];
  std::vector<double> expected(n);
  std::vector<std::array<double, 3>> states(n);
  for (int64_t i = 0; i < n; ++i) expected[i] = parameter[i] = T(wave(i, 0));
  AdaptiveArgs args{};
  args.parameter = parameter.data();
  args.gradient = gradient.data();
  const int used = rule == Rule::Adagrad ? 1 : rule == Rule::RMSprop ? 3 : 2;
  for (int k = 0; k < used; ++k) {
    arrays[k].resize(n);
    const bool off = rule == Rule::RMSprop && ((k == 1 && variant % 2) || (k == 2 && variant / 2 % 2));
    args.state[k] = off ? nullptr : arrays[k].data();
  }
  args.n = n;
  args.is_double = sizeof(T) == 8;
  args.maximize = variant == 1;
  args.shrink = variant == 2 && (rule == Rule::NAdam || rule == Rule::RAdam) ? 0.9 : 1;
  args.weight_decay = variant == 3 ? 0.1 : 0;
  args.beta1 = rule == Rule::RMSprop ? 0.8 : variant == 0 ? 0.3 : 0.9;
  args.keep = 0.8, args.eps = 1e-2, args.momentum = 0.7;
  args.rate = 0.05, args.mean_rate = 0.02, args.correction = 0.6;
  args.rectifier = variant == 1 ? 0 : 0.4, args.root = 0.7;
  for (int step = 1; step < 4; ++step) {
    for (int64_t i = 0; i < n; ++i) gradient[i] = T(wave(i, step));
    kernel(args);
    for (int64_t i = 0; i < n; ++i) {
      double state[3] = {states[i][0], states[i][1], states[i][2]};
      expected[i] = step_of(rule, args, expected[i], gradient[i], state);
      for (int k = 0; k < 3; ++k) states[i][k] = state[k];
      CHECK(parameter[i] == doctest::Approx(expected[i]).epsilon(sizeof(T) == 8 ? 1e-12 : 1e-4));
      for (int k = 0; k < used; ++k)
        if (args.state[k])
          CHECK(arrays[k][i] == doctest::Approx(state[k]).epsilon(sizeof(T) == 8 ? 1e-12 : 1e-4));
    }
  }
}

Tensor filled(int64_t n, double shift) {
  Tensor made = Tensor::empty({n}, DType::Float32);
  for (int64_t i = 0; i < n; ++i) made.data<float>()[i] = float(wave(i, shift));
  return made;
}

// The first elements do not depend on how many there are: one stretch, or several tasks.
template <class Optimizer>
void check_tensors(AdaptiveOptions options) {
  const int64_t few = 100, many = 100003;
  Tensor small = filled(few, 0), large = filled(many, 0);
  Optimizer optimizer({small, large}, options);
  optimizer.step();
  CHECK(small.version() == 0);  // without gradients nothing is done
  for (int step = 1; step < 3; ++step) {
    small.set_grad(filled(few, step));
    large.set_grad(filled(many, step));
    optimizer.step();
  }
  CHECK(small.version() == 2);
  for (int64_t i = 0; i < few; ++i) {
    REQUIRE(small.data<float>()[i] == large.data<float>()[i]);
    REQUIRE(std::isfinite(small.data<float>()[i]));
  }
  CHECK(small.data<float>()[1] != float(wave(1, 0)));
  CHECK(large.data<float>()[many - 1] != float(wave(many - 1, 0)));
  optimizer.zero_grad();
  CHECK(!small.grad().defined());
  options.lr = -1;
  CHECK_THROWS_AS(Optimizer({small}, options), Error);
  CHECK_THROWS_AS(Optimizer({}), Error);
  Tensor half = Tensor::empty({2}, DType::Float16);
  half.set_grad(Tensor::empty({2}, DType::Float16));
  Optimizer over_half({half});
  CHECK_THROWS_AS(over_half.step(), Error);
}

}  // namespace

TEST_CASE("kernels of the adaptive optimizers") {
  for (const auto& level : kernels())
    for (size_t rule = 0; rule < level.size(); ++rule)
      for (int64_t n : {0, 1, 7, 67})
        for (int variant = 0; variant < 4; ++variant) {
          CAPTURE(rule);
          CAPTURE(variant);
          check<float>(level[rule], Rule(rule), n, variant);
          check<double>(level[rule], Rule(rule), n, variant);
        }
}

TEST_CASE("adaptive optimizers on tensors") {
  AdaptiveOptions options;
  check_tensors<optim::RMSprop>(options);
  options.momentum = 0.9, options.centered = true;
  check_tensors<optim::RMSprop>(options);
  check_tensors<optim::Adagrad>(options);
  check_tensors<optim::Adadelta>(options);
  check_tensors<optim::Adamax>(options);
  check_tensors<optim::NAdam>(options);
  check_tensors<optim::RAdam>(options);
}
