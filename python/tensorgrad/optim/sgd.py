"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.optim.optimizer import (
    Optimizer,
    _global_post_hooks,
    _global_pre_hooks,
    _with_hooks,
    as_float,
    check_flags,
    check_rate,
    run_closure,
)

__all__ = ["SGD"]


class SGD(Optimizer):
    """p -= lr * g; with momentum, g is replaced by the buffer b = momentum * b + (1 - dampening) * g.

    One step is one call of the engine over all parameters of a group.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        momentum: 0 for none.
        dampening: what is taken off new gradients in the buffer.
        weight_decay: times the parameter, added to the gradient.
        nesterov: g + momentum * b in place of b.
        maximize: climb instead.
        foreach, fused, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and
            composed of recorded operations with `differentiable`.

    Raises:
        ValueError: a value is out of its range.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        check_flags(foreach, fused, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` computes the loss again and returns it."""
        if (
            closure is not None
            or self._optimizer_step_pre_hooks
            or self._optimizer_step_post_hooks
            or _global_pre_hooks
            or _global_post_hooks
        ):
            return _step_with_hooks(self, closure) if closure is not None else _step_with_hooks(self)
        state = self.state
        for group in self.param_groups:
            rest = _C._optim.sgd(group, state)
            if rest is not None:
                _step_composed(rest, state, group)
        return None

    step.hooked = True  # type: ignore[attr-defined]


def _plain_step(self: SGD, closure: Callable[[], Any] | None = None) -> Any:
    loss = run_closure(closure)
    for group in self.param_groups:
        rest = _C._optim.sgd(group, self.state)
        if rest is not None:
            _step_composed(rest, self.state, group)
    return loss


_plain_step.__name__, _plain_step.__qualname__ = "step", "SGD.step"
_step_with_hooks = _with_hooks(_plain_step)


def _step_composed(parameters: list[Tensor], state: Any, group: dict[str, Any]) -> None:
    """The step of parameters that the fused one does not take (half precision, strided, differentiable)."""
    momentum, lr = group["momentum"], group["lr"]
    with tensorgrad.set_grad_enabled(bool(group["differentiable"])):
        for parameter in parameters:
            gradient: Any = parameter.grad
            if group["maximize"]:
                gradient = -gradient
            if group["weight_decay"] != 0:
                gradient = gradient.add(parameter, alpha=as_float(group["weight_decay"]))
            if momentum != 0:
                own = state[parameter]
                buffer = own.get("momentum_buffer")
                if buffer is None:
                    buffer = own["momentum_buffer"] = gradient.clone().detach()
                else:
                    buffer.mul_(momentum).add_(gradient, alpha=1 - group["dampening"])
                gradient = gradient.add(buffer, alpha=momentum) if group["nesterov"] else buffer
            parameter.add_(gradient, alpha=-as_float(lr))
