"""Reductions and scans: each op in each dtype and memory layout, NaN, ties, zeros and long rows, against PyTorch."""

from __future__ import annotations

import pytest

from tests.python.harness.convert import DTYPES
from tests.python.harness.rows import LAYOUTS, Given, check_row, row

ROWS = [
    *(row(name, (3, 4, 2), dim) for name in ("nansum", "nanmean", "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "aminmax")
      for dim in (0, -1) if name != "aminmax"),
    *(row("aminmax", (3, 4, 2), dim=dim, keepdim=keep) for dim in (0, 1, None) for keep in (False, True)),
    *(row(name, (3, 4, 2), Given((0, 1)), keepdim=True) for name in ("sum", "mean", "amax", "amin", "any", "all", "nansum")),
    *(row(name, (2, 3000), 1) for name in ("sum", "mean", "max", "amin", "var", "argmax")),
    *(row(name, (3000, 3), 0) for name in ("sum", "mean", "min", "amax", "std", "argmin")),
    *(row(name, (2, 70, 150), 1) for name in ("sum", "max", "var", "any")),
    row("var_mean", (3, 4, 2), dim=1),
    row("std_mean", (3, 4, 2), dim=Given((0, 2)).value, correction=0),
    row("count_nonzero", (3, 4, 2), 1),
    *(row("norm", (3, 4), p, 1) for p in (0, 0.5, 1, 1.5, 2, 3, float("inf"), -float("inf"))),
    row("median", (3, 5)),
    row("median", (3, 5), 1),
    row("nanmedian", (3, 5)),
    row("kthvalue", (3, 5), 2, 1, low=0, high=120),
]  # fmt: skip

# Sums in another order round differently; half's rounding is coarse.
TOLERANCES = {"float16": (8e-3, 8e-3), "bfloat16": (6e-2, 6e-2), "float32": (1e-5, 1e-4)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("item", ROWS, ids=repr)
def test_row(item, dtype: str) -> None:
    for layout in LAYOUTS:
        check_row(item, dtype, layout, TOLERANCES.get(dtype))
