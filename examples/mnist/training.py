"""The command line that the training programs on handwritten digits share, and what they do with it."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorgrad

from ..harness import Trainer, fail, positive
from .data import Split, load_digits, load_mnist


def make_parser(model: str, description: str | None) -> argparse.ArgumentParser:
    """The flags of `python -m examples.mnist.MODEL.train`."""
    parser = argparse.ArgumentParser(prog=f"python -m examples.mnist.{model}.train", description=description)
    add = parser.add_argument
    add(
        "--dataset",
        default="digits",
        choices=["digits", "mnist"],
        help="default: digits, scikit-learn's 8x8 ones",
    )
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with MNIST's IDX files; without it they are downloaded",
    )
    add("--device", default="cpu", help="default: cpu")
    add("--epochs", default=20, type=positive, help="default: 20")
    add("--batch_size", default=32, type=positive, help="default: 32")
    add("--lr", default=1e-3, type=float, help="Adam's learning rate in the first epoch (default: 0.001)")
    add("--truncate_train", type=positive, metavar="N", help="train on the first N images (default: all)")
    add("--truncate_test", type=positive, metavar="N", help="test with the first N images (default: all)")
    add("--seed", default=0, type=int, help="of weights, order, dropout and the digits' split (default: 0)")
    add(
        "--threads",
        type=positive,
        metavar="N",
        help="threads to compute with (default: the library's choice)",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder for weights, history and curves (default: runs/{model}-DATASET)",
    )
    add("--log_steps", default=0, type=int, metavar="N", help="print the loss of each of the first N steps")
    parser.set_defaults(model=model)
    return parser


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """The command line, checked."""
    options = parser.parse_args(arguments)
    if options.data is not None and options.dataset != "mnist":
        parser.error("--data goes with --dataset mnist")
    if options.out is None:
        options.out = Path("runs") / f"{options.model}-{options.dataset}"
    return options


def load(options: argparse.Namespace) -> Split:
    """The data that the options ask for."""
    split = load_mnist(options.data) if options.dataset == "mnist" else load_digits(options.seed)
    return Split(
        split.train.first(options.truncate_train), split.test.first(options.truncate_test), split.notes
    )


def train(options: argparse.Namespace, make_model: Callable[[int], Any]) -> int:
    """Train the model that `make_model` gives for an image size, and report.

    Returns the exit code: 0, 1 for bad data, sizes or files, 130 after Ctrl-C.
    """
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        split = load(options)
    except (OSError, ValueError) as error:
        return fail(error)
    for note in split.notes:
        print(note, flush=True)

    if options.threads:
        tensorgrad.set_num_threads(options.threads)
    tensorgrad.manual_seed(options.seed)
    data = tensorgrad.utils.data
    train, test = (
        data.TensorDataset(tensorgrad.from_numpy(part.images), tensorgrad.from_numpy(part.labels))
        for part in (split.train, split.test)
    )
    try:
        model = make_model(split.train.images.shape[-1])
    except ValueError as error:
        return fail(error)
    about = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    trainer = Trainer(
        model=model,
        optimizer=tensorgrad.optim.Adam(model.parameters(), lr=options.lr),
        train_loader=data.DataLoader(train, batch_size=options.batch_size, shuffle=True),
        test_loader=data.DataLoader(test, batch_size=256),
        epochs=options.epochs,
        device=options.device,
        out=options.out,
        log_steps=options.log_steps,
        about=about | {"engine": f"{tensorgrad.__name__} {tensorgrad.__version__}"},
    )
    try:
        finished = trainer.run()
    except OSError as error:
        return fail(error)
    report(trainer)
    return 0 if finished else 130


def report(trainer: Trainer) -> None:
    """Print the accuracy of each digit in the last test, and where the files are."""
    if trainer.per_class:
        print("digit  accuracy")
        for digit, right, count in trainer.per_class:
            print(f"{digit:5}  {right / count:8.4f}")
        _, right, count = map(sum, zip(*trainer.per_class))
        print(f"total  {right / count:8.4f}  ({right:,} of {count:,})")
    if trainer.history["steps"]:
        did = "interrupted; kept" if trainer.stop.wanted else "wrote"
        print(f"{did} model.safetensors, history.json, curves.png in {os.path.relpath(trainer.out)}")
