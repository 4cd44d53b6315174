// Loss functions. `reduction` is "none", "mean" or "sum"; weights may be undefined.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

using Reduce = std::string_view;
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduce reduction = "mean");
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduce reduction = "mean");
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduce reduction = "mean",
                      double beta = 1.0);
Tensor huber_loss(const Tensor& input, const Tensor& target, Reduce reduction = "mean", double delta = 1.0);
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                            Reduce reduction = "mean");
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                                        Reduce reduction = "mean", const Tensor& pos_weight = {});
// reduction may also be "batchmean": the sum divided by the first size.
Tensor kl_div(const Tensor& input, const Tensor& target, Reduce reduction = "mean", bool log_target = false);
// Targets are class indices (int64), one for each element of input without its class dimension.
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                int64_t ignore_index = -100, Reduce reduction = "mean");
// Targets are class indices, or probabilities in the shape of input.
Tensor cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight = {},
                     int64_t ignore_index = -100, Reduce reduction = "mean", double label_smoothing = 0.0);

}  // namespace tensorgrad
