"""Tables of figures, as text and as Markdown."""

from __future__ import annotations

import importlib.metadata
import math
import os
import pathlib
import platform

Figures = dict[str, dict[str, float]]  # module -> case -> seconds, or MiB where the name says so


def ratios(found: Figures) -> dict[str, float]:
    """PyTorch's figure over tensorgrad's, by case."""
    return {name: value / found["tensorgrad"][name] for name, value in found["torch"].items()
            if name in found["tensorgrad"]}  # fmt: skip


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


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


def text(title: str, found: Figures) -> str:
    """One table for the screen."""
    gains = ratios(found)
    lines = [f"\n{title:52} {'tensorgrad':>12} {'PyTorch':>12} {'ratio':>7}"]
    for name, theirs in found["torch"].items():
        ours = shown(name, found["tensorgrad"].get(name))
        gain = f"{gains[name]:7.2f}" if name in gains else f"{'':7}"
        lines.append(f"{name:52} {ours:>12} {shown(name, theirs):>12} {gain}")
    lines.append(f"{'geometric mean':52} {'':12} {'':12} {geometric_mean(list(gains.values())):7.2f}")
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, where the system tells."""
    info = pathlib.Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def markdown(tables: dict[str, Figures], threads: int, rounds: int, load: float) -> str:
    """BENCHMARK.md: how it was measured, then a table of each group."""
    count = f"{threads} thread(s)" if threads else "as many threads as each library takes by itself"
    lines = [
        "# Benchmark",
        "",
        "Written by `make bench`. Each library runs in processes of its own, in turns; the best time of "
        f"{rounds} processes counts.",
        "The ratio is PyTorch's figure over tensorgrad's: above 1, tensorgrad is ahead.",
        "",
        f"{processor()}, {os.cpu_count()} cores, {count}, load {load:.1f} at the start; "
        f"Python {platform.python_version()}, PyTorch {importlib.metadata.version('torch')}.",
    ]
    for title, found in tables.items():
        gains = ratios(found)
        lines += ["", f"## {title}", "", "| | tensorgrad | PyTorch | ratio |", "|---|---:|---:|---:|"]
        for name, theirs in found["torch"].items():
            gain = f"{gains[name]:.2f}" if name in gains else ""
            ours = shown(name, found["tensorgrad"].get(name))
            lines.append(f"| {name} | {ours} | {shown(name, theirs)} | {gain} |")
        lines.append(f"| geometric mean | | | {geometric_mean(list(gains.values())):.2f} |")
    return "\n".join(lines) + "\n"
