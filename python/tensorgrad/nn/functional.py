"""Functions of neural networks, by PyTorch's names.

What the engine has is the engine's builtin itself, with no wrapper around it; the rest is composed in
`_composed`.
"""

from __future__ import annotations

from typing import Any

from tensorgrad import _C
from tensorgrad.nn import _attention, _composed
from tensorgrad.nn._attention import _canonical_mask as _canonical_mask
from tensorgrad.nn._attention import _none_or_dtype as _none_or_dtype
from tensorgrad.nn._composed import _legacy_reduction as _legacy_reduction

_functions = {
    name: value
    for module in (_attention, _composed)
    for name, value in vars(module).items()
    if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
}
_functions |= {name: value for name, value in vars(_C._nn).items() if name[0] != "_"}
_functions |= {name: getattr(_C._ops, name) for name in ("relu_", "celu_", "selu_")}

globals().update(_functions)
__all__ = sorted(_functions)


def __getattr__(name: str) -> Any:  # for type checkers: the names are put in above
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
