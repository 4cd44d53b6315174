"""What is checked of one sample: each variant's value and errors, gradients, non-contiguous inputs, out=, gradgrad."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch

from tests.python.harness.compare import (
    TOLERANCES,
    Mismatch,
    compare,
    first_line,
    same_exception,
    values_close,
)
from tests.python.harness.convert import DTYPE_NAMES, DTYPES, Converter, Excluded

from .catalog import UNINITIALISED, Variants, tolerance
from .translate import Translator

# Counted and shown, but no reason for an entry to fail.
REPORTED_ONLY = ("gradgrad", "stride", "message")
# Results that are places of elements: among equal elements any place is right, unless a stable order is asked for.
PLACES = {"sort": 0, "argsort": 0, "topk": 1, "kthvalue": 1}  # entry: which argument is dim
GRADIENT_DTYPES = ("float64", "float32")


@dataclass
class Outcome:
    """What happened on one side: a result or an exception, and the arguments after the call."""

    result: Any = None
    error: BaseException | None = None
    arguments: Any = None
    input_grads: list[Any] = field(default_factory=list)


def leaves(tree: Any, kind: type) -> list[Any]:
    """Tensors in a tree of arguments or results, each once, in order."""
    found: list[Any] = []

    def walk(value: Any) -> None:
        if isinstance(value, kind):
            if not any(value is other for other in found):
                found.append(value)
        elif isinstance(value, (tuple, list)):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)

    walk(tree)
    return found


def upstream(outputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """The fixed gradients with which a backward starts."""
    generator = torch.Generator().manual_seed(20)
    return [
        torch.rand(out.shape, dtype=torch.float64, generator=generator).add_(0.5).to(out.dtype)
        for out in outputs
    ]


class SampleChecker:
    """Runs the checks of one entry on the module under test and on PyTorch."""

    def __init__(self, op: Any, name: str, target: ModuleType) -> None:
        self.op = op
        self.name = name
        self.target = target
        self.translate = Translator(target)
        self.variants = Variants(op, self.translate)
        self._sample: Any = None  # the one that run() looks at
        self.on_check: Callable[[str], None] = lambda check: None

    # one call on one side

    def _call(
        self, module: ModuleType, function: Any, sample: Any, prepare: Any = None, extra: Any = None
    ) -> Outcome:
        convert = Converter(module, self.translate if module is not torch else None)
        arguments = convert((sample.input, tuple(sample.args), dict(sample.kwargs)))
        more = extra(module) if extra else {}
        outcome = Outcome(arguments=arguments)
        first, args, kwargs = arguments
        try:
            if prepare is not None:
                first = prepare(module, first)
            module.manual_seed(42)
            outcome.result = function(first, *args, **kwargs, **more)
            if more:
                outcome.arguments = (arguments, more)
        except Exception as error:
            outcome.error = error
        return outcome

    def _both(
        self, theirs: Any, ours: Any, sample: Any, prepare: Any = None, extra: Any = None
    ) -> tuple[Outcome, Outcome]:
        expected = self._call(torch, theirs, sample, prepare, extra)
        for tensor in leaves(expected.result, torch.Tensor):
            if tensor.dtype not in DTYPE_NAMES or tensor.layout is not torch.strided:
                raise Excluded("the result is complex or sparse")
        actual = self._call(self.target, ours, sample, prepare, extra)
        if expected.error is None and actual.error is not None:
            raise Mismatch(f"{type(actual.error).__name__}: {first_line(actual.error)}") from actual.error
        if expected.error is not None:
            if actual.error is None:
                raise Mismatch(f"no {type(expected.error).__name__} ({first_line(expected.error)})")
            if not same_exception(actual.error, expected.error):
                raise Mismatch(
                    f"{type(actual.error).__name__} ({first_line(actual.error)}) instead of "
                    f"{type(expected.error).__name__} ({first_line(expected.error)})"
                )
        return actual, expected

    # comparison, with a second opinion in double precision

    def _compare(
        self, actual: Any, expected: Any, where: str, dtype: str, exact: Callable[[], Any] | None, **kind: Any
    ) -> None:
        """`exact` gives the tree of results in double precision, asked for only where values differ."""
        limits = TOLERANCES.get(DTYPES[dtype], (0.0, 0.0))
        wide = tolerance(self.op, dtype)
        if wide is not None:
            limits = (max(limits[0], wide[0]), max(limits[1], wide[1]))
        kind.setdefault("values", self.op.name not in UNINITIALISED)
        try:
            compare(actual, expected, self.target, where, None if wide is None else limits, **kind)
        except Mismatch as mismatch:
            if self._same_up_to_ties(mismatch):
                return
            if (
                mismatch.pair is None
                or exact is None
                or dtype == "float64"
                or not DTYPES[dtype].is_floating_point
            ):
                raise
            if not self._as_good(actual, expected, exact):
                raise

    def _same_up_to_ties(self, mismatch: Mismatch) -> bool:
        """Whether two results that are places of elements lead to equal elements."""
        sample = self._sample
        if mismatch.pair is None or self.op.name not in PLACES or sample.kwargs.get("stable"):
            return False
        at = PLACES[self.op.name]
        dim = sample.args[at] if len(sample.args) > at else sample.kwargs.get("dim", -1)
        ours, theirs = mismatch.pair
        values = sample.input.detach()
        if theirs.dtype != torch.int64 or values.dim() == 0 or not isinstance(dim, int):
            return False
        if theirs.dim() < values.dim():
            ours, theirs = ours.unsqueeze(dim), theirs.unsqueeze(dim)
        found, wanted = values.gather(dim, ours), values.gather(dim, theirs)
        distinct = ours.sort(dim).values.diff(dim=dim).ne(0).all()  # no element is named twice
        return bool(distinct) and torch.equal(found.nan_to_num(), wanted.nan_to_num())

    def _as_good(self, actual: Any, expected: Any, exact: Callable[[], Any]) -> bool:
        """Whether our results lie as near to those of double precision as PyTorch's own do (within a factor of 4)."""
        from tests.python.harness.convert import to_torch

        try:
            reference = leaves(exact(), torch.Tensor)
        except Exception:
            return False
        ours, theirs = leaves(actual, self.target.Tensor), leaves(expected, torch.Tensor)
        if not len(ours) == len(theirs) == len(reference):
            return False
        for a, b, c in zip(map(to_torch, ours), theirs, reference, strict=True):
            b, c = b.detach(), c.detach()
            if not b.dtype.is_floating_point:
                if not torch.equal(a, b):
                    return False
                continue
            rtol, atol = TOLERANCES[b.dtype]
            if values_close(a, b, rtol, atol):
                continue
            a, b, c = a.double(), b.double(), c.double()
            odd = ~(b.isfinite() & c.isfinite())
            if not torch.equal(a[odd].nan_to_num(1.5), b[odd].nan_to_num(1.5)):
                return False
            error = (b - c)[~odd].abs().max()
            if not bool(((a - c)[~odd].abs() <= 4 * error + atol + rtol * c[~odd].abs()).all()):
                return False
        return True

    def _in_double(self, function: Any, sample: Any, prepare: Any = None) -> Callable[[], Outcome]:
        def widen(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return (
                    value.detach().double().requires_grad_(value.requires_grad)
                    if value.is_floating_point()
                    else value
                )
            return torch.float64 if isinstance(value, torch.dtype) and value.is_floating_point else value

        return lambda: self._call(torch, function, sample.transform(widen), prepare)

    # checks

    def run(self, sample: Any, dtype: str, everything: bool) -> dict[str, str | None]:
        """Check -> None (passed) or the reason of the failure. Raises Excluded for a sample outside our scope."""
        Converter(torch)((sample.input, sample.args, sample.kwargs))
        self._sample = sample
        results: dict[str, str | None] = {}

        def check(name: str, body: Callable[[], None]) -> None:
            self.on_check(name)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    body()
                results[name] = None
            except Mismatch as mismatch:
                results[name] = str(mismatch) or "mismatch"
            except Excluded:
                pass

        op = self.op
        for name, theirs, ours in self.variants.list:
            if ours is None:
                if not name.startswith("alias"):
                    results[name] = "absent"
                continue
            inplace = name in ("inplace", "inplace_operator") or (
                name.startswith("alias") and name.endswith("_")
            )
            if inplace:
                check(name, lambda t=theirs, o=ours: self._inplace(t, o, sample, dtype))
                continue
            if name != "function" and (not isinstance(sample.input, torch.Tensor)):
                continue
            if name in ("operator",) and sample.kwargs:
                continue
            if name == "function":
                check(name, lambda t=theirs, o=ours: self._function(t, o, sample, dtype, results))
            else:
                check(name, lambda t=theirs, o=ours: self._function(t, o, sample, dtype, None))
        function = next(((t, o) for n, t, o in self.variants.list if n == "function"), (None, None))
        if function[1] is None:
            function = next(
                ((t, o) for n, t, o in self.variants.list if n == "method" and o is not None), (None, None)
            )
        theirs, ours = function
        if ours is None:
            return results
        if dtype in GRADIENT_DTYPES and op.supports_autograd and self.name not in UNINITIALISED:
            check("gradient", lambda: self._gradient(theirs, ours, sample, dtype))
            if op.supports_gradgrad and dtype == "float64":
                check("gradgrad", lambda: self._gradgrad(theirs, ours, sample))
        if everything or dtype in ("float32", "int64", "bool"):
            check("noncontiguous", lambda: self._noncontiguous(theirs, ours, sample, dtype))
            if op.supports_out:
                check("out", lambda: self._out(theirs, ours, sample, dtype, resize=False))
                check("out_resize", lambda: self._out(theirs, ours, sample, dtype, resize=True))
        return results

    def _function(
        self, theirs: Any, ours: Any, sample: Any, dtype: str, soft: dict[str, str | None] | None
    ) -> None:
        actual, expected = self._both(theirs, ours, sample)
        if expected.error is not None:
            return
        views = _is_view(expected)
        exact = self._in_double(theirs, sample)
        self._compare(actual.result, expected.result, "result", dtype, lambda: exact().result, strides=views)
        self._compare(
            actual.arguments,
            expected.arguments,
            "arguments afterwards",
            dtype,
            lambda: exact().arguments,
            values=True,
        )
        if soft is not None and not views:
            try:
                compare(actual.result, expected.result, self.target, strides=True, values=False)
                soft["stride"] = None
            except Mismatch as mismatch:
                soft["stride"] = str(mismatch)

    def _inplace(self, theirs: Any, ours: Any, sample: Any, dtype: str) -> None:
        if not isinstance(sample.input, torch.Tensor):
            raise Excluded("no tensor to write to")
        kept: list[Any] = []  # PyTorch's, then ours

        def prepare(module: ModuleType, first: Any) -> Any:
            kept.append(first.clone())
            return kept[-1]

        actual, expected = self._both(theirs, ours, sample, prepare)
        if expected.error is not None:
            return
        if (expected.result is kept[0]) != (actual.result is kept[1]):
            raise Mismatch("the result is not the tensor itself")
        exact = self._in_double(theirs, sample, lambda module, first: first.clone())
        self._compare(actual.result, expected.result, "result", dtype, lambda: exact().result, strides=True)
        if dtype in GRADIENT_DTYPES and self.op.supports_inplace_autograd:
            self._compare_gradients(actual, expected, dtype, exact)

    def _gradient(self, theirs: Any, ours: Any, sample: Any, dtype: str) -> None:
        actual, expected = self._both(theirs, ours, sample)
        if expected.error is None:
            self._compare_gradients(actual, expected, dtype, self._in_double(theirs, sample), sample)

    def _compare_gradients(
        self, actual: Outcome, expected: Outcome, dtype: str, exact: Callable[[], Outcome], sample: Any = None
    ) -> None:
        outputs = leaves(_processed(sample, expected.result), torch.Tensor)
        ours = leaves(_processed(sample, actual.result), self.target.Tensor)
        if len(outputs) != len(ours):
            raise Mismatch(f"{len(ours)} outputs instead of {len(outputs)}")
        pairs = [(a, b) for a, b in zip(ours, outputs, strict=True) if b.requires_grad]
        if not pairs:
            raise Excluded("nothing to differentiate")
        ups = upstream([b for _, b in pairs])
        convert = Converter(self.target)
        try:
            torch.autograd.backward([b for _, b in pairs], ups)
        except Exception as error:
            raise Excluded(f"PyTorch: {error}") from error
        try:
            self.target.autograd.backward([a for a, _ in pairs], [convert(u) for u in ups])
        except Exception as error:
            raise Mismatch(f"backward: {type(error).__name__}: {first_line(error)}") from error
        theirs = [t for t in leaves(expected.arguments, torch.Tensor) if t.requires_grad]
        mine = [t for t in leaves(actual.arguments, self.target.Tensor) if t.requires_grad]
        if len(theirs) != len(mine):
            raise Mismatch(f"{len(mine)} inputs require grad instead of {len(theirs)}")

        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):

            def double(index: int = i) -> Any:
                outcome = exact()
                again = leaves(_processed(sample, outcome.result), torch.Tensor)
                torch.autograd.backward([t for t in again if t.requires_grad], [u.double() for u in ups])
                return [t for t in leaves(outcome.arguments, torch.Tensor) if t.requires_grad][index].grad

            self._compare(a.grad, b.grad, f"gradient {i}", dtype, double)

    def _gradgrad(self, theirs: Any, ours: Any, sample: Any) -> None:
        sides = []
        for module, function in ((torch, theirs), (self.target, ours)):
            outcome = self._call(module, function, sample)
            if outcome.error is not None:
                raise Excluded("fails forward")
            inputs = [t for t in leaves(outcome.arguments, module.Tensor) if t.requires_grad]
            outputs = [
                t for t in leaves(_processed(sample, outcome.result), module.Tensor) if t.requires_grad
            ]
            if not outputs or not inputs:
                raise Excluded("nothing to differentiate")
            convert = Converter(module)
            ups = [convert(u.requires_grad_()) for u in upstream([_meta(out) for out in outputs])]
            try:
                kind = {"create_graph": True, "allow_unused": True}
                first = [g for g in module.autograd.grad(outputs, inputs, ups, **kind) if g is not None]
                first = [g for g in first if g.requires_grad]
                if not first:
                    raise Excluded("linear")
                more = [convert(u) for u in upstream([_meta(g) for g in first])]
                second = module.autograd.grad(first, [*inputs, *ups], more, allow_unused=True)
            except Excluded:
                raise
            except Exception as error:
                if module is torch:
                    raise Excluded("PyTorch fails") from error
                raise Mismatch(f"{type(error).__name__}: {first_line(error)}") from error
            sides.append(second)
        for i, (b, a) in enumerate(zip(*sides, strict=True)):
            # a gradient that does not exist is as good as zeros
            if a is None and b is not None and not bool(b.any()):
                continue
            if b is None and a is not None and not bool(a.any()):
                continue
            compare(a, b, self.target, f"second gradient {i}")

    def _noncontiguous(self, theirs: Any, ours: Any, sample: Any, dtype: str) -> None:
        tensors = leaves((sample.input, sample.args, sample.kwargs), torch.Tensor)
        if not tensors or self.op.name in UNINITIALISED:
            raise Excluded("no tensors")
        other = sample.noncontiguous()
        actual, expected = self._both(theirs, ours, other)
        if expected.error is not None:
            return
        exact = self._in_double(theirs, other)
        self._compare(actual.result, expected.result, "result", dtype, lambda: exact().result)
        if dtype in GRADIENT_DTYPES and self.op.supports_autograd:
            with contextlib.suppress(Excluded):
                self._compare_gradients(actual, expected, dtype, exact, sample)

    def _out(self, theirs: Any, ours: Any, sample: Any, dtype: str, resize: bool) -> None:
        """out= with tensors of the right shape (filled with other values), or of no elements, to be resized."""
        plain = sample.transform(lambda v: v.detach() if isinstance(v, torch.Tensor) else v)
        first = self._call(torch, theirs, plain)
        results = first.result
        tensors = [results] if isinstance(results, torch.Tensor) else results
        if first.error is not None or not isinstance(tensors, (tuple, list)) or not len(tensors):
            raise Excluded("no tensor result")
        if not all(isinstance(t, torch.Tensor) for t in tensors):
            raise Excluded("no tensor result")
        dtypes = [t.dtype for t in tensors]
        filled = [torch.zeros_like(t).fill_(1) for t in tensors]

        def extra(module: ModuleType) -> dict[str, Any]:
            convert = Converter(module)
            outs = (
                [module.empty(0, dtype=convert(d)) for d in dtypes]
                if resize
                else [convert(t) for t in filled]
            )
            return {"out": outs[0] if isinstance(results, torch.Tensor) else tuple(outs)}

        actual, expected = self._both(theirs, ours, plain, None, extra)
        if expected.error is not None:
            return
        exact = self._in_double(theirs, plain)
        self._compare(actual.result, expected.result, "result", dtype, lambda: exact().result, strides=True)
        if _returned(actual, self.target.Tensor) != _returned(expected, torch.Tensor):
            raise Mismatch("the result is not the tensor given as out")
        self._compare(actual.arguments[1], expected.arguments[1], "out", dtype, lambda: exact().result)


def check_error(checker: SampleChecker, error_input: Any) -> dict[str, str | None]:
    """The exception of an error input: its type, and apart from it the first line of its text."""
    sample = error_input.sample_input
    Converter(torch)((sample.input, sample.args, sample.kwargs))
    variant = next(((t, o) for _, t, o in checker.variants.list if o is not None), None)
    if variant is None:
        raise Excluded("absent")
    expected = checker._call(torch, variant[0], sample)
    if expected.error is None:
        raise Excluded("no error in PyTorch")
    checker.on_check("error")
    actual = checker._call(checker.target, variant[1], sample)
    if actual.error is None:
        reason = f"no {type(expected.error).__name__} ({first_line(expected.error)})"
        return {"error": reason, "message": reason}
    results: dict[str, str | None] = {"error": None, "message": None}
    if not same_exception(actual.error, expected.error):
        results["error"] = (
            f"{type(actual.error).__name__} ({first_line(actual.error)}) instead of "
            f"{type(expected.error).__name__} ({first_line(expected.error)})"
        )
    mine = first_line(actual.error).replace(f"{checker.target.__name__}.", "torch.")
    if mine != first_line(expected.error):
        results["message"] = f"{mine!r} instead of {first_line(expected.error)!r}"
    return results


def _returned(outcome: Outcome, kind: type) -> list[bool]:
    """Which of the results are the very tensors given as out."""
    given = leaves(outcome.arguments[1], kind)
    return [any(result is other for other in given) for result in leaves(outcome.result, kind)]


def _processed(sample: Any, result: Any) -> Any:
    return result if sample is None else sample.output_process_fn_grad(result)


def _meta(tensor: Any) -> torch.Tensor:
    """A PyTorch tensor of the same shape and dtype, whatever the values."""
    return torch.zeros(tuple(tensor.shape), dtype=getattr(torch, str(tensor.dtype).rsplit(".", 1)[-1]))


def _is_view(outcome: Outcome) -> bool:
    """Whether a result shares memory with an argument."""
    held = {t.untyped_storage().data_ptr() for t in leaves(outcome.arguments, torch.Tensor)} - {0}
    return any(t.untyped_storage().data_ptr() in held for t in leaves(outcome.result, torch.Tensor))
