"""Operators whose left operand is a Python number: 2 ** tensor, 1 & tensor."""

from __future__ import annotations

from typing import Any

from tensorgrad import _C


def reflected(name: str, left: Any, right: Any) -> Any:
    """op(left, right) where left is a number."""
    return getattr(_C._ops, name)(left, right)
