"""What is measured: functions that take the module (`tensorgrad` or `torch`) and return what to time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

Case = Callable[[Any], Callable[[], Any]]
CALLS: dict[str, Case] = {}
LAYERS: dict[str, Case] = {}
KERNELS: dict[str, Case] = {}
STEPS: dict[str, Case] = {}


def case(table: dict[str, Case], name: str) -> Callable[[Case], Case]:
    """Enters a case in a table under its name."""

    def enter(function: Case) -> Case:
        table[name] = function
        return function

    return enter


def _pair(torch: Any, requires_grad: bool = False) -> tuple[Any, Any]:
    torch.manual_seed(0)
    return tuple(torch.randn(4, 4, requires_grad=requires_grad) for _ in range(2))


@case(CALLS, "a + b")
def add(torch: Any) -> Callable[[], Any]:
    a, b = _pair(torch)
    return lambda: a + b


@case(CALLS, "a + b, recording")
def add_recording(torch: Any) -> Callable[[], Any]:
    a, b = _pair(torch, requires_grad=True)
    return lambda: a + b


@case(CALLS, "a.view(16)")
def view(torch: Any) -> Callable[[], Any]:
    a, _ = _pair(torch)
    return lambda: a.view(16)


@case(CALLS, "a[1]")
def index(torch: Any) -> Callable[[], Any]:
    a, _ = _pair(torch)
    return lambda: a[1]


@case(CALLS, "F.linear")
def linear_call(torch: Any) -> Callable[[], Any]:
    a, weight = _pair(torch)
    bias = torch.randn(4)
    linear = torch.nn.functional.linear
    return lambda: linear(a, weight, bias)


@case(CALLS, "(a * b).sum().backward()")
def backward(torch: Any) -> Callable[[], Any]:
    a, b = _pair(torch, requires_grad=True)
    return lambda: (a * b).sum().backward()


def _xor_step(torch: Any, optimizer: str, **options: Any) -> Callable[[], Any]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 10), torch.nn.ReLU(), torch.nn.Linear(10, 2))
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    loss_of = torch.nn.CrossEntropyLoss()
    optim = getattr(torch.optim, optimizer)(model.parameters(), **options)

    def step() -> None:
        loss = loss_of(model(x), y)
        optim.zero_grad()
        loss.backward()
        optim.step()

    return step


@case(CALLS, "XOR step, SGD")
def xor_sgd(torch: Any) -> Callable[[], Any]:
    return _xor_step(torch, "SGD", lr=0.1)


@case(CALLS, "XOR step, Adam")
def xor_adam(torch: Any) -> Callable[[], Any]:
    return _xor_step(torch, "Adam", lr=0.01)


def _layer(make: Callable[[Any], Any], shape: tuple[int, ...], and_back: bool) -> Case:
    def prepare(torch: Any) -> Callable[[], Any]:
        torch.manual_seed(0)
        layer = make(torch)
        x = torch.randn(*shape, requires_grad=and_back)
        if not and_back:
            return lambda: layer(x)
        u = torch.ones_like(layer(x))

        def run() -> None:
            layer(x).backward(u)

        return run

    return prepare


def _enter_layers() -> None:
    """Four layers, each small enough for the nearest cache, as in a small model, and filling the machine."""
    table: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {}
    for batch, inputs, outputs in [(32, 64, 128), (32, 1024, 2048), (128, 2048, 4096)]:
        table[f"Linear({inputs}, {outputs}) of {batch}"] = (
            lambda torch, i=inputs, o=outputs: torch.nn.Linear(i, o),
            (batch, inputs),
        )
    for batch, inputs, side, outputs in [(4, 3, 32, 16), (8, 32, 64, 64), (8, 64, 128, 128)]:
        table[f"Conv2d({inputs}, {outputs}, 3) of {batch}x{side}x{side}"] = (
            lambda torch, i=inputs, o=outputs: torch.nn.Conv2d(i, o, 3, padding=1),
            (batch, inputs, side, side),
        )
    for batch, length, width, heads in [(4, 16, 64, 4), (8, 64, 256, 8), (8, 256, 512, 8)]:
        table[f"MultiheadAttention({width}, {heads}) of {batch}x{length}"] = (
            lambda torch, w=width, h=heads: _SelfAttention(torch, w, h),
            (batch, length, width),
        )
    for rows, columns in [(32, 64), (128, 1024), (1024, 4096)]:
        table[f"Softmax of {rows}x{columns}"] = (lambda torch: torch.nn.Softmax(dim=-1), (rows, columns))
    for name, (make, shape) in table.items():
        LAYERS[f"{name}, forward"] = _layer(make, shape, False)
        LAYERS[f"{name}, forward and backward"] = _layer(make, shape, True)


class _SelfAttention:
    """x attends to itself."""

    def __init__(self, torch: Any, width: int, heads: int) -> None:
        self.attend = torch.nn.MultiheadAttention(width, heads, batch_first=True)

    def __call__(self, x: Any) -> Any:
        return self.attend(x, x, x, need_weights=False)[0]


def _attention(shape: tuple[int, ...], is_causal: bool, and_back: bool) -> Case:
    def prepare(torch: Any) -> Callable[[], Any]:
        torch.manual_seed(0)
        q, k, v = (torch.randn(*shape, requires_grad=and_back) for _ in range(3))
        u = torch.randn(*shape)
        attend = torch.nn.functional.scaled_dot_product_attention
        if not and_back:
            return lambda: attend(q, k, v, is_causal=is_causal)
        return lambda: attend(q, k, v, is_causal=is_causal).backward(u)

    return prepare


def _enter_attention() -> None:
    for shape in [(8, 4, 64, 32), (32, 4, 50, 16), (1, 8, 512, 64), (2, 12, 256, 64)]:
        for is_causal in (False, True):
            for and_back in (False, True):
                name = f"Attention {'x'.join(map(str, shape))}{', causal' if is_causal else ''}"
                way = "forward and backward" if and_back else "forward"
                KERNELS[f"{name}, {way}"] = _attention(shape, is_causal, and_back)


def _enter_convolutions() -> None:
    for batch, channels, side in [(8, 3, 16), (16, 16, 28), (32, 32, 32)]:
        for and_back in (False, True):
            way = "forward and backward" if and_back else "forward"
            KERNELS[f"Convolution 3x3 {batch}x{channels}x{side}x{side}, {way}"] = _layer(
                lambda torch, channels=channels: torch.nn.Conv2d(channels, 32, 3, padding=1),
                (batch, channels, side, side),
                and_back,
            )


_enter_layers()
_enter_attention()
_enter_convolutions()


def _example(torch: Any, name: str) -> Any:
    """A module of the examples on `torch`; their files name their library as `tensorgrad`."""
    sys.modules["tensorgrad"] = torch
    return importlib.import_module(f"examples.{name}")


def _training_step(torch: Any, model: Any, optimizer: Any, loss_of: Callable[[], Any]) -> Callable[[], Any]:
    model.train()

    def step() -> None:
        optimizer.zero_grad()
        loss_of().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


@case(STEPS, "ViT of examples.mnist, 32 images")
def vit_step(torch: Any) -> Callable[[], Any]:
    torch.manual_seed(0)
    model = _example(torch, "mnist.vit.model").ViT()
    x, y = torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,))
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return _training_step(torch, model, optimizer, lambda: loss_of(model(x), y))


@case(STEPS, "GPT of examples.gpt, 32x64 characters")
def gpt_step(torch: Any) -> Callable[[], Any]:
    torch.manual_seed(0)
    model = _example(torch, "gpt.model").GPT(65, 64, 128, 4, 4, 0.0)
    x, y = (torch.randint(0, 65, (32, 64)) for _ in range(2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return _training_step(torch, model, optimizer, lambda: model.loss(x, y))
