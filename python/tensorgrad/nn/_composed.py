"""Functions of nn.functional that are composed of the engine's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import tensorgrad
from tensorgrad import Tensor


def _legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """The reduction that the two old arguments meant."""
    size_average = True if size_average is None else size_average
    reduce = True if reduce is None else reduce
    reduction = "none" if not reduce else "mean" if size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        stacklevel=4,
    )
    return reduction


def _maybe_inplace(input: Tensor, inplace: bool, function: Callable[[Tensor], Tensor]) -> Tensor:
    if not inplace:
        return function(input)
    return input.copy_(function(input.clone()))  # what the gradient needs must not be overwritten


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """leaky_relu with a slope drawn from (lower, upper) for each element while training, else their mean."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")

    def function(x: Tensor) -> Tensor:
        if not training:
            return tensorgrad.nn.functional.leaky_relu(x, (lower + upper) / 2)
        with tensorgrad.no_grad():  # a draw, in double precision, for each element that is not positive
            below = x <= 0
            count = int(below.sum().item())
            drawn = tensorgrad.empty(count, dtype=tensorgrad.float64).uniform_(lower, upper)
            slope = tensorgrad.ones_like(x)
            slope[below] = drawn.to(x.dtype)
        return x * slope

    return _maybe_inplace(input, inplace, function)


def _check_probability(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    drop = tensorgrad.feature_dropout_ if inplace else tensorgrad.feature_dropout
    return drop(input, p, training)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of ``(N, C, L)`` or ``(C, L)`` with probability `p`."""
    _check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that "
            "dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, "
            "and an optional "
            "batch dimension (i.e. 2D or 3D inputs)."
        )
    if input.dim() == 2:
        if inplace:
            _feature_dropout(input.unsqueeze(0), p, training, True)
            return input
        return _feature_dropout(input.unsqueeze(0), p, training, False).squeeze(0)
    return _feature_dropout(input, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of ``(N, C, H, W)`` with probability `p`."""
    _check_probability(p)
    dimensions = input.dim()
    if dimensions not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {dimensions}-D input to dropout2d, which is deprecated and will "
            "result in an error "
            "in a future release. To retain the behavior and silence this warning, please use "
            "dropout instead. "
            "Note that dropout2d exists to provide channel-wise dropout on inputs with 2 spatial dimensions, "
            "a channel dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=3,
        )
    elif dimensions == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior "
            "will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, "
            "H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=3,
        )
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` with probability `p`."""
    _check_probability(p)
    dimensions = input.dim()
    if dimensions not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {dimensions}-D input to dropout3d, which is deprecated and will "
            "result in an error "
            "in a future release. To retain the behavior and silence this warning, please use "
            "dropout instead. "
            "Note that dropout3d exists to provide channel-wise dropout on inputs with 3 spatial dimensions, "
            "a channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            stacklevel=3,
        )
    if dimensions != 5:
        if inplace:
            _feature_dropout(input.unsqueeze(0), p, training, True)
            return input
        return _feature_dropout(input.unsqueeze(0), p, training, False).squeeze(0)
    return _feature_dropout(input, p, training, inplace)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x1^T A x2 + b; inputs ``(*, in1)`` and ``(*, in2)``, weight ``(out, in1, in2)``."""
    left = (input1.unsqueeze(-2) @ weight.permute(1, 0, 2).reshape(input1.size(-1), -1)).squeeze(-2)
    left = left.reshape(*input1.shape[:-1], weight.size(0), weight.size(2))
    result = (left * input2.unsqueeze(-2)).sum(-1, dtype=left.dtype)
    return result if bias is None else result + bias


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """x divided by its p-norm along `dim`, or by `eps` where that is smaller."""
    return tensorgrad.div(input, input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input), out=out)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2 along `dim`; norms count as `eps` at least."""

    def unit(x: Tensor) -> Tensor:
        norm = x.norm(2, dim, keepdim=True).clone()
        with tensorgrad.no_grad():  # as in PyTorch the limit does not stop the gradient
            norm.clamp_(min=eps)
        return x / norm

    x1, x2 = tensorgrad.broadcast_tensors(x1, x2)
    return (unit(x1) * unit(x2)).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def _one_for_each(value: Any) -> list[int]:
    """A one-dimensional size as a two-dimensional one of a single row."""
    return [value if isinstance(value, int) else value[0]]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation over the last dimension, as a conv2d of one row."""
    rows = padding if isinstance(padding, str) else [0, *_one_for_each(padding)]
    result = tensorgrad.nn.functional.conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        [1, *_one_for_each(stride)],
        rows,
        [1, *_one_for_each(dilation)],
        groups,
    )
    return result.squeeze(-2)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transposed convolution over the last dimension, as a conv_transpose2d of one row."""
    result = tensorgrad.nn.functional.conv_transpose2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        [1, *_one_for_each(stride)],
        [0, *_one_for_each(padding)],
        [0, *_one_for_each(output_padding)],
        groups,
        [1, *_one_for_each(dilation)],
    )
    return result.squeeze(-2)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window, as an avg_pool2d of one row."""
    stride = kernel_size if stride is None or stride == () else stride
    return tensorgrad.nn.functional.avg_pool2d(
        input.unsqueeze(-2),
        [1, *_one_for_each(kernel_size)],
        [1, *_one_for_each(stride)],
        [0, *_one_for_each(padding)],
        ceil_mode,
        count_include_pad,
    ).squeeze(-2)


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window, as a max_pool2d of one row."""
    if input.dim() not in (2, 3):
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(input.shape)}"
        )
    stride = kernel_size if stride is None else stride
    result = tensorgrad.nn.functional.max_pool2d(
        input.unsqueeze(-2),
        [1, *_one_for_each(kernel_size)],
        [1, *_one_for_each(stride)],
        [0, *_one_for_each(padding)],
        [1, *_one_for_each(dilation)],
        ceil_mode,
        return_indices,
    )
    if return_indices:
        return result[0].squeeze(-2), result[1].squeeze(-2)
    return result.squeeze(-2)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that cover the last dimension, as an adaptive_avg_pool2d of one row."""
    if not isinstance(output_size, int) and len(output_size) != 1:
        raise RuntimeError(
            f"adaptive_avg_pool1d() argument 'output_size' should contain one int (got {len(output_size)})"
        )
    return tensorgrad.nn.functional.adaptive_avg_pool2d(
        input.unsqueeze(-2), [1, *_one_for_each(output_size)]
    ).squeeze(-2)
