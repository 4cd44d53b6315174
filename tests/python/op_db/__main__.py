"""`python -m tests.python.op_db --only add,mul --dtype float32 --samples 8 --verbose`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import expected, runner, summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.python.op_db", description=__doc__)
    parser.add_argument("--only", default="", help="entries by name, with commas; all of a name's variants")
    parser.add_argument("--dtype", default="", help="dtypes with commas; `errors` for the error inputs")
    parser.add_argument(
        "--samples", type=int, default=8, help="samples per entry and dtype, spread evenly; 0 for all"
    )
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--failing", action="store_true", help="only the entries that fail, in the table")
    parser.add_argument("--verbose", action="store_true", help="a line per sample")
    parser.add_argument("--json", type=Path, default=None, help="where to write the figures")
    parser.add_argument("--absent", action="store_true", help="list what the module under test does not have")
    parser.add_argument(
        "--list-failures", action="store_true", help="lines for expected_failures.txt, reasons included"
    )
    options = parser.parse_args()

    def words(text: str) -> list[str]:
        return [word for word in text.split(",") if word]

    limit = options.samples or None
    todo = runner.units(words(options.only), words(options.dtype), limit, errors=True)
    report = runner.run(todo, options.workers, verbose=options.verbose)
    figures = summary.summarise(report)
    print(summary.table(figures, options.failing))
    if options.json:
        summary.write(figures, options.json)
    if options.absent:
        print("\nabsent entries:", " ".join(figures["absent_entries"]))
        for name, found in figures["absent_variants"].items():
            print(f"  {name}: {', '.join(found)}")
    lines = expected.read()
    unexpected, stale = expected.judge(report.records, lines, full=limit is None)
    if options.list_failures:
        print()
        for text in unexpected:
            key, _, reason = text.partition(": ")
            print(f"{key}  # {reason}")
    print(f"\n{len(unexpected)} failures not in the list; {len(stale)} lines of the list that pass")
    for text in stale:
        print(text)
    return 1 if unexpected or stale else 0


if __name__ == "__main__":
    sys.exit(main())
