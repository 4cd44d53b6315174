"""The entries of the op database that we run, their variants, samples and tolerances."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from typing import Any

import numpy
import torch

from tests.python.harness.convert import DTYPES

from .translate import Absent, Translator

# Results of these are uninitialised memory: only dtype, shape and strides are compared.
UNINITIALISED = {"empty", "empty_like", "new_empty", "new_empty_strided", "empty_strided", "empty_permuted", "resize_",
                 "resize_as_"}  # fmt: skip

# Entries that are not run, with the reason.
EXCLUDED = {
    "to_sparse": "sparse tensors",
    "complex": "complex tensors",
    "polar": "complex tensors",
    "cfloat": "complex tensors",
    "cdouble": "complex tensors",
    "chalf": "complex tensors",
    "view_as_complex": "complex tensors",
    "view_as_real": "complex tensors",
    "H": "complex tensors",
    "mH": "complex tensors",
    "norm.nuc": "singular values",
    "pca_lowrank": "singular values",
    "svd_lowrank": "singular values",
}


@functools.cache
def entries() -> dict[str, Any]:
    """Full name (`div.floor_rounding`) -> OpInfo."""
    from torch.testing._internal.common_methods_invocations import op_db

    out: dict[str, Any] = {}
    for op in op_db:
        name = f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name
        while name in out:
            name += "'"
        out[name] = op
    return out


def dtypes_of(op: Any) -> list[str]:
    return [name for name, dtype in DTYPES.items() if dtype in op.dtypes]


class Variants:
    """The callables of one entry: (name, PyTorch's, ours or None where ours is absent)."""

    def __init__(self, op: Any, translate: Translator) -> None:
        self.absent: list[str] = []
        self.list: list[tuple[str, Any, Any]] = []
        path = op.name if _is_path(op) else None
        self._add("function", op.op, path, translate)
        self._add("method", op.method_variant, f"Tensor.{op.name}", translate)
        self._add("inplace", op.inplace_variant, f"Tensor.{op.name}_", translate)
        self._add("operator", op.operator_variant, None, translate)
        self._add("inplace_operator", op.inplace_operator_variant, None, translate)
        for alias in op.aliases:
            self._add(f"alias {alias.name}", alias.op, alias.name, translate)
            self._add(f"alias Tensor.{alias.name}", alias.method_variant, f"Tensor.{alias.name}", translate)
            self._add(
                f"alias Tensor.{alias.name}_", alias.inplace_variant, f"Tensor.{alias.name}_", translate
            )

    def _add(self, name: str, theirs: Any, path: str | None, translate: Translator) -> None:
        if theirs is None:
            return
        if getattr(theirs, "__module__", None) and str(theirs.__module__).startswith("torch.testing"):
            path = None
        try:
            ours = translate(theirs, path)
        except Absent as absent:
            self.absent.append(f"{name}: {absent}")
            ours = None
        self.list.append((name, theirs, ours))

    @property
    def present(self) -> bool:
        """Whether the entry exists at all: its function, or failing that its method."""
        return any(ours is not None for name, _, ours in self.list if name in ("function", "method"))


def _is_path(op: Any) -> bool:
    value: Any = torch
    for part in op.name.split("."):
        value = getattr(value, part, None)
    return value is op.op


def seed_everything(text: str) -> None:
    """Samples are the same in every run and in every process."""
    number = sum(ord(c) * 31**i for i, c in enumerate(text)) % 2**31
    torch.manual_seed(number)
    numpy.random.seed(number)
    random.seed(number)


def samples(op: Any, name: str, dtype: str, limit: int | None, cap: int = 2000) -> Iterator[tuple[int, Any]]:
    """(index, sample): all of them, or the first, the last and others drawn at random, the same in every run.

    (An even spacing would not do: samples come in patterns, and a stride can miss every one with an argument.)"""
    seed_everything(f"{name} {dtype}")
    grad = op.supports_autograd and DTYPES[dtype] in op.backward_dtypes and DTYPES[dtype].is_floating_point
    everything = []
    for sample in op.sample_inputs("cpu", DTYPES[dtype], requires_grad=grad):
        everything.append(sample)
        if len(everything) == cap:
            break
    count = len(everything)
    if limit is None or count <= limit:
        return iter(enumerate(everything))
    picked = {0, count - 1, *random.Random(name).sample(range(count), limit)}
    return iter([(i, everything[i]) for i in sorted(picked)][:limit])


def error_samples(op: Any, name: str) -> list[Any]:
    if op.error_inputs_func is None:
        return []
    seed_everything(f"{name} errors")
    return list(op.error_inputs("cpu"))


def tolerance(op: Any, dtype: str) -> tuple[float, float] | None:
    """(rtol, atol) where PyTorch's own tests widen theirs for this entry and dtype on the cpu."""
    found = None
    for info in op.decorators:
        if getattr(info, "device_type", None) not in (None, "cpu"):
            continue
        for decorator in getattr(info, "decorators", ()):
            limits = getattr(decorator, "d", None)
            if type(decorator).__name__ == "toleranceOverride" and DTYPES[dtype] in limits:
                tol = limits[DTYPES[dtype]]
                found = (max(tol.rtol, found[0] if found else 0.0), max(tol.atol, found[1] if found else 0.0))
    return found
