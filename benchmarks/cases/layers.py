"""Four layers in three sizes: for the nearest cache, as in a small model, and filling the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .registry import BOTH, FORWARD, Case, Prepare, Run, enter


def _layer(make: Callable[[Any], Any], shape: tuple[int, ...], and_back: bool) -> Prepare:
    def prepare(torch: Any) -> Run:
        torch.manual_seed(0)
        layer = make(torch)
        x = torch.randn(*shape, requires_grad=and_back)
        if not and_back:
            return lambda: layer(x)
        u = torch.ones_like(layer(x))

        def run() -> None:
            layer(x).backward(u)

        return run

    return prepare


class _SelfAttention:
    """x attends to itself."""

    def __init__(self, torch: Any, width: int, heads: int) -> None:
        self.attend = torch.nn.MultiheadAttention(width, heads, batch_first=True)

    def __call__(self, x: Any) -> Any:
        return self.attend(x, x, x, need_weights=False)[0]


def _enter(name: str, make: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    enter("layers", Case(f"{name}, {FORWARD}", _layer(make, shape, False)))
    enter("layers", Case(f"{name}, {BOTH}", _layer(make, shape, True)))


for batch, inputs, outputs in [(32, 64, 128), (32, 1024, 2048), (128, 2048, 4096)]:
    _enter(
        f"Linear({inputs}, {outputs}) of {batch}",
        lambda torch, i=inputs, o=outputs: torch.nn.Linear(i, o),
        (batch, inputs),
    )
for batch, inputs, side, outputs in [(4, 3, 32, 16), (8, 32, 64, 64), (8, 64, 128, 128)]:
    _enter(
        f"Conv2d({inputs}, {outputs}, 3) of {batch}x{side}x{side}",
        lambda torch, i=inputs, o=outputs: torch.nn.Conv2d(i, o, 3, padding=1),
        (batch, inputs, side, side),
    )
for batch, length, width, heads in [(4, 16, 64, 4), (8, 64, 256, 8), (8, 256, 512, 8)]:
    _enter(
        f"MultiheadAttention({width}, {heads}) of {batch}x{length}",
        lambda torch, w=width, h=heads: _SelfAttention(torch, w, h),
        (batch, length, width),
    )
for rows, columns in [(32, 64), (128, 1024), (1024, 4096)]:
    _enter(f"Softmax of {rows}x{columns}", lambda torch: torch.nn.Softmax(dim=-1), (rows, columns))
