// Scaled dot product attention: a fused kernel where it applies, else composed of matrix products.
#include "tensorgrad/ops/attention.h"

#include <cmath>

#include "tensorgrad/backends/slots_attention.h"
#include "tensorgrad/core/work.h"
#include "tensorgrad/dispatch/op_row.h"
#include "tensorgrad/ops/arithmetic.h"
#include "tensorgrad/ops/arrange.h"
#include "tensorgrad/ops/compare.h"
#include "tensorgrad/ops/copy.h"
#include "tensorgrad/ops/indexing.h"
#include "tensorgrad/ops/matmul.h"
#include "tensorgrad/ops/pointwise.h"
#include "tensorgrad/ops/product.h"
#include "tensorgrad/ops/random.h"
#include "tensorgrad/ops/record.h"
#include "tensorgrad/ops/reduce.h"
#include "tensorgrad/ops/rows.h"
#include "tensorgrad/ops/select.h"
#include "tensorgrad/ops/sign.h"
#include "tensorgrad/ops/softmax.h"
#include "tensorgrad/ops/views.h"

namespace tensorgrad {
namespace {

// What sdpa_kernel() allows on this thread.
thread_local bool fused_allowed = true, composed_allowed = true;

void check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  TG_CHECK(
      q.dtype() == k.dtype() && q.dtype() == v.dtype(), Runtime,
      "Expected query, key, and value to have the same dtype, but got query.dtype: ", c_type_name(q.dtype()),
      " key.dtype: ", c_type_name(k.dtype()), " and value.dtype: ", c_type_name(v.dtype()), " instead.");
  common_device({&q, &k, &v});
  TG_CHECK(q.dim() >= 2 && k.dim() >= 2 && v.dim() >= 2, Runtime,
           "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: ", q.dim(),
           " key.dim: ", k.dim(), " and value.dim: ", v.dim(), " instead.");
  if (!mask.defined()) return;
  const DType t = mask.dtype();
  TG_CHECK(t == DType::Bool || t == DType::Float32 || t == q.dtype(), Runtime,
           "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: ",
           c_type_name(t), " and  query.dtype: ", c_type_name(q.dtype()), " instead.");
  common_device({&q, &mask});
}

// What is added to the scores: 0 where a bool mask is true, else -infinity.
Tensor additive(const Tensor& mask, DType t) {
  if (mask.dtype() != DType::Bool) return mask;
  return masked_fill(zeros(mask.sizes(), t, mask.device()), logical_not(mask),
                     full({}, -__builtin_inf(), t, mask.device()));
}
Tensor causal_mask(const Tensor& q, const Tensor& k, DType t) {
  return additive(tril(full({q.size(-2), k.size(-2)}, true, DType::Bool, q.device())), t);
}

// softmax in which a row without any score is zero, and has no gradient.
Tensor safe_softmax(const Tensor& scores) {
  if (scores.numel() == 0) return softmax(scores, -1);
  Tensor dark;
  {
    NoGradGuard guard;
    dark = eq(amax(scores, {-1}, true), wrap_number(-__builtin_inf()));
    if (!any(dark, {}).item().to_bool()) dark = Tensor();
  }
  if (!dark.defined()) return softmax(scores, -1);
  const Tensor zero = full({}, 0, scores.dtype(), scores.device());
  return masked_fill(softmax(masked_fill(scores, dark, zero), -1), dark, zero);
}

// Each head of k and v as often as heads of q share it.
Tensor repeated_heads(const Tensor& t, int64_t times) {
  if (times == 1) return t;
  Shape sizes = t.sizes();
  const size_t heads = sizes.size() - 3;
  Shape spread = sizes;
  spread.insert(heads + 1, times);
  sizes[heads] *= times;
  return reshape(expand(unsqueeze(t, int64_t(heads) + 1), spread), sizes);
}

Tensor composed(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                double dropout_p, bool causal, double scale, bool grouped) {
  const DType own = query.dtype(), t = is_floating(own) ? row_type(own) : own;
  TG_CHECK(composed_allowed || fused_allowed, Runtime,
           "No viable backend for scaled_dot_product_attention was found. This is likely due to turning off "
           "both the math kernel and the fused kernels.");
  TG_CHECK(composed_allowed, Runtime, "No available kernel.  Aborting execution.");
  const double root = std::sqrt(std::fabs(scale));
  const Tensor q = to(query, t) * Scalar(scale < 0 ? -root : root);
  Tensor bias = mask.defined() ? additive(mask, q.dtype()) : mask;
  if (causal) {
    const Tensor later = causal_mask(q, key, q.dtype());
    bias = bias.defined() ? bias + later : later;
  }
  Tensor k = to(key, t), v = to(value, t);
  if (grouped) {
    const int64_t heads = q.size(-3), k_heads = k.size(-3), v_heads = v.size(-3);
    TG_CHECK(k_heads > 0 && v_heads > 0 && heads % k_heads == 0 && heads % v_heads == 0, Runtime,
             "Number of heads in key and value must divide the number of heads in \nquery");
    k = repeated_heads(k, heads / k_heads), v = repeated_heads(v, heads / v_heads);
  }
  Tensor scores = matmul(q, transpose(k, -2, -1) * Scalar(root));
  if (bias.defined()) {
    const Shape sizes = broadcast_shapes(scores.sizes(), bias.sizes());
    TG_CHECK(sizes == scores.sizes(), Runtime, "output with shape ", scores.sizes(),
             " doesn't match the broadcast shape ", sizes);
    scores = scores + bias;
  }
  Tensor weights = safe_softmax(scores);
  if (dropout_p > 0) weights = dropout(weights, dropout_p, true);
  Tensor result = matmul(weights, v);
  return is_floating(own) ? to(result, own) : result;
}

// The layout of `like`, with columns adjacent.
HeadMatrix heads_of(const Tensor& t) {
  HeadMatrix m;
  m.data = t.bytes();
  m.batch = t.strides()[0], m.head = t.strides()[1], m.row = t.strides()[2], m.column = t.strides()[3];
  return m;
}
// In the kernel's type, with adjacent columns.
Tensor operand(const Tensor& t, DType compute) {
  NoGradGuard guard;
  const Tensor x = to(t, compute);
  return x.strides()[3] == 1 || x.sizes()[3] == 1 ? x : contiguous(x);
}
// Uninitialised; rows in the memory order of `like`, whose batches, heads and rows it has.
Tensor empty_heads(const Tensor& like, int64_t rows, int64_t columns, DType t) {
  const Shape sizes{like.sizes()[0], like.sizes()[1], rows, columns};
  // (batch, row, head, column) is how a projection of all heads leaves them.
  if (like.sizes()[1] > 1 && like.strides()[1] < like.strides()[2])
    return transpose(Tensor::empty({sizes[0], rows, sizes[1], columns}, t, like.device()), 1, 2);
  return Tensor::empty(sizes, t, like.device());
}

AttentionArgs arguments(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                        const Tensor& out, const Tensor& logsumexp, bool causal, double scale) {
  AttentionArgs args;
  args.dtype = q.dtype();
  args.batch = q.sizes()[0], args.heads = q.sizes()[1], args.group = args.heads / k.sizes()[1];
  args.queries = q.sizes()[2], args.keys = k.sizes()[2];
  args.width = q.sizes()[3], args.value_width = v.sizes()[3];
  args.scale = scale, args.causal = causal;
  args.q = heads_of(q), args.k = heads_of(k), args.v = heads_of(v), args.out = heads_of(out);
  if (mask.defined()) args.mask = heads_of(mask);
  args.logsumexp = logsumexp.bytes();
  return args;
}

// The gradients in ops, so that they have gradients themselves; q, k, v as they were given.
TensorList composed_backward(const Tensor& u, const Tensor& q, const Tensor& k, const Tensor& v,
                             const Tensor& mask, bool causal, double scale) {
  const DType own = q.dtype(), t = row_type(own);
  const int64_t group = q.sizes()[1] / k.sizes()[1];
  const Tensor wide_k = repeated_heads(to(k, t), group), wide_v = repeated_heads(to(v, t), group);
  const Tensor wide_q = to(q, t), wide_u = to(u, t);
  Tensor scores = matmul(wide_q, transpose(wide_k, -2, -1)) * Scalar(scale);
  if (causal) scores = scores + causal_mask(q, k, t);
  if (mask.defined()) scores = scores + mask;
  const Tensor weights = safe_softmax(scores), slopes = matmul(wide_u, transpose(wide_v, -2, -1));
  const Tensor weighted = weights * slopes;
  const Tensor ds = (weighted - weights * sum(weighted, {-1}, true)) * Scalar(scale);
  const auto over_group = [&](const Tensor& g) {
    if (group == 1) return g;
    const Shape& s = g.sizes();
    return sum(reshape(g, {s[0], s[1] / group, group, s[2], s[3]}), {2});
  };
  return {to(matmul(ds, wide_k), own), to(over_group(matmul(transpose(ds, -2, -1), wide_q)), own),
          to(over_group(matmul(transpose(weights, -2, -1), wide_u)), own)};
}

TensorList fused_backward(const Tensor& u, const Tensor& q, const Tensor& k, const Tensor& v,
                          const Tensor& mask, const Tensor& out, const Tensor& logsumexp, bool causal,
                          double scale) {
  const DType own = q.dtype(), t = row_type(own);
  const Tensor x = operand(q, t), y = operand(k, t), z = operand(v, t), o = operand(out, t),
               du = operand(u, t);
  const Tensor dq = empty_heads(x, x.sizes()[2], x.sizes()[3], t),
               dk = empty_heads(y, y.sizes()[2], y.sizes()[3], t),
               dv = empty_heads(z, z.sizes()[2], z.sizes()[3], t);
  AttentionGradArgs args;
  static_cast<AttentionArgs&>(args) = arguments(x, y, z, mask, o, logsumexp, causal, scale);
  args.u = heads_of(du), args.dq = heads_of(dq), args.dk = heads_of(dk), args.dv = heads_of(dv);
  multiply_adds += (3 * x.numel() + 2 * o.numel()) * y.sizes()[2];  // scores again, and four gradients
  slots::attention_backward(q.device(), args);
  return {to(dq, own), to(dk, own), to(dv, own)};
}

// q (N, H, L, E), k (N, Hk, S, E), v (N, Hk, S, Ev); the mask (N, H, L, S), expanded, in the kernel's type.
Tensor fused(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool causal,
             double scale) {
  const DType t = row_type(q.dtype());
  const Tensor x = operand(q, t), y = operand(k, t), z = operand(v, t);
  const int64_t queries = q.sizes()[2];
  const Tensor result = empty_heads(x, queries, v.sizes()[3], t);
  const Tensor logsumexp = Tensor::empty({q.sizes()[0], q.sizes()[1], queries}, t, q.device());
  multiply_adds += x.numel() * y.sizes()[2] + result.numel() * y.sizes()[2];  // scores, and their sums
  slots::attention(q.device(), arguments(x, y, z, mask, result, logsumexp, causal, scale));
  const Tensor out = to(result, q.dtype());
  return record_jointly(
      "ScaledDotProductFlashAttentionForCpuBackward0", out, Out{}, {q, k, v},
      saved(q, k, v, mask, out, logsumexp, causal, scale),
      [](const Upstream& up, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
         const Tensor& out, const Tensor& logsumexp, bool causal, double scale) {
        return grad_enabled() ? composed_backward(up[0], q, k, v, mask, causal, scale)
                              : fused_backward(up[0], q, k, v, mask, out, logsumexp, causal, scale);
      });
}

// Whether sizes fit the kernel: the same batch, heads that divide, nothing empty.
bool is_fusible(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, double dropout_p,
                bool grouped) {
  if (!fused_allowed || dropout_p > 0 || !is_floating(q.dtype()) || wants_gradient(mask)) return false;
  const int64_t d = q.dim();
  if (d > 4 || k.dim() != d || v.dim() != d) return false;
  if (q.numel() == 0 || k.numel() == 0 || v.numel() == 0) return false;
  if (q.size(-1) != k.size(-1) || k.size(-2) != v.size(-2)) return false;
  if (d == 2) return !grouped;
  const int64_t heads = q.size(-3), shared = k.size(-3);
  if (v.size(-3) != shared || (grouped ? heads % shared != 0 : heads != shared)) return false;
  return d == 3 || (q.sizes()[0] == k.sizes()[0] && q.sizes()[0] == v.sizes()[0]);
}

Tensor with_leading_ones(Tensor t) {
  while (t.dim() < 4) t = unsqueeze(t, 0);
  return t;
}

}  // namespace

Ints allow_attention(bool fused, bool composed) {
  Ints before{fused_allowed, composed_allowed};
  fused_allowed = fused, composed_allowed = composed;
  return before;
}
TG_OP(allow_attention, "_allow_attention(bool fused, bool composed) -> int[]", kFunction, R"(
Whether scaled_dot_product_attention may use its fused kernel, and its composition; returns what was set before.
)");

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale, bool enable_gqa) {
  check(query, key, value, attn_mask);
  const double factor = scale.value_or(1 / std::sqrt(double(query.size(-1))));
  const bool fusible = is_fusible(query, key, value, attn_mask, dropout_p, enable_gqa);
  // PyTorch's fused kernel takes both, and is for these shapes.
  TG_CHECK(
      !is_causal || !attn_mask.defined() || (fusible && query.dim() == 4 && query.size(-1) == value.size(-1)),
      Runtime, "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
  if (!fusible) return composed(query, key, value, attn_mask, dropout_p, is_causal, factor, enable_gqa);
  const Tensor q = with_leading_ones(query);
  Tensor mask;
  if (attn_mask.defined()) {
    NoGradGuard guard;
    const Shape sizes{q.sizes()[0], q.sizes()[1], q.sizes()[2], key.size(-2)};
    const DType t = row_type(query.dtype());
    if (!is_expandable_to(attn_mask.sizes(), sizes))
      return composed(query, key, value, attn_mask, dropout_p, is_causal, factor, enable_gqa);
    mask = expand(to(additive(attn_mask, t), t), sizes);
  }
  Tensor result = fused(q, with_leading_ones(key), with_leading_ones(value), mask, is_causal, factor);
  while (result.dim() > query.dim()) result = select(result, 0, 0);
  return result;
}
TG_OP(scaled_dot_product_attention,
      "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float "
      "dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor",
      kFunctional, R"(
softmax(query @ key^T * scale + mask) @ value over the last two dimensions: query (*, L, E), key (*, S, E), value
(*, S, Ev) of one dtype; scale defaults to 1 / sqrt(E). attn_mask broadcasts to (*, L, S): true where a query may look,
or numbers to add. is_causal lets query i look at keys up to i. A query that may look nowhere gives zeros. enable_gqa
lets consecutive heads (dimension -3) of query share one of key and value. dropout_p drops weights, always.

Backward, with P the softmax and D = sum(u * out) of each row: P^T u for value; with dS = P * (u value^T - D) * scale,
dS @ key for query and dS^T @ query for key.
)");

}  // namespace tensorgrad
