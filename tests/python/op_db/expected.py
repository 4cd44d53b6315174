"""The list of expected failures, which may only shrink.

A line is `entry dtype check  # reason`; `*` stands for any dtype. `full entry dtype check  # reason` is for a failure
that only the full run (every sample) reaches: the bounded run does not ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checks import REPORTED_ONLY

FILE = Path(__file__).with_name("expected_failures.txt")


@dataclass(frozen=True)
class Line:
    entry: str
    dtype: str
    check: str
    full_only: bool
    number: int

    def covers(self, entry: str, dtype: str, check: str) -> bool:
        return self.entry == entry and self.dtype in ("*", dtype) and self.check == check

    def __str__(self) -> str:
        return f"{self.entry} {self.dtype} {self.check}"


def read(path: Path = FILE) -> list[Line]:
    lines = []
    if not path.exists():
        return lines
    for number, text in enumerate(path.read_text().splitlines(), 1):
        body, _, reason = text.partition("#")
        words = body.split()
        if not words:
            continue
        full = words[0] == "full"
        words = words[full:]
        if len(words) < 3 or not reason.strip():
            raise ValueError(f"{path.name}:{number}: expected `entry dtype check  # reason`, found {text!r}")
        lines.append(Line(words[0], words[1], " ".join(words[2:]), full, number))
    return lines


def judge(records: list[dict[str, Any]], lines: list[Line], full: bool) -> tuple[list[str], list[str]]:
    """(unexpected failures, lines to remove). A line is stale when what it names was run and passed."""
    failed: dict[tuple[str, str, str], str] = {}
    ran: set[tuple[str, str, str]] = set()
    for record in records:
        for check, reason in record.get("checks", {}).items():
            if check in REPORTED_ONLY:
                continue
            key = (record["entry"], record["dtype"], check)
            ran.add(key)
            if reason:
                failed.setdefault(key, f"sample {record['sample']}: {reason}")
    unexpected = [
        f"{' '.join(key)}: {reason}"
        for key, reason in failed.items()
        if not any(line.covers(*key) for line in lines)
    ]
    stale = []
    for line in lines:
        if line.full_only and not full:
            continue
        if any(line.covers(*key) for key in ran) and not any(line.covers(*key) for key in failed):
            stale.append(f"{FILE.name}:{line.number}: {line} passes now: remove it from the list")
    return unexpected, stale
