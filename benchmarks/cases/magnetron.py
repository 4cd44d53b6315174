"""What magnetron 0.2.2, a small C core, has of the calls and of the XOR step, in its own spelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .registry import Prepare, Run


def _pair(function: Callable[[Any, Any], Any], requires_grad: bool = False) -> Prepare:
    """`function(a, b)` of two 4x4 tensors."""

    def prepare(magnetron: Any) -> Run:
        a, b = (magnetron.Tensor.normal(4, 4, requires_grad=requires_grad) for _ in range(2))
        return lambda: function(a, b)

    return prepare


def _xor(optimizer: str, **options: Any) -> Prepare:
    """Its cross entropy takes labels as rows of zeros and a one."""

    def prepare(magnetron: Any) -> Run:
        from magnetron import nn, optim

        model = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 2))
        x = magnetron.Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        y = magnetron.Tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
        loss_of = nn.CrossEntropyLoss()
        optimizer_ = getattr(optim, optimizer)(model.parameters(), **options)

        def step() -> None:
            optimizer_.zero_grad()
            loss_of(model(x), y).backward()
            optimizer_.step()

        return step

    return prepare


def _exp(magnetron: Any) -> Run:
    a = magnetron.Tensor.normal(4, 4)
    exp = magnetron.Tensor.exp
    return lambda: exp(a)


CASES: dict[str, dict[str, Prepare]] = {
    "calls": {
        "a + b": _pair(lambda a, b: a + b),
        "a + 1": _pair(lambda a, b: a + 1),
        "a + b, recording": _pair(lambda a, b: a + b, requires_grad=True),
        "torch.exp(a)": _exp,
        "a < b": _pair(lambda a, b: a < b),
        "a @ b": _pair(lambda a, b: a @ b),
        "a.sum(0)": _pair(lambda a, b: a.sum(0)),
        "a.view(16)": _pair(lambda a, b: a.view(16)),
        "a[1]": _pair(lambda a, b: a[1]),
        "a[:, 1:3]": _pair(lambda a, b: a[:, 1:3]),
        "a[0, 0].item()": _pair(lambda a, b: a[0, 0].item()),
        "(a * b).sum().backward()": _pair(lambda a, b: (a * b).sum().backward(), requires_grad=True),
    },
    "steps": {"XOR, SGD": _xor("SGD", lr=0.1), "XOR, Adam": _xor("Adam", lr=0.01)},
}
