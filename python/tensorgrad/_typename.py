"""typename: how error texts name the type of an object."""

from __future__ import annotations

from typing import Any

from tensorgrad._C import Tensor

__all__ = ["typename"]


def typename(obj: Any, /) -> str:
    """The name of an object's type: ``torch.FloatTensor`` for tensors, else module and class."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    module = getattr(obj, "__module__", None)
    prefix = "" if module in (None, "builtins") else f"{module}."
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or type(obj).__name__
    return f"{prefix}{name}"
