"""From a callable of PyTorch to the callable of the same meaning in the module under test.

Most callables of the op database are functions or methods that have a path (`nn.functional.gelu`, `Tensor.add_`).
Some are lambdas in PyTorch's test code: those are rebuilt with every `torch` they mention replaced."""

from __future__ import annotations

import dis
import functools
import types
from typing import Any

import torch


class Absent(Exception):
    """The module under test has nothing of that name."""


_NAMESPACES = ("nn.functional", "", "Tensor", "linalg", "special", "fft", "nn.init", "autograd")
_OPERATOR_METHODS = {
    "add": "__add__", "sub": "__sub__", "mul": "__mul__", "truediv": "__truediv__", "floordiv": "__floordiv__",
    "mod": "__mod__", "pow": "__pow__", "matmul": "__matmul__", "neg": "__neg__", "pos": "__pos__", "abs": "__abs__",
    "and_": "__and__", "or_": "__or__", "xor": "__xor__", "inv": "__invert__", "invert": "__invert__",
    "eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__",
}  # fmt: skip


def resolve(root: Any, path: str) -> Any:
    value = root
    for name in path.split("."):
        try:
            value = getattr(value, name)
        except (AttributeError, ModuleNotFoundError):
            raise Absent(path) from None
    return value


@functools.cache
def _paths() -> dict[int, str]:
    """id of every public callable of PyTorch -> its path. Later namespaces win nothing: the first path stays."""
    out: dict[int, str] = {}
    for namespace in _NAMESPACES:
        holder = resolve(torch, namespace) if namespace else torch
        for name in dir(holder):
            value = getattr(holder, name, None)
            if callable(value) and not isinstance(value, types.ModuleType):
                out.setdefault(id(value), f"{namespace}.{name}" if namespace else name)
    return out


class Translator:
    """Callables of PyTorch -> callables of `target`; raises Absent where there is none."""

    def __init__(self, target: types.ModuleType) -> None:
        self.target = target
        self.cache: dict[int, Any] = {}

    def __call__(self, value: Any, path: str | None = None) -> Any:
        """`path`, where known, says by which name PyTorch offers the callable."""
        if id(value) not in self.cache:
            # the pair keeps `value` alive, so that its id stays its own
            self.cache[id(value)] = (value, self._translate(value, path))
        return self.cache[id(value)][1]

    def _translate(self, value: Any, path: str | None) -> Any:
        if value is torch:
            return self.target
        if isinstance(value, types.ModuleType):
            return resolve(self.target, value.__name__[6:]) if value.__name__.startswith("torch.") else value
        if isinstance(value, functools.partial):
            return functools.partial(self(value.func), *value.args, **value.keywords)
        module = getattr(value, "__module__", None) or ""
        if module in ("_operator", "operator"):
            method = _OPERATOR_METHODS.get(value.__name__)
            if method and not hasattr(self.target.Tensor, method):
                raise Absent(f"Tensor.{method}")
            return value
        if isinstance(value, types.FunctionType) and module.startswith("torch.testing"):
            return self._rebuild(value)
        known = _paths().get(id(value))
        if path is not None and (known is None or _leads_to(path, value)):
            known = path
        if known is not None:
            return resolve(self.target, known)
        if module.startswith(("torch", "_torch")) or type(value).__module__.startswith("torch"):
            raise Absent(getattr(value, "__qualname__", None) or str(value))
        return value

    def _rebuild(self, function: types.FunctionType) -> Any:
        if function.__name__ == "wrapper_set_seed":
            return self._seeded
        self._check_methods(function.__code__)
        namespace = dict(function.__globals__)
        for name in _global_names(function.__code__):
            if name in namespace:
                namespace[name] = self._constant(namespace[name])
        closure = tuple(
            types.CellType(self._constant(cell.cell_contents)) for cell in function.__closure__ or ()
        )
        rebuilt = types.FunctionType(function.__code__, namespace, function.__name__, None, closure)
        rebuilt.__defaults__ = tuple(map(self._constant, function.__defaults__ or ())) or None
        rebuilt.__kwdefaults__ = {
            k: self._constant(v) for k, v in (function.__kwdefaults__ or {}).items()
        } or None
        return rebuilt

    def _constant(self, value: Any) -> Any:
        if value is torch:
            # attributes that are missing must read as an absent op, not as a failure of a present one
            return _Guard(self.target)
        if isinstance(value, torch.dtype):
            return resolve(self.target, str(value).removeprefix("torch."))
        if callable(value) or isinstance(value, types.ModuleType):
            return self(value)
        return value

    def _seeded(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        """PyTorch's own samples seed the global stream before a random op."""
        self.target.manual_seed(42)
        return op(*args, **kwargs)

    def _check_methods(self, code: types.CodeType) -> None:
        """A lambda such as `lambda x: x.expand(2)` needs a method: look whether it is there before running it."""
        chain: list[str] | None = None  # names after a global `torch`; None elsewhere
        other_global = False
        for instruction in dis.get_instructions(code):
            name = instruction.argval
            if instruction.opname == "LOAD_GLOBAL":
                chain, other_global = ([], False) if name == "torch" else (None, True)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                if chain is not None:
                    chain.append(name)
                    resolve(self.target, ".".join(chain))
                elif (
                    not other_global and hasattr(torch.Tensor, name) and not hasattr(self.target.Tensor, name)
                ):
                    raise Absent(f"Tensor.{name}")
            else:
                chain, other_global = None, False


class _Guard:
    """The module under test, with Absent in the place of AttributeError."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getattr__(self, name: str) -> Any:
        value = resolve(self._value, name)
        return _Guard(value) if isinstance(value, types.ModuleType) else value


def _global_names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _global_names(constant)
    return names


def _leads_to(path: str, value: Any) -> bool:
    try:
        return resolve(torch, path) is value
    except Absent:
        return False
