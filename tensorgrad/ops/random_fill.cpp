// Random fills in place.
#include <limits>
#include <mutex>

#include "tensorgrad/backends/random_slots.h"
#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/random.h"
#include "tensorgrad/ops/random_bounds.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// Runs draw(state, memory) over a dense run of memory that has self's order, and brings the numbers into
// self.
template <class F>
void fill_in_memory_order(const Tensor& self, Generator* generator, const F& draw) {
  check_no_internal_overlap(self);
  if (self.numel() == 0) return;
  const bool dense = self.is_contiguous() || is_non_overlapping_and_dense(self.sizes(), self.strides());
  const Tensor memory = dense ? self : empty_like_layout(self, self.dtype(), self.device());
  {
    Generator& source = generator ? *generator : default_generator();
    std::lock_guard lock(source.mutex());
    draw(source.state(), memory);
  }
  if (dense) return;
  Plan plan;
  build_plan(plan, self, memory);
  slots::copy(self.device(), plan);
}

// The frame of every fill: nothing flows back through random numbers.
template <class F>
Tensor random_in_place(const char* node, const Tensor& self, Generator* generator, const F& draw) {
  fill_in_memory_order(self, generator, draw);
  self.bump_version();
  return record(node, self, Out::in_place_of(self), saved(),
                wrt(self, [](const Tensor& u) { return zeros_like(u); }));
}

void check_floating(const char* kernel, DType dtype) {
  TG_CHECK(is_floating(dtype), NotImplemented, "\"", kernel, "\" not implemented for '",
           dtype_scalar_name(dtype), "'");
}

double largest(DType dtype) {
  switch (dtype) {
    case DType::Float16: return 65504;
    case DType::BFloat16: return 0x1.fep127;
    case DType::Float32: return std::numeric_limits<float>::max();
    default: return std::numeric_limits<double>::max();
  }
}

Tensor random_range(const char* node, const Tensor& self, int64_t from, std::optional<int64_t> to,
                    Generator* generator) {
  check_in_place(self);
  const IntegerRange range = integer_range(self.dtype(), from, to);
  return random_in_place(node, self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_integers(m.device(), state, m.bytes(), m.dtype(), m.numel(), range.count, range.first);
  });
}

}  // namespace

Tensor uniform_(const Tensor& self, double from, double to, Generator* generator) {
  check_in_place(self);
  check_floating("check_uniform_bounds", self.dtype());
  const double high = largest(self.dtype());
  TG_CHECK(from >= -high && from <= high, Runtime, "from is out of bounds for ", ctype_name(self.dtype()));
  TG_CHECK(to >= -high && to <= high, Runtime, "to is out of bounds for ", ctype_name(self.dtype()));
  TG_CHECK(from <= to, Runtime, "uniform_ expects to return a [from, to) range, but found from=", from,
           " > to=", to);
  TG_CHECK(to - from <= high, Runtime, "uniform_ expects to-from <= std::numeric_limits<",
           dtype_scalar_name(self.dtype()), ">::max(), but found to=", to, " and from=", from,
           " which result in to-from to exceed the limit");
  return random_in_place("UniformBackward0", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_uniform(m.device(), state, m.bytes(), m.dtype(), m.numel(), from, to);
  });
}
TG_OP(uniform_, "uniform_(Tensor input, float from=0, float to=1, *, Generator? generator=None) -> Tensor",
      kMethod, R"(
Fills with numbers drawn evenly from [from, to). Floating dtypes.

Backward: 0.
)");

Tensor normal_(const Tensor& self, double mean, double std, Generator* generator) {
  check_in_place(self);
  TG_CHECK(!(std < 0), Runtime, "normal expects std >= 0.0, but found std ", std);
  if (self.numel() > 0) check_floating("normal_kernel_cpu", self.dtype());
  return random_in_place("NormalBackward0", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_normal(m.device(), state, m.bytes(), m.dtype(), m.numel(), mean, std,
                         !self.is_contiguous());
  });
}
TG_OP(normal_, "normal_(Tensor input, float mean=0, float std=1, *, Generator? generator=None) -> Tensor",
      kMethod, R"(
Fills with normal numbers of that mean and standard deviation. Floating dtypes.

Backward: 0.
)");

Tensor random_(const Tensor& self, int64_t from, std::optional<int64_t> to, Generator* generator) {
  return random_range("RandomBackward0", self, from, to, generator);
}
TG_OP(random_, "random_(Tensor input, int from, int? to, *, Generator? generator=None) -> Tensor", kMethod,
      R"(
Fills with integers drawn evenly from from .. to-1; without `to` up to the largest of the dtype. Any dtype that holds them.

Backward: 0.
)");

Tensor random_below_(const Tensor& self, int64_t to, Generator* generator) {
  return random_range("RandomBackward1", self, 0, to, generator);
}
TG_OP(random_below_, "random_(Tensor input, int to, *, Generator? generator=None) -> Tensor", kMethod, R"(
Fills with integers drawn evenly from 0 .. to-1.
)");

Tensor random_all_(const Tensor& self, Generator* generator) {
  check_in_place(self);
  return random_in_place("RandomBackward2", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_all_integers(m.device(), state, m.bytes(), m.dtype(), m.numel());
  });
}
TG_OP(random_all_, "random_(Tensor input, *, Generator? generator=None) -> Tensor", kMethod, R"(
Fills with integers drawn evenly from zero to the largest of the dtype, or to 2^digits for a floating dtype.
)");

Tensor bernoulli_each_(const Tensor& self, const Tensor& p, Generator* generator) {
  check_in_place(self);
  check_floating("bernoulli_tensor_cpu_p_", p.dtype());
  const Tensor each = expand(p.requires_grad() ? detach(p) : p, self.sizes());
  bool valid = true;
  fill_in_memory_order(self, generator, [&](RandomState& state, const Tensor& m) {
    // The probabilities in the order of the draws.
    const Tensor chances = each.strides() == m.strides() ? each : clone_as(each, m);
    valid = slots::random_bernoulli_each(m.device(), state, m.bytes(), m.dtype(), chances.bytes(), p.dtype(),
                                         m.numel());
  });
  TG_CHECK(valid, Runtime,
           "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be "
           "improved?  If "
           "so, please report an enhancement request to PyTorch.)");
  self.bump_version();
  return record("BernoulliBackward1", self, Out::in_place_of(self), saved(),
                wrt(self, [](const Tensor& u) { return zeros_like(u); }),
                wrt(p, [](const Tensor& u) { return zeros_like(u); }));
}
TG_OP(bernoulli_each_, "bernoulli_(Tensor input, Tensor p, *, Generator? generator=None) -> Tensor", kMethod,
      R"(
Fills with ones drawn with the probabilities in p (broadcast, floating), and zeros. Any dtype.

Backward: 0.
)");

Tensor bernoulli_(const Tensor& self, double p, Generator* generator) {
  check_in_place(self);
  TG_CHECK(p >= 0 && p <= 1, Runtime, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  return random_in_place("BernoulliBackward2", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_bernoulli(m.device(), state, m.bytes(), m.dtype(), m.numel(), p);
  });
}
TG_OP(bernoulli_, "bernoulli_(Tensor input, float p=0.5, *, Generator? generator=None) -> Tensor", kMethod,
      R"(
Fills with ones drawn with probability p, and zeros. Any dtype.

Backward: 0.
)");

Tensor exponential_(const Tensor& self, double lambda, Generator* generator) {
  check_in_place(self);
  TG_CHECK(is_floating(self.dtype()), Runtime,
           "Exponential distribution is a continuous probability distribution. dtype must be a floating "
           "point but you "
           "specified ",
           dtype_scalar_name(self.dtype()));
  TG_CHECK(lambda > 0, Runtime, "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  return random_in_place("ExponentialBackward0", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_exponential(m.device(), state, m.bytes(), m.dtype(), m.numel(), lambda);
  });
}
TG_OP(exponential_, "exponential_(Tensor input, float lambd=1, *, Generator? generator=None) -> Tensor",
      kMethod, R"(
Fills with exponentially distributed numbers of mean 1 / lambd. Floating dtypes.

Backward: 0.
)");

Tensor geometric_(const Tensor& self, double p, Generator* generator) {
  check_in_place(self);
  TG_CHECK(p > 0 && p < 1, Runtime, "geometric_ expects p to be in (0, 1), but got p=", p);
  TG_CHECK(self.dtype() != DType::Bool, NotImplemented, "\"geometric_cpu\" not implemented for 'Bool'");
  return random_in_place("GeometricBackward0", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_geometric(m.device(), state, m.bytes(), m.dtype(), m.numel(), p);
  });
}
TG_OP(geometric_, "geometric_(Tensor input, float p, *, Generator? generator=None) -> Tensor", kMethod, R"(
Fills with the number of trials up to the first success, each succeeding with probability p. Any dtype but bool.

Backward: 0.
)");

Tensor cauchy_(const Tensor& self, double median, double sigma, Generator* generator) {
  check_in_place(self);
  TG_CHECK(sigma > 0, Runtime, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  TG_CHECK(
      is_floating(self.dtype()), Runtime,
      "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
      "specified ",
      ctype_name(self.dtype()));
  return random_in_place("CauchyBackward0", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_cauchy(m.device(), state, m.bytes(), m.dtype(), m.numel(), median, sigma);
  });
}
TG_OP(cauchy_, "cauchy_(Tensor input, float median=0, float sigma=1, *, Generator? generator=None) -> Tensor",
      kMethod, R"(
Fills with Cauchy-distributed numbers. Floating dtypes.

Backward: 0.
)");

Tensor log_normal_(const Tensor& self, double mean, double std, Generator* generator) {
  check_in_place(self);
  TG_CHECK(std > 0, Runtime, "log_normal_ expects std > 0.0, but found std=", std);
  check_floating("log_normal_cpu", self.dtype());
  return random_in_place("LogNormalBackward0", self, generator, [&](RandomState& state, const Tensor& m) {
    slots::random_log_normal(m.device(), state, m.bytes(), m.dtype(), m.numel(), mean, std);
  });
}
TG_OP(log_normal_,
      "log_normal_(Tensor input, float mean=1, float std=2, *, Generator? generator=None) -> Tensor", kMethod,
      R"(
Fills with numbers whose logarithm is normal with that mean and standard deviation. Floating dtypes.

Backward: 0.
)");

}  // namespace tensorgrad
