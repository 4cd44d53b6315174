"""Comparisons, selection and powers beside the general rows: each in each dtype and memory layout, against PyTorch."""

from __future__ import annotations

import pytest
import torch

from tests.python.harness.convert import DTYPES
from tests.python.harness.rows import LAYOUTS, check_row, row

MASK = torch.tensor([[True, False, True, True], [False, False, True, False], [True, True, False, True]])

ROWS = [
    *(row(name, (3, 4), 1) for name in ("eq", "ne", "lt", "le", "gt", "ge", "greater", "less_equal", "not_equal")),
    *(row(name, (3, 4), 1.5) for name in ("eq", "lt", "ge")),
    *(row(name, (3, 4), (4,)) for name in ("fmax", "fmin", "atan2", "hypot", "copysign")),
    row("xlogy", (3, 4), (4,), low=0.5),
    *(row(name, (3, 4), 3, low=0) for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift",
                                               "bitwise_right_shift")),
    row("bitwise_and", 5, (3, 4)),
    row("where", MASK, (3, 4), (4,)),
    row("where", MASK, (3, 4), 2),
    row("where", MASK, 1.5, (3, 4)),
    row("clip", (3, 4), 0, 2),
    row("clamp_min", (3, 4), 0.5),
    row("clamp_max", (3, 4), 1),
    row("clamp_min", (3, 4), (4,)),
    row("addcmul", (3, 4), (4,), (3, 1), value=2),
    row("addcdiv", (3, 4), (4,), (3, 1), value=0.5, low=1),
    row("lerp", (3, 4), (3, 4), 0.8),
    row("isclose", (3, 4), (3, 4), rtol=0.5),
    row("allclose", (3, 4), (3, 4), atol=10.0),
    *(row("pow", (3, 4), exponent, low=1) for exponent in (0, 1, 2.0, 3, -0.5, -2, 1.7)),
    *(row("pow", base, (3, 4), low=0) for base in (0, 2, 1.5)),
    row("pow", (3, 4), (4,), low=0.5),
]  # fmt: skip

TOLERANCES = {"float16": (8e-3, 8e-3), "bfloat16": (6e-2, 6e-2), "float32": (5e-6, 2e-5)}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("item", ROWS, ids=repr)
def test_row(item, dtype: str) -> None:
    for layout in LAYOUTS:
        check_row(item, dtype, layout, TOLERANCES.get(dtype))
