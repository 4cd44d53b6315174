"""Comparison of a result of the module under test with PyTorch's: structure, type, dtype, shape, value, strides."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import torch

from .convert import DTYPE_NAMES, to_torch

# rtol, atol: those of torch.testing.assert_close
TOLERANCES = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
}


class Mismatch(AssertionError):
    """The two results differ; the text says where and how. `.pair` has the tensors when only values differ."""

    pair: tuple[torch.Tensor, torch.Tensor] | None = None


def first_line(error: BaseException) -> str:
    text = str(error)
    return text.splitlines()[0] if text else ""


def values_close(ours: torch.Tensor, theirs: torch.Tensor, rtol: float, atol: float) -> bool:
    if not theirs.dtype.is_floating_point:
        return torch.equal(ours, theirs)
    return torch.allclose(ours.double(), theirs.double(), rtol=rtol, atol=atol, equal_nan=True)


def describe(ours: torch.Tensor, theirs: torch.Tensor) -> str:
    """The worst element, in a line."""
    a, b = ours.double().reshape(-1), theirs.double().reshape(-1)
    differ = ~((a == b) | (a.isnan() & b.isnan()))
    gap = torch.where(differ, (a - b).abs().nan_to_num(nan=math.inf), torch.zeros_like(a))
    worst = int(gap.argmax())
    return f"{int(differ.sum())} of {a.numel()} differ, worst at flat index {worst}: {a[worst]} instead of {b[worst]}"


def compare(
    ours: Any,
    theirs: Any,
    target: ModuleType,
    where: str = "result",
    tolerance: tuple[float, float] | None = None,
    strides: bool = False,
    values: bool = True,
) -> None:
    """Raises Mismatch unless `ours` (of `target`) is what `theirs` (PyTorch's) is."""

    def fail(text: str) -> None:
        raise Mismatch(f"{where}: {text}")

    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, target.Tensor):
            fail(f"a {type(ours).__name__} instead of a tensor")
        name = str(ours.dtype).rsplit(".", 1)[-1]
        if name != DTYPE_NAMES.get(theirs.dtype, str(theirs.dtype)):
            fail(f"dtype {name} instead of {DTYPE_NAMES.get(theirs.dtype, theirs.dtype)}")
        if tuple(ours.shape) != tuple(theirs.shape):
            fail(f"shape {tuple(ours.shape)} instead of {tuple(theirs.shape)}")
        if strides and theirs.numel() and effective_stride(ours) != effective_stride(theirs):
            fail(f"stride {tuple(ours.stride())} instead of {tuple(theirs.stride())}")
        if bool(ours.requires_grad) != theirs.requires_grad:
            fail(f"requires_grad {ours.requires_grad} instead of {theirs.requires_grad}")
        if not values or theirs.numel() == 0:
            return
        rtol, atol = tolerance or TOLERANCES.get(theirs.dtype, (0.0, 0.0))
        a, b = to_torch(ours), theirs.detach()
        if not values_close(a, b, rtol, atol):
            error = Mismatch(f"{where}: {describe(a, b)}")
            error.pair = (a, b.clone())
            raise error
    elif isinstance(theirs, (tuple, list)):
        if isinstance(theirs, torch.Size):
            if not isinstance(ours, target.Size):
                fail(f"a {type(ours).__name__} instead of a Size")
        elif isinstance(ours, (tuple, list)) is False or isinstance(ours, list) != isinstance(theirs, list):
            fail(f"a {type(ours).__name__} instead of a {type(theirs).__name__}")
        if len(ours) != len(theirs):
            fail(f"{len(ours)} items instead of {len(theirs)}")
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            compare(a, b, target, f"{where}[{i}]", tolerance, strides, values)
        for field in _fields(theirs):
            if not hasattr(ours, field):
                fail(f"no field .{field}")
    elif isinstance(theirs, dict):
        if not isinstance(ours, dict) or list(ours) != list(theirs):
            fail(f"{ours!r} instead of {theirs!r}")
        for key in theirs:
            compare(ours[key], theirs[key], target, f"{where}[{key!r}]", tolerance, strides, values)
    elif isinstance(theirs, bool) or isinstance(theirs, (int, str, bytes)):
        if type(ours) is not type(theirs) or ours != theirs:
            fail(f"{ours!r} instead of {theirs!r}")
    elif isinstance(theirs, float):
        rtol, atol = tolerance or (1.3e-6, 1e-5)
        same = (
            math.isnan(ours) if math.isnan(theirs) else math.isclose(ours, theirs, rel_tol=rtol, abs_tol=atol)
        )
        if type(ours) is not float or not same:
            fail(f"{ours!r} instead of {theirs!r}")
    elif isinstance(theirs, (torch.dtype, torch.device, torch.layout, torch.memory_format)):
        if repr(ours).replace(f"{target.__name__}.", "torch.") != repr(theirs):
            fail(f"{ours!r} instead of {theirs!r}")
    elif theirs is None:
        if ours is not None:
            fail(f"{type(ours).__name__} instead of None")


def effective_stride(tensor: Any) -> tuple[int, ...]:
    """Strides that address something: those of dimensions of one element mean nothing."""
    return tuple(s for n, s in zip(tuple(tensor.shape), tuple(tensor.stride()), strict=True) if n > 1)


def _fields(value: Any) -> list[str]:
    """Field names of a named tuple, or of one of PyTorch's structseq returns (values, indices)."""
    if hasattr(value, "_fields"):
        return list(value._fields)
    if type(value).__module__ == "torch.return_types":
        return [
            name for name in dir(value) if not name.startswith(("_", "n_")) and name not in ("count", "index")
        ]
    return []


def same_exception(ours: BaseException, theirs: BaseException) -> bool:
    """The same type by name (PyTorch's own exception classes have namesakes here)."""
    return type(ours).__name__.lstrip("_") == type(theirs).__name__.lstrip("_")
