"""Times a group of cases on one module; prints JSON, name to figure: `worker MODULE GROUP THREADS ONLY`.

With `memory` for the group it runs the training step ONLY, and the figures are the process's peak in MiB.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from .cases import GROUPS, magnetron
from .cases.registry import Prepare

STEPS_FOR_MEMORY = 20


def best_time(function: Callable[[], Any], seconds: float = 0.2) -> float:
    """The best time of one call, over runs of at least a millisecond, in about `seconds`."""
    for _ in range(3):
        function()
    count = 1
    while (spent := _run(function, count)) < 1e-3:
        count *= 2
    best = spent / count
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        best = min(best, _run(function, count) / count)
    return best


def _run(function: Callable[[], Any], count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        function()
    return time.perf_counter() - begin


def _cases(module: str, group: str) -> dict[str, Prepare]:
    if module == "magnetron":
        return magnetron.CASES.get(group, {})
    return {name: case.prepare for name, case in GROUPS[group].items()}


def _times(name: str, group: str, threads: int, only: str) -> dict[str, float]:
    module = importlib.import_module(name)
    if threads > 0:
        module.set_num_threads(threads)
    gc.disable()
    times = {}
    for key, prepare in _cases(name, group).items():
        if only not in key:
            continue
        try:
            times[key] = best_time(prepare(module))
        except Exception as error:
            # One op that is not there yet must not hide the other figures.
            print(f"{name}: {key}: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
    return times


def _peak(name: str, threads: int, case: str) -> dict[str, float]:
    module = importlib.import_module(name)
    if threads > 0:
        module.set_num_threads(threads)
    step = _cases(name, "steps")[case](module)
    for _ in range(STEPS_FOR_MEMORY):
        step()
    return {case: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    name, group, threads, only = sys.argv[1:]
    if group == "memory":
        figures = _peak(name, int(threads), only)
    else:
        figures = _times(name, group, int(threads), only)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
