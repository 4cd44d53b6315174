"""Utilities around the engine: activation checkpoints, data loading, hooks, safetensors, tables of models."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["checkpoint", "data", "hooks", "safetensors", "summary"]


def __getattr__(name: str) -> Any:
    if name == "summary":
        return importlib.import_module("tensorgrad.utils._summary").summary
    if name in __all__:  # a module
        return importlib.import_module(f"tensorgrad.utils.{name}")
    raise AttributeError(f"module 'tensorgrad.utils' has no attribute '{name}'")
