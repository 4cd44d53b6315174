"""Runs the entries in forked workers, so that a crash or a hang of the engine is one sample's failure.

The parent imports PyTorch and its op database once and never computes with it; the module under test is imported in
the workers only. A worker writes to shared memory which sample and check it is at; when it dies, the parent books the
crash there and a new worker goes on with the next sample."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import time
import traceback
import warnings
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from tests.python.harness.convert import Excluded
from tests.python.harness.module import under_test

from . import catalog
from .checks import SampleChecker, check_error

ERRORS = "errors"  # the pseudo-dtype of error inputs
TIMEOUT = 60.0  # seconds a single sample may take
_MOST_CRASHES = 3
_CHECKS = 64  # bytes of shared memory for the name of the check in progress


@dataclass
class Unit:
    """One entry in one dtype (or its error inputs), from sample number `start` on."""

    name: str
    dtype: str
    limit: int | None
    start: int = 0
    crashes: int = 0


@dataclass
class Report:
    """Everything that was seen: `records` has a dictionary per sample."""

    records: list[dict[str, Any]] = field(default_factory=list)
    absent: dict[str, list[str]] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def units(only: Iterable[str], dtypes: Iterable[str], limit: int | None, errors: bool) -> list[Unit]:
    """What there is to run. `only` has full names (`div.floor_rounding`), names (`div`) or is empty for all."""
    wanted, kinds = set(only), set(dtypes)
    out = []
    for name, op in catalog.entries().items():
        if (
            wanted
            and name not in wanted
            and op.name not in wanted
            or {name, op.name} & catalog.EXCLUDED.keys()
        ):
            continue
        out += [Unit(name, dtype, limit) for dtype in catalog.dtypes_of(op) if not kinds or dtype in kinds]
        if errors and op.error_inputs_func is not None and (not kinds or ERRORS in kinds):
            out.append(Unit(name, ERRORS, limit))
    return out


class _Worker:
    def __init__(self, context: Any) -> None:
        self.progress = context.RawArray("c", _CHECKS)
        self.position = context.RawValue("l", -1)
        ours, theirs = context.Pipe()
        self.pipe = ours
        self.process = context.Process(target=_work, args=(theirs, self.progress, self.position), daemon=True)
        self.process.start()
        theirs.close()
        self.unit: Unit | None = None
        self.heard = time.monotonic()
        self.ready = False

    def give(self, unit: Unit) -> None:
        self.unit, self.position.value, self.progress.value = unit, -1, b""
        self.heard = time.monotonic()
        self.pipe.send(unit)


def _work(pipe: Any, progress: Any, position: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    target = under_test()
    if target is not torch and hasattr(target, "set_num_threads"):
        target.set_num_threads(1)
    pipe.send(("ready",))
    checkers: dict[str, SampleChecker] = {}
    while True:
        unit = pipe.recv()
        if unit is None:
            return
        if unit.name not in checkers:
            checkers.clear()
            checkers[unit.name] = SampleChecker(catalog.entries()[unit.name], unit.name, target)
        try:
            _run_unit(unit, checkers[unit.name], pipe, progress, position)
        except Exception:
            pipe.send(("broken", traceback.format_exc()))
        pipe.send(("done",))


def _run_unit(unit: Unit, checker: SampleChecker, pipe: Any, progress: Any, position: Any) -> None:
    def on_check(name: str) -> None:
        progress.value = name.encode()[: _CHECKS - 1]

    checker.on_check = on_check
    pipe.send(("variants", checker.variants.present, checker.variants.absent))
    if not checker.variants.present:
        return
    if unit.dtype == ERRORS:
        todo: Any = enumerate(catalog.error_samples(checker.op, unit.name))
    else:
        todo = catalog.samples(checker.op, unit.name, unit.dtype, unit.limit)
    everything = unit.limit is None
    for index, sample in todo:
        if index < unit.start:
            continue
        position.value = index
        record: dict[str, Any] = {"entry": unit.name, "dtype": unit.dtype, "sample": index}
        try:
            if unit.dtype == ERRORS:
                record["checks"] = check_error(checker, sample)
            else:
                record["checks"] = checker.run(sample, unit.dtype, everything)
        except Excluded as reason:
            record["excluded"] = str(reason)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            record["checks"] = {"harness": f"{type(error).__name__}: {error} ({frame.name}:{frame.lineno})"}
        if any(record.get("checks", {}).values()):
            shown = sample.sample_input if unit.dtype == ERRORS else sample
            record["what"] = shown.summary()[:400] if hasattr(shown, "summary") else ""
        pipe.send(("sample", record))


def run(
    todo: list[Unit], workers: int | None = None, timeout: float = TIMEOUT, verbose: bool = False
) -> Report:
    """Runs the units and gathers the report."""
    torch.set_num_threads(1)
    catalog.entries()
    context = multiprocessing.get_context("fork")
    begin = time.monotonic()
    report = Report()
    # all dtypes of an entry in a row, on whichever worker is free
    queue = deque(todo)
    count = max(1, min(workers or len(os.sched_getaffinity(0)), len(queue)))
    pool = [_Worker(context) for _ in range(count)]
    failed_starts = 0
    while pool:
        ready = multiprocessing.connection.wait([w.pipe for w in pool], timeout=1.0)
        for worker in list(pool):
            dead = False
            if worker.pipe in ready:
                try:
                    message = worker.pipe.recv()
                except (EOFError, ConnectionResetError):
                    dead = True
                else:
                    worker.heard = time.monotonic()
                    _take(message, worker, report, queue, pool, verbose)
            hung = not dead and worker in pool and time.monotonic() - worker.heard > timeout
            if not dead and not hung:
                continue
            if hung:
                worker.process.kill()
            worker.process.join()
            pool.remove(worker)
            if worker.unit is None:
                failed_starts += 1
                if failed_starts > 2:
                    raise RuntimeError("the module under test cannot be imported in a worker")
            else:
                _book_crash(worker, hung, report, queue)
            if queue:
                pool.append(_Worker(context))
    report.seconds = time.monotonic() - begin
    return report


def _take(
    message: Any, worker: _Worker, report: Report, queue: Any, pool: list[_Worker], verbose: bool
) -> None:
    kind = message[0]
    if kind == "sample":
        report.records.append(message[1])
        if verbose:
            _show(message[1])
    elif kind == "variants":
        _, present, absent = message
        assert worker.unit is not None
        if not present:
            report.excluded[worker.unit.name] = "absent"
        elif absent:
            report.absent[worker.unit.name] = absent
    elif kind == "broken":
        assert worker.unit is not None
        report.records.append(
            {
                "entry": worker.unit.name,
                "dtype": worker.unit.dtype,
                "sample": -1,
                "checks": {"harness": message[1].strip().splitlines()[-1]},
                "what": message[1],
            }
        )
    elif kind in ("ready", "done"):
        while queue and queue[0].name in report.excluded:
            queue.popleft()
        if queue:
            worker.give(queue.popleft())
        else:
            # an end of file would not do: later workers hold a copy of this end of the pipe
            worker.pipe.send(None)
            worker.process.join()
            pool.remove(worker)


def _book_crash(worker: _Worker, hung: bool, report: Report, queue: Any) -> None:
    unit = worker.unit
    assert unit is not None
    code = worker.process.exitcode or 0
    if hung:
        reason = f"no answer in {TIMEOUT:.0f} s"
    elif code < 0:
        reason = f"crash: {signal.Signals(-code).name}"
    else:
        reason = f"crash: the process ended with status {code}"
    check = worker.progress.value.decode() or "function"
    index = worker.position.value
    record = {"entry": unit.name, "dtype": unit.dtype, "sample": index, "checks": {check: reason}, "what": ""}
    report.records.append(record)
    crashes = unit.crashes + 1
    if crashes < _MOST_CRASHES and index >= 0:
        queue.appendleft(Unit(unit.name, unit.dtype, unit.limit, index + 1, crashes))
    else:
        record["checks"]["crashes"] = "too many crashes: the rest was not run"


def _show(record: dict[str, Any]) -> None:
    head = f"{record['entry']} {record['dtype']} #{record['sample']}"
    if "excluded" in record:
        print(f"{head}: excluded, {record['excluded']}", flush=True)
        return
    bad = {name: reason for name, reason in record["checks"].items() if reason}
    print(f"{head}: {'ok' if not bad else ''}", flush=True)
    for name, reason in bad.items():
        print(f"    {name}: {reason}")
    if bad:
        print(f"    {record.get('what', '')}", flush=True)
