"""Adadelta."""

from __future__ import annotations

from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_not_negative, new_step

__all__ = ["Adadelta"]


class Adadelta(FusedOptimizer):
    """p -= lr * d, d = g * sqrt(u + eps) / sqrt(v + eps); v and u are the running means of g^2 and d^2.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: what d is multiplied with.
        rho: how much of the old means is kept.
        eps: added under both roots.
        weight_decay: times the parameter, added to the gradient.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and composed
            of recorded operations with `differentiable`.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(_C._optim.adadelta)
    _capturable_needs = FusedOptimizer._capturable_needs.replace(", 'xla'", "")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(lr, eps=eps, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "square_avg": tensorgrad.zeros_like(parameter),
            "acc_delta": tensorgrad.zeros_like(parameter),
        }

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        rho, eps = group["rho"], group["eps"]
        square = own["square_avg"].mul_(rho).addcmul_(gradient, gradient, value=1 - rho)
        delta = own["acc_delta"].add(eps).sqrt() / square.add(eps).sqrt() * gradient
        own["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        parameter.add_(delta, alpha=-lr)
