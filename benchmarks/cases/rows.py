"""What runs along a dimension: reductions, scans, softmax and its kin, normalizations, sorting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .limits import FLOAT
from .registry import kernel

SHAPES = ((64, 64), (512, 512), (2048, 2048))


def _along(name: str, function: Callable[..., Any], output: bool = False, backward: bool = True) -> None:
    """A function of one matrix; `output`: the result is as large as the matrix."""
    for shape in SHAPES:
        size = FLOAT * shape[0] * shape[1]
        kernel(
            f"{name} {shape[0]}x{shape[1]}",
            lambda torch, shape=shape: [torch.randn(*shape)],
            function,
            bytes=(1 + output) * size,
            backward=backward,
        )


_along("sum", lambda torch, x: x.sum())
_along("sum of rows", lambda torch, x: x.sum(1))
_along("sum of columns", lambda torch, x: x.sum(0))
_along("mean of rows", lambda torch, x: x.mean(1))
_along("var of rows", lambda torch, x: x.var(1))
_along("var of columns", lambda torch, x: x.var(0))
_along("norm", lambda torch, x: torch.linalg.vector_norm(x))
_along("prod of rows", lambda torch, x: x.prod(1), backward=False)
_along("amax of rows", lambda torch, x: x.amax(1))
_along("max of rows", lambda torch, x: x.max(1).values)
_along("max of columns", lambda torch, x: x.max(0).values)
_along("argmax of rows", lambda torch, x: x.argmax(1), backward=False)
_along("logsumexp of rows", lambda torch, x: x.logsumexp(1))
_along("cumsum of rows", lambda torch, x: x.cumsum(1), output=True)
_along("cumsum of columns", lambda torch, x: x.cumsum(0), output=True)
_along("softmax of rows", lambda torch, x: x.softmax(1), output=True)
_along("softmax of columns", lambda torch, x: x.softmax(0), output=True)
_along("log_softmax of rows", lambda torch, x: x.log_softmax(1), output=True)
_along("sort of rows", lambda torch, x: x.sort(1).values)
_along("sort of columns", lambda torch, x: x.sort(0).values)
_along("topk 5 of rows", lambda torch, x: x.topk(5, 1).values)
_along("argsort", lambda torch, x: x.flatten().argsort(), backward=False)


def _enter_with_weights() -> None:
    for rows, columns in SHAPES:
        size = FLOAT * rows * columns

        def weighted(torch: Any, rows: int = rows, columns: int = columns) -> list[Any]:
            return [torch.randn(rows, columns), torch.randn(columns), torch.randn(columns)]

        def normalize(torch: Any, x: Any, weight: Any, bias: Any) -> Any:
            return torch.nn.functional.layer_norm(x, weight.shape, weight, bias)

        def classes(torch: Any, rows: int = rows, columns: int = columns) -> list[Any]:
            return [torch.randn(rows, columns), torch.randint(0, columns, (rows,))]

        kernel(f"layer_norm {rows}x{columns}", weighted, normalize, bytes=2 * size)
        kernel(
            f"cross_entropy {rows}x{columns}",
            classes,
            lambda torch, x, y: torch.nn.functional.cross_entropy(x, y),
            bytes=size,
        )


_enter_with_weights()
