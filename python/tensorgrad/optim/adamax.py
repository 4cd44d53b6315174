"""Adamax."""

from __future__ import annotations

from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_betas, check_not_negative, new_step

__all__ = ["Adamax"]


class Adamax(FusedOptimizer):
    """p -= lr / (1 - beta1^t) * m / u, m the running mean of the gradient, u = max(beta2 * u, |g| + eps).

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        betas: how much of the old mean and of the old largest gradient is kept.
        eps: added to the gradient's size.
        weight_decay: times the parameter, added to the gradient.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and composed
            of recorded operations with `differentiable`.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(_C._optim.adamax)

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative(lr, eps=eps)
        check_betas(betas)
        check_not_negative(lr, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "exp_avg": tensorgrad.zeros_like(parameter),
            "exp_inf": tensorgrad.zeros_like(parameter),
        }

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        beta1, beta2 = group["betas"]
        own["exp_avg"].lerp_(gradient, 1 - beta1)
        largest = own["exp_inf"]
        largest.copy_(tensorgrad.maximum(largest * beta2, gradient.abs().add(group["eps"])))
        parameter.addcdiv_(own["exp_avg"], largest, value=-lr / (1 - beta1 ** own["step"].item()))
