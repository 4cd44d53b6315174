"""A training run that can be killed at any moment and goes on to the bit: its steps and its checkpoints."""

import io
import json
import math
import time
from pathlib import Path
from typing import Any

import tensorgrad

from ..files import write_whole
from ..harness import StopRequest
from .text import Text

# The options that the losses depend on: a run goes on only with the same ones.
SETTINGS = (
    "batch_size",
    "context",
    "dropout",
    "eval_every",
    "heads",
    "layers",
    "lr",
    "seed",
    "steps",
    "width",
)
WARM_UP = 100  # steps


class Run:
    """Trains a model on a text, and keeps all that the next step depends on in `out`/checkpoint.pt.

    That is: parameters, the optimizer's state, the random stream (which also gives the data's order), the
    step and the losses until then. Between two checkpoints nothing is lost but time: the steps after the last
    one are taken again, with the same results.

    Args:
        model: a GPT.
        text: what to learn.
        options: the command line.
    """

    def __init__(self, model: Any, text: Text, options: Any) -> None:
        self.model = model.to(options.device)
        self.text = text
        self.options = options
        self.optimizer = tensorgrad.optim.AdamW(
            model.parameters(), lr=options.lr, betas=(0.9, 0.99), weight_decay=0.1
        )
        self.step = 0
        self.losses: list[float] = []
        self.validation: list[list[float]] = []  # pairs of step and loss
        self.settings = {name: getattr(options, name) for name in SETTINGS} | {"text": text.digest}
        self.path: Path = options.out / "checkpoint.pt"
        self.stop = StopRequest()

    def resume(self) -> bool:
        """Go on from the checkpoint if there is one. Returns whether there is.

        Raises:
            ValueError: it belongs to a run with other settings.
        """
        if not self.path.exists():
            return False
        state = tensorgrad.load(self.path)
        for name, value in self.settings.items():
            if state["settings"].get(name) != value:
                raise ValueError(
                    f"{self.path} belongs to a run with {name} {state['settings'].get(name)}, not {value}: "
                    "choose another --out, or begin anew with --restart"
                )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        tensorgrad.set_rng_state(state["random"])
        self.step, self.losses, self.validation = state["step"], state["losses"], state["validation"]
        return True

    def save(self) -> None:
        """Replace the checkpoint by one of now, and write `history.json`."""
        state = {
            "settings": self.settings,
            "characters": self.text.characters,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": tensorgrad.get_rng_state(),
            "step": self.step,
            "losses": self.losses,
            "validation": self.validation,
        }
        stream = io.BytesIO()
        tensorgrad.save(state, stream)
        write_whole(self.path, stream.getvalue())
        history = {"settings": self.settings, "steps": self.losses, "validation": self.validation}
        write_whole(self.options.out / "history.json", (json.dumps(history, indent=1) + "\n").encode())

    def train(self) -> bool:
        """Take the steps that are left. Returns False if Ctrl-C came before the last one."""
        options = self.options
        start, first = time.perf_counter(), self.step
        with self.stop.listening():
            while self.step < options.steps and not self.stop.wanted:
                loss = self._take_step()
                spent = (time.perf_counter() - start) / (self.step - first)
                if self.step % options.log_every == 0:
                    print(f"step {self.step} loss {loss:#.5g}  {1e3 * spent:.1f} ms/step", flush=True)
                if self.step % options.eval_every == 0 or self.step == options.steps:
                    self.validation.append([self.step, self.validate()])
                    print(f"step {self.step} validation loss {self.validation[-1][1]:#.5g}", flush=True)
                if self.step % options.checkpoint_every == 0:
                    self.save()
            self.save()
        return not self.stop.wanted

    def _take_step(self) -> float:
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        inputs, following = self.text.batch(self.options.batch_size)
        self.optimizer.zero_grad()
        loss = self.model.loss(inputs.to(self.options.device), following.to(self.options.device))
        loss.backward()
        tensorgrad.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.losses.append(loss.item())
        return self.losses[-1]

    def _learning_rate(self) -> float:
        """Rises over the first steps, then falls along half a cosine to a tenth."""
        if self.step < WARM_UP:
            return self.options.lr * (self.step + 1) / WARM_UP
        done = (self.step - WARM_UP) / max(1, self.options.steps - WARM_UP)
        return self.options.lr * (0.55 + 0.45 * math.cos(math.pi * done))

    def validate(self) -> float:
        """The mean loss over the whole validation part; draws no random numbers."""
        self.model.eval()
        inputs, following = self.text.validation_windows()
        total = 0.0
        with tensorgrad.no_grad():
            for at in range(0, len(inputs), 128):
                some, next_ones = inputs[at : at + 128], following[at : at + 128]
                loss = self.model.loss(some.to(self.options.device), next_ones.to(self.options.device))
                total += loss.item() * len(some)
        return total / len(inputs)
