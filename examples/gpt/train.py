"""Trains a small GPT on a text, character by character: `python -m examples.gpt.train`.

Killed at any moment and started again, it goes on from its last checkpoint with the same losses to the bit.
"""

import argparse
import os
import sys
from pathlib import Path

import tensorgrad

from ..harness import fail, positive
from .model import GPT
from .run import Run
from .text import Text, encode, read_text


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.gpt.train", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="FILE", help="a text (default: sources of Python's standard library)")
    add("--device", default="cpu", help="default: cpu")
    add("--steps", default=3000, type=positive, metavar="N", help="default: 3000")
    add("--batch_size", default=32, type=positive, metavar="N", help="default: 32")
    add("--context", default=64, type=positive, metavar="N", help="characters seen at once (default: 64)")
    add("--width", default=128, type=positive, metavar="N", help="of each character's vector (default: 128)")
    add("--heads", default=4, type=positive, metavar="N", help="attention heads (default: 4)")
    add("--layers", default=4, type=positive, metavar="N", help="transformer layers (default: 4)")
    add("--dropout", default=0.0, type=float, metavar="P", help="default: 0")
    add("--lr", default=2e-3, type=float, help="AdamW's greatest learning rate (default: 0.002)")
    add("--seed", default=0, type=int, help="of weights, data order, dropout and the sample (default: 0)")
    add("--threads", type=positive, metavar="N", help="to compute with (default: the library's choice)")
    add("--log_every", default=100, type=positive, metavar="N", help="print every Nth loss (default: 100)")
    add("--eval_every", default=500, type=positive, metavar="N", help="validate every N steps (default: 500)")
    add("--checkpoint_every", default=100, type=positive, metavar="N", help="in steps (default: 100)")
    add("--out", default=Path("runs/gpt"), type=Path, metavar="DIR", help="for checkpoint.pt, history.json")
    add("--restart", action="store_true", help="begin anew where --out has a checkpoint")
    add("--sample", default=300, type=int, metavar="N", help="characters to write at the end (default: 300)")
    add("--prompt", default="\n", metavar="TEXT", help="what they follow (default: a new line)")
    add("--temperature", default=0.8, type=float, help="the less, the likelier characters (default: 0.8)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Train, and write a sample. Returns the exit code: 0, 1 for bad data or files, 130 after Ctrl-C."""
    options = parse(arguments)
    if options.threads:
        tensorgrad.set_num_threads(options.threads)
    tensorgrad.manual_seed(options.seed)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        text = Text(read_text(options.data), options.context)
        prompt = encode(options.prompt, text.characters)
        model = GPT(
            len(text.characters),
            options.context,
            options.width,
            options.heads,
            options.layers,
            options.dropout,
        )
        run = Run(model, text, options)
        if options.restart:
            run.path.unlink(missing_ok=True)
        if run.resume():
            print(f"going on after step {run.step}", flush=True)
        else:
            size = sum(parameter.numel() for parameter in model.parameters())
            print(
                f"{len(text.train):,} characters to train on, {len(text.characters)} different ones; "
                f"{size:,} parameters",
                flush=True,
            )
        finished = run.train()
    except (OSError, ValueError) as error:
        return fail(error)
    if not finished:
        print(f"interrupted after step {run.step}; the same command goes on", flush=True)
        return 130
    if options.sample > 0:
        drawn = model.continue_text(prompt.to(options.device), options.sample, options.temperature)
        print("".join(text.characters[place] for place in drawn.tolist()))
    print(f"wrote checkpoint.pt, history.json in {os.path.relpath(options.out)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
