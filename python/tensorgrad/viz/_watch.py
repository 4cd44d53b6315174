"""watch: keeps what a picture shows beyond the graph itself, while a program computes."""

from __future__ import annotations

from typing import Any

from tensorgrad import _C, Tensor
from tensorgrad.nn.modules import module as _module

__all__ = ["Call", "Step", "watch"]


class Call:
    """One call of a module, inside another's or (`parent` None) at the top."""

    def __init__(self, module: Any, path: str, parent: Call | None) -> None:
        self.module = module
        self.path = path
        self.parent = parent


class Step:
    """What was seen of one recorded op: its outputs, the tensors without gradient that it read, its call."""

    def __init__(self, call: Call | None) -> None:
        self.outputs: dict[int, tuple[Tensor, int]] = {}  # by output number: the tensor, and its version
        self.inputs: list[Tensor] = []
        self.call = call


class watch:
    """Inside, every recorded op keeps its result's value and gradient, and the module call it belongs to.

    All intermediate tensors stay in memory as long as this object does: it is for looking, not for training.

    >>> model = tensorgrad.nn.Sequential(tensorgrad.nn.Linear(2, 3), tensorgrad.nn.Tanh())
    >>> with tensorgrad.viz.watch(model) as seen:
    ...     loss = model(tensorgrad.ones(1, 2)).sum()
    ...     loss.backward()
    >>> len(seen.steps)
    3
    >>> picture = seen.render(loss, format="dot")

    Args:
        model: gives the paths of its modules and the names of its parameters; without it modules are known by
            their class.

    Raises:
        RuntimeError: this thread is watched already.
    """

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.steps: dict[Any, Step] = {}  # by node
        self._paths = {} if model is None else {id(module): path for path, module in model.named_modules()}
        self._calls: list[Call] = []
        self._open: list[int] = []

    def __enter__(self) -> watch:
        _C._watch_begin()
        self._handles = [
            _module.register_module_forward_pre_hook(self._enter_module),
            _module.register_module_forward_hook(self._leave_module, always_call=True),
        ]
        return self

    def __exit__(self, *exception: Any) -> None:
        for handle in self._handles:
            handle.remove()
        for node, output, inputs, scope, version in _C._watch_end():
            call = self._calls[scope - 1] if scope else None
            step = self.steps.setdefault(node, Step(call))
            step.outputs[output.output_nr] = (output, version)
            step.inputs += inputs
        self._open.clear()

    def _enter_module(self, module: Any, args: Any) -> None:
        parent = self._calls[self._open[-1] - 1] if self._open else None
        self._calls.append(Call(module, self._paths.get(id(module), ""), parent))
        self._open.append(len(self._calls))
        _C._watch_scope(len(self._calls))

    def _leave_module(self, module: Any, args: Any, output: Any) -> None:
        if self._open:
            self._open.pop()
        _C._watch_scope(self._open[-1] if self._open else 0)

    def render(self, outputs: Any, format: str = "image", **options: Any) -> Any:
        """The picture of what was watched; see tensorgrad.viz.render."""
        from tensorgrad.viz._render import render

        return render(outputs, format, watched=self, **options)
