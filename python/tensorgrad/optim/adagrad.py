"""Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim._fused import FusedOptimizer, check_not_negative, new_step
from tensorgrad.optim.optimizer import check_flags

__all__ = ["Adagrad"]


class Adagrad(FusedOptimizer):
    """p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps), s the sum of all g^2 so far.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        lr_decay: how fast the rate falls with the steps t.
        weight_decay: times the parameter, added to the gradient.
        initial_accumulator_value: what s begins with.
        eps: added to the denominator.
        maximize: climb instead.
        foreach, fused, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and
            composed of recorded operations with `differentiable`.

    Raises:
        ValueError: a value is out of its range.
    """

    _fused = staticmethod(_C._optim.adagrad)
    _late_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "fused": None,
    }  # fmt: skip

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative(
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        check_flags(foreach, fused, differentiable)
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter].update(self._new_state(parameter, group))

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        return {"step": new_step(), "sum": tensorgrad.full_like(parameter, start, requires_grad=False)}

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        total = own["sum"].addcmul_(gradient, gradient)
        rate = lr / (1 + (own["step"].item() - 1) * group["lr_decay"])
        parameter.addcdiv_(gradient, total.sqrt().add(group["eps"]), value=-rate)
