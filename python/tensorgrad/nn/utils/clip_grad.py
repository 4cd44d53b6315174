"""Limits on the size of gradients."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _as_list(tensors: Any) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of order `norm_type` of all tensors together, as if they were one vector: a 0-d tensor.

    `foreach` is accepted as PyTorch accepts it; one call goes over all tensors in any case.

    Raises:
        RuntimeError: it is not finite, with `error_if_nonfinite`.
    """
    total: Tensor = _C._optim.total_norm(_as_list(tensors), float(norm_type), foreach)
    if error_if_nonfinite and not total.isfinite().item():
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so "
            "it cannot be clipped. To disable this error and scale the gradients by the non-finite norm "
            "anyway, set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """grad *= min(max_norm / (total_norm + 1e-6), 1), in place, for the gradients of all parameters."""
    with tensorgrad.no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        _C._optim.scale(_C._optim.gradients(_as_list(parameters)), factor)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales the gradients in place so that their common norm is at most `max_norm`; returns the norm before.

    >>> weight = tensorgrad.nn.Parameter(tensorgrad.zeros(2))
    >>> weight.grad = tensorgrad.tensor([3.0, 4.0])
    >>> tensorgrad.nn.utils.clip_grad_norm_([weight], max_norm=1.0)
    tensor(5.)
    >>> weight.grad
    tensor([0.6000, 0.8000])

    Raises:
        RuntimeError: the norm is not finite, with `error_if_nonfinite`.
    """
    is_generator = isinstance(parameters, types.GeneratorType)
    parameters = _as_list(parameters)
    if is_generator and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    total = get_total_norm(_C._optim.gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of clip_grad_norm_."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Keeps every element of the gradients between -clip_value and clip_value, in place."""
    limit = float(clip_value)
    _C._optim.clamp(_C._optim.gradients(_as_list(parameters)), limit)
