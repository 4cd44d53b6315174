"""What the optimizers share whose step is one call of the engine for each group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import tensorgrad
from tensorgrad import Tensor
from tensorgrad.optim.optimizer import Optimizer, as_float, check_rate, run_closure

__all__ = ["FusedOptimizer", "check_betas", "check_not_negative", "leave_all", "new_step"]


def check_not_negative(lr: Any, **options: Any) -> None:
    """Refuses learning rates and options below 0, and NaN."""
    check_rate(lr)
    if not 0.0 <= lr:  # noqa: SIM300 (the order shows in an error)
        raise ValueError(f"Invalid learning rate: {lr}")
    for name, value in options.items():
        if not 0.0 <= value:  # noqa: SIM300
            raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


def check_betas(betas: Any) -> None:
    """Refuses betas outside [0, 1)."""
    for index in range(2):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


def new_step(value: float = 0.0) -> Tensor:
    """A count of steps: a tensor of the default dtype's precision, float32 at least."""
    is_double = tensorgrad.get_default_dtype() == tensorgrad.float64
    return tensorgrad.tensor(value, dtype=tensorgrad.float64 if is_double else tensorgrad.float32)


def leave_all(group: dict[str, Any], state: Any) -> list[Tensor] | None:
    """In the place of a fused step where there is none: leaves every parameter over."""
    return [parameter for parameter in group["params"] if parameter.grad is not None] or None


class FusedOptimizer(Optimizer):
    """Base class: `_fused` steps over a group and returns the parameters that it could not step, or None.

    Those get state where they have none, and are offered once more; what is left then (half precision,
    strided, differentiable) is stepped by `_step_composed`, in operations.
    """

    _fused: Any  # (group, state) -> parameters or None
    # Options that a state saved by an older version may lack.
    _late_options: ClassVar[dict[str, Any]] = {
        "foreach": None, "maximize": False, "differentiable": False, "capturable": False,
    }  # fmt: skip
    _capturable_needs: ClassVar[str] = (
        "params and state_steps must be on supported devices: ['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']"
    )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._late_options.items():
                group.setdefault(name, value)
            for parameter in group["params"]:
                own = self.state.get(parameter, [])
                if len(own) != 0 and not isinstance(own["step"], Tensor):
                    own["step"] = new_step(float(own["step"]))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` computes the loss again and returns it."""
        loss = run_closure(closure)
        for group in self.param_groups:
            rest = self._fused(group, self.state)
            if rest is not None:
                self._step_rest(rest, group)
        return loss

    def _step_rest(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        if group.get("capturable"):
            raise AssertionError(f"If capturable=True, {self._capturable_needs}.")
        for parameter in parameters:
            own = self.state[parameter]
            if len(own) == 0:
                own.update(self._new_state(parameter, group))
        rest = self._fused({**group, "params": parameters}, self.state)
        if rest is None:
            return
        lr, decay = as_float(group["lr"]), group.get("weight_decay", 0)
        with tensorgrad.set_grad_enabled(bool(group["differentiable"])):
            for parameter in rest:
                own = self.state[parameter]
                own["step"] += 1
                gradient: Any = parameter.grad
                if group["maximize"]:
                    gradient = -gradient
                if decay != 0:
                    if group.get("decoupled_weight_decay"):
                        parameter.mul_(1 - lr * decay)
                    else:
                        gradient = gradient.add(parameter, alpha=decay)
                self._step_composed(parameter, gradient, own, group, lr)

    def _new_state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        raise NotImplementedError

    def _step_composed(
        self, parameter: Any, gradient: Any, own: dict[str, Any], group: dict[str, Any], lr: float
    ) -> None:
        """The step of one parameter in operations; the gradient has sign and decay, the step is counted."""
        raise NotImplementedError
