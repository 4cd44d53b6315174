"""Rprop: resilient backpropagation."""

from __future__ import annotations

from typing import Any

import tensorgrad
from tensorgrad import Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_not_negative, leave_all, new_step
from tensorgrad.optim.optimizer import as_float

__all__ = ["Rprop"]


class Rprop(FusedOptimizer):
    """p -= s * sign(g), with a step size s of its own for each element.

    s grows by etas[1] while the gradient keeps its sign, and shrinks by etas[0] where it changed; there the
    element stays where it is, and its gradient counts as 0.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the first step size.
        etas: the factors by which step sizes shrink and grow.
        step_sizes: the least and the largest step size.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is composed of operations.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(leave_all)

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "prev": tensorgrad.zeros_like(parameter),
            "step_size": tensorgrad.full_like(parameter, as_float(group["lr"])),
        }

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        shrink, grow = group["etas"]
        previous, size = own["prev"], own["step_size"]
        if group["differentiable"]:  # what is recorded must not be written by the next step
            previous = previous.clone()
        sign = (gradient * previous).sign()
        factor = sign.masked_fill(sign > 0, grow).masked_fill(sign < 0, shrink).masked_fill(sign == 0, 1)
        size.mul_(factor).clamp_(*group["step_sizes"])
        gradient = gradient.masked_fill(factor == shrink, 0)
        parameter.sub_(gradient.sign() * size)
        own["prev"].copy_(gradient)
