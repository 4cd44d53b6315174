"""Utilities around the engine: activation checkpoints, data loading, hooks, safetensors files."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["checkpoint", "data", "hooks", "safetensors"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"tensorgrad.utils.{name}")
    raise AttributeError(f"module 'tensorgrad.utils' has no attribute '{name}'")
