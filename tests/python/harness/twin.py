"""Programs run twice, with PyTorch and with the module under test: every value, exception and first line must agree.

A program is a text in which `torch` means whichever module runs it:

    check("x = torch.arange(6.).view(2, 3); x[:, ::2] = 7; x; x.stride()")

The value of each expression statement is compared, in order; a tensor with its dtype, shape, strides and requires_grad.
An exception counts as a value: its type and the first line of its text. After one in an expression the program goes on;
one in any other statement ends it."""

from __future__ import annotations

import ast
import copy
import functools
import gc
import math
import operator
import pickle
import warnings
from types import ModuleType
from typing import Any

import numpy
import torch

from .compare import Mismatch, compare, first_line
from .module import under_test


class Raised:
    """The exception that a statement ended in."""

    def __init__(self, error: BaseException, module: ModuleType) -> None:
        if isinstance(error, (NameError, SyntaxError)) and module is torch:
            raise error  # the program itself is wrong
        self.error = error
        self.text = f"{type(error).__name__.lstrip('_')}: {normalise(first_line(error), module)}"


@functools.lru_cache(maxsize=4096)
def _compile(source: str) -> list[tuple[str, bool, Any]]:
    """(text, whether it is an expression, code) per statement."""
    out = []
    for node in ast.parse(source).body:
        text = ast.unparse(node)
        if isinstance(node, ast.Expr):
            out.append((text, True, compile(ast.Expression(node.value), f"<{text}>", "eval")))
        else:
            out.append((text, False, compile(ast.Module([node], []), f"<{text}>", "exec")))
    return out


def run(source: str, module: ModuleType, **names: Any) -> list[tuple[str, Any]]:
    """Runs the program with `module` as its torch: (statement, value) for each that showed one."""
    namespace: dict[str, Any] = {
        "torch": module, "math": math, "np": numpy, "copy": copy, "pickle": pickle, "gc": gc, "operator": operator,
        **names,
    }  # fmt: skip
    if "F." in source:
        namespace["F"] = module.nn.functional
    trace: list[tuple[str, Any]] = []
    for text, expression, code in _compile(source):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = eval(code, namespace)
        except Exception as error:
            trace.append((text, Raised(error, module)))
            if not expression:
                return trace
        else:
            if expression:
                trace.append((text, _snapshot(value, module)))
    return trace


def _snapshot(value: Any, module: ModuleType) -> Any:
    """Tensors may be written to later in the program: their values of now are kept."""
    if isinstance(value, module.Tensor):
        return _Shown(value, module)
    if type(value) in (tuple, list):
        return type(value)(_snapshot(item, module) for item in value)
    if isinstance(value, dict):
        return {key: _snapshot(item, module) for key, item in value.items()}
    return value


class _Shown:
    """A tensor as it was when its expression was evaluated."""

    def __init__(self, tensor: Any, module: ModuleType) -> None:
        self.requires_grad = bool(tensor.requires_grad)
        self.stride = tuple(tensor.stride())
        self.tensor = tensor.detach().clone()


def normalise(text: str, module: ModuleType) -> str:
    """Texts that name the module name it as PyTorch does."""
    return text if module is torch else text.replace(f"{module.__name__}.", "torch.")


def check(source: str, tolerance: tuple[float, float] | None = None, strides: bool = True) -> None:
    """Raises Mismatch, with every difference in its text, unless the program does the same with both modules."""
    target = under_test()
    theirs, ours = run(source, torch), run(source, target)
    found: list[str] = []
    for (text, b), (other, a) in zip(theirs, ours):
        if text != other:
            wanted = b.text if isinstance(b, Raised) else "a value"
            found.append(
                f"{other}: {a.text if isinstance(a, Raised) else 'a value'}; PyTorch: {wanted} at {text}"
            )
            break
        try:
            _same(a, b, target, text, tolerance, strides)
        except Mismatch as mismatch:
            found.append(str(mismatch))
    if not found and len(ours) != len(theirs):
        last = (ours if len(ours) < len(theirs) else theirs)[-1]
        found.append(f"the program ended at {last[0]}: {getattr(last[1], 'text', '')}")
    if found:
        raise Mismatch("\n".join(found))


def _same(ours: Any, theirs: Any, target: ModuleType, where: str, tolerance: Any, strides: bool) -> None:
    if isinstance(theirs, Raised):
        if not isinstance(ours, Raised):
            raise Mismatch(f"{where}: no {theirs.text}")
        if ours.text != theirs.text:
            raise Mismatch(f"{where}: {ours.text!r} instead of {theirs.text!r}")
    elif isinstance(ours, Raised):
        raise Mismatch(f"{where}: {ours.text}") from ours.error
    elif isinstance(theirs, _Shown):
        if not isinstance(ours, _Shown):
            raise Mismatch(f"{where}: a {type(ours).__name__} instead of a tensor")
        compare(ours.tensor, theirs.tensor, target, where, tolerance)
        if ours.requires_grad != theirs.requires_grad:
            raise Mismatch(f"{where}: requires_grad {ours.requires_grad} instead of {theirs.requires_grad}")
        shape = tuple(theirs.tensor.shape)
        if strides and theirs.tensor.numel():
            a, b = ([s for n, s in zip(shape, one.stride) if n > 1] for one in (ours, theirs))
            if a != b:
                raise Mismatch(f"{where}: stride {ours.stride} instead of {theirs.stride}")
    elif isinstance(theirs, str) and isinstance(ours, str):
        compare(normalise(ours, target), theirs, target, where)
    elif type(theirs) in (tuple, list) and type(ours) is type(theirs):
        if len(ours) != len(theirs):
            raise Mismatch(f"{where}: {len(ours)} items instead of {len(theirs)}")
        for i, (a, b) in enumerate(zip(ours, theirs)):
            _same(a, b, target, f"{where}[{i}]", tolerance, strides)
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        if [str(k) for k in ours] != [str(k) for k in theirs]:
            raise Mismatch(f"{where}: {ours!r} instead of {theirs!r}")
        for a, b in zip(ours, theirs):
            _same(ours[a], theirs[b], target, f"{where}[{b!r}]", tolerance, strides)
    elif isinstance(theirs, (numpy.ndarray, numpy.generic)):
        if type(ours) is not type(theirs) or ours.dtype != theirs.dtype or ours.shape != theirs.shape:
            raise Mismatch(f"{where}: {ours!r} instead of {theirs!r}")
        if (ours.strides != theirs.strides and ours.size) or not numpy.array_equal(
            ours, theirs, equal_nan=ours.dtype.kind == "f"
        ):
            raise Mismatch(f"{where}: {ours!r} instead of {theirs!r}")
    else:
        compare(ours, theirs, target, where, tolerance)
