"""A picture of all ratios: one row of dots for each series, on a logarithmic scale, with its mean."""

from __future__ import annotations

import pathlib

from .measure import Figures
from .report import geometric_mean, series


def write(groups: dict[str, Figures], path: pathlib.Path) -> None:
    """Writes the SVG file. ImportError where matplotlib is not installed."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "benchmark"
    from matplotlib import pyplot

    found = series(groups)
    figure, axes = pyplot.subplots(figsize=(9, 0.8 + 0.6 * len(found)), layout="constrained")
    for row, gains in enumerate(reversed(found.values())):
        axes.scatter(gains.values(), [row] * len(gains), s=28, alpha=0.35, linewidths=0)
        mean = geometric_mean(gains.values())
        axes.plot([mean, mean], [row - 0.3, row + 0.3], color="black")
        axes.annotate(f"{mean:.2f}", (mean, row + 0.32), ha="center", fontsize=8)
    axes.set_yticks(range(len(found)), list(reversed(found)))
    axes.set_xscale("log")
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_xlabel("PyTorch's time over tensorgrad's (right of 1: tensorgrad is faster)")
    axes.set_ylim(-0.6, len(found) - 0.2)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
