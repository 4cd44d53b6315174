"""`python -m benchmarks`: tables of tensorgrad against PyTorch, on the screen and in BENCHMARK.md.

The two run in processes of their own, in turns, and the best time of each counts: what else the machine does
then falls on both. A ratio is PyTorch's figure over tensorgrad's: at 2, tensorgrad takes half the time.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

from .report import Figures, markdown, text

MODULES = ("tensorgrad", "torch")
TABLES = {
    "process": "Import, over a bare interpreter",
    "calls": "Calls, 4x4 float32",
    "layers": "Layers in three sizes",
    "kernels": "Kernels",
    "steps": "Steps of training",
}
IMPORT = """
import time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
begin, before = time.perf_counter(), resident()
import {module}
print(time.perf_counter() - begin, (resident() - before) / 2**20)
"""


def measure(module: str, table: str, threads: int, only: str) -> dict[str, float]:
    """Seconds by case, from one process."""
    if table == "process":
        return measure_import(module)
    command = [sys.executable, "-m", "benchmarks.worker", module, table.upper(), str(threads), only]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure_import(module: str) -> dict[str, float]:
    """Seconds and MiB that `import module` takes."""
    command = [sys.executable, "-c", IMPORT.format(module=module)]
    seconds, size = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return {"time": float(seconds), "memory, MiB": float(size)}


def best(rounds: int, measure_one: Callable[[str], dict[str, float]]) -> Figures:
    """Module -> case -> the least of all rounds."""
    found: Figures = {module: {} for module in MODULES}
    for _ in range(rounds):
        for module in MODULES:
            for name, value in measure_one(module).items():
                found[module][name] = min(value, found[module].get(name, value))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--tables", default=",".join(TABLES), help="some of: " + ", ".join(TABLES))
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each library, in turns")
    parser.add_argument(
        "--threads", type=int, default=0, help="of either library; its own default if not given"
    )
    parser.add_argument("--json", type=pathlib.Path, help="where to write all figures")
    parser.add_argument(
        "--markdown", type=pathlib.Path, help="where to write the tables, such as BENCHMARK.md"
    )
    options = parser.parse_args()
    load = os.getloadavg()[0]
    if load > (os.cpu_count() or 1) / 2:
        print(f"warning: the load of this machine is {load:.1f}: the figures will be of little use")
    figures = {}
    for table in options.tables.split(","):
        found = best(
            options.rounds, lambda module, t=table: measure(module, t, options.threads, options.only)
        )
        if found["torch"]:
            figures[TABLES[table]] = found
            print(text(TABLES[table], found), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if options.markdown:
        options.markdown.write_text(markdown(figures, options.threads, options.rounds, load))


if __name__ == "__main__":
    main()
