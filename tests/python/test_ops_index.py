"""Reading and writing at indices, and order: each op in each dtype and memory layout, against PyTorch."""

from __future__ import annotations

import pytest
import torch

from tests.python.harness.convert import DTYPES
from tests.python.harness.rows import LAYOUTS, check_row, row

ROWS_OF = torch.tensor([[0, 2, 1, 2], [1, 0, 0, 2], [2, 2, 1, 0]])
COLUMNS_OF = torch.tensor([[3, 0, 1, 2], [1, 3, 0, 2], [2, 0, 3, 1]])
VECTOR = torch.tensor([2, 0, 2])
ORDER = torch.tensor([2, 0, 1])
MASK = torch.tensor([[True, False, True, True], [False, False, True, False], [True, True, False, True]])

ROWS = [
    row("gather", (3, 4), 0, ROWS_OF),
    row("gather", (3, 4), -1, COLUMNS_OF[:2, :3]),
    row("gather", (3, 4, 2), 1, COLUMNS_OF[:, :, None].expand(3, 4, 2)),
    row("scatter", (3, 4), 1, COLUMNS_OF, (3, 4)),
    row("scatter", (3, 4), 0, ROWS_OF, 2),
    row("scatter_add", (3, 4), 0, ROWS_OF, (3, 4)),
    row("scatter_add", (3, 4), 1, COLUMNS_OF, (3, 4)),
    *(
        row("scatter_reduce", (3, 4), 0, ROWS_OF, (3, 4), reduce, include_self=included)
        for reduce in ("sum", "mean", "amax", "amin")
        for included in (True, False)
    ),
    row("index_select", (3, 4), 0, VECTOR),
    row("index_select", (3, 4, 2), 2, torch.tensor([1, 1, 0])),
    row("index_add", (3, 4), 0, VECTOR, (3, 4)),
    row("index_add", (4, 3), 1, VECTOR, (4, 3), alpha=2),
    row("index_add", (4, 3), 1, VECTOR, (4, 3), alpha=2.5),
    row("index_copy", (3, 4), 0, ORDER, (3, 4)),
    row("index_fill", (3, 4), 1, VECTOR, 2),
    row("take", (3, 4), torch.tensor([[0, 5], [-1, 11]])),
    row("take_along_dim", (3, 4), COLUMNS_OF[:1], 1),
    row("masked_fill", (3, 4), MASK, 2),
    row("masked_fill", (3, 4), MASK[0], 3),
    row("masked_select", (3, 4), MASK),
    row("masked_scatter", (3, 4), MASK, (3, 4)),
    row("nonzero", (3, 4)),
    row("nonzero", (3, 4), as_tuple=True),
    row("sort", (3, 4), dim=0, stable=True),
    row("sort", (2, 200), dim=1, descending=True, stable=True),
    row("argsort", (2, 200), dim=1, stable=True),
    row("msort", (5, 3)),
    row("repeat_interleave", (3, 4), 2, 1),
    row("repeat_interleave", (3, 4), torch.tensor([1, 0, 2]), 0),
    row("Tensor.unfold", (3, 7), 1, 3, 2),
    row("rot90", (3, 4)),
    row("atleast_3d", (3, 4)),
    row("hsplit", (3, 4), 2),
]

TOLERANCES = {"float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("item", ROWS, ids=repr)
def test_row(item, dtype: str) -> None:
    for layout in LAYOUTS:
        check_row(item, dtype, layout, TOLERANCES.get(dtype))
