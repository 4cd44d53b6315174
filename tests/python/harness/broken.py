"""PyTorch with known faults, to prove that the op database harness finds each kind of them."""

from __future__ import annotations

import os
import signal
from typing import Any

import torch
from torch import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return getattr(torch, name)


def sin(input: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    """A value that is off by far less than any float32 rounding would show, but not in float64."""
    return torch.sin(input, **kwargs) * (1 + 1e-6)


class _WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return torch.cos(x)

    @staticmethod
    def backward(ctx: Any, u: torch.Tensor) -> torch.Tensor:
        return u * 0.5


def cos(input: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    return torch.cos(input, **kwargs) if kwargs else _WrongGradient.apply(input)


def floor(input: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    """The wrong dtype for integers."""
    return torch.floor(input.double() if not input.is_floating_point() else input, **kwargs)


def gather(input: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """No error where there should be one."""
    try:
        return torch.gather(input, *args, **kwargs)
    except (RuntimeError, IndexError, TypeError):
        return input


def flip(input: torch.Tensor, dims: Any, **kwargs: Any) -> torch.Tensor:
    """Takes every tensor for contiguous."""
    if not input.is_contiguous() and input.numel():
        input = torch.as_strided(input, input.shape, torch.empty(input.shape, device="meta").stride(), 0)
    return torch.flip(input, dims, **kwargs)


def trunc(input: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    """out= that hands back another tensor."""
    return torch.trunc(input)


def exp(input: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    """Writes to its argument."""
    out = torch.exp(input, **kwargs)
    input.detach().zero_()
    return out


def tril(input: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Crashes where a diagonal is given."""
    if args or kwargs:
        os.kill(os.getpid(), signal.SIGSEGV)
    return torch.tril(input, *args, **kwargs)
