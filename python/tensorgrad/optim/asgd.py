"""ASGD: averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import tensorgrad
from tensorgrad import Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_not_negative, leave_all, new_step
from tensorgrad.optim.optimizer import as_float

__all__ = ["ASGD"]


class ASGD(FusedOptimizer):
    """p = (1 - lambd * eta) * p - eta * g, with eta = lr / (1 + lambd * lr * t)^alpha.

    The state "ax" is p, and from step t0 on the mean of p over the steps.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        lambd: the decay.
        alpha: how fast eta falls.
        t0: the step at which averaging begins.
        weight_decay: times the parameter, added to the gradient.
        maximize: climb instead.
        foreach, differentiable: accepted as PyTorch accepts them; the step is composed of operations.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(leave_all)
    _capturable_needs = FusedOptimizer._capturable_needs.replace(
        "params and state_steps", "params, mus, etas, and state_steps"
    )

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative(lr, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for own in self.state.values():
            for name in ("eta", "mu"):
                if len(own) != 0 and not isinstance(own[name], Tensor):
                    own[name] = new_step(float(own[name]))

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "eta": new_step(as_float(group["lr"])),
            "mu": new_step(1.0),
            "ax": tensorgrad.zeros_like(parameter),
        }

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        lambd, eta, steps = group["lambd"], own["eta"].item(), own["step"].item()
        parameter.mul_(1 - lambd * eta)
        parameter.add_(gradient, alpha=-eta)
        if own["mu"].item() != 1:
            own["ax"].add_(parameter.sub(own["ax"]).mul(own["mu"]))
        else:
            own["ax"].copy_(parameter)
        own["eta"].fill_(lr / (1 + lambd * lr * steps) ** group["alpha"])
        own["mu"].fill_(1 / max(1, steps - group["t0"]))
