"""A number beside a tensor: bit for bit PyTorch's products and quotients, 16-bit floats included."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from .harness.convert import to_module, to_torch
from .harness.module import under_test

tg = under_test()

CALLS: dict[str, Callable[[Any, ModuleType], Any]] = {
    "times": lambda x, m: x * 0.7,
    "number times": lambda x, m: 0.7 * x,
    "over": lambda x, m: x / 0.7,
    "number over": lambda x, m: 0.7 / x,
    "times 0-d": lambda x, m: x * m.tensor(0.7),
    "over 0-d": lambda x, m: x / m.tensor(0.7),
    "times 0-d of another type": lambda x, m: x * m.tensor(0.7, dtype=m.float64),
    "in place": lambda x, m: x.mul_(0.7),
    "over in place": lambda x, m: x.div_(0.7),
    "transposed": lambda x, m: x.t() * 0.7,
    "integer": lambda x, m: x * 3,
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", CALLS)
def test_number(name: str, dtype: str) -> None:
    x = torch.randn(30, 40, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    theirs, ours = CALLS[name](x.clone(), torch), to_torch(CALLS[name](to_module(x.clone(), tg), tg))
    assert ours.dtype == theirs.dtype
    assert torch.equal(ours, theirs)
