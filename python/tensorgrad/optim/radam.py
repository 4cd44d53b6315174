"""RAdam: Adam with a rectified variance."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_betas, check_not_negative, new_step

__all__ = ["RAdam"]


class RAdam(FusedOptimizer):
    """p -= lr * m / (1 - beta1^t) * r * sqrt(1 - beta2^t) / (sqrt(v) + eps); while r is not defined,
    p -= lr * m / (1 - beta1^t).

    m and v are the running means of gradient and squared gradient. With R = 2 / (1 - beta2) - 1 and
    R_t = R - 2 * t * beta2^t / (1 - beta2^t), where R_t > 5:
    r = sqrt((R_t - 4) * (R_t - 2) * R / ((R - 4) * (R - 2) * R_t)).

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        betas: how much of the old means is kept.
        eps: added to the denominator.
        weight_decay: times the parameter, added to the gradient; or, with `decoupled_weight_decay`, the
            parameter is shrunk by lr * weight_decay first.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and composed
            of recorded operations with `differentiable`.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(_C._optim.radam)
    _late_options: ClassVar[dict[str, Any]] = {
        **FusedOptimizer._late_options, "decoupled_weight_decay": False,
    }  # fmt: skip

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "exp_avg": tensorgrad.zeros_like(parameter),
            "exp_avg_sq": tensorgrad.zeros_like(parameter),
        }

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        (beta1, beta2), steps = group["betas"], own["step"].item()
        own["exp_avg"].lerp_(gradient, 1 - beta1)
        square = own["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        left, longest = 1 - beta2**steps, 2 / (1 - beta2) - 1
        length = longest - 2 * steps * beta2**steps / left
        step = own["exp_avg"] / (1 - beta1**steps) * lr
        if length > 5:
            ratio = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            step = step * (left**0.5 / square.sqrt().add(group["eps"])) * ratio**0.5
        parameter.sub_(step)
