"""What the machine can do at most: copying, from the nearest cache to memory, and multiplying matrices."""

from __future__ import annotations

from typing import Any

from .registry import Case, Run, enter

FLOAT = 4  # bytes


def _enter_copy(kib: int) -> None:
    """A copy of `kib` KiB, which reads and writes as much."""
    count = kib * 1024 // FLOAT

    def prepare(torch: Any) -> Run:
        source, target = torch.randn(count), torch.empty(count)
        return lambda: target.copy_(source)

    enter("limits", Case(f"copy of {kib} KiB", prepare, bytes=2 * count * FLOAT))


def _enter_matmul(side: int) -> None:
    def prepare(torch: Any) -> Run:
        a, b = torch.randn(side, side), torch.randn(side, side)
        return lambda: torch.mm(a, b)

    enter("limits", Case(f"matmul of side {side}", prepare, floats=2 * side**3))


for kib in (4, 16, 64, 256, 1024, 4096, 16384, 65536):
    _enter_copy(kib)
for side in (128, 256, 512, 1024, 2048):
    _enter_matmul(side)
