"""Figures as tables: on the screen, in Markdown, and what moved between two runs."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .cases import GROUPS
from .cases.registry import BOTH, FORWARD
from .measure import ALONE, OURS, SMALL, THEIRS, Figures

TITLES = {
    "process": "Import, over a bare interpreter",
    "limits": "What the machine can do",
    "calls": "Calls, 4x4 float32",
    "layers": "Layers in three sizes",
    "kernels": "Kernels",
    "steps": "Steps of training",
    "memory": "Peak memory of those steps",
}


def ratios(found: Figures, peer: str = THEIRS) -> dict[str, float]:
    """The peer's figure over ours, by case."""
    ours = found[OURS]
    return {name: value / ours[name] for name, value in found.get(peer, {}).items() if name in ours}


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def shown(name: str, value: float | None) -> str:
    """A figure with its unit."""
    if value is None:
        return "absent"
    if name.endswith("MiB"):
        return f"{value:.1f} MiB"
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if value * scale >= 1:
            return f"{value * scale:.2f} {unit}"
    return f"{value * 1e6:.2f} us"


class Limits:
    """The best that either library did at copying and at matrix products, as time for a piece of work."""

    def __init__(self, found: Figures) -> None:
        best: dict[str, float] = {}
        for figures in found.values():
            for name, seconds in figures.items():
                best[name] = min(seconds, best.get(name, seconds))
        cases = {name: case for name, case in GROUPS["limits"].items() if name in best}
        self.copies = sorted(
            (case.bytes, case.bytes / best[name]) for name, case in cases.items() if case.bytes
        )
        self.floats = max(
            (case.floats / best[name] for name, case in cases.items() if case.floats), default=0.0
        )

    def share(self, name: str, seconds: float) -> str:
        """How near a kernel comes to the limit that holds for it; empty where none is known."""
        case = GROUPS["kernels"].get(name)
        if case is None:
            return ""
        if case.floats and self.floats:
            return f"{case.floats / self.floats / seconds:.0%} of matmul"
        if case.bytes and self.copies:
            return f"{case.bytes / self._copied_per_second(case.bytes) / seconds:.0%} of copy"
        return ""

    def _copied_per_second(self, bytes: float) -> float:
        """Bytes per second of a copy that moves as many, on a line between the measured sizes around it."""
        below = [point for point in self.copies if point[0] <= bytes] or self.copies[:1]
        above = [point for point in self.copies if point[0] >= bytes] or self.copies[-1:]
        (x0, y0), (x1, y1) = below[-1], above[0]
        if x0 == x1:
            return y0
        part = min(max(math.log(bytes / x0) / math.log(x1 / x0), 0.0), 1.0)
        return y0 + part * (y1 - y0)


def table(group: str, found: Figures, limits: Limits | None) -> list[list[str]]:
    """Rows of text, the head first and the geometric means last."""
    against, small = ratios(found), ratios(found, SMALL)
    alone, shares = ratios(found, ALONE), group == "kernels" and limits is not None
    rows = [["", OURS, THEIRS, "ratio"]]
    rows[0] += ["magnetron's ratio"] * bool(small) + ["2 threads over 1"] * bool(alone) + ["share"] * shares
    for name in dict.fromkeys([*found[THEIRS], *found[OURS]]):
        ours, theirs = found[OURS].get(name), found[THEIRS].get(name)
        row = [name, shown(name, ours), shown(name, theirs), _factor(against, name)]
        row += [_factor(small, name)] * bool(small) + [_factor(alone, name)] * bool(alone)
        row += [limits.share(name, ours) if limits and ours else ""] * shares
        rows.append(row)
    means = [geometric_mean(gains.values()) for gains in (against, small, alone) if gains]
    rows.append(["geometric mean", "", "", *(f"{mean:.2f}" for mean in means)] + [""] * shares)
    return rows


def _factor(gains: dict[str, float], name: str) -> str:
    return f"{gains[name]:.2f}" if name in gains else ""


def text(group: str, found: Figures, limits: Limits | None) -> str:
    """One table for the screen."""
    rows = table(group, found, limits)
    rows[0][0] = TITLES[group]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = (
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )
    return "\n" + "\n".join(line.rstrip() for line in lines)


def series(groups: dict[str, Figures]) -> dict[str, dict[str, float]]:
    """Ratios by the names under which they are summed up; kernels forward and with backward apart."""
    found = {}
    for group, figures in groups.items():
        gains = ratios(figures)
        if group in ("layers", "kernels"):
            for way in (FORWARD, BOTH):
                found[f"{TITLES[group]}, {way}"] = {
                    name: gain for name, gain in gains.items() if name.endswith(f", {way}")
                }
        elif group not in ("process", "limits", "memory"):
            found[TITLES[group]] = gains
    return {name: gains for name, gains in found.items() if gains}


def summary(groups: dict[str, Figures]) -> list[list[str]]:
    """Geometric mean and worst of each series."""
    rows = [["", "cases", "mean ratio", "worst", "below 0.95"]]
    for name, gains in series(groups).items():
        slowest = min(gains, key=lambda case: gains[case])
        behind = sum(gain < 0.95 for gain in gains.values())
        rows.append(
            [
                name,
                str(len(gains)),
                f"{geometric_mean(gains.values()):.2f}",
                f"{gains[slowest]:.2f} ({slowest})",
                str(behind),
            ]
        )
    return rows


def _markdown_table(rows: list[list[str]]) -> list[str]:
    head, *body = rows
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return ["| " + " | ".join(line) + " |" for line in lines]


def markdown(how: str, groups: dict[str, Figures], picture: str) -> str:
    """BENCHMARK.md: how it was measured, the means, then a table of each group."""
    limits = Limits(groups["limits"]) if "limits" in groups else None
    lines = ["# Benchmark", "", how, "", f"![Ratios of all cases]({picture})", ""]
    lines += _markdown_table(summary(groups))
    for group, found in groups.items():
        lines += ["", f"## {TITLES[group]}", "", *_markdown_table(table(group, found, limits))]
    return "\n".join(lines) + "\n"


def moved(old: dict[str, Figures], new: dict[str, Figures], least: float = 0.05) -> str:
    """What changed by more than `least` in our time against PyTorch's of the same run."""
    lines = []
    for group in new:
        before, after = ratios(old.get(group, {OURS: {}})), ratios(new[group])
        changes = {name: after[name] / before[name] for name in after if name in before}
        moves = {
            name: change for name, change in changes.items() if abs(math.log(change)) > math.log1p(least)
        }
        if changes:
            lines.append(
                f"\n{TITLES[group]}: {geometric_mean(changes.values()):.3f} over {len(changes)} cases"
            )
        lines += [
            f"  {moves[name]:6.2f}x  {name}: {before[name]:.2f} -> {after[name]:.2f}"
            for name in sorted(moves, key=lambda name: moves[name])
        ]
    return "\n".join(lines)
