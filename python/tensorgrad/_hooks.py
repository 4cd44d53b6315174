"""Handles that take a hook away again, and the machinery of a module's backward hooks."""

from __future__ import annotations

import warnings
from _weakref import ref
from collections import OrderedDict

from tensorgrad import _C
from tensorgrad._C import Tensor

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["RemovableHandle"]


class RemovableHandle:
    """What every ``register_*_hook`` returns: `remove()` takes the hook away; also a context manager.

    Args:
        hooks_dict: the dict the hook is kept in; held weakly.
        extra_dict: one dict, or several, with flags kept under the same id.
    """

    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        if extra_dict is None:
            extras: list[Any] = []
        elif isinstance(extra_dict, dict):
            extras = [extra_dict]
        else:
            extras = list(extra_dict)
        self.extra_dict_ref = tuple(ref(extra) for extra in extras)

    def remove(self) -> None:
        """Removes the hook; doing it twice does no harm."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> Any:
        return (self.hooks_dict_ref(), self.id, tuple(reference() for reference in self.extra_dict_ref))

    def __setstate__(self, state: Any) -> None:
        def reference(hooks: Any) -> Any:
            return ref(OrderedDict() if hooks is None else hooks)

        self.hooks_dict_ref = reference(state[0])
        self.id = state[1]
        self.extra_dict_ref = tuple(reference(extra) for extra in state[2]) if len(state) > 2 else ()
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        self.remove()


class ModuleBackward:
    """One forward call's backward hooks: identities around a module's inputs and outputs carry them.

    `enter` wraps the inputs, `leave` the outputs. The outputs' identity sees the gradients that arrive
    first (and runs the pre-hooks), the inputs' identity those that leave last (and runs the hooks).
    """

    def __init__(self, module: Any, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.inputs = _Places()
        self.outputs = _Places()
        self.grad_outputs: tuple[Any, ...] | None = None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments with the tensors among them behind an identity."""
        wrapped, node = self.inputs.wrap(args)
        if node is not None:
            _C._node_hook(node, self._inputs_done, False)
        return wrapped

    def leave(self, result: Any) -> Any:
        """The module's result behind an identity; a tensor stays a tensor."""
        many = isinstance(result, tuple)
        wrapped, node = self.outputs.wrap(result if many else (result,))
        if node is not None:
            _C._node_hook(node, self._outputs_arrived, True)
            _C._node_hook(node, self._outputs_done, False)
        return wrapped if many else wrapped[0]

    def _outputs_arrived(self, grads: tuple[Any, ...]) -> Any:
        grads = self.outputs.spread(grads)
        for hook in self.pre_hooks:
            changed = hook(self.module, grads)
            if changed is not None:
                if len(changed) != len(grads):
                    raise RuntimeError(
                        "Backward pre hook returned an invalid number of grad_output, "
                        f"got {len(changed)}, but expected {len(grads)}"
                    )
                grads = changed
        self.grad_outputs = grads
        return self.outputs.pick(grads)

    def _outputs_done(self, grad_inputs: Any, _: Any) -> None:
        if self.inputs.wrapped:
            return
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs "
            "since no "
            "inputs require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=5,
        )
        for hook in self.hooks:
            changed = hook(self.module, self.inputs.spread(()), self.grad_outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None "
                    "or None for all gradients."
                )
        self.grad_outputs = None

    def _inputs_done(self, grads: tuple[Any, ...], _: Any) -> Any:
        if self.grad_outputs is None:  # no gradient came through the outputs
            return None
        grads = self.inputs.spread_inputs(grads)
        for hook in self.hooks:
            changed = hook(self.module, grads, self.grad_outputs)
            if changed is not None:
                if len(changed) != len(grads):
                    raise RuntimeError(
                        "Backward hook returned an invalid number of grad_input, "
                        f"got {len(changed)}, but expected {len(grads)}"
                    )
                grads = changed
        self.grad_outputs = None
        return self.inputs.pick(grads)


class _Places:
    """Where the tensors stand in a tuple of arguments or results."""

    def __init__(self) -> None:
        self.count = 0
        self.places: list[int] = []
        self.wrapped = False
        self.idle: list[tuple[int, Any, Any]] = []

    def wrap(self, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        """The values with an identity around the tensors that need gradients, and its node, if any."""
        self.count = len(values)
        places = [i for i, value in enumerate(values) if isinstance(value, Tensor) and value.requires_grad]
        if not places or not _C.is_grad_enabled():
            return values, None
        self.places = places
        self.wrapped = True
        self.idle = [
            (i, value.shape, value.dtype)
            for i, value in enumerate(values)
            if isinstance(value, Tensor) and not value.requires_grad
        ]
        out = list(values)
        fresh = _C._identity(*[values[i] for i in places])
        for place, tensor in zip(places, fresh, strict=True):
            out[place] = tensor
        make = type(values)
        return (make(out) if make is tuple else make(*out)), fresh[0].grad_fn

    def spread(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Gradients at the places of their tensors, None elsewhere."""
        out = [None] * self.count
        for place, grad in zip(self.places, grads, strict=False):
            out[place] = grad
        return tuple(out)

    def spread_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The same, with zeros for the tensors that need no gradient."""
        out = list(self.spread(grads))
        for place, shape, dtype in self.idle:
            out[place] = _C._ops.zeros(shape, dtype=dtype)
        return tuple(out)

    def pick(self, grads: Any) -> tuple[Any, ...]:
        """The reverse of `spread`."""
        return tuple(grads[place] for place in self.places)
