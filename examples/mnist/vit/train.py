"""Trains a vision transformer on handwritten digits: `python -m examples.mnist.vit.train`."""

import sys

from ...harness import positive
from ..training import make_parser, parse, train
from .model import ViT


def main(arguments: list[str] | None = None) -> int:
    """Train and report; returns the exit code."""
    parser = make_parser("vit", __doc__)
    add = parser.add_argument
    add("--patch_size", type=positive, metavar="N", help="default: a quarter of the image's side")
    add("--embed", default=64, type=positive, metavar="N", help="width of each patch's vector (default: 64)")
    add("--num_heads", default=4, type=positive, metavar="N", help="attention heads (default: 4)")
    add("--num_layers", default=4, type=positive, metavar="N", help="transformer layers (default: 4)")
    options = parse(parser, arguments)
    return train(
        options,
        lambda image_size: ViT(
            image_size=image_size,
            patch_size=options.patch_size or image_size // 4,
            embed=options.embed,
            num_heads=options.num_heads,
            num_layers=options.num_layers,
        ),
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
