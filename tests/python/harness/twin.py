"""Programs run twice, with PyTorch and with the module under test: every value, exception and first line must agree.

A program is a text in which `torch` means whichever module runs it:

    check("x = torch.arange(6.).view(2, 3); x[:, ::2] = 7; x; x.stride()")

The value of each expression statement is compared, in order; a tensor with its dtype, shape, strides and requires_grad.
A program may end in an exception: then both must, of the same type and with the same first line."""

from __future__ import annotations

import ast
import copy
import functools
import gc
import math
import operator
import pickle
import warnings
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy
import torch

from .compare import Mismatch, compare, first_line, same_exception
from .module import under_test


@dataclass
class Trace:
    """What a program showed: the values of its expressions, and the exception that ended it."""

    values: list[tuple[str, Any]] = field(default_factory=list)
    error: BaseException | None = None
    statement: str = ""


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


def run(source: str, module: ModuleType, **names: Any) -> Trace:
    """Runs the program with `module` as its torch."""
    namespace: dict[str, Any] = {
        "torch": module, "math": math, "np": numpy, "copy": copy, "pickle": pickle, "gc": gc, "operator": operator,
        **names,
    }  # fmt: skip
    if "F." in source:
        namespace["F"] = module.nn.functional
    trace = Trace()
    for text, expression, code in _compile(source):
        trace.statement = text
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = eval(code, namespace)
        except Exception as error:
            trace.error = error
            return trace
        if expression:
            trace.values.append((text, _snapshot(value, module)))
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


def check(source: str, tolerance: tuple[float, float] | None = None, strides: bool = True, message: bool = True) -> None:
    """Raises Mismatch unless the program does the same with both modules."""
    target = under_test()
    theirs, ours = run(source, torch), run(source, target)
    for (text, b), (_, a) in zip(theirs.values, ours.values):
        _same(a, b, target, text, tolerance, strides)
    if theirs.error is None:
        if ours.error is not None:
            raise Mismatch(
                f"{ours.statement}: {type(ours.error).__name__}: {first_line(ours.error)}"
            ) from ours.error
        return
    if isinstance(theirs.error, (NameError, SyntaxError)):
        raise theirs.error  # the program itself is wrong
    wanted = f"{type(theirs.error).__name__}: {first_line(theirs.error)}"
    if ours.error is None:
        raise Mismatch(f"{theirs.statement}: no {wanted}")
    found = f"{type(ours.error).__name__}: {normalise(first_line(ours.error), target)}"
    if ours.statement != theirs.statement:
        raise Mismatch(f"{ours.statement}: {found}; PyTorch fails at {theirs.statement}: {wanted}") from ours.error
    if not same_exception(ours.error, theirs.error) or (message and first_line(theirs.error) != found.split(": ", 1)[1]):
        raise Mismatch(f"{theirs.statement}: {found!r} instead of {wanted!r}") from ours.error


def _same(ours: Any, theirs: Any, target: ModuleType, where: str, tolerance: Any, strides: bool) -> None:
    if isinstance(theirs, _Shown):
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
        if ours.strides != theirs.strides or not numpy.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
            raise Mismatch(f"{where}: {ours!r} instead of {theirs!r}")
    else:
        compare(ours, theirs, target, where, tolerance)
