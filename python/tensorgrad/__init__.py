"""tensorgrad: deep learning with PyTorch's API on a small C++20 engine."""

from tensorgrad import _C
from tensorgrad._C import *  # noqa: F403
from tensorgrad._C import Size, Tensor, device, dtype

__all__ = ["Size", "Tensor", "device", "dtype"]

_own = set(globals())
for _name, _function in vars(_C._ops).items():
    if not _name.startswith("__"):
        globals()[_name] = _function
del _name, _function, _own
