"""The curves of a training run as a picture."""

import io
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .files import write_whole


def write_curves(path: Path, history: dict[str, Any]) -> None:
    """Write a PNG of the loss per step and per epoch, and of the test accuracy per epoch.

    Args:
        path: the PNG file.
        history: `steps` is a list of losses; `epochs` a list of dicts with `epoch`, `last_step`, `train_loss`
            and `test_accuracy` (0 to 1, or None for an epoch that was cut short).
    """
    epochs = history["epochs"]
    figure = Figure(figsize=(10, 4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    loss, accuracy = figure.subplots(1, 2)

    steps = history["steps"]
    loss.plot(range(1, len(steps) + 1), steps, color="tab:blue", alpha=0.3, linewidth=0.8, label="each step")
    loss.plot(
        [entry["last_step"] for entry in epochs],
        [entry["train_loss"] for entry in epochs],
        color="tab:blue",
        marker="o",
        markersize=3,
        label="mean of the epoch",
    )
    if any(value > 0 for value in steps):
        loss.set_yscale("log")
    loss.set(title="training loss", xlabel="step", ylabel="cross-entropy")
    loss.legend()

    tested = [entry for entry in epochs if entry["test_accuracy"] is not None]
    accuracy.plot(
        [entry["epoch"] for entry in tested],
        [100 * entry["test_accuracy"] for entry in tested],
        color="tab:orange",
        marker="o",
        markersize=3,
    )
    accuracy.set(title="test accuracy", xlabel="epoch", ylabel="%")
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)

    buffer = io.BytesIO()
    canvas.print_png(buffer)
    write_whole(path, buffer.getvalue())
