// Draws that depend on tensors: coins with given odds, weighted choices, normals with given parameters,
// permutations.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "tensorgrad/backends/random_slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/factories.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/random.h"
#include "tensorgrad/ops/random_bounds.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

constexpr const char* kNoWeight = "invalid multinomial distribution (sum of probabilities <= 0)";

Tensor destination_for(const char* name, const Out& out, const Shape& sizes, DType dtype, Device device) {
  return destination(name, out, sizes, out ? out.target->dtype() : dtype, device);
}

// The k largest of each row's keys, largest first. Ties fall as the selection leaves them, which is PyTorch's
// way too.
template <class T>
void largest(const T* keys, int64_t rows, int64_t categories, int64_t k, int64_t* out) {
  std::vector<std::pair<T, int64_t>> row(categories);
  const auto before = [](const auto& x, const auto& y) {
    return (std::isnan(float(x.first)) && !std::isnan(float(y.first))) || x.first > y.first;
  };
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t i = 0; i < categories; i++) row[i] = {keys[r * categories + i], i};
    if (k * 64 <= categories) {
      std::partial_sort(row.begin(), row.begin() + k, row.end(), before);
    } else {
      std::nth_element(row.begin(), row.begin() + k - 1, row.end(), before);
      std::sort(row.begin(), row.begin() + k - 1, before);
    }
    for (int64_t i = 0; i < k; i++) out[r * k + i] = row[i].second;
  }
}

// Without replacement: each weight divided by an exponential number, the largest quotients win.
Tensor choose_distinct(const Tensor& weights, int64_t rows, int64_t categories, int64_t k,
                       Generator* generator) {
  Tensor keys = exponential_(Tensor::empty(weights.sizes(), weights.dtype(), weights.device()), 1, generator);
  div(weights, keys, {}, Out::into(keys));
  Shape sizes = weights.sizes();
  sizes[sizes.size() - 1] = k;
  Tensor chosen = Tensor::empty(sizes, DType::Int64);
  const Tensor host = to(keys, std::nullopt, Device{});
  dispatch_floating(keys.dtype(),
                    [&]<class T>() { largest(host.data<T>(), rows, categories, k, chosen.data<int64_t>()); });
  return to(chosen, std::nullopt, weights.device());
}

// PyTorch broadcasts an out= against a single tensor of parameters.
Shape normal_shape(const Tensor& parameters, const Out& out) {
  return out ? broadcast_shapes(parameters.sizes(), out.target->sizes()) : parameters.sizes();
}

void check_deviations(const Tensor& std) {
  const Tensor host = to(contiguous(detach(std)), std::nullopt, Device{});
  dispatch_all(host.dtype(), [&]<class T>() {
    const T* values = host.data<T>();
    for (int64_t i = 0; i < host.numel(); i++)
      TG_CHECK(!(float(values[i]) < 0), Runtime, "normal expects all elements of std >= 0.0");
  });
}

}  // namespace

Tensor bernoulli(const Tensor& input, Generator* generator, Out out) {
  Tensor result;
  {
    NoGradGuard guard;
    result = bernoulli_each_(destination_for("bernoulli", out, input.sizes(), input.dtype(), input.device()),
                             input, generator);
  }
  return record("BernoulliBackward0", result, out, saved(),
                wrt(input, [](const Tensor& u) { return zeros_like(u); }));
}
TG_OP(bernoulli, "bernoulli(Tensor input, *, Generator? generator=None, Tensor? out=None) -> Tensor",
      kFunction | kMethod, R"(
Ones drawn with the probabilities in input (floating), and zeros.

Backward: 0.
)");

Tensor bernoulli_shaped_as(const Tensor& input, double p, Generator* generator) {
  Tensor result = bernoulli_(Tensor::empty(input.sizes(), input.dtype(), input.device()), p, generator);
  return record("BernoulliBackward3", result, saved(),
                wrt(input, [](const Tensor& u) { return zeros_like(u); }));
}
TG_OP(bernoulli_shaped_as, "bernoulli(Tensor input, float p, *, Generator? generator=None) -> Tensor",
      kFunction | kMethod, R"(
Ones drawn with probability p, and zeros; input gives shape and dtype.

Backward: 0.
)");

Tensor normal_of(const Tensor& mean, const Tensor& std, Generator* generator, Out out) {
  const Shape shape = broadcast_shapes(mean.sizes(), std.sizes());
  check_deviations(std);
  Tensor result;
  {
    NoGradGuard guard;
    result = normal_(destination_for("normal", out, shape, mean.dtype(), mean.device()), 0, 1, generator);
    const Out in_place = Out::in_place_of(result);
    add(mul(result, std, in_place), mean, 1, in_place);
  }
  return record("NormalBackward3", result, out, saved(),
                wrt(mean, [](const Tensor& u) { return zeros_like(u); }),
                wrt(std, [](const Tensor& u) { return zeros_like(u); }));
}
TG_OP(normal_of, "normal(Tensor mean, Tensor std, *, Generator? generator=None, Tensor? out=None) -> Tensor",
      kFunction, R"(
Normal numbers with a mean and a standard deviation for each, broadcast against each other.

Backward: 0 for both.
)");

Tensor normal_around(const Tensor& mean, double std, Generator* generator, Out out) {
  Tensor result;
  {
    NoGradGuard guard;
    result = normal_(destination_for("normal", out, normal_shape(mean, out), mean.dtype(), mean.device()), 0,
                     std, generator);
    add(result, mean, 1, Out::in_place_of(result));
  }
  return record("NormalBackward1", result, out, saved(),
                wrt(mean, [](const Tensor& u) { return zeros_like(u); }));
}
TG_OP(normal_around,
      "normal(Tensor mean, float std=1, *, Generator? generator=None, Tensor? out=None) -> Tensor", kFunction,
      R"(
Normal numbers with a mean for each and one standard deviation.

Backward: 0.
)");

Tensor normal_spread(double mean, const Tensor& std, Generator* generator, Out out) {
  check_deviations(std);
  Tensor result;
  {
    NoGradGuard guard;
    result = normal_(destination_for("normal", out, normal_shape(std, out), std.dtype(), std.device()), 0, 1,
                     generator);
    const Out in_place = Out::in_place_of(result);
    add(mul(result, std, in_place), wrap_number(mean), 1, in_place);
  }
  return record("NormalBackward2", result, out, saved(),
                wrt(std, [](const Tensor& u) { return zeros_like(u); }));
}
TG_OP(normal_spread,
      "normal(float mean, Tensor std, *, Generator? generator=None, Tensor? out=None) -> Tensor", kFunction,
      R"(
Normal numbers with one mean and a standard deviation for each.

Backward: 0.
)");

Tensor normal(double mean, double std, const Shape& size, Generator* generator, Out out,
              const TensorOptions& options) {
  Tensor result =
      out ? destination_for("normal", out, size, out.target->dtype(), out.target->device())
          : Tensor::empty(size, options.dtype.value_or(default_dtype()), options.device.value_or(Device{}));
  normal_(result, mean, std, generator);
  return with_options(result, options);
}
TG_OP(normal,
      "normal(float mean, float std, int[] size, *, Generator? generator=None, Tensor? out=None, Options "
      "options) -> Tensor",
      kFunction, R"(
Normal numbers of one mean and standard deviation.
)");

Tensor multinomial(const Tensor& input, int64_t num_samples, bool replacement, Generator* generator,
                   Out out) {
  TG_CHECK(!out || out.target->dtype() == DType::Int64, Runtime,
           "multinomial expects Long tensor out, got: ", dtype_scalar_name(out.target->dtype()));
  TG_CHECK(input.dim() == 1 || input.dim() == 2, Runtime, "prob_dist must be 1 or 2 dim");
  TG_CHECK(
      is_floating(input.dtype()), Runtime,
      "multinomial only supports floating-point dtypes for input, got: ", dtype_scalar_name(input.dtype()));
  const int64_t categories = input.size(-1), rows = input.dim() == 1 ? 1 : input.size(0);
  TG_CHECK(num_samples > 0, Runtime, "cannot sample n_sample <= 0 samples");
  TG_CHECK(replacement || num_samples <= categories, Runtime,
           "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  TG_CHECK(categories <= (1 << 24), Runtime, "number of categories cannot exceed 2^24");
  TG_CHECK(categories > 0 || rows == 0, Runtime,
           "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.");
  NoGradGuard guard;
  const Tensor weights = to(contiguous(input), std::nullopt, Device{});
  Shape sizes = input.sizes();
  sizes[sizes.size() - 1] = num_samples;
  Tensor chosen;
  if (rows == 0) {
    chosen = Tensor::empty(sizes, DType::Int64);
  } else if (!replacement || num_samples == 1) {
    const int problem =
        slots::check_weights(weights.device(), weights.bytes(), weights.dtype(), rows, categories);
    TG_CHECK(problem != 1, Runtime, "probability tensor contains either `inf`, `nan` or element < 0");
    TG_CHECK(problem == 0, Runtime, kNoWeight);
    if (num_samples == 1) {
      chosen = Tensor::empty(sizes, DType::Int64);
      Generator& source = generator ? *generator : default_generator();
      std::lock_guard lock(source.mutex());
      slots::random_choose_one(weights.device(), source.state(), weights.bytes(), weights.dtype(), rows,
                               categories, chosen.data<int64_t>());
    } else {
      chosen = choose_distinct(weights, rows, categories, num_samples, generator);
    }
  } else {
    chosen = Tensor::empty(sizes, DType::Int64);
    Tensor sums = Tensor::empty({categories}, DType::Float64);
    Generator& source = generator ? *generator : default_generator();
    std::lock_guard lock(source.mutex());
    const int problem =
        slots::random_multinomial(weights.device(), source.state(), weights.bytes(), weights.dtype(), rows,
                                  categories, num_samples, chosen.data<int64_t>(), sums.data<double>());
    TG_CHECK(problem != 1, Runtime,
             "invalid multinomial distribution (encountering probability entry = infinity or NaN)");
    TG_CHECK(problem != 2, Runtime, "invalid multinomial distribution (encountering probability entry < 0)");
    TG_CHECK(problem != 3, Runtime, kNoWeight);
  }
  return deliver("multinomial", out, to(chosen, std::nullopt, input.device()));
}
TG_OP(multinomial,
      "multinomial(Tensor input, int num_samples, bool replacement=False, *, Generator? generator=None, "
      "Tensor? out=None) "
      "-> Tensor",
      kFunction | kMethod, R"(
int64: indices drawn with the weights in input, shape [categories] or [rows, categories]: [num_samples] or
[rows, num_samples]. Without replacement a row's indices differ.
)");

Tensor randperm(int64_t n, Generator* generator, Out out, const TensorOptions& options) {
  const DType dtype = out ? out.target->dtype() : options.dtype.value_or(DType::Int64);
  TG_CHECK(n >= 0, Runtime, "Trying to create tensor with negative dimension ", n, ": [", n, "]");
  TG_CHECK(dtype != DType::Bool, NotImplemented, "\"randperm\" not implemented for 'Bool'");
  TG_CHECK(dtype != DType::Float16 || n <= (1 << 11) + 1, Runtime,
           "n cannot be greater than 2049 for Half type.");
  TG_CHECK(dtype != DType::Float32 || n <= (1 << 24) + 1, Runtime,
           "n cannot be greater than 2^24+1 for Float type.");
  TG_CHECK(dtype != DType::Float64 || n <= (1LL << 53) + 1, Runtime,
           "n cannot be greater than 2^53+1 for Double type.");
  const int64_t last = dtype == DType::UInt8   ? UINT8_MAX
                       : dtype == DType::Int8  ? INT8_MAX
                       : dtype == DType::Int16 ? INT16_MAX
                       : dtype == DType::Int32 ? INT32_MAX
                                               : INT64_MAX;
  TG_CHECK(n - 1 <= last, Runtime, "value cannot be converted to type ",
           dtype == DType::UInt8   ? "uint8_t"
           : dtype == DType::Int8  ? "int8_t"
           : dtype == DType::Int16 ? "int16_t"
                                   : "int",
           " without overflow");
  Tensor result = destination_for("randperm", out, {n}, dtype, options.device.value_or(Device{}));
  const Tensor dense = result.is_contiguous() ? result : Tensor::empty({n}, dtype, result.device());
  {
    Generator& source = generator ? *generator : default_generator();
    std::lock_guard lock(source.mutex());
    slots::random_permutation(dense.device(), source.state(), dense.bytes(), dtype, n);
  }
  if (!dense.is_same(result)) return deliver("randperm", out, dense);
  if (out) result.bump_version();
  return with_options(result, options);
}
TG_OP(randperm, "randperm(int n, *, Generator? generator=None, Tensor? out=None, Options options) -> Tensor",
      kFunction, R"(
The numbers 0 .. n-1 in random order, in int64 unless another dtype is given.
)");

}  // namespace tensorgrad
