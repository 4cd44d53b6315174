"""Where cases are entered: what to time, how large it is, and the least that it has to move or compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

Run = Callable[[], Any]
Prepare = Callable[[Any], Run]  # takes the module, `tensorgrad` or `torch`, and returns what to time


@dataclasses.dataclass(frozen=True)
class Case:
    """`bytes` must be read and written at least, `floats` multiplied and added; 0: not counted."""

    name: str
    prepare: Prepare
    bytes: float = 0
    floats: float = 0


GROUPS: dict[str, dict[str, Case]] = {}
FORWARD = "forward"
BOTH = "forward and backward"


def enter(group: str, case: Case) -> None:
    """Adds a case to a group; its name must be new there."""
    cases = GROUPS.setdefault(group, {})
    if case.name in cases:
        raise ValueError(f"the group {group} has a case {case.name} already")
    cases[case.name] = case


def case(group: str, name: str) -> Callable[[Prepare], Prepare]:
    """Enters a function of the module under a name."""

    def decorate(prepare: Prepare) -> Prepare:
        enter(group, Case(name, prepare))
        return prepare

    return decorate


def differentiable(inputs: Sequence[Any]) -> list[Any]:
    """The floating tensors among `inputs`, from now on leaves that take gradients."""
    return [x.requires_grad_() for x in inputs if hasattr(x, "requires_grad_") and x.is_floating_point()]


def forward_and_backward(torch: Any, function: Callable[..., Any], inputs: Sequence[Any]) -> Run:
    """`function(*inputs)` and the gradients of every floating input, none of them kept from call to call."""
    leaves = differentiable(inputs)
    u = torch.randn_like(function(*inputs).detach())
    grad = torch.autograd.grad
    return lambda: grad(function(*inputs), leaves, u)


def kernel(
    name: str,
    make: Callable[[Any], Sequence[Any]],
    function: Callable[..., Any],
    *,
    bytes: float = 0,
    floats: float = 0,
    backward: bool = True,
) -> None:
    """Enters `function(torch, *inputs)` in the group `kernels`, forward and with its backward."""

    def inputs(torch: Any) -> Sequence[Any]:
        torch.manual_seed(0)
        return make(torch)

    def forward(torch: Any) -> Run:
        given = inputs(torch)
        return lambda: function(torch, *given)

    def both(torch: Any) -> Run:
        return forward_and_backward(torch, lambda *given: function(torch, *given), inputs(torch))

    enter("kernels", Case(f"{name}, {FORWARD}", forward, bytes, floats))
    if backward:
        enter("kernels", Case(f"{name}, {BOTH}", both))
