"""A progress bar: one line that is redrawn on a terminal, now and then a plain line elsewhere."""

import os
import shutil
import sys
import time
from typing import TextIO


class ProgressBar:
    """Shows how far a job of known length has come.

    Args:
        label: what stands before the bar.
        total: how many units the job has.
        stream: where to write; standard output if None.
        terminal: whether the stream can redraw a line; found out from the stream if None.
        plain_interval: seconds between two lines where it cannot.
    """

    def __init__(
        self,
        label: str,
        total: int,
        stream: TextIO | None = None,
        terminal: bool | None = None,
        plain_interval: float = 10.0,
    ) -> None:
        self.label = label
        self.total = total
        self.stream = sys.stdout if stream is None else stream
        if terminal is None:
            terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.terminal = terminal
        self.interval = 0.1 if terminal else plain_interval
        self.shown = time.monotonic() - (self.interval if terminal else 0)

    def update(self, done: int, text: str = "") -> None:
        """Show that `done` units are done, with `text` behind; draws only as often as an eye can follow."""
        now = time.monotonic()
        if now - self.shown < self.interval:
            return
        self.shown = now
        if not self.terminal:
            self._write(f"{self.label} {100 * done // max(self.total, 1)} %  {text}\n")
            return
        count = f"{done:,}/{self.total:,}"
        room = shutil.get_terminal_size().columns - len(self.label) - len(count) - len(text) - 8
        width = max(0, min(40, room))
        filled = width * done // max(self.total, 1)
        bar = f"[{'=' * filled}{' ' * (width - filled)}] " if width >= 5 else ""
        line = f"{self.label} {bar}{count}  {text}"
        self._write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])

    def clear(self) -> None:
        """Take the bar off the terminal, so that something else can be printed."""
        if self.terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
