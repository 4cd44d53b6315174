// Scaled dot product attention.
#pragma once
#include "tensorgrad/tensor/out.h"

namespace tensorgrad {

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const Tensor& attn_mask = {}, double dropout_p = 0,
                                    bool is_causal = false, std::optional<double> scale = {},
                                    bool enable_gqa = false);

// Whether the fused kernel and the composition may be used on this thread; returns what was set before.
Ints allow_attention(bool fused, bool composed);

}  // namespace tensorgrad
