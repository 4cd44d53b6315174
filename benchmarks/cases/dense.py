"""Matrix products, linear layers and attention."""

from __future__ import annotations

from typing import Any

from .limits import FLOAT
from .registry import kernel


def _product(name: str, m: int, k: int, n: int, kind: str = "NN", batch: int = 0) -> None:
    """(m, k) by (k, n); `kind` tells which of the two lies transposed in memory."""

    def make(torch: Any) -> list[Any]:
        lead = (batch,) if batch else ()
        a = torch.randn(*lead, k, m).transpose(-1, -2) if kind[0] == "T" else torch.randn(*lead, m, k)
        b = torch.randn(*lead, n, k).transpose(-1, -2) if kind[1] == "T" else torch.randn(*lead, k, n)
        return [a, b]

    shape = f"{f'{batch}x' if batch else ''}{m}x{k}x{n} {kind}"
    floats = 2.0 * m * k * n * max(batch, 1)
    bytes = FLOAT * (m * k + k * n + m * n) * max(batch, 1)
    # A product that reads each number once or twice only is bound by memory, not by arithmetic.
    limit = {"bytes": bytes} if floats < 4 * bytes else {"floats": floats}
    kernel(f"matmul {name} {shape}", make, lambda torch, a, b: a @ b, **limit)


_product("small", 32, 32, 32, "NT")
_product("small", 64, 10, 128, "NT")
_product("square", 256, 256, 256, "NN")
_product("square", 256, 256, 256, "NT")
_product("square", 512, 512, 512, "TN")
_product("square", 1024, 1024, 1024, "NN")
_product("tall", 8192, 64, 64, "NN")
_product("tall", 8192, 128, 512, "NT")
_product("skinny", 16, 4096, 16, "TN")
_product("skinny", 64, 2048, 64, "NT")
_product("wide", 64, 64, 8192, "NN")
_product("one row", 1, 2048, 2048, "NT")
_product("batched", 64, 64, 64, "NN", batch=32)
_product("batched", 50, 16, 50, "NT", batch=128)


def _enter_vectors() -> None:
    for side in (256, 2048):
        kernel(
            f"mv {side}x{side}",
            lambda torch, side=side: [torch.randn(side, side), torch.randn(side)],
            lambda torch, a, x: torch.mv(a, x),
            bytes=FLOAT * side * side,
        )
    for rows, inputs, outputs in ((16, 64, 64), (128, 784, 256), (2048, 128, 512)):
        kernel(
            f"linear {rows}x{inputs}x{outputs}",
            lambda torch, r=rows, i=inputs, o=outputs: [torch.randn(r, i), torch.randn(o, i), torch.randn(o)],
            lambda torch, x, weight, bias: torch.nn.functional.linear(x, weight, bias),
            floats=2.0 * rows * inputs * outputs,
        )


def _enter_attention() -> None:
    for shape in ((8, 4, 64, 32), (32, 4, 50, 16), (1, 8, 512, 64), (2, 12, 256, 64)):
        for is_causal in (False, True):
            batch, heads, length, width = shape
            floats = 4.0 * batch * heads * length * length * width
            kernel(
                f"attention{' causal' if is_causal else ''} {'x'.join(map(str, shape))}",
                lambda torch, shape=shape: [torch.randn(*shape) for _ in range(3)],
                lambda torch, q, k, v, c=is_causal: torch.nn.functional.scaled_dot_product_attention(
                    q, k, v, is_causal=c
                ),
                floats=floats / 2 if is_causal else floats,
            )


_enter_vectors()
_enter_attention()
