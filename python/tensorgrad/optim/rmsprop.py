"""RMSprop."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_not_negative, new_step

__all__ = ["RMSprop"]


class RMSprop(FusedOptimizer):
    """p -= lr * g / (sqrt(v) + eps), v = alpha * v + (1 - alpha) * g^2.

    With `centered`, the square of the gradient's running mean is taken off v; with `momentum`, a buffer
    b = momentum * b + g / (sqrt(v) + eps) takes the quotient's place.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        alpha: how much of the old means is kept.
        eps: added to the denominator.
        weight_decay: times the parameter, added to the gradient.
        momentum: 0 for none.
        centered: divide by the gradient's deviation.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and composed
            of recorded operations with `differentiable`.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(_C._optim.rmsprop)
    _late_options: ClassVar[dict[str, Any]] = {
        "momentum": 0, "centered": False, **FusedOptimizer._late_options,
    }  # fmt: skip

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": new_step(), "square_avg": tensorgrad.zeros_like(parameter)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = tensorgrad.zeros_like(parameter)
        if group["centered"]:
            state["grad_avg"] = tensorgrad.zeros_like(parameter)
        return state

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        alpha, square = group["alpha"], own["square_avg"]
        square.mul_(alpha).addcmul_(gradient, gradient, value=1 - alpha)
        if group["centered"]:
            own["grad_avg"].lerp_(gradient, 1 - alpha)
            square = square.addcmul(own["grad_avg"], own["grad_avg"], value=-1)
        size = square.sqrt().add(group["eps"])
        if group["momentum"] > 0:
            own["momentum_buffer"].mul_(group["momentum"]).addcdiv_(gradient, size)
            parameter.add_(own["momentum_buffer"], alpha=-lr)
        else:
            parameter.addcdiv_(gradient, size, value=-lr)
