"""PyTorch's op database against tensorgrad: bounded samples here, all of them under `pytest -m slow`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.python.op_db import expected, runner, summary
from tests.python.op_db.required import REQUIRED

# Samples per entry and dtype in the ordinary run.
BOUNDED = 3


def check(limit: int | None) -> None:
    report = runner.run(runner.units([], [], limit, errors=True))
    figures = summary.summarise(report)
    print(summary.table(figures, failing_only=True))
    if path := os.environ.get("TENSORGRAD_OP_DB_JSON"):
        summary.write(figures, Path(path))
    unexpected, stale = expected.judge(report.records, expected.read(), full=limit is None)
    missing = sorted(REQUIRED & set(figures["absent_entries"]))
    problems = [*unexpected, *stale, *(f"{name}: absent, and it is one of ours" for name in missing)]
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:200])
    total = figures["total"]
    assert total["passed"] >= 0.99 * total["samples"], summary.percent(total["passed"], total["samples"])


def test_op_db() -> None:
    check(BOUNDED)


@pytest.mark.slow
def test_op_db_every_sample() -> None:
    check(None)
