"""Calls on 4x4 float32 tensors: what the way from Python to the kernel and back costs."""

from __future__ import annotations

from typing import Any

from .registry import Run, case


def _pair(torch: Any, requires_grad: bool = False) -> tuple[Any, Any]:
    torch.manual_seed(0)
    a, b = (torch.randn(4, 4, requires_grad=requires_grad) for _ in range(2))
    return a, b


@case("calls", "a + b")
def add(torch: Any) -> Run:
    a, b = _pair(torch)
    return lambda: a + b


@case("calls", "a + 1")
def add_number(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a + 1


@case("calls", "a + b, recording")
def add_recording(torch: Any) -> Run:
    a, b = _pair(torch, requires_grad=True)
    return lambda: a + b


@case("calls", "torch.exp(a)")
def exp(torch: Any) -> Run:
    a, _ = _pair(torch)
    function = torch.exp
    return lambda: function(a)


@case("calls", "a += b")
def add_in_place(torch: Any) -> Run:
    a, b = _pair(torch)
    return lambda: a.add_(b)


@case("calls", "a < b")
def less(torch: Any) -> Run:
    a, b = _pair(torch)
    return lambda: a < b


@case("calls", "a @ b")
def matmul(torch: Any) -> Run:
    a, b = _pair(torch)
    return lambda: a @ b


@case("calls", "a.sum(0)")
def sum_of_columns(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a.sum(0)


@case("calls", "a.view(16)")
def view(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a.view(16)


@case("calls", "a.t()")
def transpose(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a.t()


@case("calls", "a[1]")
def index(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a[1]


@case("calls", "a[:, 1:3]")
def slices(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a[:, 1:3]


@case("calls", "a[rows]")
def index_by_tensor(torch: Any) -> Run:
    a, _ = _pair(torch)
    rows = torch.tensor([2, 0])
    return lambda: a[rows]


@case("calls", "a[0, 0].item()")
def item(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a[0, 0].item()


@case("calls", "cat")
def cat(torch: Any) -> Run:
    a, b = _pair(torch)
    function = torch.cat
    return lambda: function([a, b])


@case("calls", "where")
def where(torch: Any) -> Run:
    a, b = _pair(torch)
    mask = a < b
    function = torch.where
    return lambda: function(mask, a, b)


@case("calls", "zeros(4, 4)")
def zeros(torch: Any) -> Run:
    function = torch.zeros
    return lambda: function(4, 4)


@case("calls", "tensor of a list")
def tensor(torch: Any) -> Run:
    function, numbers = torch.tensor, [1.0, 2.0, 3.0, 4.0]
    return lambda: function(numbers)


@case("calls", "F.linear")
def linear_call(torch: Any) -> Run:
    a, weight = _pair(torch)
    bias = torch.randn(4)
    linear = torch.nn.functional.linear
    return lambda: linear(a, weight, bias)


@case("calls", "nn.Linear")
def linear_module(torch: Any) -> Run:
    a, _ = _pair(torch)
    layer = torch.nn.Linear(4, 4)
    return lambda: layer(a)


@case("calls", "softmax")
def softmax(torch: Any) -> Run:
    a, _ = _pair(torch)
    return lambda: a.softmax(1)


@case("calls", "(a * b).sum().backward()")
def backward(torch: Any) -> Run:
    a, b = _pair(torch, requires_grad=True)
    return lambda: (a * b).sum().backward()


@case("calls", "backward of 40 ops")
def backward_of_forty(torch: Any) -> Run:
    a, b = _pair(torch, requires_grad=True)

    def run() -> None:
        x = a
        for _ in range(13):
            x = (x * b + a).tanh()
        x.sum().backward()

    return run
