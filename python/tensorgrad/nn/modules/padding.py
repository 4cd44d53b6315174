"""Padding with a constant."""

from __future__ import annotations

from typing import Any

from tensorgrad import Tensor
from tensorgrad.nn import functional as F
from tensorgrad.nn.modules._utils import ntuple
from tensorgrad.nn.modules.module import Module

__all__ = ["ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"]


class _ConstantPadNd(Module):
    __constants__ = ["padding", "value"]
    _sides = 2

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.value = value
        self.padding = ntuple(padding, self._sides)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad:
    __slots__ = ()

    def extra_repr(self) -> str:
        return f"{self.padding}"  # type: ignore[attr-defined]


class ConstantPad1d(_ConstantPadNd):
    """Pads the last dimension: one width, or (left, right)."""


class ConstantPad2d(_ConstantPadNd):
    """Pads the last two dimensions: one width, or (left, right, top, bottom)."""

    _sides = 4


class ConstantPad3d(_ConstantPadNd):
    """Pads the last three dimensions: one width, or (left, right, top, bottom, front, back)."""

    _sides = 6


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Pads the last dimension with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Pads the last two dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Pads the last three dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)
