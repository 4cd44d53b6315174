"""Every entry of optim_db whose optimizer is present: steps under each set of options, state, schedulers, errors."""

from __future__ import annotations

import copy
import io
import pickle
import traceback
import types
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

from tests.python.harness.compare import Mismatch, compare, first_line
from tests.python.harness.convert import Converter, Excluded
from tests.python.op_db.runner import ERRORS, Report

from .modules import compare_errors, failure_of

STEPS = 6
SHAPES = ((4, 3), (3,), ())
# Rounding of several steps, each of which goes into the next. PyTorch's differentiable steps count in float32.
TOLERANCES = {torch.float32: (1e-4, 1e-5), torch.float64: (1e-7, 1e-7)}


def present(name: str, target: ModuleType) -> Any:
    """Our class of an entry's name, None if there is none."""
    return getattr(target.optim, name, None)


def ways(info: Any) -> list[dict[str, bool]]:
    """The flags that choose how the steps are computed, which is to change nothing."""
    return [
        {},
        *(
            {flag: True}
            for flag in info.supported_impls
            if flag != "fused" or "cpu" in info.supports_fused_on
        ),
    ]


class Side:
    """Parameters, an optimizer over them and perhaps schedulers, of one library."""

    def __init__(
        self, lib: ModuleType, name: str, kwargs: dict[str, Any], dtype: torch.dtype, shapes: Any
    ) -> None:
        self.lib = lib
        generator = torch.Generator().manual_seed(0)
        convert = Converter(lib)
        values = [torch.randn(shape, dtype=dtype, generator=generator) for shape in shapes]
        # A differentiable step writes to its parameters with gradients on, which leaves that require them refuse.
        self.by_hand = bool(kwargs.get("differentiable"))
        self.parameters = [lib.nn.Parameter(convert(value), not self.by_hand) for value in values]
        self.optimizer = getattr(lib.optim, name)(self.parameters, **convert(kwargs))
        self.schedulers: list[Any] = []
        self.convert = convert

    def step(self, number: int, closure: bool) -> Any:
        """A step on the gradients of a loss, or on one that the closure computes."""

        def loss() -> Any:
            self.optimizer.zero_grad()
            total = sum(((p - number) ** 2 * (i + 1)).sum() for i, p in enumerate(self.parameters))
            if not self.by_hand:
                total.backward()
            else:
                for i, p in enumerate(self.parameters):
                    p.grad = (2 * (i + 1) * (p - number)).detach()
            return total

        result = self.optimizer.step(loss) if closure else (loss(), self.optimizer.step())[0]
        for scheduler in self.schedulers:
            if "Plateau" in type(scheduler).__name__:
                scheduler.step(1.0)
            else:
                scheduler.step()
        return result

    def state(self) -> dict[str, Any]:
        """What is compared after each step."""
        kept = self.optimizer.state_dict()
        return {
            "parameters": [p.detach() for p in self.parameters],
            "state": {key: dict(sorted(value.items())) for key, value in kept["state"].items()},
            "rates": [group["lr"] for group in kept["param_groups"]],
            "options": [sorted(group) for group in kept["param_groups"]],
        }


class OptimizerChecker:
    """One set of options on both sides."""

    def __init__(self, info: Any, target: ModuleType) -> None:
        self.info = info
        self.target = target

    def _steps(self, theirs: Side, ours: Side, dtype: torch.dtype, begin: int, end: int) -> None:
        limits = TOLERANCES[torch.float32 if theirs.by_hand else dtype]
        for number in range(begin, end):
            expected, actual = (side.step(number, self.info.step_requires_closure) for side in (theirs, ours))
            where = f"step {number}"
            compare(actual, expected, self.target, f"{where}: loss", limits)
            compare(ours.state(), theirs.state(), self.target, where, limits)

    def run(self, kwargs: dict[str, Any], dtype: torch.dtype) -> dict[str, str | None]:
        """Check -> None or the reason why it failed."""
        results: dict[str, str | None] = {}
        name = self.info.name
        shapes = SHAPES if name != "Muon" else SHAPES[:1]

        def both(flags: dict[str, Any]) -> tuple[Side, Side]:
            options = {**kwargs, **flags}
            return Side(torch, name, options, dtype, shapes), Side(self.target, name, options, dtype, shapes)

        def check(what: str, body: Callable[[], None]) -> None:
            results[what] = failure_of(body)

        for flags in ways(self.info):
            if set(flags) & set(kwargs):
                continue

            def steps(flags: dict[str, Any] = flags) -> None:
                self._steps(*both(flags), dtype, 0, STEPS)

            check(" ".join(["steps", *flags]), steps)

        def continued() -> None:
            """A fresh optimizer goes on from PyTorch's state."""
            theirs, ours = both({})
            for number in range(2):
                theirs.step(number, self.info.step_requires_closure)
            with self.target.no_grad():
                for mine, its in zip(ours.parameters, theirs.parameters):
                    mine.copy_(ours.convert(its.detach()))
            state = copy.deepcopy(theirs.optimizer.state_dict())
            for side in (ours, theirs):  # loading casts the state, in PyTorch too
                side.optimizer.load_state_dict(state)
            self._steps(theirs, ours, dtype, 2, STEPS)

        def back() -> None:
            """PyTorch goes on from a file with our state."""
            theirs, ours = both({})
            for number in range(2):
                ours.step(number, self.info.step_requires_closure)
            stream = io.BytesIO()
            self.target.save([ours.parameters, ours.optimizer.state_dict()], stream)
            stream.seek(0)
            parameters, state = torch.load(stream)
            with torch.no_grad():
                for mine, its in zip(theirs.parameters, parameters):
                    mine.copy_(its)
            theirs.optimizer.load_state_dict(state)
            ours.optimizer.load_state_dict(ours.optimizer.state_dict())
            self._steps(theirs, ours, dtype, 2, STEPS)

        def pickled() -> None:
            _, ours = both({})
            ours.step(0, self.info.step_requires_closure)
            other = pickle.loads(pickle.dumps(ours.optimizer))
            if repr(other.state_dict()) != repr(ours.optimizer.state_dict()):
                raise Mismatch("the pickled optimizer has another state")

        def described() -> None:
            theirs, ours = both({})
            if repr(ours.optimizer) != repr(theirs.optimizer):
                raise Mismatch(f"{ours.optimizer!r} instead of {theirs.optimizer!r}")

        check("state of PyTorch", continued)
        check("state for PyTorch", back)
        check("pickle", pickled)
        check("repr", described)
        return results

    def run_schedulers(self, makers: Any, dtype: torch.dtype) -> dict[str, str | None]:
        """The entry's learning-rate schedulers over an optimizer with a rate of 0.1."""
        sides = []
        for lib in (torch, self.target):
            side = Side(
                lib, self.info.name, {"lr": 0.1}, dtype, SHAPES if self.info.name != "Muon" else SHAPES[:1]
            )
            for maker in makers:
                names = {
                    name: _scheduler(lib, name)
                    for name in maker.__code__.co_names
                    if name in maker.__globals__
                }
                side.schedulers.append(types.FunctionType(maker.__code__, names)(side.optimizer))
            sides.append(side)
        try:
            self._steps(*sides, dtype, 0, 3 * STEPS)
        except Mismatch as mismatch:
            return {"schedulers": str(mismatch)}
        return {"schedulers": None}

    def check_error(self, error_input: Any) -> dict[str, str | None]:
        """The type and the first line of an exception or a warning."""
        outcomes: list[BaseException | None] = []
        for lib in (torch, self.target):
            given, convert = error_input.optimizer_error_input, Converter(lib)
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                try:
                    params = given.params
                    if params is None:
                        params = [torch.nn.Parameter(torch.randn(2, 3))]
                    kind = getattr(lib.optim, self.info.name)
                    optimizer = kind(convert(params), **convert(given.kwargs))
                    if error_input.error_on is OptimizerErrorEnum.STEP_ERROR:
                        optimizer.step()
                    outcomes.append(None)
                except Excluded:
                    raise
                except Exception as error:
                    outcomes.append(error)
        return compare_errors(*outcomes)


def _scheduler(lib: ModuleType, name: str) -> Any:
    found = getattr(lib.optim.lr_scheduler, name, None)
    if found is None:
        raise Excluded(f"{name} is absent")
    return found


def run(target: ModuleType, only: set[str]) -> Report:
    """Runs the entries, or those whose names are in `only`."""
    report = Report()
    warnings.simplefilter("ignore")
    for info in optim_db:
        if only and info.name not in only:
            continue
        if present(info.name, target) is None:
            report.excluded[f"optim.{info.name}"] = "absent"
            continue
        checker = OptimizerChecker(info, target)

        def record(kind: str, number: int, body: Callable[[], dict[str, str | None]]) -> None:
            found: dict[str, Any] = {"entry": f"optim.{info.name}", "dtype": kind, "sample": number}
            try:
                found["checks"] = body()
            except Excluded as reason:
                found["excluded"] = str(reason)
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                found["checks"] = {"harness": f"{type(error).__name__}: {first_line(error)} ({frame.name})"}
            report.records.append(found)

        for dtype in TOLERANCES:
            kind = str(dtype).removeprefix("torch.")
            inputs = info.optim_inputs_func(device="cpu", dtype=dtype)
            for number, given in enumerate(inputs):
                record(kind, number, lambda g=given, d=dtype: checker.run(dict(g.kwargs), d))
            for number, makers in enumerate(info.scheduler_inputs, len(inputs)):
                record(kind, number, lambda m=makers, d=dtype: checker.run_schedulers(m, d))
        if info.optim_error_inputs_func is not None:
            for number, error in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float32)):
                record(ERRORS, number, lambda e=error: checker.check_error(e))
    return report
