"""Draws the graph of a network after one backward pass: `python -m examples.graph`.

The picture shows each tensor's values and gradients, the operations between them, and the modules they belong
to. It needs the program graphviz (`apt-get install graphviz`).
"""

import argparse
import io
from pathlib import Path

import tensorgrad
from examples.files import write_whole
from examples.mnist.cnn.model import CNN

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def xor_net() -> tuple:
    """The data and a small network of examples.xor."""
    x = tensorgrad.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = tensorgrad.tensor([1, 0, 0, 1])
    nn = tensorgrad.nn
    return x, y, nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))


def conv_net() -> tuple:
    """Random images and the ConvNet of examples.mnist.cnn."""
    return tensorgrad.randn(8, 1, 8, 8), tensorgrad.randint(0, 10, (8,)), CNN(image_size=8)


MODELS = {"xor": xor_net, "convnet": conv_net}


def png_of(image) -> bytes:
    """An image as a PNG file with a palette, a third of the size."""
    stream = io.BytesIO()
    image.convert("RGB").quantize(256).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def main(model: str = "xor", out: str | None = None, seed: int = 0) -> Path:
    """Draw a model's graph.

    Args:
        model: a name out of MODELS.
        out: the file to write, its kind said by the suffix (.png, .svg, .dot); else docs/images/MODEL.png.
        seed: seed of the initial weights.

    Returns:
        The file that was written.
    """
    tensorgrad.manual_seed(seed)
    x, y, net = MODELS[model]()
    loss_fn = tensorgrad.nn.CrossEntropyLoss()
    with tensorgrad.viz.watch(net) as seen:
        loss = loss_fn(net(x), y)
        loss.backward()
    path = Path(out) if out else IMAGES / f"{model}.png"
    kind = path.suffix[1:] if path.suffix in (".svg", ".dot") else "image"
    picture = seen.render(loss, kind, names={"x": x, "y": y, "loss": loss}, dpi=120)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, picture.encode() if isinstance(picture, str) else png_of(picture))
    print(f"wrote {path}")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.graph", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="xor", choices=sorted(MODELS))
    parser.add_argument("--out", help="file.png, file.svg or file.dot (default: docs/images/MODEL.png)")
    parser.add_argument("--seed", default=0, type=int, help="seed of the initial weights (default: 0)")
    main(**vars(parser.parse_args()))
