"""`python -m tests.python.module_db --only Linear,Adam --samples 0 --failing`"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tests.python.harness.module import under_test
from tests.python.op_db import expected, summary

from . import modules, optimizers

EXPECTED = Path(__file__).with_name("expected_failures.txt")


def run(only: set[str], limit: int | None) -> tuple[Any, Any, float]:
    """The reports of modules and of optimizers, and the seconds."""
    begin = time.monotonic()
    found = modules.run(under_test(), only, limit), optimizers.run(under_test(), only)
    return (*found, time.monotonic() - begin)


def exclusions(figures: dict[str, Any]) -> list[str]:
    """What was not run, by name, with the reason."""
    lines = [f"absent: {', '.join(figures['absent_entries'])}"]
    for name, entry in figures["entries"].items():
        lines += [f"{name}: {count} x {why}" for why, count in entry["reasons_excluded"].items()]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.python.module_db", description=__doc__)
    parser.add_argument("--only", default="", help="modules and optimizers by name, with commas")
    parser.add_argument("--samples", type=int, default=4, help="inputs per entry and dtype; 0 for all")
    parser.add_argument("--failing", action="store_true", help="only the entries that fail, in the table")
    options = parser.parse_args()
    only = {word for word in options.only.split(",") if word}
    *reports, seconds = run(only, options.samples or None)
    records = []
    for title, report in zip(("module_db", "optim_db"), reports):
        figures = summary.summarise(report)
        total = figures["total"]
        print(summary.rows(figures, options.failing))
        print(
            f"{title}: {total['entries']} entries, {total['samples']} inputs, "
            f"{summary.percent(total['passed'], total['samples'])} pass; {total['checks']} checks\n"
            f"{total['errors']} error inputs: type as PyTorch's in "
            f"{summary.percent(total['errors_passed'], total['errors'])}, first line too in "
            f"{summary.percent(total['messages'], total['errors'])}"
        )
        print("\n".join(exclusions(figures)), end="\n\n")
        records += report.records
    unexpected, stale = expected.judge(records, expected.read(EXPECTED), full=not options.samples)
    print(f"{len(unexpected)} failures not in the list; {len(stale)} lines of it that pass; {seconds:.0f} s")
    for text in [*unexpected, *stale]:
        print(text)
    return 1 if unexpected or stale else 0


if __name__ == "__main__":
    sys.exit(main())
