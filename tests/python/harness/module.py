"""The module under test: `tensorgrad`, or another one when a test of the harness itself asks for it."""

from __future__ import annotations

import functools
import importlib
import os
from types import ModuleType

VARIABLE = "TENSORGRAD_TEST_MODULE"


@functools.cache
def under_test() -> ModuleType:
    """The module named by `TENSORGRAD_TEST_MODULE` (default `tensorgrad`).

    `torch` makes every comparison an identity, which must pass; `tests.python.harness.broken` is PyTorch with known
    faults, each of which must be found."""
    module = importlib.import_module(os.environ.get(VARIABLE, "tensorgrad"))
    if not hasattr(module, "Tensor"):
        # the folder of the C++ sources answers to the name too, as a namespace package
        raise ImportError(f"{module!r} is not built: set PYTHONPATH to build/python, or install the wheel")
    return module
