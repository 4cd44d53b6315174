"""Functions of neural networks, by PyTorch's names.

What the engine has is the engine's builtin itself, with no wrapper around it; the rest is composed in
`_composed`.
"""

from __future__ import annotations

from typing import Any

from tensorgrad import _C
from tensorgrad.nn import _composed
from tensorgrad.nn._composed import _legacy_reduction

_composed_functions = {
    name: value
    for name, value in vars(_composed).items()
    if getattr(value, "__module__", "") == _composed.__name__ and name[0] != "_"
}
_builtins = {name: getattr(_C._nn, name) for name in dir(_C._nn) if name[0] != "_"}

globals().update(_composed_functions | _builtins)
__all__ = sorted(_composed_functions.keys() | _builtins.keys())


def __getattr__(name: str) -> Any:  # for type checkers: the names are put in above
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


_legacy_reduction = _legacy_reduction
