"""Every entry of module_db whose module is present: construction, forward, gradients, second gradients, state, errors.

Both modules are made from the same seed; then ours takes PyTorch's parameters, so that what they compute is compared
and not the last bit of how a parameter was drawn."""

from __future__ import annotations

import copy
import io
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

from tests.python.harness.compare import TOLERANCES, Mismatch, compare, first_line, same_exception
from tests.python.harness.convert import Converter, Excluded
from tests.python.op_db.checks import leaves, upstream
from tests.python.op_db.runner import ERRORS, Report

from .convert import ModuleConverter

DTYPES = (torch.float32, torch.float64)
# Modules whose results are a tensor of numbers that only the whole computation gives: more rounding than one op has.
DEEP = 8.0


def entries() -> dict[str, Any]:
    """The database's entries by name; of those for the same module the first."""
    found: dict[str, Any] = {}
    for info in module_db:
        found.setdefault(info.name, info)
    return found


def present(name: str, target: ModuleType) -> Any:
    """Our class of an entry's name, None if there is none."""
    return getattr(target.nn, name.removeprefix("nn."), None) if name.startswith("nn.") else None


def failure_of(body: Callable[[], None]) -> str | None:
    """Why a check failed: what differed, or the exception and where it was raised; None where it passed."""
    try:
        body()
    except Mismatch as mismatch:
        return str(mismatch) or "mismatch"
    except Excluded:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {first_line(error)} ({frame.name})"
    return None


class ModuleChecker:
    """One input of one entry on both sides."""

    def __init__(self, name: str, info: Any, target: ModuleType) -> None:
        self.name = name
        self.info = info
        self.target = target

    def make(self, module: ModuleType, module_input: Any) -> tuple[Any, ModuleConverter]:
        """The module, from seed 0."""
        convert = ModuleConverter(module)
        given = module_input.constructor_input
        kind = self.info.module_cls if module is torch else present(self.name, module)
        args, kwargs = convert((tuple(given.args), dict(given.kwargs)))
        module.manual_seed(0)
        return kind(*args, **kwargs), convert

    def run(self, module_input: Any, dtype: torch.dtype, training: bool) -> dict[str, str | None]:
        """Check -> None or the reason why it failed."""
        results: dict[str, str | None] = {}
        theirs, their_convert = self.make(torch, module_input)
        ours, our_convert = self.make(self.target, module_input)

        def check(name: str, body: Callable[[], None]) -> bool:
            results[name] = failure_of(body)
            return results[name] is None

        def construction() -> None:
            if repr(ours) != repr(theirs):
                raise Mismatch(f"repr {ours!r} instead of {theirs!r}"[:300])
            compare(dict(ours.state_dict()), dict(theirs.state_dict()), self.target, "state")
            for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters()):
                compare(a, b, self.target, name, values=False)  # which tells requires_grad

        check("construction", construction)
        kind = getattr(self.target, str(dtype).removeprefix("torch."))
        ours, theirs = ours.to(kind), theirs.to(dtype)
        ours.init_from_torch(theirs)
        ours.train(training)
        theirs.train(training)
        if module_input.forward_input is None:
            return results

        sides: list[tuple[Any, Any]] = []

        def call(module: Any, convert: ModuleConverter, lib: ModuleType) -> tuple[Any, Any]:
            given = module_input.forward_input
            arguments = convert((tuple(given.args), dict(given.kwargs)))
            lib.manual_seed(42)
            return module(*arguments[0], **arguments[1]), arguments

        def forward() -> None:
            expected = call(theirs, their_convert, torch)
            actual = call(ours, our_convert, self.target)
            sides.extend((expected, actual))
            self._compare(actual[0], expected[0], dtype, "result")

        if not check("forward", forward) or len(sides) < 2:
            return results
        (their_result, their_arguments), (our_result, our_arguments) = sides

        def state() -> None:
            self._compare(dict(ours.state_dict()), dict(theirs.state_dict()), dtype, "state")

        check("state afterwards", state)
        outputs = [t for t in leaves(their_result, torch.Tensor) if t.requires_grad]
        if outputs:
            check(
                "gradient",
                lambda: self._gradients(
                    (theirs, their_result, their_arguments), (ours, our_result, our_arguments), dtype
                ),
            )
        check("copies", lambda: self._copies(ours, our_convert, call, dtype))
        return results

    def _compare(self, actual: Any, expected: Any, dtype: torch.dtype, where: str) -> None:
        rtol, atol = TOLERANCES[dtype]
        compare(actual, expected, self.target, where, (DEEP * rtol, DEEP * atol))

    def _gradients(self, theirs: Any, ours: Any, dtype: torch.dtype) -> None:
        """First gradients of inputs and parameters, and with them second ones in double precision."""
        second = dtype is torch.float64 and self.info.supports_gradgrad
        try:
            expected = _derivatives(torch, *theirs, second)
        except RuntimeError:  # PyTorch has no second derivative of everything
            second = False
            expected = _derivatives(torch, *theirs, second)
        actual = _derivatives(self.target, *ours, second)
        for name, a, b in zip(("gradient", "second gradient"), actual, expected):
            self._compare(*_aligned(a, b), dtype, name)

    def _copies(self, ours: Any, convert: Any, call: Any, dtype: torch.dtype) -> None:
        """A deep copy, a pickled one, one from a file and one of its state compute what it computes."""
        stream = io.BytesIO()
        self.target.save(ours, stream)
        stream.seek(0)
        loaded = self.target.load(stream, weights_only=False)
        copies = {
            "deep copy": copy.deepcopy(ours),
            "pickle": pickle.loads(pickle.dumps(ours)),
            "file": loaded,
        }
        kept = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
        want = leaves(call(ours, convert, self.target)[0], self.target.Tensor)
        for name, other in copies.items():
            other.load_state_dict(kept)
            got = leaves(call(other, convert, self.target)[0], self.target.Tensor)
            if [t.tolist() for t in got] != [t.tolist() for t in want] and not _has_nan(want):
                raise Mismatch(f"the {name} computes something else")


def _derivatives(lib: ModuleType, net: Any, result: Any, arguments: Any, second: bool) -> list[list[Any]]:
    """Gradients of inputs and parameters, and those of the sum of their squares where `second`."""
    outputs = [t for t in leaves(result, lib.Tensor) if t.requires_grad]
    inputs = [t for t in leaves(arguments, lib.Tensor) if t.requires_grad]
    inputs += [p for p in net.parameters() if p.requires_grad]
    convert = Converter(lib)
    dtype = getattr(torch, str(outputs[0].dtype).rpartition(".")[2])
    ups = [convert(u) for u in upstream([torch.empty(tuple(t.shape), dtype=dtype) for t in outputs])]
    kind = {"allow_unused": True, "retain_graph": True}
    first = lib.autograd.grad(outputs, inputs, ups, create_graph=second, **kind)
    again = [g for g in first if g is not None and g.requires_grad] if second else []
    twice: Any = [None] * len(inputs)
    if again:
        total = sum(((g * g).sum() for g in again[1:]), (again[0] * again[0]).sum())
        twice = lib.autograd.grad(total, inputs, **kind)
    return [[None if g is None else g.detach() for g in found] for found in (first, twice)]


def _has_nan(tensors: list[Any]) -> bool:
    return any(t.is_floating_point() and bool(t.isnan().any()) for t in tensors)


def _aligned(ours: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """(ours, theirs) without the pairs of zeros and nothing: a gradient that does not exist is as good as zeros."""
    if len(ours) != len(theirs):
        return ours, theirs
    pairs = [
        (a, b)
        for a, b in zip(ours, theirs)
        if a is not None and b is not None or any(g is not None and bool(g.any()) for g in (a, b))
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]


def check_error(name: str, info: Any, target: ModuleType, error_input: Any) -> dict[str, str | None]:
    """The type of an error input's exception, and apart from it the first line of its text."""
    outcomes: list[BaseException | None] = []
    for module in (torch, target):
        checker = ModuleChecker(name, info, module if module is not torch else target)
        given = error_input.module_error_input
        try:
            net, convert = checker.make(module, given)
            if error_input.error_on is ModuleErrorEnum.FORWARD_ERROR:
                args, kwargs = convert((tuple(given.forward_input.args), dict(given.forward_input.kwargs)))
                net(*args, **kwargs)
            outcomes.append(None)
        except Excluded:
            raise
        except Exception as error:
            outcomes.append(error)
    return compare_errors(*outcomes)


def compare_errors(expected: BaseException | None, actual: BaseException | None) -> dict[str, str | None]:
    """`error` for the type, `message` for the first line."""
    if expected is None:
        raise Excluded("no error in PyTorch")
    wanted = f"{type(expected).__name__} ({first_line(expected)})"
    if actual is None:
        return {"error": f"no {wanted}", "message": f"no {wanted}"}
    found = f"{type(actual).__name__} ({first_line(actual)})"
    same = first_line(actual).replace("tensorgrad", "torch") == first_line(expected)
    return {
        "error": None if same_exception(actual, expected) else f"{found} instead of {wanted}",
        "message": None if same else f"{found} instead of {wanted}",
    }


def cases(info: Any, limit: int | None) -> Iterator[tuple[str, int, Any, torch.dtype, bool]]:
    """(dtype's name, number, input, dtype, training) of every input of an entry."""
    for dtype in DTYPES:
        if dtype not in info.dtypes:
            continue
        number = 0
        for training in (True, False) if info.train_and_eval_differ else (False,):
            torch.manual_seed(0)
            inputs = info.module_inputs_func(
                info, device="cpu", dtype=dtype, requires_grad=True, training=training
            )
            step = max(1, len(inputs) // limit) if limit else 1
            for module_input in inputs[::step]:
                yield str(dtype).removeprefix("torch."), number, module_input, dtype, training
                number += 1


def run(target: ModuleType, only: set[str], limit: int | None) -> Report:
    """Runs the entries, or those whose names are in `only`."""
    report = Report()
    warnings.simplefilter("ignore")
    for name, info in entries().items():
        if only and name not in only and name.removeprefix("nn.") not in only:
            continue
        if present(name, target) is None:
            report.excluded[name] = "absent"
            continue
        checker = ModuleChecker(name, info, target)
        for dtype_name, number, module_input, dtype, training in cases(info, limit):
            record: dict[str, Any] = {"entry": name, "dtype": dtype_name, "sample": number}
            try:
                record["checks"] = checker.run(module_input, dtype, training)
            except Excluded as reason:
                record["excluded"] = str(reason)
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                record["checks"] = {"harness": f"{type(error).__name__}: {first_line(error)} ({frame.name})"}
            report.records.append(record)
        if info.module_error_inputs_func is None:
            continue
        errors = info.module_error_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=False, training=False
        )
        for number, error_input in enumerate(errors):
            record = {"entry": name, "dtype": ERRORS, "sample": number}
            try:
                record["checks"] = check_error(name, info, target, error_input)
            except Excluded as reason:
                record["excluded"] = str(reason)
            report.records.append(record)
    return report
