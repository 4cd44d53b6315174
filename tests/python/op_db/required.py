"""Entries that must exist: an absent one fails the run. The list grows with the library."""

REQUIRED = frozenset(
    """
    add sub mul div.no_rounding_mode div.floor_rounding div.trunc_rounding true_divide floor_divide remainder neg pow
    square exp log log1p sqrt rsqrt reciprocal abs sign floor ceil round sin cos tanh sigmoid erf nn.functional.relu
    nn.functional.gelu softmax softmax.with_dtype log_softmax log_softmax.with_dtype logsumexp clamp maximum minimum
    where lerp eq ne lt le gt ge logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor
    bitwise_not isnan isinf isfinite equal allclose
    sum mean prod max.reduction_with_dim max.reduction_no_dim max.binary min.reduction_with_dim min.reduction_no_dim
    min.binary amax amin argmax argmin var var.unbiased std std.unbiased norm any all cumsum
    squeeze squeeze.multiple unsqueeze reshape view flatten unflatten permute transpose t T mT expand broadcast_to
    contiguous clone select narrow chunk split split.list_args unbind cat stack repeat flip tril triu
    gather scatter scatter_add index_select index_add index_put masked_fill masked_select nonzero take_along_dim sort
    topk matmul mm bmm mv dot outer __rmatmul__ __getitem__ __radd__ __rmul__ __rsub__ __rdiv__ __rpow__
    nn.functional.linear nn.functional.conv2d nn.functional.conv_transpose2d nn.functional.max_pool2d nn.functional.avg_pool2d
    nn.functional.adaptive_avg_pool2d nn.functional.embedding nn.functional.dropout nn.functional.batch_norm
    nn.functional.layer_norm nn.functional.cross_entropy nn.functional.nll_loss nn.functional.mse_loss
    nn.functional.l1_loss nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
    nn.functional.one_hot nn.functional.pad.constant
    empty zeros ones full eye arange linspace randn randint multinomial normal normal.in_place normal.number_mean
    bernoulli empty_like zeros_like ones_like full_like rand_like randn_like randint_like zero_ fill uniform
    exponential to float double long int bool half bfloat16 byte char short item
    """.split()
)
