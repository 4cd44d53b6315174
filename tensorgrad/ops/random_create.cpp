// Tensors of random numbers.
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/factories.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/random.h"
#include "tensorgrad/ops/random_bounds.h"
#include "tensorgrad/ops/record.h"

namespace tensorgrad {
namespace {

// Where a factory's numbers go: `out`, resized, or a fresh tensor.
Tensor place(const char* name, const Shape& size, const Out& out, const TensorOptions& options,
             DType fallback) {
  if (out) return destination(name, out, size, out.target->dtype(), out.target->device());
  return Tensor::empty(size, options.dtype.value_or(fallback), options.device.value_or(Device{}));
}

Tensor place_like(const Tensor& input, const TensorOptions& options) {
  if (options.contiguous)
    return Tensor::empty(input.sizes(), options.dtype.value_or(input.dtype()),
                         options.device.value_or(input.device()));
  return empty_like_layout(input, options.dtype.value_or(input.dtype()),
                           options.device.value_or(input.device()));
}

}  // namespace

Tensor rand(const Shape& size, Generator* generator, Out out, const TensorOptions& options) {
  return with_options(uniform_(place("rand", size, out, options, default_dtype()), 0, 1, generator), options);
}
TG_OP(rand, "rand(int[] size, *, Generator? generator=None, Tensor? out=None, Options options) -> Tensor",
      kFunction, R"(
Numbers drawn evenly from [0, 1). Floating dtypes; the default dtype unless given.
)");

Tensor randn(const Shape& size, Generator* generator, Out out, const TensorOptions& options) {
  return with_options(normal_(place("randn", size, out, options, default_dtype()), 0, 1, generator), options);
}
TG_OP(randn, "randn(int[] size, *, Generator? generator=None, Tensor? out=None, Options options) -> Tensor",
      kFunction, R"(
Normal numbers of mean 0 and standard deviation 1. Floating dtypes; the default dtype unless given.
)");

Tensor randint(int64_t low, int64_t high, const Shape& size, Generator* generator, Out out,
               const TensorOptions& options) {
  return with_options(random_(place("randint", size, out, options, DType::Int64), low, high, generator),
                      options);
}
TG_OP(randint,
      "randint(int low, int high, int[] size, *, Generator? generator=None, Tensor? out=None, Options "
      "options) -> Tensor",
      kFunction, R"(
Integers drawn evenly from low .. high-1, in int64 unless another dtype is given.
)");

static Tensor randint_below(int64_t high, const Shape& size, Generator* generator, Out out,
                            const TensorOptions& options) {
  return randint(0, high, size, generator, out, options);
}
TG_OP(randint_below,
      "randint(int high, int[] size, *, Generator? generator=None, Tensor? out=None, Options options) -> "
      "Tensor",
      kFunction,
      R"(
Integers drawn evenly from 0 .. high-1, in int64 unless another dtype is given.
)");

Tensor rand_like(const Tensor& input, Generator* generator, const TensorOptions& options) {
  return with_options(uniform_(place_like(input, options), 0, 1, generator), options);
}
TG_OP(rand_like, "rand_like(Tensor input, *, Generator? generator=None, Options options) -> Tensor",
      kFunction, R"(
rand() with the shape, dtype and memory order of the input.
)");

Tensor randn_like(const Tensor& input, Generator* generator, const TensorOptions& options) {
  return with_options(normal_(place_like(input, options), 0, 1, generator), options);
}
TG_OP(randn_like, "randn_like(Tensor input, *, Generator? generator=None, Options options) -> Tensor",
      kFunction, R"(
randn() with the shape, dtype and memory order of the input.
)");

Tensor randint_like(const Tensor& input, int64_t low, int64_t high, Generator* generator,
                    const TensorOptions& options) {
  return with_options(random_(place_like(input, options), low, high, generator), options);
}
TG_OP(
    randint_like,
    "randint_like(Tensor input, int low, int high, *, Generator? generator=None, Options options) -> Tensor",
    kFunction,
    R"(
Integers drawn evenly from low .. high-1 with the shape, dtype and memory order of the input.
)");

static Tensor randint_like_below(const Tensor& input, int64_t high, Generator* generator,
                                 const TensorOptions& options) {
  return randint_like(input, 0, high, generator, options);
}
TG_OP(randint_like_below,
      "randint_like(Tensor input, int high, *, Generator? generator=None, Options options) -> Tensor",
      kFunction, R"(
Integers drawn evenly from 0 .. high-1 with the shape, dtype and memory order of the input.
)");

}  // namespace tensorgrad
