// What the optimizers' kernels are given: plain data, so that kernel files may include it.
#pragma once
#include <stdint.h>

namespace tensorgrad {

// One parameter of an SGD step; all arrays are contiguous, of `n` elements of float (or double).
struct SgdArgs {
  void* parameter;
  const void* gradient;
  void* momentum_buffer;  // null without momentum
  int64_t n;
  bool is_double;
  bool first;  // the buffer is to be filled with the gradient
  bool nesterov;
  bool maximize;
  double lr, momentum, dampening, weight_decay;
};

// One parameter of an Adam step.
struct AdamArgs {
  void* parameter;
  const void* gradient;
  void* mean;            // exp_avg
  void* square;          // exp_avg_sq
  void* largest_square;  // max_exp_avg_sq: null without amsgrad
  int64_t n;
  bool is_double;
  bool maximize;
  bool decoupled;  // the decay shrinks the parameter (AdamW) and does not enter the gradient
  double beta1, beta2, eps, weight_decay, lr;
  double step_size;        // lr / (1 - beta1^t)
  double correction_root;  // sqrt(1 - beta2^t)
};

// One parameter of a step of the other optimizers that divide by a running size of the gradient. What a rule
// does not name is unset; the rules stand beside the kernels.
struct AdaptiveArgs {
  void* parameter;
  const void* gradient;
  void* state[3];  // in the order of the rule's state names; null where the options need none
  int64_t n;
  bool is_double;
  bool maximize;
  double shrink;        // NAdam, RAdam: the parameter is multiplied by it first; 1 without decoupled decay
  double weight_decay;  // times the parameter, added to the gradient
  double beta1;         // how much of a running mean of the gradient is kept
  double keep;          // the same, of the running size
  double eps, momentum;
  double rate;             // of the step, corrections included
  double mean_rate;        // NAdam: of the mean's part of the step
  double correction;       // NAdam: of the squares; RAdam: of the mean
  double rectifier, root;  // RAdam: 0 while the variance of the squares is not tractable
};

}  // namespace tensorgrad
