"""`python -m benchmarks`: tensorgrad against PyTorch, on the screen, in BENCHMARK.md and as JSON.

The libraries run in processes of their own, in turns, and the best time of each counts: what else the machine
does then falls on both. A ratio is the peer's figure over tensorgrad's: at 2, tensorgrad takes half the time.
`python -m benchmarks compare OLD.json NEW.json` shows what moved from one run to another.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import sys

from . import plot, report
from .measure import measure


def processor() -> str:
    """The processor's name, where the system tells."""
    info = pathlib.Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def how(options: argparse.Namespace, load: float) -> str:
    """How and where the figures were measured."""
    threads = f"{options.threads} thread(s)" if options.threads else "as many threads as each takes by itself"
    level = os.environ.get("TENSORGRAD_CPU")
    return (
        "Written by `make bench`. Each library runs in processes of its own, in turns; the best time of "
        f"{options.rounds} processes counts. The ratio is PyTorch's figure over tensorgrad's: above 1, "
        "tensorgrad is ahead. A share is the time of a copy of the same bytes, or of as many "
        "multiplications in this machine's best matrix product, over ours.\n\n"
        f"{processor()}, {os.cpu_count()} cores, {threads}"
        f"{f', TENSORGRAD_CPU={level}' if level else ''}, load {load:.1f} at the start; Python "
        f"{platform.python_version()}, PyTorch {importlib.metadata.version('torch')}."
    )


def compare(old: pathlib.Path, new: pathlib.Path) -> None:
    """Prints what moved between two files of `--json`."""
    print(report.moved(*(json.loads(path.read_text())["groups"] for path in (old, new))))


def main() -> None:
    if sys.argv[1:2] == ["compare"]:
        parser = argparse.ArgumentParser(prog="python -m benchmarks compare", description=compare.__doc__)
        parser.add_argument("old", type=pathlib.Path)
        parser.add_argument("new", type=pathlib.Path)
        files = parser.parse_args(sys.argv[2:])
        return compare(files.old, files.new)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--groups", default=",".join(report.TITLES), help="some of: " + ", ".join(report.TITLES)
    )
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each library, in turns")
    parser.add_argument(
        "--threads", type=int, default=0, help="of either library; its own default if not given"
    )
    parser.add_argument("--scaling", action="store_true", help="tensorgrad once more on one thread")
    parser.add_argument("--json", type=pathlib.Path, help="where to write all figures")
    parser.add_argument(
        "--markdown", type=pathlib.Path, help="where to write the tables, such as BENCHMARK.md"
    )
    parser.add_argument("--plot", type=pathlib.Path, help="where to write the picture, an SVG file")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    if load > (os.cpu_count() or 1) / 2:
        print(f"warning: the load of this machine is {load:.1f}: the figures will be of little use")
    groups = {}
    for group in options.groups.split(","):
        found = measure(group, options.only, options.rounds, options.threads, options.scaling)
        if found["tensorgrad"]:
            groups[group] = found
            limits = report.Limits(groups["limits"]) if "limits" in groups else None
            print(report.text(group, found, limits), flush=True)
    described = how(options, load)
    print("\n" + "\n".join("  ".join(row) for row in report.summary(groups)))
    if options.json:
        options.json.write_text(json.dumps({"how": described, "groups": groups}, indent=1))
    if options.plot:
        plot.write(groups, options.plot)
    if options.markdown:
        picture = options.plot or pathlib.Path("docs/images/benchmark.svg")
        options.markdown.write_text(report.markdown(described, groups, picture.as_posix()))


if __name__ == "__main__":
    main()
