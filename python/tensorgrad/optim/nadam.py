"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_betas, check_not_negative, new_step

__all__ = ["NAdam"]


class NAdam(FusedOptimizer):
    """p -= lr * ((1 - mu_t) / (1 - M_t) * g + mu_(t+1) / (1 - M_t * mu_(t+1)) * m) / (sqrt(v) + eps).

    m and v are the running means of gradient and squared gradient, v bias corrected;
    mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2), and M_t is the product of all mu so far.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        betas: how much of the old means is kept.
        eps: added to the denominator.
        weight_decay: times the parameter, added to the gradient; or, with `decoupled_weight_decay`, the
            parameter is shrunk by lr * weight_decay first.
        momentum_decay: how fast mu rises.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and composed
            of recorded operations with `differentiable`.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(_C._optim.nadam)
    _capturable_needs = FusedOptimizer._capturable_needs.replace("params and", "params, mu_products and")
    _late_options: ClassVar[dict[str, Any]] = {
        **FusedOptimizer._late_options, "decoupled_weight_decay": False,
    }  # fmt: skip

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative(lr, eps=eps)
        check_betas(betas)
        check_not_negative(lr, weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for own in self.state.values():
            if len(own) != 0 and not isinstance(own["mu_product"], Tensor):
                own["mu_product"] = new_step(float(own["mu_product"]))

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "mu_product": new_step(1.0),
            "exp_avg": tensorgrad.zeros_like(parameter),
            "exp_avg_sq": tensorgrad.zeros_like(parameter),
        }

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        (beta1, beta2), decay, steps = group["betas"], group["momentum_decay"], own["step"].item()
        mu, next_mu = (beta1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in (steps, steps + 1))
        own["mu_product"] *= mu
        product = own["mu_product"].item()
        own["exp_avg"].lerp_(gradient, 1 - beta1)
        square = own["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        size = square.div(1 - beta2**steps).sqrt().add(group["eps"])
        parameter.addcdiv_(gradient, size, value=-lr * (1 - mu) / (1 - product))
        mean = (
            own["exp_avg"].clone() if group["differentiable"] else own["exp_avg"]
        )  # the next step writes it
        parameter.addcdiv_(mean, size, value=-lr * next_mu / (1 - product * next_mu))
