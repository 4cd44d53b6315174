"""Adam and AdamW."""

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

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """p -= lr * m / (sqrt(v) + eps), m and v the running means of gradient and squared gradient, bias
    corrected.

    One step is one call of the engine over all parameters of a group.

    Args:
        params: tensors, groups, or pairs of name and tensor.
        lr: the learning rate.
        betas: how much of the old means is kept.
        eps: added to the denominator.
        weight_decay: times the parameter, added to the gradient; or, with `decoupled_weight_decay`, the
            parameter is shrunk by lr * weight_decay first.
        amsgrad: divide by the largest v so far.
        maximize: climb instead.
        foreach, fused, differentiable: accepted as PyTorch accepts them; the step is fused in any case, and
            composed of recorded operations with `differentiable`.
        capturable: for GPUs only.

    Raises:
        ValueError: a value is out of its range.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor):
            if foreach and not capturable:
                raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
            check_rate(lr)
        if not 0.0 <= lr:  # noqa: SIM300 (the order shows in an error)
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for index, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
        if not weight_decay >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        for index, beta in enumerate(betas):
            if not isinstance(beta, Tensor):
                continue
            if not capturable and foreach:
                raise ValueError(
                    f"betas[{index}] as a Tensor is not supported for capturable=False and foreach=True"
                )
            if beta.numel() != 1:
                raise ValueError(f"Tensor betas[{index}] must be 1-element")
        first, second = (beta.squeeze() if isinstance(beta, Tensor) else beta for beta in betas)
        betas = (first, second)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )
        check_flags(foreach, fused, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)
            for parameter in group["params"]:
                own = self.state.get(parameter, [])
                if len(own) != 0 and not isinstance(own["step"], Tensor):
                    own["step"] = tensorgrad.tensor(float(own["step"]), dtype=_step_dtype())

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
            rest = _C._optim.adam(group, state)
            if rest is not None:
                _step_rest(rest, state, group)
        return None

    step.hooked = True  # type: ignore[attr-defined]


def _plain_step(self: Adam, closure: Callable[[], Any] | None = None) -> Any:
    loss = run_closure(closure)
    for group in self.param_groups:
        rest = _C._optim.adam(group, self.state)
        if rest is not None:
            _step_rest(rest, self.state, group)
    return loss


_plain_step.__name__, _plain_step.__qualname__ = "step", "Adam.step"
_step_with_hooks = _with_hooks(_plain_step)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters and does not enter the gradient; see Adam."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def _step_dtype() -> Any:
    is_double = tensorgrad.get_default_dtype() == tensorgrad.float64
    return tensorgrad.float64 if is_double else tensorgrad.float32


def _step_rest(parameters: list[Tensor], state: Any, group: dict[str, Any]) -> None:
    """The parameters that the fused step gave back: those without state get it and are offered once more."""
    if group["capturable"]:
        raise AssertionError(
            "If capturable=True, params and state_steps must be on supported devices: "
            "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']."
        )
    for parameter in parameters:
        own = state[parameter]
        if len(own) == 0:
            own["step"] = tensorgrad.tensor(0.0, dtype=_step_dtype())
            own["exp_avg"] = tensorgrad.zeros_like(parameter)
            own["exp_avg_sq"] = tensorgrad.zeros_like(parameter)
            if group["amsgrad"]:
                own["max_exp_avg_sq"] = tensorgrad.zeros_like(parameter)
    rest = _C._optim.adam({**group, "params": parameters}, state)
    if rest is not None:
        _step_composed(rest, state, group)


def _step_composed(parameters: list[Tensor], state: Any, group: dict[str, Any]) -> None:
    """The step of parameters that the fused one does not take (half precision, strided, differentiable)."""
    beta1, beta2 = (as_float(beta) for beta in group["betas"])
    lr, decay = as_float(group["lr"]), group["weight_decay"]
    with tensorgrad.set_grad_enabled(bool(group["differentiable"])):
        for parameter in parameters:
            own = state[parameter]
            own["step"] += 1
            steps = own["step"].item()
            gradient: Any = parameter.grad
            if group["maximize"]:
                gradient = -gradient
            if decay != 0:
                if group["decoupled_weight_decay"]:
                    parameter.mul_(1 - lr * decay)
                else:
                    gradient = gradient.add(parameter, alpha=decay)
            mean, square = own["exp_avg"], own["exp_avg_sq"]
            mean.lerp_(gradient, 1 - beta1)
            square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            if group["amsgrad"]:
                own["max_exp_avg_sq"].copy_(tensorgrad.maximum(own["max_exp_avg_sq"], square))
                square = own["max_exp_avg_sq"]
            root = (1 - beta2**steps) ** 0.5
            scale = (square.sqrt() / root).add_(group["eps"])
            if group["differentiable"]:  # what is saved must not be written by the next step
                mean = mean.clone()
            parameter.addcdiv_(mean, scale, value=-lr / (1 - beta1**steps))
