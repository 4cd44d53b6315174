// The optimizers' kernels at every instruction-set level against plain double arithmetic, and the C++
// optimizers.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tensorgrad/backends/optimizer_args.h"
#include "tensorgrad/optim/adam.h"
#include "tensorgrad/optim/sgd.h"
#include "tests/cpp/levels.h"

using namespace tensorgrad;

#define TG_TEST_DECLARE(level, name)    \
  namespace tensorgrad::cpu::level {    \
  void sgd_step(const SgdArgs& args);   \
  void adam_step(const AdamArgs& args); \
  }
TG_TEST_LEVELS(TG_TEST_DECLARE)

namespace {

struct Level {
  const char* name;
  void (*sgd)(const SgdArgs&);
  void (*adam)(const AdamArgs&);
};

std::vector<Level> levels() {
  std::vector<Level> found;
#define TG_TEST_ADD(level, name) \
  if (TG_TEST_HAS(name)) found.push_back({#level, cpu::level::sgd_step, cpu::level::adam_step});
  TG_TEST_LEVELS(TG_TEST_ADD)
  return found;
}

template <class T>
std::vector<T> wave(int64_t n, double shift) {
  std::vector<T> values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = T(std::sin(double(i) * 0.37 + shift));
  return values;
}

template <class T>
void check_sgd(const Level& level, int64_t n, bool nesterov, bool maximize, double momentum, double decay) {
  std::vector<T> parameter = wave<T>(n, 0), buffer(n);
  std::vector<double> expected(parameter.begin(), parameter.end()), expected_buffer(n);
  for (int step = 0; step < 3; ++step) {
    const std::vector<T> gradient = wave<T>(n, step + 1);
    SgdArgs args{};
    args.parameter = parameter.data();
    args.gradient = gradient.data();
    args.momentum_buffer = momentum != 0 ? buffer.data() : nullptr;
    args.n = n;
    args.is_double = sizeof(T) == 8;
    args.first = step == 0;
    args.nesterov = nesterov;
    args.maximize = maximize;
    args.lr = 0.1;
    args.momentum = momentum;
    args.dampening = nesterov ? 0 : 0.25;
    args.weight_decay = decay;
    level.sgd(args);
    for (int64_t i = 0; i < n; ++i) {
      double g = (maximize ? -1 : 1) * double(gradient[i]) + decay * expected[i];
      if (momentum != 0) {
        double& b = expected_buffer[i];
        b = step == 0 ? g : momentum * b + (1 - args.dampening) * g;
        g = nesterov ? g + momentum * b : b;
      }
      expected[i] -= 0.1 * g;
      CHECK(parameter[i] == doctest::Approx(expected[i]).epsilon(sizeof(T) == 8 ? 1e-13 : 1e-5));
    }
  }
}

template <class T>
void check_adam(const Level& level, int64_t n, bool amsgrad, bool decoupled, double decay, double beta1) {
  std::vector<T> parameter = wave<T>(n, 0), mean(n), square(n), largest(n);
  std::vector<double> p(parameter.begin(), parameter.end()), m(n), s(n), l(n);
  for (int step = 1; step < 4; ++step) {
    const std::vector<T> gradient = wave<T>(n, step);
    AdamArgs args{};
    args.parameter = parameter.data();
    args.gradient = gradient.data();
    args.mean = mean.data();
    args.square = square.data();
    args.largest_square = amsgrad ? largest.data() : nullptr;
    args.n = n;
    args.is_double = sizeof(T) == 8;
    args.decoupled = decoupled;
    args.beta1 = beta1;
    args.beta2 = 0.9;
    args.eps = 1e-3;
    args.weight_decay = decay;
    args.lr = 0.01;
    args.step_size = args.lr / (1 - std::pow(args.beta1, step));
    args.correction_root = std::sqrt(1 - std::pow(args.beta2, step));
    level.adam(args);
    for (int64_t i = 0; i < n; ++i) {
      double g = gradient[i];
      if (decoupled) p[i] *= 1 - args.lr * decay;
      if (!decoupled) g += decay * p[i];
      m[i] += (1 - beta1) * (g - m[i]);
      s[i] = 0.9 * s[i] + (1 - 0.9) * g * g;
      l[i] = std::fmax(l[i], s[i]);
      p[i] -= args.step_size * m[i] / (std::sqrt(amsgrad ? l[i] : s[i]) / args.correction_root + args.eps);
      CHECK(parameter[i] == doctest::Approx(p[i]).epsilon(sizeof(T) == 8 ? 1e-12 : 1e-4));
    }
  }
}

Tensor filled(const std::vector<float>& values) {
  Tensor made = Tensor::empty({int64_t(values.size())}, DType::Float32);
  std::memcpy(made.bytes(), values.data(), values.size() * sizeof(float));
  return made;
}

}  // namespace

TEST_CASE("sgd kernels") {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (int64_t n : {0, 1, 7, 67})
      for (bool maximize : {false, true})
        for (double decay : {0.0, 0.1}) {
          check_sgd<float>(level, n, false, maximize, 0, decay);
          check_sgd<double>(level, n, false, maximize, 0, decay);
          for (bool nesterov : {false, true}) {
            check_sgd<float>(level, n, nesterov, maximize, 0.9, decay);
            check_sgd<double>(level, n, nesterov, maximize, 0.9, decay);
          }
        }
  }
}

TEST_CASE("adam kernels") {
  for (const Level& level : levels()) {
    CAPTURE(level.name);
    for (int64_t n : {0, 1, 7, 67})
      for (bool amsgrad : {false, true})
        for (bool decoupled : {false, true})
          for (double decay : {0.0, 0.1})
            for (double beta1 : {0.9, 0.3}) {
              check_adam<float>(level, n, amsgrad, decoupled, decay, beta1);
              check_adam<double>(level, n, amsgrad, decoupled, decay, beta1);
            }
  }
}

TEST_CASE("sgd and adam on tensors, in one stretch and in several") {
  const int64_t n = 100003;  // several tasks
  const std::vector<float> start = wave<float>(n, 0), slope = wave<float>(n, 1);
  Tensor whole = filled(start);
  whole.set_requires_grad(true);
  whole.set_grad(filled(slope));
  optim::SGD sgd({whole}, {.lr = 0.5, .momentum = 0.5});
  for (int i = 0; i < 2; ++i) sgd.step();
  const uint32_t version = whole.version();
  std::vector<float> expected = start;
  for (int64_t i = 0; i < n; ++i) expected[i] -= 0.5f * slope[i] + 0.5f * (1.5f * slope[i]);
  for (int64_t i = 0; i < n; ++i)
    REQUIRE(whole.data<float>()[i] == doctest::Approx(expected[i]).epsilon(1e-5));
  CHECK(version == 2);  // one write for each step
  sgd.zero_grad();
  CHECK(!whole.grad().defined());
  sgd.step();
  CHECK(whole.version() == version);

  Tensor part = filled(start);
  part.set_requires_grad(true);
  part.set_grad(filled(slope));
  optim::Adam adam({part}, {.lr = 0.1});
  adam.step();
  for (int64_t i = 0; i < n; ++i) {
    const float by = std::fabs(slope[i]) > 1e-5f ? std::copysign(0.1f, slope[i]) : 0;
    if (by != 0) REQUIRE(part.data<float>()[i] == doctest::Approx(start[i] - by).epsilon(1e-3));
  }
  CHECK_THROWS_AS(optim::SGD({}, {}), Error);
  CHECK_THROWS_AS(optim::SGD({part}, {.lr = -1}), Error);
  CHECK_THROWS_AS(optim::Adam({part}, {.beta1 = 1}), Error);
}
