// Random numbers: PyTorch's streams, drawn from a generator or from the default one.
#pragma once
#include "tensorgrad/core/random.h"
#include "tensorgrad/dispatch/value.h"

namespace tensorgrad {

// Fills in place. Elements are drawn in the order in which they lie in memory.
Tensor uniform_(const Tensor& self, double from = 0, double to = 1, Generator* generator = nullptr);
Tensor normal_(const Tensor& self, double mean = 0, double std = 1, Generator* generator = nullptr);
Tensor random_(const Tensor& self, int64_t from, std::optional<int64_t> to, Generator* generator = nullptr);
Tensor random_below_(const Tensor& self, int64_t to, Generator* generator = nullptr);
Tensor random_all_(const Tensor& self, Generator* generator = nullptr);
// Ones with the probabilities in p, broadcast; zeros elsewhere.
Tensor bernoulli_each_(const Tensor& self, const Tensor& p, Generator* generator = nullptr);
Tensor bernoulli_(const Tensor& self, double p = 0.5, Generator* generator = nullptr);
Tensor exponential_(const Tensor& self, double lambda = 1, Generator* generator = nullptr);
Tensor geometric_(const Tensor& self, double p, Generator* generator = nullptr);
Tensor cauchy_(const Tensor& self, double median = 0, double sigma = 1, Generator* generator = nullptr);
Tensor log_normal_(const Tensor& self, double mean = 1, double std = 2, Generator* generator = nullptr);

Tensor rand(const Shape& size, Generator* generator = nullptr, Out out = {},
            const TensorOptions& options = {});
Tensor randn(const Shape& size, Generator* generator = nullptr, Out out = {},
             const TensorOptions& options = {});
Tensor randint(int64_t low, int64_t high, const Shape& size, Generator* generator = nullptr, Out out = {},
               const TensorOptions& options = {});
Tensor randperm(int64_t n, Generator* generator = nullptr, Out out = {}, const TensorOptions& options = {});
Tensor rand_like(const Tensor& input, Generator* generator = nullptr, const TensorOptions& options = {});
Tensor randn_like(const Tensor& input, Generator* generator = nullptr, const TensorOptions& options = {});
Tensor randint_like(const Tensor& input, int64_t low, int64_t high, Generator* generator = nullptr,
                    const TensorOptions& options = {});

// Ones with the probabilities in `input`.
Tensor bernoulli(const Tensor& input, Generator* generator = nullptr, Out out = {});
Tensor bernoulli_shaped_as(const Tensor& input, double p, Generator* generator = nullptr);
// Indices drawn with the weights in the rows of `input`.
Tensor multinomial(const Tensor& input, int64_t num_samples, bool replacement = false,
                   Generator* generator = nullptr, Out out = {});
Tensor normal_of(const Tensor& mean, const Tensor& std, Generator* generator = nullptr, Out out = {});
Tensor normal_around(const Tensor& mean, double std = 1, Generator* generator = nullptr, Out out = {});
Tensor normal_spread(double mean, const Tensor& std, Generator* generator = nullptr, Out out = {});
Tensor normal(double mean, double std, const Shape& size, Generator* generator = nullptr, Out out = {},
              const TensorOptions& options = {});

// Zeroes elements with probability p and scales the others by 1 / (1 - p).
Tensor dropout(const Tensor& input, double p, bool train);
Tensor dropout_(const Tensor& input, double p, bool train);
// The same for whole channels: one draw for each of the first two dimensions.
Tensor feature_dropout(const Tensor& input, double p, bool train);
Tensor feature_dropout_(const Tensor& input, double p, bool train);
// Keeps mean and variance of selu's activations: dropped elements become its lower bound.
Tensor alpha_dropout(const Tensor& input, double p, bool train);
Tensor alpha_dropout_(const Tensor& input, double p, bool train);
Tensor feature_alpha_dropout(const Tensor& input, double p, bool train);
Tensor feature_alpha_dropout_(const Tensor& input, double p, bool train);

}  // namespace tensorgrad
