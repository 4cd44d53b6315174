"""Sizes given as one number or one per dimension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def ntuple(value: Any, length: int) -> tuple[Any, ...]:
    """A tuple: of the given values, or of one value repeated."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    return (value,) * length
