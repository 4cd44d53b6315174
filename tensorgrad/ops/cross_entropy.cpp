// Losses of classes: nll_loss and cross_entropy.
#include <cmath>

#include "tensorgrad/backends/slots.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/exponential.h"
#include "tensorgrad/ops/loss.h"
#include "tensorgrad/ops/loss_reduction.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/rows.h"
#include "tensorgrad/ops/softmax.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

int64_t class_dim(const Tensor& input) { return input.dim() == 1 ? 0 : 1; }

// Refuses targets out of range; returns the sum of the weights of those that count.
double total_weight(const Tensor& target, const Tensor& weight, int64_t classes, int64_t ignore_index) {
  const int64_t* t = target.data<int64_t>();
  double total = 0;
  for (int64_t i = 0; i < target.numel(); i++) {
    if (t[i] == ignore_index) continue;
    TG_CHECK(t[i] >= 0 && t[i] < classes, Index, "Target ", t[i], " is out of bounds.");
    total += !weight.defined()                  ? 1.0
             : weight.dtype() == DType::Float64 ? weight.data<double>()[t[i]]
                                                : weight.data<float>()[t[i]];
  }
  return total;
}

Tensor nll_backward(const Tensor& factor, const Tensor& target, const Tensor& weight, const Shape& sizes,
                    int64_t dim, int64_t ignore_index, bool each);

// -w[t] x[t] for every target; the transpose of nll_backward, which gives its gradient.
Tensor picked(const Tensor& x, const Tensor& target, const Tensor& weight, int64_t dim,
              int64_t ignore_index) {
  const DType compute = row_type(x.dtype());
  const Tensor in = dense(detach(x), compute);
  Tensor loss = Tensor::empty(target.sizes(), compute, x.device());
  Rows p = rows_of(x.sizes(), dim, compute);
  p.in[0] = in.bytes(), p.in[1] = target.bytes(), p.in[2] = bytes_or_null(weight), p.integer = ignore_index;
  p.out[0] = loss.bytes();
  if (!empty(p)) slots::nll_loss(x.device(), p);
  return record("NllLossBackward0", loss, saved(target, weight, x.sizes(), dim, ignore_index),
                wrt(x, [](const Tensor& u, const Tensor& target, const Tensor& weight, const Shape& sizes,
                          int64_t dim, int64_t ignore_index) {
                  return nll_backward(u, target, weight, sizes, dim, ignore_index, true);
                }));
}

// -w[t] factor at the targets, 0 elsewhere: linear in the factor.
Tensor nll_backward(const Tensor& factor, const Tensor& target, const Tensor& weight, const Shape& sizes,
                    int64_t dim, int64_t ignore_index, bool each) {
  const DType compute = row_type(factor.dtype());
  const Tensor f = dense(detach(factor), compute);
  Tensor dx = Tensor::empty(sizes, compute, factor.device());
  Rows p = rows_of(sizes, dim, compute);
  p.in[0] = f.bytes(), p.in[1] = target.bytes(), p.in[2] = bytes_or_null(weight), p.integer = ignore_index;
  p.number[0] = each ? 1 : 0, p.out[0] = dx.bytes();
  if (!empty(p)) slots::nll_loss_backward(factor.device(), p);
  return record("NllLossBackwardBackward0", dx, saved(target, weight, dim, ignore_index, each),
                wrt(factor, [](const Tensor& u, const Tensor& target, const Tensor& weight, int64_t dim,
                               int64_t ignore_index, bool each) {
                  const Tensor g = picked(u, target, weight, dim, ignore_index);
                  return each ? g : sum_all(g);
                }));
}

struct Classes {
  Tensor target, weight;  // dense: int64, and the compute type
  double total;
};
Classes read_classes(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t ignore_index) {
  TG_CHECK(target.dtype() == DType::Int64 || target.dtype() == DType::UInt8, Runtime,
           "expected target dtype to be Long or Byte, but got ", dtype_scalar_name(target.dtype()));
  const int64_t classes = input.sizes()[class_dim(input)];
  TG_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes), Runtime,
           "weight tensor should be defined either for all ", classes,
           " classes or no classes but got weight tensor of shape: ", weight.sizes());
  TG_CHECK(!weight.defined() || weight.dtype() == input.dtype(), Runtime, "expected scalar type ",
           dtype_scalar_name(input.dtype()), " but found ", dtype_scalar_name(weight.dtype()));
  TG_CHECK(!grad_enabled() || !wants_gradient(weight), Runtime, "The function '",
           input.dim() > 2 ? "nll_loss2d_forward" : "nll_loss_forward",
           "' is not differentiable with respect to argument 'weight'. This input cannot have requires_grad "
           "True.");
  Classes c;
  NoGradGuard guard;
  c.target = contiguous(to(target, DType::Int64));
  if (weight.defined()) c.weight = dense(weight, row_type(input.dtype()));
  c.total = total_weight(c.target, c.weight, classes, ignore_index);
  return c;
}

void check_target_shape(const Tensor& input, const Tensor& target) {
  TG_CHECK(input.dim() >= 1, Value, "Expected 1 or more dimensions (got 0)");
  if (input.dim() <= 2) {
    TG_CHECK(target.dim() <= 1, Runtime, "0D or 1D target tensor expected, multi-target not supported");
    TG_CHECK(input.dim() == 1 || target.dim() == 0 || input.sizes()[0] == target.sizes()[0], Value,
             "Expected input batch_size (", input.sizes()[0], ") to match target batch_size (",
             target.dim() ? target.sizes()[0] : 0, ").");
    const bool fits = input.dim() == 1 ? target.dim() == 0 || target.sizes()[0] == 1 : target.dim() == 1;
    TG_CHECK(fits, Runtime, "size mismatch (got input: ", input.sizes(), ", target: ", target.sizes(), ")");
    return;
  }
  TG_CHECK(target.dim() > 0 && input.sizes()[0] == target.sizes()[0], Value, "Expected input batch_size (",
           input.sizes()[0], ") to match target batch_size (", target.dim() ? target.sizes()[0] : 0, ").");
  Shape expected{input.sizes()[0]};
  for (int64_t d = 2; d < input.dim(); d++) expected.push_back(input.sizes()[d]);
  if (input.dim() == 4) {
    TG_CHECK(target.dim() == 3, Runtime,
             "only batches of spatial targets supported (3D tensors) but got targets of dimension: ",
             target.dim());
    TG_CHECK(target.sizes() == expected, Runtime, "size mismatch (got input: ", input.sizes(),
             " , target: ", target.sizes());
  }
  TG_CHECK(target.sizes() == expected, Runtime, "Expected target size ", expected, ", got ", target.sizes());
}

Tensor reduce_classes(const Tensor& loss, Reduced how, double total) {
  if (how == Reduced::None) return loss;
  const Tensor s = sum_all(loss);
  return how == Reduced::Mean ? s / Scalar(total) : s;
}

// The same without a graph: one pass in double, in the order of the elements.
Tensor add_up(const Tensor& loss, Reduced how, double total) {
  if (how == Reduced::None || !loss.device().is_cpu()) return reduce_classes(loss, how, total);
  const Tensor result = Tensor::empty({}, loss.dtype());
  dispatch_floating(loss.dtype(), [&]<class T>() {
    double s = 0;
    for (int64_t i = 0; i < loss.numel(); i++) s += double(loss.data<T>()[i]);
    *result.data<T>() = T(how == Reduced::Mean ? s / total : s);
  });
  return result;
}

// Both steps in one kernel each way, for [N, C] or [C] and class indices.
Tensor fused_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                           int64_t ignore_index, Reduced how) {
  const Classes c = read_classes(input, target, weight, ignore_index);
  const DType compute = row_type(input.dtype());
  Tensor loss, lse;
  {
    NoGradGuard guard;
    const Tensor x = dense(input, compute);
    loss = Tensor::empty(target.sizes(), compute, input.device());
    lse = Tensor::empty(target.sizes(), compute, input.device());
    Rows p;
    p.dtype = compute;
    p.n = input.sizes()[class_dim(input)], p.outer = input.dim() == 1 ? 1 : input.sizes()[0];
    p.in[0] = x.bytes(), p.in[1] = c.target.bytes(), p.in[2] = bytes_or_null(c.weight),
    p.integer = ignore_index;
    p.out[0] = loss.bytes(), p.out[1] = lse.bytes();
    if (!empty(p)) slots::cross_entropy(input.device(), p);
    loss = to(add_up(loss, how, c.total), input.dtype());
  }
  return record("NllLossBackward0", loss, saved(input, c.target, c.weight, lse, ignore_index, how, c.total),
                wrt(input,
                    [](const Tensor& u, const Tensor& x, const Tensor& target, const Tensor& weight,
                       const Tensor& lse, int64_t ignore_index, Reduced how, double total) -> Tensor {
                      const bool each = how == Reduced::None;
                      const int64_t dim = class_dim(x);
                      if (grad_enabled()) {
                        // (softmax - onehot) w[t] u, with onehot w[t] from the kernel of nll_loss and w[t]
                        // its sum
                        const Tensor one = full({}, 1.0, x.dtype(), x.device());
                        const Tensor at_target =
                            nll_backward(one, target, weight, x.sizes(), dim, ignore_index, false);
                        const Tensor w = -sum(at_target, {dim}, true);
                        const double share = total == 0 ? 0 : 1 / total;  // all were ignored: zeros
                        const Tensor scale = how == Reduced::Mean ? u * Scalar(share) : u;
                        return (softmax(x, dim) * w + at_target) *
                               (each && x.dim() > 1 ? unsqueeze(scale, dim) : scale);
                      }
                      const DType compute = lse.dtype();
                      const Tensor in = dense(x, compute), factor = dense(u, compute);
                      Tensor dx = Tensor::empty(x.sizes(), compute, x.device());
                      Rows p;
                      p.dtype = compute;
                      p.n = x.sizes()[dim], p.outer = x.dim() == 1 ? 1 : x.sizes()[0];
                      p.in[0] = in.bytes(), p.in[1] = target.bytes(), p.in[2] = bytes_or_null(weight),
                      p.in[3] = lse.bytes();
                      p.in[4] = factor.bytes(), p.number[0] = each ? 1 : 0, p.integer = ignore_index,
                      p.out[0] = dx.bytes();
                      p.number[1] = how == Reduced::Mean ? 1.0 / total : 1.0;
                      if (!empty(p)) slots::cross_entropy_backward(x.device(), p);
                      return dx;
                    }));
}

Tensor vector_over_classes(const Tensor& weight, const Tensor& input) {
  Shape shape;
  for (int64_t d = 0; d < input.dim(); d++) shape.push_back(d == class_dim(input) ? weight.numel() : 1);
  return reshape(weight, shape);
}

Tensor probability_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight, Reduced how,
                                 double smoothing) {
  TG_CHECK(is_floating(target.dtype()), Runtime,
           "Expected floating point type for target with class probabilities, got ",
           dtype_scalar_name(target.dtype()));
  TG_CHECK(input.dim() > 0, Index, "Dimension specified as 1 but tensor has no dimensions");
  const int64_t dim = class_dim(input), classes = input.sizes()[dim];
  TG_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes), Runtime,
           "cross_entropy: weight tensor should be defined either for all ", classes,
           " classes or no classes but got weight tensor of shape: ", weight.sizes());
  TG_CHECK(0 <= smoothing && smoothing <= 1, Runtime,
           "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  const Tensor t =
      smoothing > 0 ? target * Scalar(1 - smoothing) + Scalar(smoothing / double(classes)) : target;
  Tensor terms = log_softmax(input, dim) * t;
  if (weight.defined()) terms = terms * vector_over_classes(weight, input);
  if (how == Reduced::None) return -sum(terms, {dim});
  const Tensor total = -sum_all(terms);
  if (how == Reduced::Sum) return total;
  const int64_t rows = input.numel() == 0 ? 0 : input.numel() / classes;
  return total / Scalar(rows == 0 ? NAN : double(rows));
}

Tensor smoothed_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                              int64_t ignore_index, Reduced how, double smoothing) {
  TG_CHECK(smoothing <= 1, Runtime, "label_smoothing must be between 0.0 and 1.0. Got: ", smoothing);
  const int64_t dim = class_dim(input), classes = input.sizes()[dim];
  const Tensor logs = log_softmax(input, dim);
  const char* const names[] = {"none", "mean", "sum"};
  const Tensor nll = nll_loss(logs, target, weight, ignore_index, names[int(how)]);
  const Classes c = read_classes(input, target, weight, ignore_index);
  Tensor smooth = -sum(weight.defined() ? logs * vector_over_classes(weight, input) : logs, {dim});
  const Tensor ignored = wrap_number(ignore_index);
  const Tensor kept = pointwise("ne", slots::ne, {}, DType::Int64, DType::Bool, {&c.target, &ignored});
  smooth = smooth * reshape(kept, smooth.sizes());
  smooth = reduce_classes(smooth, how, c.total);
  return nll * Scalar(1 - smoothing) + smooth * Scalar(smoothing / double(classes));
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t ignore_index,
                Reduce reduction) {
  const Reduced how = parse_reduction(reduction);
  check_target_shape(input, target);
  TG_CHECK(is_floating(input.dtype()), NotImplemented, "\"nll_loss_out_frame\" not implemented for '",
           dtype_scalar_name(input.dtype()), "'");
  const int64_t dim = class_dim(input);
  const Classes c = read_classes(input, target, weight, ignore_index);
  Tensor loss;
  {
    NoGradGuard guard;
    loss =
        to(reduce_classes(picked(input, c.target, c.weight, dim, ignore_index), how, c.total), input.dtype());
  }
  return record(input.dim() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0", loss,
                saved(c.target, c.weight, input.sizes(), dim, ignore_index, how, c.total),
                wrt(input, [](const Tensor& u, const Tensor& target, const Tensor& weight, const Shape& sizes,
                              int64_t dim, int64_t ignore_index, Reduced how, double total) {
                  const Tensor factor = how == Reduced::Mean ? u * Scalar(1.0 / total) : u;
                  return nll_backward(factor, target, weight, sizes, dim, ignore_index, how == Reduced::None);
                }));
}
static Tensor nll_loss_functional(const Tensor& input, const Tensor& target, const Tensor& weight,
                                  std::optional<bool> size_average, int64_t ignore_index,
                                  std::optional<bool> reduce, std::string_view reduction) {
  return nll_loss(input, target, weight, ignore_index, legacy(reduction, size_average, reduce));
}
TG_OP(nll_loss_functional,
      "nll_loss(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int "
      "ignore_index=-100, "
      "bool? reduce=None, str reduction='mean') -> Tensor",
      kFunctional, R"(
-weight[target] * input[target] along the class dimension (1, or 0 of a vector); input holds log-probabilities, target class
indices. "mean" divides by the sum of the weights; elements whose target is ignore_index count for nothing.

Backward: -u * weight[target] at the targets, 0 elsewhere.
)");

Tensor cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t ignore_index,
                     Reduce reduction, double label_smoothing) {
  const Reduced how = parse_reduction(reduction);
  if (input.sizes() == target.sizes()) {
    TG_CHECK(ignore_index < 0, Runtime, "ignore_index is not supported for floating point target");
    return probability_cross_entropy(input, target, weight, how, label_smoothing);
  }
  wrap_dim(class_dim(input), input.dim());
  check_target_shape(input, target);
  TG_CHECK(is_floating(input.dtype()), NotImplemented,
           "\"log_softmax_lastdim_kernel_impl\" not implemented for '", dtype_scalar_name(input.dtype()),
           "'");
  if (label_smoothing > 0)
    return smoothed_cross_entropy(input, target, weight, ignore_index, how, label_smoothing);
  if (input.dim() <= 2) return fused_cross_entropy(input, target, weight, ignore_index, how);
  return nll_loss(log_softmax(input, 1), target, weight, ignore_index, reduction);
}
static Tensor cross_entropy_functional(const Tensor& input, const Tensor& target, const Tensor& weight,
                                       std::optional<bool> size_average, int64_t ignore_index,
                                       std::optional<bool> reduce, std::string_view reduction,
                                       double label_smoothing) {
  return cross_entropy(input, target, weight, ignore_index, legacy(reduction, size_average, reduce),
                       label_smoothing);
}
TG_OP(cross_entropy_functional,
      "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, int "
      "ignore_index=-100, "
      "bool? reduce=None, str reduction='mean', float label_smoothing=0.0) -> Tensor",
      kFunctional, R"(
nll_loss(log_softmax(input), target) for class indices; -sum(weight * target * log_softmax(input)) for probabilities in the
shape of input. label_smoothing mixes the target with the uniform distribution.

Backward: u * weight[target] * (softmax(input) - onehot(target)) for class indices.
)");

}  // namespace tensorgrad
