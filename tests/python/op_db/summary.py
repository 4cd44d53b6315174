"""From the records of a run to figures: per entry and in all, as JSON and as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import catalog
from .checks import REPORTED_ONLY
from .runner import ERRORS, Report


def summarise(report: Report) -> dict[str, Any]:
    """Per entry: samples run, passed, error inputs run, passed, messages equal, excluded samples, first reasons."""
    entries: dict[str, dict[str, Any]] = {}
    for record in report.records:
        blank = dict.fromkeys(
            ("samples", "passed", "errors", "errors_passed", "messages", "excluded", "checks"), 0
        )
        entry = entries.setdefault(
            record["entry"], {**blank, "first": {}, "reported": {}, "reasons_excluded": {}}
        )
        if "excluded" in record:
            entry["excluded"] += 1
            reasons = entry["reasons_excluded"]
            reasons[record["excluded"]] = reasons.get(record["excluded"], 0) + 1
            continue
        checks = record["checks"]
        entry["checks"] += len(checks)
        hard = {name: reason for name, reason in checks.items() if reason and name not in REPORTED_ONLY}
        kind = "errors" if record["dtype"] == ERRORS else "samples"
        entry[kind] += 1
        entry["errors_passed" if kind == "errors" else "passed"] += not hard
        if kind == "errors":
            entry["messages"] += not checks.get("message") and not hard
        for name, reason in checks.items():
            if reason:
                place = entry["reported" if name in REPORTED_ONLY else "first"]
                place.setdefault(name, f"{record['dtype']} #{record['sample']}: {reason}")
    total = {
        key: sum(entry[key] for entry in entries.values())
        for key in ("samples", "passed", "errors", "errors_passed", "messages", "excluded", "checks")
    }
    total["entries"] = sum(1 for entry in entries.values() if entry["samples"])
    total["entries_below_95"] = sum(
        1 for e in entries.values() if e["samples"] and e["passed"] < 0.95 * e["samples"]
    )
    total["seconds"] = round(report.seconds, 1)
    for check in REPORTED_ONLY:
        found = [r["checks"][check] for r in report.records if check in r.get("checks", {})]
        total[f"{check}_run"], total[f"{check}_passed"] = len(found), sum(not reason for reason in found)
    absent = sorted(name for name, reason in report.excluded.items() if reason == "absent")
    return {
        "total": total,
        "entries": dict(sorted(entries.items())),
        "absent_entries": absent,
        "absent_variants": dict(sorted(report.absent.items())),
        "not_run": catalog.EXCLUDED,
    }


def rows(summary: dict[str, Any], failing_only: bool = False, width: int = 150) -> str:
    """A line per entry."""
    lines = [f"{'entry':44} {'samples':>8} {'passed':>8} {'errors':>7} {'passed':>7}  first failure"]
    for name, entry in summary["entries"].items():
        bad = entry["first"]
        if failing_only and not bad:
            continue
        first = "; ".join(f"{check}: {reason}" for check, reason in bad.items())
        lines.append(
            f"{name:44} {entry['samples']:8} {entry['passed']:8} {entry['errors']:7} {entry['errors_passed']:7}  {first}"[
                : width + 60
            ]
        )
    return "\n".join(lines)


def table(summary: dict[str, Any], failing_only: bool = False) -> str:
    """A line per entry, and the figures of all."""
    lines = [rows(summary, failing_only), ""]
    total = summary["total"]
    lines.append(
        f"{total['entries']} entries, {total['samples']} samples: {percent(total['passed'], total['samples'])} pass; "
        f"{total['entries_below_95']} entries below 95 %; {total['checks']} checks in {total['seconds']} s"
    )
    lines.append(
        f"{total['errors']} error inputs: type as PyTorch's in {percent(total['errors_passed'], total['errors'])}, "
        f"first line too in {percent(total['messages'], total['errors'])}"
    )
    lines.append(
        f"second gradients equal in {percent(total['gradgrad_passed'], total['gradgrad_run'])} of "
        f"{total['gradgrad_run']}; strides of new results in {percent(total['stride_passed'], total['stride_run'])}"
    )
    lines.append(
        f"{total['excluded']} samples outside our scope; {len(summary['absent_entries'])} entries absent"
    )
    return "\n".join(lines)


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def write(summary: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, indent=1) + "\n")
