"""Handles that take a hook away again."""

from tensorgrad._hooks import RemovableHandle

__all__ = ["RemovableHandle"]
