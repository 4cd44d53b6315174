"""What is measured, by group: every file here enters its cases when it is imported."""

from . import calls, dense, images, layers, limits, pointwise, rows, select, steps
from .registry import GROUPS, Case

__all__ = [
    "GROUPS",
    "Case",
    "calls",
    "dense",
    "images",
    "layers",
    "limits",
    "pointwise",
    "rows",
    "select",
    "steps",
]
