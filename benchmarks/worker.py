"""Times a table of cases on one module, prints JSON, name to seconds: `worker MODULE TABLE THREADS ONLY`."""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from . import cases


def best_time(function: Callable[[], Any], seconds: float = 0.3) -> float:
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


def main() -> None:
    name, table, threads, only = sys.argv[1:]
    module = importlib.import_module(name)
    if int(threads) > 0:
        module.set_num_threads(int(threads))
    gc.disable()
    times = {}
    for key, prepare in getattr(cases, table).items():
        if only not in key:
            continue
        try:
            times[key] = best_time(prepare(module))
        except Exception as error:
            # One op that is not there yet must not hide the other figures.
            print(f"{name}: {key}: {type(error).__name__}: {error}", file=sys.stderr)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
