"""Convolutions over one and two dimensions."""

from __future__ import annotations

import math
from typing import Any

import tensorgrad
from tensorgrad import Tensor
from tensorgrad.nn import functional as F
from tensorgrad.nn import init
from tensorgrad.nn.modules._utils import ntuple
from tensorgrad.nn.modules.module import Module
from tensorgrad.nn.parameter import Parameter

__all__ = ["Conv1d", "Conv2d"]


class _ConvNd(Module):
    __constants__ = [
        "stride",
        "padding",
        "dilation",
        "groups",
        "padding_mode",
        "output_padding",
        "in_channels",
        "out_channels",
        "kernel_size",
    ]
    bias: Tensor | None
    weight: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: Any,
        dilation: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in ("zeros", "reflect", "circular", "replicate"):
            raise ValueError(
                "padding_mode must be one of {'zeros', 'reflect', 'circular', 'replicate'}, "
                f"but got padding_mode={padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = False
        self.output_padding = (0,) * len(kernel_size)
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._explicit_padding()
        shape = (out_channels, in_channels // groups, *kernel_size)
        self.weight = Parameter(tensorgrad.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(tensorgrad.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _explicit_padding(self) -> list[int] | tuple[int, ...]:
        """What F.pad wants: for each dimension, last first, how much before and after."""
        if self.padding == "valid":
            return [0, 0] * len(self.kernel_size)
        if self.padding == "same":
            amounts = []
            for dilation, size in zip(self.dilation[::-1], self.kernel_size[::-1], strict=False):
                total = dilation * (size - 1)
                amounts += [total // 2, total - total // 2]
            return amounts
        return tuple(amount for amount in reversed(self.padding) for _ in range(2))

    def reset_parameters(self) -> None:
        """Draws weight and bias anew, both uniform in (-k, k), k = 1/sqrt(in_channels/groups * kernel
        elements)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(_ConvNd):
    """Cross-correlation over the last dimension.

    Shapes: input ``(N, in_channels, L)`` or ``(in_channels, L)``; weight ``(out_channels,
    in_channels/groups, K)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            ntuple(kernel_size, 1),
            ntuple(stride, 1),
            padding if isinstance(padding, str) else ntuple(padding, 1),
            ntuple(dilation, 1),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            return F.conv1d(input, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return F.conv1d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_ConvNd):
    """Cross-correlation over the last two dimensions.

    Shapes: input ``(N, in_channels, H, W)`` or ``(in_channels, H, W)``; weight ``(out_channels,
    in_channels/groups, KH, KW)``.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: one number, or one for each dimension; so too `stride`, `padding`, `dilation`.
        padding: numbers, or "same" (stride 1 only), or "valid".
        groups: input and output channels are cut into so many groups, each convolved apart.
        bias: whether there is a bias.
        padding_mode: "zeros", "reflect", "replicate" or "circular".

    Raises:
        ValueError: channels and groups do not fit, or padding is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            ntuple(kernel_size, 2),
            ntuple(stride, 2),
            padding if isinstance(padding, str) else ntuple(padding, 2),
            ntuple(dilation, 2),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            return F.conv2d(input, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
