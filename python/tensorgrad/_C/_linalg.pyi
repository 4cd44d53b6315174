# Written by tools/write_stubs.py from the op rows: not to be edited.
import builtins
from collections.abc import Sequence
from typing import overload

from . import DeviceLike, Generator, Number, Size, Tensor, _dtype, _layout, _memory_format

def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor: ...
def vector_norm(x: Tensor, ord: Number = 2, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: _dtype | None = None, out: Tensor | None = None) -> Tensor: ...
