"""Reading and writing by index and by mask, joining, and copies in another order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .limits import FLOAT
from .registry import kernel

SHAPES = ((64, 64), (512, 512), (4096, 1024))


def _select(
    name: str, make: Callable[[Any, int, int], list[Any]], function: Callable[..., Any], moved: float = 2
) -> None:
    """`make(torch, rows, columns)` gives the inputs; about `moved` matrices are read and written."""
    for rows, columns in SHAPES:
        kernel(
            f"{name} {rows}x{columns}",
            lambda torch, rows=rows, columns=columns: make(torch, rows, columns),
            function,
            bytes=moved * FLOAT * rows * columns,
        )


def _rows_by_index(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns), torch.randint(0, rows, (rows,))]


def _columns_by_index(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns), torch.randint(0, columns, (columns,))]


def _each_by_index(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns), torch.randint(0, rows, (rows, columns))]


def _each_in_row(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns), torch.randint(0, columns, (rows, columns))]


def _masked(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns), torch.rand(rows, columns) < 0.5]


def _added(make: Callable[[Any, int, int], list[Any]]) -> Callable[[Any, int, int], list[Any]]:
    """The inputs and a source of the first one's shape."""
    return lambda torch, rows, columns: [*make(torch, rows, columns), torch.randn(rows, columns)]


def _matrix(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns)]


def _pair(torch: Any, rows: int, columns: int) -> list[Any]:
    return [torch.randn(rows, columns), torch.randn(rows, columns)]


_select("x[rows]", _rows_by_index, lambda torch, x, index: x[index])
_select("index_select of columns", _columns_by_index, lambda torch, x, index: x.index_select(1, index))
_select("embedding", _rows_by_index, lambda torch, x, index: torch.nn.functional.embedding(index, x))
_select("x[mask]", _masked, lambda torch, x, mask: x[mask])
_select("gather of columns", _each_in_row, lambda torch, x, index: x.gather(1, index), moved=4)
_select("gather of rows", _each_by_index, lambda torch, x, index: x.gather(0, index), moved=4)
_select("scatter", _added(_each_in_row), lambda torch, x, index, src: x.scatter(1, index, src), moved=5)
_select(
    "scatter_add", _added(_each_by_index), lambda torch, x, index, src: x.scatter_add(0, index, src), moved=5
)
_select(
    "index_add of rows",
    _added(_rows_by_index),
    lambda torch, x, index, src: x.index_add(0, index, src),
    moved=4,
)
_select(
    "index_put of rows",
    _added(_rows_by_index),
    lambda torch, x, index, src: x.index_put((index,), src, accumulate=True),
    moved=4,
)
_select("cat", _pair, lambda torch, a, b: torch.cat([a, b], 1), moved=4)
_select("stack", _pair, lambda torch, a, b: torch.stack([a, b]), moved=4)
_select("transpose copy", _matrix, lambda torch, x: x.t().contiguous())
_select("permute copy", _matrix, lambda torch, x: x.view(x.shape[0], 8, -1).permute(1, 0, 2).contiguous())
_select("flip", _matrix, lambda torch, x: x.flip(1))
_select("tril", _matrix, lambda torch, x: x.tril())
_select("repeat", _matrix, lambda torch, x: x.repeat(2, 1), moved=3)
_select("pad", _matrix, lambda torch, x: torch.nn.functional.pad(x, (1, 1, 1, 1)))


def _enter_without_gradient() -> None:
    for rows, columns in SHAPES:
        kernel(
            f"nonzero {rows}x{columns}",
            lambda torch, rows=rows, columns=columns: [torch.rand(rows, columns) < 0.5],
            lambda torch, mask: mask.nonzero(),
            backward=False,
        )
        kernel(
            f"one_hot {rows}x{columns}",
            lambda torch, rows=rows, columns=columns: [torch.randint(0, columns, (rows,)), columns],
            lambda torch, index, classes: torch.nn.functional.one_hot(index, classes),
            bytes=8 * rows * columns,
            backward=False,
        )


_enter_without_gradient()
