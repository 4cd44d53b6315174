"""Tensors of PyTorch, which is never imported: whatever detaches and speaks DLPack is one."""

from __future__ import annotations

from tensorgrad import _C
from tensorgrad._C import Tensor

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_foreign(value: Any) -> bool:
    """Whether `value` is a tensor of another library that can be taken up."""
    return (
        not isinstance(value, Tensor)
        and hasattr(value, "__dlpack__")
        and hasattr(value, "detach")
        and hasattr(value, "is_contiguous")
    )


def adopt(value: Any) -> Tensor:
    """A tensor on the memory of another library's, without its history; a copy if it is on another device.

    Raises:
        RuntimeError: its dtype is not one of ours.
    """
    value = value.detach()
    return _C._from_dlpack(value.to("cpu").__dlpack__())
