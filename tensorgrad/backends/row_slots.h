// Slots of kernels that work along one dimension (softmax, norms, losses).
#pragma once
#include "tensorgrad/backends/common/plan.h"
#include "tensorgrad/backends/common/rows.h"
#include "tensorgrad/dispatch/slot.h"

// Along one dimension; operands as `Rows` has them, dense, float32 or float64
TG_SLOT(softmax, void(const Rows&))  // in x; out y
TG_SLOT(log_softmax, void(const Rows&))
TG_SLOT(softmax_backward, void(const Rows&))  // in u, y; out dx
TG_SLOT(log_softmax_backward, void(const Rows&))
TG_SLOT(logsumexp, void(const Rows&))  // in x; out [outer, inner]
// Rows normalised. integer: 1 leaves the mean in (rms_norm); number[0]: eps. A null weight, bias or mean is
// left out.
TG_SLOT(layer_norm, void(const Rows&))             // in x, weight, bias; out y, mean, rstd
TG_SLOT(layer_norm_backward, void(const Rows&))    // in u, x, weight, mean, rstd; out dx
TG_SLOT(layer_norm_parameters, void(const Rows&))  // in u, x, mean, rstd; out dweight, dbias
// Channels: [outer, n, inner] with n channels
TG_SLOT(channel_stats, void(const Rows&))          // in x; out mean, variance (biased), rstd; number[0]: eps
TG_SLOT(channel_backward_sums, void(const Rows&))  // in u, x, mean; out sum u, sum u (x - mean)
TG_SLOT(batch_norm, void(const Rows&))             // in x, mean, rstd, weight, bias; out y
TG_SLOT(batch_norm_backward,
        void(const Rows&))  // in u, x, mean, rstd, weight, the two sums; out dx; integer 1: fixed statistics
// Losses of two operands
TG_SLOT(squared_difference, void(const Plan&))
TG_SLOT(absolute_difference, void(const Plan&))
TG_SLOT(smooth_l1, void(const Plan&, double beta))
TG_SLOT(huber, void(const Plan&, double delta))
TG_SLOT(cross_entropy_of_bits, void(const Plan&))    // probability, target
TG_SLOT(cross_entropy_of_logits, void(const Plan&))  // logit, target
// Cross entropy of class indices (checked by the op); integer: the index to ignore
TG_SLOT(cross_entropy, void(const Rows&))  // in x, target, weight; out loss, logsumexp
TG_SLOT(cross_entropy_backward,
        void(const Rows&))  // in x, target, weight, logsumexp, factor (number: its stride, a scale); out dx
// From log-probabilities [outer, n, inner]
TG_SLOT(nll_loss, void(const Rows&))           // in x, target, weight; out loss
TG_SLOT(nll_loss_backward, void(const Rows&))  // in factor (number[0]: its stride), target, weight; out dx
