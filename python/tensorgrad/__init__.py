"""tensorgrad: deep learning with PyTorch's API on a small C++20 engine."""

from tensorgrad import _C
from tensorgrad._C import *  # noqa: F403
from tensorgrad._C import Generator, Size, Tensor, default_generator, device, dtype
from tensorgrad.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "default_generator",
    "device",
    "dtype",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

_own = set(globals())
for _name, _function in vars(_C._ops).items():
    if not _name.startswith("__"):
        globals()[_name] = _function
del _name, _function, _own
