"""Trains a ConvNet on handwritten digits: `python -m examples.mnist.cnn.train`."""

import sys

from ..training import make_parser, parse, train
from .model import CNN


def main(arguments: list[str] | None = None) -> int:
    """Train and report; returns the exit code."""
    return train(parse(make_parser("cnn", __doc__), arguments), lambda image_size: CNN(image_size=image_size))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
