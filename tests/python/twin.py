"""Programs that run twice, once with torch and once with tensorgrad, and must say the same.

    @twin
    def test_names(torch, log):
        log([name for name, _ in torch.nn.Linear(2, 3).named_parameters()])
        log(lambda: torch.nn.Linear(2, 3).nothing)      # a callable: its result, or its error

What is compared: tensors by dtype, shape, requires_grad and values (exactly, unless `twin(rtol=...)`), modules by
repr, errors by type and first line, warnings by category and text.
"""

import collections
import functools
import inspect
import math
import re
import types
import warnings

import torch as real_torch

import tensorgrad

SCALARS = (bool, int, float, str, bytes, type(None), complex)


def _text(value):
    text = str(value).replace("tensorgrad.", "torch.").replace("tensorgrad", "torch")
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def normal(value, lib):
    """The value as plain Python data, the same for both libraries."""
    if isinstance(value, lib.Tensor):
        kind = type(value).__name__
        return (
            "tensor",
            kind,
            str(value.dtype).split(".")[-1],
            tuple(value.shape),
            value.requires_grad,
            value.tolist(),
        )
    if isinstance(value, lib.nn.Module):
        return ("module", _text(repr(value)))
    if isinstance(value, bool | int | float | type(None)):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, collections.abc.Mapping):
        return (type(value).__name__, [(normal(k, lib), normal(v, lib)) for k, v in value.items()])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return (type(value).__name__, [normal(v, lib) for v in value])
    if isinstance(value, list | tuple | set | frozenset):
        return (type(value).__name__, [normal(v, lib) for v in value])
    if isinstance(value, types.GeneratorType | type({}.keys()) | type({}.values()) | type({}.items())):
        return [normal(v, lib) for v in value]
    if isinstance(value, BaseException):
        return ("error", type(value).__name__, _text(value).split("\n")[0])
    return _text(repr(value))


def _same(a, b, rtol, atol):
    if isinstance(a, float) and isinstance(b, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b or (rtol + atol > 0 and math.isclose(a, b, rel_tol=rtol, abs_tol=atol))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(_same(x, y, rtol, atol) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


def run(program, lib, *args):
    """Everything that the program logs."""
    entries = []

    def log(value, *more):
        for item in (value, *more):
            if callable(item) and not isinstance(item, lib.nn.Module | lib.Tensor | type):
                try:
                    item = item()
                except Exception as error:
                    item = error
            frame = inspect.currentframe().f_back
            entries.append((frame.f_lineno, normal(item, lib)))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lib.manual_seed(0)
        program(lib, log, *args)
    heard = [(w.category.__name__, _text(w.message)) for w in caught if w.category is not DeprecationWarning]
    return entries, heard


def twin(program=None, *, rtol=0.0, atol=0.0, check_warnings=True):
    """Makes a test of ``program(torch, log)``; further arguments come from pytest."""
    if program is None:
        return lambda inner: twin(inner, rtol=rtol, atol=atol, check_warnings=check_warnings)

    names = list(inspect.signature(program).parameters)[2:]

    @functools.wraps(program)
    def test(**kwargs):
        args = [kwargs[name] for name in names]
        expected, expected_warnings = run(program, real_torch, *args)
        got, got_warnings = run(program, tensorgrad, *args)
        for (line, want), (_, have) in zip(expected, got):
            assert _same(want, have, rtol, atol), f"line {line}:\n torch      {want}\n tensorgrad {have}"
        assert len(expected) == len(got)
        if check_warnings:
            assert expected_warnings == got_warnings

    test.__signature__ = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    )
    return test
