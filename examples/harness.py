"""What a training program needs around its model: the loop, tests, progress, files that survive Ctrl-C."""

import argparse
import json
import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.numpy

import tensorgrad

from .curves import write_curves
from .files import write_whole
from .progress import ProgressBar


class StopRequest:
    """Turns the first Ctrl-C into a wish to stop, so that no step is left half done; a second interrupts."""

    def __init__(self) -> None:
        self.wanted = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for Ctrl-C inside a `with` block."""

        def on_interrupt(signum: int, frame: Any) -> None:
            if self.wanted:
                raise KeyboardInterrupt
            self.wanted = True

        before = signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class Trainer:
    """Trains a classifier, and keeps its weights and history in a folder.

    The learning rate falls from epoch to epoch along half a cosine, from the optimizer's own towards zero.

    Args:
        model: gives class scores of shape (batch, classes).
        optimizer: over the model's parameters.
        train_loader, test_loader: DataLoaders of (inputs, labels).
        epochs: how often to go through the training data.
        device: where to train.
        out: the folder for `model.safetensors`, `history.json` and `curves.png`.
        log_steps: print the loss of so many first steps.
        about: facts about the run for `history.json`.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        train_loader: Any,
        test_loader: Any,
        epochs: int,
        device: str,
        out: Path,
        log_steps: int = 0,
        about: dict[str, Any] | None = None,
    ) -> None:
        self.model = model.to(device)
        self.optimizer = optimizer
        self.base_lr = optimizer.param_groups[0]["lr"]
        self.train_loader = train_loader
        self.test_loader = test_loader
        self.loss_fn = tensorgrad.nn.CrossEntropyLoss()
        self.epochs = epochs
        self.device = device
        self.out = out
        self.log_steps = log_steps
        self.stop = StopRequest()
        self.history: dict[str, Any] = {"about": about or {}, "interrupted": False, "epochs": [], "steps": []}
        self.per_class: list[tuple[int, int, int]] = []  # label, right, all; of the last test

    def run(self) -> bool:
        """Train. Returns False if Ctrl-C cut it short; what was trained until then is in the files."""
        self.out.mkdir(parents=True, exist_ok=True)
        with self.stop.listening():
            for epoch in range(1, self.epochs + 1):
                self._run_epoch(epoch)
                if self.stop.wanted:
                    break
                self._write_state()
            self.history["interrupted"] = self.stop.wanted
            if self.history["steps"]:
                self._write_state()
                write_curves(self.out / "curves.png", self.history)
        return not self.stop.wanted

    def _run_epoch(self, epoch: int) -> None:
        lr = self.base_lr * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / self.epochs))
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        start = time.perf_counter()
        mean_loss, seen = self._train(epoch)
        train_seconds = time.perf_counter() - start
        accuracy = None if self.stop.wanted else self.test()
        seconds = time.perf_counter() - start
        if not seen:
            return
        self.history["epochs"].append(
            {
                "epoch": epoch,
                "last_step": len(self.history["steps"]),
                "lr": lr,
                "images": seen,
                "train_loss": mean_loss,
                "test_accuracy": accuracy,
                "train_seconds": train_seconds,
                "seconds": seconds,
            }
        )
        tested = "interrupted" if accuracy is None else f"test accuracy {100 * accuracy:6.2f} %"
        name = f"epoch {epoch:{len(str(self.epochs))}}/{self.epochs}"
        print(f"{name}  train loss {mean_loss:.4f}  {tested}  {seconds:.1f} s", flush=True)

    def _train(self, epoch: int) -> tuple[float, int]:
        """One pass over the training data: the mean loss and the number of images seen."""
        self.model.train()
        total, seen = 0.0, 0
        bar = ProgressBar(f"epoch {epoch}/{self.epochs}", len(self.train_loader.dataset))
        start = time.perf_counter()
        for inputs, labels in self.train_loader:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(inputs), labels)
            loss.backward()
            self.optimizer.step()

            value = loss.item()
            self.history["steps"].append(value)
            total += value * len(labels)
            seen += len(labels)
            step = len(self.history["steps"])
            if step <= self.log_steps:
                bar.clear()
                print(f"step {step} loss {value:#.4g}", flush=True)
            speed = seen / (time.perf_counter() - start)
            bar.update(seen, f"loss {total / seen:.4f}  {speed:,.0f} images/s")
            if self.stop.wanted:
                break
        bar.clear()
        return (total / seen if seen else math.nan), seen

    def test(self) -> float | None:
        """The share of test images whose highest score is their label's; None if Ctrl-C came between."""
        self.model.eval()
        right: dict[int, int] = {}
        count: dict[int, int] = {}
        with tensorgrad.no_grad():
            for inputs, labels in self.test_loader:
                found = self.model(inputs.to(self.device)).argmax(dim=1).tolist()
                for label, guess in zip(labels.tolist(), found):
                    count[label] = count.get(label, 0) + 1
                    right[label] = right.get(label, 0) + (label == guess)
                if self.stop.wanted:
                    return None
        self.per_class = [(label, right[label], count[label]) for label in sorted(count)]
        return sum(right.values()) / sum(count.values())

    def _write_state(self) -> None:
        weights = {name: tensor.to("cpu").numpy() for name, tensor in self.model.state_dict().items()}
        write_whole(self.out / "model.safetensors", safetensors.numpy.save(weights))
        write_whole(self.out / "history.json", (json.dumps(self.history, indent=1) + "\n").encode())


def fail(message: object) -> int:
    """Say on standard error what went wrong; returns the exit code for it."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    return 1


def positive(text: str) -> int:
    """An argument that has to be a whole number from 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text}")
    return value
