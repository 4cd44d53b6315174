"""Multi-head attention as a function."""

from __future__ import annotations

import math
import warnings
from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor

_nn = _C._nn


def _expect(condition: bool, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def _none_or_dtype(input: Tensor | None) -> Any:
    if input is None or isinstance(input, Tensor):
        return None if input is None else input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """The mask as numbers to add: true in a bool mask hides, and becomes -infinity."""
    if mask is None:
        return None
    is_bool = mask.dtype == tensorgrad.bool
    _expect(is_bool or mask.is_floating_point(), f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} "
            "is deprecated. Use same type for both instead.",
            stacklevel=2,
        )
    if not is_bool:
        return mask
    return tensorgrad.zeros_like(mask, dtype=target_type).masked_fill_(mask, -math.inf)


def _is_batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    num_heads: int,
) -> bool:
    """Whether query is 3-D; all others must have the dimensions that go with it."""
    dims = query.dim()
    _expect(
        dims in (2, 3),
        f"query should be unbatched 2D or batched 3D tensor but received {dims}-D query tensor",
    )
    start = f"For {'batched (3-D)' if dims == 3 else 'unbatched (2-D)'} `query`, expected"
    _expect(
        key.dim() == dims and value.dim() == dims,
        f"{start} `key` and `value` to be {dims}-D but found {key.dim()}-D and {value.dim()}-D tensors "
        "respectively",
    )
    if key_padding_mask is not None:
        _expect(
            key_padding_mask.dim() == dims - 1,
            f"{start} `key_padding_mask` to be `None` or {dims - 1}-D but found "
            f"{key_padding_mask.dim()}-D tensor instead",
        )
    if attn_mask is not None:
        _expect(
            attn_mask.dim() in (2, 3),
            f"{start} `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead",
        )
        if dims == 2 and attn_mask.dim() == 3:
            shape = (num_heads, query.shape[0], key.shape[0])
            _expect(
                attn_mask.shape == shape,
                f"Expected `attn_mask` shape to be {shape} but got {attn_mask.shape}",
            )
    return dims == 3


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """linear() that keeps the memory order of (L, N, E), so that neither order needs a copy."""
    if input.stride(0) < input.stride(1):
        return _nn.linear(input.transpose(0, 1), weight, bias).transpose(0, 1)
    return _nn.linear(input, weight, bias)


def _project_packed(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values from one weight (3 E, E): one product for what is the same tensor."""
    width = query.size(-1)
    if query is key and key is value:
        q, k, v = _linear(query, weight, bias).split(width, -1)
        return q, k, v
    biases = (None, None, None) if bias is None else bias.chunk(3)
    if key is value:
        k, v = _linear(key, weight[width:], None if bias is None else bias[width:]).split(width, -1)
        return _linear(query, weight[:width], biases[0]), k, v
    q, k, v = (_linear(x, w, b) for x, w, b in zip((query, key, value), weight.chunk(3), biases))
    return q, k, v


def _project_apart(
    inputs: tuple[Tensor, Tensor, Tensor], weights: tuple[Tensor | None, ...], bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values from weights (E, E), (E, kdim), (E, vdim)."""
    biases = (None, None, None) if bias is None else bias.chunk(3)
    names = ("query", "key", "value")
    for name, weight in zip("qkv", weights):
        _expect(weight is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
    width = inputs[0].size(-1)
    for name, x, weight in zip(names, inputs, weights):
        shape = (width, x.size(-1))
        _expect(
            weight.shape == shape,  # type: ignore[union-attr]
            f"expecting {name} weights shape of {shape}, but got {weight.shape}",  # type: ignore[union-attr]
        )
    for name, each in zip(names, biases):
        if each is not None:
            _expect(
                each.shape == (width,), f"expecting {name} bias shape of {(width,)}, but got {each.shape}"
            )
    q, k, v = (_linear(x, w, b) for x, w, b in zip(inputs, weights, biases))  # type: ignore[arg-type]
    return q, k, v


def _heads(input: Tensor, num_heads: int) -> Tensor:
    """(L, N, H * D) as (N, H, L, D), a view."""
    return input.unflatten(-1, (num_heads, -1)).permute(1, 2, 0, 3)


def _static_heads(given: Tensor, name: str, batch: int, num_heads: int, head_dim: int) -> Tensor:
    """(N * H, S, D) as (N, H, S, D)."""
    for dim, size in ((0, batch * num_heads), (2, head_dim)):
        _expect(given.size(dim) == size, f"expecting {name}.size({dim}) of {size}, but got {given.size(dim)}")
    return given.view(batch, num_heads, -1, head_dim)


def _mask_of_heads(mask: Tensor, batch: int, num_heads: int, target: int, source: int) -> Tensor:
    """A mask (L, S) or (N * H, L, S) as (1 or N, 1 or H, L, S)."""
    if mask.dim() == 2:
        if mask.shape != (target, source):
            raise RuntimeError(
                f"The shape of the 2D attn_mask is {mask.shape}, but should be {(target, source)}."
            )
        return mask[None, None]
    shape = (batch * num_heads, target, source)
    if mask.shape != shape:
        raise RuntimeError(f"The shape of the 3D attn_mask is {mask.shape}, but should be {shape}.")
    return mask.view(batch, num_heads, target, source)


def _merge_masks(attn_mask: Tensor | None, key_padding_mask: Tensor | None, batch: int, source: int) -> Any:
    """The sum of (., ., L, S) and (N, S), where both are given."""
    if key_padding_mask is None:
        return attn_mask
    for dim, size in enumerate((batch, source)):
        _expect(
            key_padding_mask.shape[dim] == size,
            f"Expected key_padded_mask.shape[{dim}] to be {size}, but got {key_padding_mask.shape[dim]}",
        )
    padding = key_padding_mask[:, None, None]
    return padding if attn_mask is None else attn_mask + padding


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of `num_heads` heads between projections of query, key and value, projected back.

    Shapes: query ``(L, N, E)``, key ``(S, N, kdim)``, value ``(S, N, vdim)``, or all without N; attn_mask
    ``(L, S)`` or ``(N * num_heads, L, S)``; key_padding_mask ``(N, S)``; true in a bool mask hides, a float
    mask is added. The result is ``(L, N, E)``, and with `need_weights` the weights ``(N, L, S)``, or
    ``(N, num_heads, L, S)`` unless `average_attn_weights`. `is_causal` says that attn_mask is the causal
    one.

    Raises:
        AssertionError, RuntimeError: shapes that do not fit together.
    """
    batched = _is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same = query is key, key is value
        query = query.unsqueeze(1)
        key = query if same[0] else key.unsqueeze(1)
        value = key if same[1] else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    target, batch, width = query.shape
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    # The hint can stand for the mask only where nothing else needs it.
    is_causal = is_causal and key_padding_mask is None and not need_weights
    if is_causal:
        attn_mask = None
    attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)

    _expect(
        width == embed_dim_to_check,
        f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}",
    )
    head_dim = width // num_heads
    _expect(head_dim * num_heads == width, f"embed_dim {width} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        _expect(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _project_apart((query, key, value), weights, in_proj_bias)
    else:
        _expect(key.shape == value.shape, f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _project_packed(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = _mask_of_heads(attn_mask, batch, num_heads, target, key.shape[0])

    added = 0  # columns that the masks do not know
    if bias_k is not None and bias_v is not None:
        _expect(static_k is None, "bias cannot be added to static key.")
        _expect(static_v is None, "bias cannot be added to static value.")
        k = tensorgrad.cat([k, bias_k.repeat(1, batch, 1)])
        v = tensorgrad.cat([v, bias_v.repeat(1, batch, 1)])
        added += 1
    else:
        _expect(bias_k is None, "bias_k is set but bias_v is None")
        _expect(bias_v is None, "bias_v is set but bias_k is None")
    q, k, v = (
        _heads(q, num_heads),
        _heads(k, num_heads)
        if static_k is None
        else _static_heads(static_k, "static_k", batch, num_heads, head_dim),
        _heads(v, num_heads)
        if static_v is None
        else _static_heads(static_v, "static_v", batch, num_heads, head_dim),
    )
    if add_zero_attn:
        zero = tensorgrad.zeros((batch, num_heads, 1, head_dim), dtype=k.dtype, device=k.device)
        k, v = tensorgrad.cat([k, zero], dim=2), tensorgrad.cat([v, zero], dim=2)
        added += 1
    if added:
        attn_mask = None if attn_mask is None else _nn.pad(attn_mask, (0, added))
        key_padding_mask = None if key_padding_mask is None else _nn.pad(key_padding_mask, (0, added))
    mask = _merge_masks(attn_mask, key_padding_mask, batch, k.size(2))

    dropout_p = dropout_p if training else 0.0
    weight = None
    if need_weights:
        scores = (q * math.sqrt(1.0 / head_dim)) @ k.transpose(-2, -1)
        weight = (scores if mask is None else scores + mask).softmax(-1)
        if dropout_p > 0.0:
            weight = _nn.dropout(weight, dropout_p)
        result = weight @ v
        if average_attn_weights:
            weight = weight.mean(dim=1)
    else:
        result = _nn.scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    # PyTorch's memory order, (L, N, E): a dropout that follows draws in it.
    result = _nn.linear(result.permute(2, 0, 1, 3).flatten(2), out_proj_weight, out_proj_bias)
    if not batched:
        result = result.squeeze(1)
        weight = None if weight is None else weight.squeeze(0)
    return result, weight
