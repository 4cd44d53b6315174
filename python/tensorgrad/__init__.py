"""tensorgrad: deep learning with PyTorch's API on a small C++20 engine of its own.

`import tensorgrad as torch` runs programs written for PyTorch. Submodules are imported when first used.
"""

from __future__ import annotations

import importlib
import math as _math

from tensorgrad import _C
from tensorgrad._C import (
    Generator,
    Size,
    Tensor,
    as_tensor,
    default_generator,
    device,
    dtype,
    from_numpy,
    tensor,
)
from tensorgrad._C import is_grad_enabled, is_inference_mode_enabled

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

if TYPE_CHECKING:
    from tensorgrad._C._ops import *
    from tensorgrad.serialization import load, save
    from tensorgrad.storage import UntypedStorage

__version__ = "0.1.0"

inf = _math.inf
nan = _math.nan
pi = _math.pi
e = _math.e
newaxis = None

for _name, _value in [*vars(_C).items(), *vars(_C._ops).items()]:
    if not _name.startswith("_"):
        globals()[_name] = _value
del _name, _value

# PyTorch's other names.
float = _C.float32
double = _C.float64
half = _C.float16
long = _C.int64
int = _C.int32
short = _C.int16

from tensorgrad import autograd
from tensorgrad._constructors import *
from tensorgrad._info import finfo, iinfo
from tensorgrad._layout import *
from tensorgrad._tensor import is_tensor, set_printoptions
from tensorgrad import functional
from tensorgrad.functional import *  # type: ignore[assignment]
from tensorgrad.autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from tensorgrad import random
from tensorgrad.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

_SUBMODULES = {
    "cuda", "distributed", "library", "linalg", "nn", "optim", "serialization", "special", "storage",
    "testing", "types", "utils", "viz",
}  # fmt: skip


# Names that come from a submodule which is imported with the first of them.
_LATE = {"UntypedStorage": "storage", "load": "serialization", "save": "serialization"}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"tensorgrad.{name}")
    if name in _LATE:
        globals()[name] = value = getattr(importlib.import_module(f"tensorgrad.{_LATE[name]}"), name)
        return value
    raise AttributeError(f"module 'tensorgrad' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_LATE})
