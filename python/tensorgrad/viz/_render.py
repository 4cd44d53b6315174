"""render: from a tensor to a picture."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import Any

from tensorgrad import Tensor
from tensorgrad.viz._dot import to_dot
from tensorgrad.viz._graph import read_graph
from tensorgrad.viz._watch import watch

__all__ = ["render"]


def render(
    outputs: Any,
    format: str = "image",
    *,
    names: Any = None,
    watched: watch | None = None,
    values: bool = True,
    max_elements: int = 32,
    direction: str = "TB",
    legend: bool = True,
    dpi: int = 144,
    max_ops: int = 1000,
) -> Any:
    """The graph behind `outputs`, as a picture: leaves, ops, shapes, values and gradients.

    Leaves have values and gradients at hand. Results between them have theirs if they stand in `names` (the
    gradient, if they retain it), and all have if the program ran under `tensorgrad.viz.watch`.

    Args:
        outputs: a tensor or several.
        format: "image" (a PIL image), "svg" or "dot" (text), "png" (bytes).
        names: a module, or a dict of tensors and modules such as locals(): what to call the tensors.
        watched: the watch under which the graph was recorded; adds values, gradients, data, module calls.
        values: write values and gradients; False shows ops and shapes alone.
        max_elements: tensors with more elements, or more than two dimensions, are summed up.
        direction: "TB" downwards, "LR" to the right, "BT", "RL".
        legend: explain the colors.
        dpi: dots per inch of images.
        max_ops: the largest graph that is drawn.

    Raises:
        TypeError: outputs are no tensors, or names no module or dict.
        ValueError: an unknown format or direction, or too large a graph.
        RuntimeError: the graphviz program is missing, which all formats but "dot" need.
        ImportError: Pillow is missing, which "image" needs.
    """
    tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"render(): expected tensors, but got {type(tensor).__name__}")
    if format not in ("image", "svg", "dot", "png"):
        raise ValueError(f"render(): format must be 'image', 'svg', 'dot' or 'png', but got {format!r}")
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"render(): direction must be 'TB', 'LR', 'BT' or 'RL', but got {direction!r}")
    graph = read_graph(tensors, names, watched, max_ops)
    text = to_dot(graph, values, max_elements, direction, legend)
    if format == "dot":
        return text
    if format == "svg":
        return _run_dot(text, "svg", dpi).decode()
    picture = _run_dot(text, "png", dpi)
    if format == "png":
        return picture
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            "render() makes images with Pillow: pip install pillow; format='png' and 'svg' do without"
        ) from None
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


def _run_dot(text: str, kind: str, dpi: int) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise RuntimeError(
            "render() draws with the program 'dot' of graphviz, which is not installed: "
            "apt-get install graphviz (Debian, Ubuntu), brew install graphviz (macOS); "
            "format='dot' gives the text that it draws, without it"
        )
    options = [] if kind == "svg" else [f"-Gdpi={dpi}"]
    done = subprocess.run([program, f"-T{kind}", *options], input=text.encode(), capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"graphviz failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
