// Activation functions. Where PyTorch has an `inplace` argument, `inplace = true` writes into the input.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor sigmoid(const Tensor& input, Out out = {});
Tensor logsigmoid(const Tensor& input, Out out = {});
Tensor relu(const Tensor& input, Out out = {});
Tensor relu6(const Tensor& input, bool inplace = false);
Tensor leaky_relu(const Tensor& input, double negative_slope = 0.01, bool inplace = false);
Tensor threshold(const Tensor& input, double threshold, double value, bool inplace = false);
Tensor hardtanh(const Tensor& input, Scalar min_val = -1.0, Scalar max_val = 1.0, bool inplace = false);
Tensor hardsigmoid(const Tensor& input, bool inplace = false);
Tensor hardswish(const Tensor& input, bool inplace = false);
Tensor elu(const Tensor& input, double alpha = 1.0, bool inplace = false);
Tensor selu(const Tensor& input, bool inplace = false);
Tensor celu(const Tensor& input, double alpha = 1.0, bool inplace = false);
Tensor silu(const Tensor& input, bool inplace = false);
Tensor mish(const Tensor& input, bool inplace = false);
Tensor gelu(const Tensor& input, std::string_view approximate = "none", Out out = {});
Tensor softplus(const Tensor& input, double beta = 1.0, double threshold = 20.0, Out out = {});
Tensor softsign(const Tensor& input);
Tensor tanhshrink(const Tensor& input);
Tensor softshrink(const Tensor& input, double lambd = 0.5, Out out = {});
Tensor hardshrink(const Tensor& input, double lambd = 0.5, Out out = {});
Tensor prelu(const Tensor& input, const Tensor& weight);
Tensor glu(const Tensor& input, int64_t dim = -1);

}  // namespace tensorgrad
