"""Linear algebra, by PyTorch's names: the engine's builtins themselves."""

from __future__ import annotations

from typing import Any

from tensorgrad import _C

_functions = {name: value for name, value in vars(_C._linalg).items() if name[0] != "_"}
globals().update(_functions)
__all__ = sorted(_functions)


def __getattr__(name: str) -> Any:  # for type checkers: the names are put in above
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
