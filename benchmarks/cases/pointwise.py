"""Elementwise functions of one, two and three tensors, random masks among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .limits import FLOAT
from .registry import kernel

SIZES = {"4Ki": 4096, "256Ki": 262_144, "4Mi": 4_194_304}


def _pointwise(name: str, function: Callable[..., Any], tensors: int = 1, positive: bool = False) -> None:
    """A function of `tensors` tensors of one shape."""
    for label, count in SIZES.items():

        def make(torch: Any, count: int = count) -> list[Any]:
            fill = torch.rand if positive else torch.randn
            return [fill(count) for _ in range(tensors)]

        kernel(f"{name} {label}", make, function, bytes=(tensors + 1) * FLOAT * count)


for name in ("exp", "tanh", "sigmoid", "sin", "erf", "relu"):
    _pointwise(name, lambda torch, x, name=name: getattr(torch, name)(x))
for name in ("log", "sqrt"):
    _pointwise(name, lambda torch, x, name=name: getattr(torch, name)(x), positive=True)
_pointwise("gelu", lambda torch, x: torch.nn.functional.gelu(x))
_pointwise("gelu tanh", lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"))
_pointwise("silu", lambda torch, x: torch.nn.functional.silu(x))
_pointwise("pow 3", lambda torch, x: x**3)
_pointwise("pow 2.5", lambda torch, x: x**2.5, positive=True)
_pointwise("clamp", lambda torch, x: torch.clamp(x, -0.5, 0.5))
_pointwise("add", lambda torch, a, b: a + b, 2)
_pointwise("mul", lambda torch, a, b: a * b, 2)
_pointwise("div", lambda torch, a, b: a / b, 2, positive=True)
_pointwise("maximum", lambda torch, a, b: torch.maximum(a, b), 2)
_pointwise("lerp", lambda torch, a, b: torch.lerp(a, b, 0.3), 2)
_pointwise("dropout", lambda torch, x: torch.nn.functional.dropout(x, 0.1))
_pointwise("mse_loss", lambda torch, a, b: torch.nn.functional.mse_loss(a, b), 2)


def _enter_others() -> None:
    for label, count in SIZES.items():
        rows, columns = count // 256, 256

        def masked(torch: Any, count: int = count) -> list[Any]:
            return [torch.rand(count) < 0.5, torch.randn(count), torch.randn(count)]

        def row(torch: Any, rows: int = rows, columns: int = columns) -> list[Any]:
            return [torch.randn(rows, columns), torch.randn(columns)]

        def column(torch: Any, rows: int = rows, columns: int = columns) -> list[Any]:
            return [torch.randn(rows, columns), torch.randn(rows, 1)]

        both, one = (3 * FLOAT + 1) * count, 2 * FLOAT * count
        kernel(f"where {label}", masked, lambda torch, mask, a, b: torch.where(mask, a, b), bytes=both)
        kernel(
            f"masked_fill {label}",
            lambda torch, masked=masked: masked(torch)[:2],
            lambda torch, mask, x: x.masked_fill(mask, 0.5),
            bytes=one + count,
        )
        kernel(f"add a row {label}", row, lambda torch, a, b: a + b, bytes=one)
        kernel(f"mul by a column {label}", column, lambda torch, a, b: a * b, bytes=one)
        kernel(
            f"compare {label}",
            lambda torch, count=count: [torch.randn(count), torch.randn(count)],
            lambda torch, a, b: a < b,
            bytes=(2 * FLOAT + 1) * count,
            backward=False,
        )
        kernel(
            f"float32 to float16 {label}",
            lambda torch, count=count: [torch.randn(count)],
            lambda torch, x: x.half(),
            bytes=6 * count,
            backward=False,
        )
        kernel(
            f"int64 to float32 {label}",
            lambda torch, count=count: [torch.randint(0, 99, (count,))],
            lambda torch, x: x.float(),
            bytes=12 * count,
            backward=False,
        )
        kernel(
            f"add int64 {label}",
            lambda torch, count=count: [torch.randint(0, 99, (count,)) for _ in range(2)],
            lambda torch, a, b: a + b,
            bytes=24 * count,
            backward=False,
        )
        kernel(
            f"binary_cross_entropy_with_logits {label}",
            lambda torch, count=count: [torch.randn(count), (torch.rand(count) < 0.5).float()],
            lambda torch, x, y: torch.nn.functional.binary_cross_entropy_with_logits(x, y.detach()),
            bytes=2 * FLOAT * count,
            backward=False,
        )
        kernel(f"randn {label}", lambda torch: [], lambda torch, n=count: torch.randn(n), backward=False)
        kernel(f"rand {label}", lambda torch: [], lambda torch, n=count: torch.rand(n), backward=False)


_enter_others()
