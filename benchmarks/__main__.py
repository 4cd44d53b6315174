"""`python -m benchmarks [--rounds N] [--threads N] [--json FILE]`: tables of tensorgrad against PyTorch.

The two run in processes of their own, in turns, and the best time of each counts: what else the machine does
then falls on both. The last column is tensorgrad's time over PyTorch's.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys

MODULES = ("tensorgrad", "torch")
TABLES = {"CALLS": "Calls, 4x4 float32", "LAYERS": "Layers", "STEPS": "Steps of training"}
# Time and memory of an import, over those of a bare interpreter.
IMPORT = """
import resource, time
begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{statement}
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def measure(module: str, table: str, threads: str) -> dict[str, float]:
    """Seconds by case, from one process."""
    command = [sys.executable, "-m", "benchmarks.worker", module, table, threads]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure_import(module: str) -> dict[str, float]:
    """Seconds and MiB that `import module` takes."""
    command = [sys.executable, "-c", IMPORT.format(statement=f"import {module}")]
    seconds, kilobytes = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return {"import": float(seconds), "import, MiB": float(kilobytes) / 1024}


def best(rounds: int, measure_one: object, *arguments: str) -> dict[str, dict[str, float]]:
    """Module -> case -> the least of all rounds."""
    found: dict[str, dict[str, float]] = {module: {} for module in MODULES}
    for _ in range(rounds):
        for module in MODULES:
            for name, value in measure_one(module, *arguments).items():  # type: ignore[operator]
                found[module][name] = min(value, found[module].get(name, value))
    return found


def show(title: str, found: dict[str, dict[str, float]]) -> None:
    """Prints one table."""
    ours, theirs = (found[module] for module in MODULES)
    print(f"\n{title:44} {'tensorgrad':>12} {'PyTorch':>12} {'ratio':>7}")
    for name, time in theirs.items():
        unit, scale = ("MiB", 1.0) if name.endswith("MiB") else ("us", 1e6)
        if name in ours:
            mine = ours[name]
            print(f"{name:44} {mine * scale:9.2f} {unit:>2} {time * scale:9.2f} {unit:>2} {mine / time:7.3f}")
        else:
            print(f"{name:44} {'absent':>12} {time * scale:9.2f} {unit:>2}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--threads", type=int, default=0, help="of either library; its own default if not given"
    )
    parser.add_argument("--json", type=pathlib.Path, help="where to write all figures")
    options = parser.parse_args()
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > cores / 2:
        print(f"warning: the load of this machine is {load:.1f}: the figures will be of little use")
    print(f"{cores} cores, load {load:.1f}, best of {options.rounds} processes")
    figures = {"Import": best(options.rounds, measure_import)}
    show("Import", figures["Import"])
    for table, title in TABLES.items():
        figures[title] = best(options.rounds, measure, table, str(options.threads))
        show(title, figures[title])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
