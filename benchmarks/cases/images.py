"""Convolutions, pools and batch normalization of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .limits import FLOAT
from .registry import kernel


def _convolution(
    name: str, image: tuple[int, int, int, int], outputs: int, side: int, *, stride: int = 1, groups: int = 1
) -> None:
    """`outputs` filters of side x side, padded so that stride 1 keeps the size."""
    batch, inputs, height, width = image
    padding = side // 2

    def make(torch: Any) -> list[Any]:
        weight = torch.randn(outputs, inputs // groups, side, side)
        return [torch.randn(*image), weight, torch.randn(outputs)]

    def convolve(torch: Any, x: Any, weight: Any, bias: Any) -> Any:
        return torch.nn.functional.conv2d(x, weight, bias, stride, padding, 1, groups)

    positions = batch * (height // stride) * (width // stride)
    floats = 2.0 * positions * outputs * (inputs // groups) * side**2
    kernel(f"conv2d {name} {'x'.join(map(str, image))} to {outputs}", make, convolve, floats=floats)


_convolution("1x1", (16, 64, 28, 28), 128, 1)
_convolution("3x3", (32, 1, 28, 28), 16, 3)
_convolution("3x3", (8, 3, 16, 16), 32, 3)
_convolution("3x3", (16, 16, 28, 28), 32, 3)
_convolution("3x3", (32, 32, 32, 32), 32, 3)
_convolution("3x3", (16, 64, 16, 16), 64, 3)
_convolution("3x3 stride 2", (16, 32, 32, 32), 64, 3, stride=2)
_convolution("5x5", (16, 16, 28, 28), 32, 5)
_convolution("7x7 stride 2", (4, 3, 96, 96), 64, 7, stride=2)
_convolution("depthwise 3x3", (16, 64, 28, 28), 64, 3, groups=64)
_convolution("grouped 3x3", (16, 64, 28, 28), 64, 3, groups=4)


def _transposed(torch: Any, x: Any, weight: Any, bias: Any) -> Any:
    return torch.nn.functional.conv_transpose2d(x, weight, bias, stride=2)


kernel(
    "conv_transpose2d 2x2 stride 2 16x64x14x14 to 32",
    lambda torch: [torch.randn(16, 64, 14, 14), torch.randn(64, 32, 2, 2), torch.randn(32)],
    _transposed,
    floats=2.0 * 16 * 64 * 14 * 14 * 32 * 4,
)


def _image(name: str, function: Callable[..., Any], written: float) -> None:
    """A function of images; `written` numbers come out for each that goes in."""
    for image in ((16, 16, 28, 28), (32, 64, 32, 32)):
        count = image[0] * image[1] * image[2] * image[3]
        kernel(
            f"{name} {'x'.join(map(str, image))}",
            lambda torch, image=image: [torch.randn(*image)],
            function,
            bytes=(1 + written) * FLOAT * count,
        )


_image("max_pool2d 2", lambda torch, x: torch.nn.functional.max_pool2d(x, 2), 0.25)
_image("max_pool2d 3 stride 2", lambda torch, x: torch.nn.functional.max_pool2d(x, 3, 2, 1), 0.25)
_image("avg_pool2d 2", lambda torch, x: torch.nn.functional.avg_pool2d(x, 2), 0.25)
_image("adaptive_avg_pool2d 1", lambda torch, x: torch.nn.functional.adaptive_avg_pool2d(x, 1), 0)


def _batch_norm(torch: Any, x: Any) -> Any:
    return torch.nn.functional.batch_norm(x, None, None, training=True)


_image("batch_norm training", _batch_norm, 1)
