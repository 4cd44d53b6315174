"""A row of a table is a test: `row("add", (2, 3), (3,))` checks an op against PyTorch.

In every dtype: the value, the dtype, the shape and, where PyTorch has one, the gradient; with contiguous, transposed and
strided inputs, with no elements and with none but one. Where PyTorch raises, the same exception is asked for."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from typing import Any

import torch

from .compare import Mismatch, compare, first_line, same_exception
from .convert import DTYPES, Converter, to_torch
from .module import under_test

LAYOUTS = ("contiguous", "transposed", "strided", "empty", "0-d")
# Where set, a line is printed for each check: how far the results are apart, and what each side took.
VERBOSE = bool(os.environ.get("VERBOSE"))
FLOATS = ("float32", "float64", "float16", "bfloat16")


class Row:
    """One call: a path below the module (or below its Tensor, for methods), inputs, keyword arguments.

    An input that is a tuple of integers is the shape of a tensor to be made; `Given` holds any other argument."""

    def __init__(self, path: str, *inputs: Any, low: float = -3, high: float = 3, **kwargs: Any) -> None:
        self.path, self.inputs, self.kwargs = path, inputs, kwargs
        self.low, self.high = low, high

    def __repr__(self) -> str:
        arguments = [str(i) for i in self.inputs] + [f"{k}={v}" for k, v in self.kwargs.items()]
        return f"{self.path}({', '.join(arguments)})"


class Given:
    """An argument to be passed as it is (a tuple of integers would else be read as a shape)."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def row(path: str, *inputs: Any, **kwargs: Any) -> Row:
    return Row(path, *inputs, **kwargs)


def make(
    shape: tuple[int, ...], dtype: torch.dtype, layout: str, low: float, high: float, seed: int
) -> torch.Tensor:
    """A tensor of that shape and memory layout. `empty` has its first dimension 0, `0-d` has none at all."""
    generator = torch.Generator().manual_seed(seed)
    if layout == "empty":
        shape = (0, *shape[1:])
    elif layout == "0-d":
        shape = ()
    real = torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low
    if not dtype.is_floating_point:
        real = real.trunc().abs() if dtype in (torch.uint8, torch.bool) else real.trunc()
    value = real.to(dtype)
    if layout == "transposed" and value.dim() > 1:
        return value.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "strided" and value.dim():
        wide = torch.ones(*value.shape[:-1], 2 * value.shape[-1], dtype=dtype)
        wide[..., ::2] = value
        return wide[..., ::2]
    return value


def _call(
    module: Any, item: Row, dtype: str, layout: str
) -> tuple[Any, list[Any], BaseException | None, float]:
    """The result, the tensors among the arguments, the exception, and the seconds that the call took."""
    convert = Converter(module)
    tensors, arguments = [], []
    for seed, value in enumerate(item.inputs):
        if isinstance(value, tuple) and all(isinstance(n, int) for n in value):
            tensor = make(value, DTYPES[dtype], layout, item.low, item.high, seed)
            tensors.append(convert(tensor.requires_grad_(tensor.is_floating_point())))
            arguments.append(tensors[-1])
        else:
            arguments.append(convert(value.value if isinstance(value, Given) else value))
    function = module
    for name in item.path.split("."):
        function = getattr(function, name)
    keywords, begin = convert(dict(item.kwargs)), time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(*arguments, **keywords)
            return result, tensors, None, time.perf_counter() - begin
    except Exception as error:
        return None, tensors, error, time.perf_counter() - begin


def _flat(result: Any, kind: type) -> Iterator[Any]:
    if isinstance(result, kind):
        yield result
    elif isinstance(result, (tuple, list)):
        for value in result:
            yield from _flat(value, kind)


def _distance(ours: Any, theirs: Any, target: Any) -> float:
    """The largest difference of two results that should be alike."""
    pairs = zip(_flat(ours, target.Tensor), _flat(theirs, torch.Tensor), strict=False)
    gaps = [(to_torch(a).double() - b.detach().double()).abs() for a, b in pairs if a.shape == tuple(b.shape)]
    return max((float(gap.max()) for gap in gaps if gap.numel()), default=0.0)


def check_row(item: Row, dtype: str, layout: str, tolerance: tuple[float, float] | None = None) -> None:
    """Raises Mismatch unless the row does the same with PyTorch and with the module under test."""
    target = under_test()
    theirs, their_inputs, their_error, their_time = _call(torch, item, dtype, layout)
    ours, our_inputs, our_error, our_time = _call(target, item, dtype, layout)
    where = f"{item} in {dtype}, {layout}"
    if VERBOSE:
        found = repr(our_error) if our_error else f"apart by {_distance(ours, theirs, target):.3g}"
        print(f"{where}: {found}; {our_time * 1e6:.1f} us, PyTorch {their_time * 1e6:.1f} us")
    if their_error is not None:
        if our_error is None:
            raise Mismatch(f"{where}: no {type(their_error).__name__}: {first_line(their_error)}")
        if not same_exception(our_error, their_error) or first_line(our_error) != first_line(their_error):
            raise Mismatch(f"{where}: {our_error!r} instead of {their_error!r}") from our_error
        return
    if our_error is not None:
        raise Mismatch(f"{where}: {our_error!r}") from our_error
    compare(ours, theirs, target, where, tolerance)
    outputs = [t for t in _flat(theirs, torch.Tensor) if t.requires_grad]
    if not outputs:
        return
    generator = torch.Generator().manual_seed(1)
    ups = [torch.rand(t.shape, generator=generator, dtype=torch.float64).to(t.dtype) for t in outputs]
    convert = Converter(target)
    ours_out = [t for t in _flat(ours, target.Tensor) if t.requires_grad]
    errors = []
    for module, results, gradients in ((torch, outputs, ups), (target, ours_out, [convert(u) for u in ups])):
        try:
            module.autograd.backward(results, gradients)
        except Exception as error:
            errors.append(error)
    if len(errors) == 1:
        raise Mismatch(f"{where}: one side fails in backward: {errors[0]!r}") from errors[0]
    for i, (a, b) in enumerate(zip(our_inputs, their_inputs)):
        compare(a.grad, b.grad, target, f"{where}: gradient {i}", tolerance)
