"""Tensor.register_hook and its relatives."""

from __future__ import annotations

from _weakref import ref
from collections import OrderedDict

from tensorgrad import _C
from tensorgrad._C import Tensor
from tensorgrad._hooks import RemovableHandle

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _EngineHandle(RemovableHandle):
    """A handle on a hook that the engine keeps."""

    def __init__(self, remove: Callable[..., None], owner: Any, number: int) -> None:
        self._alive: OrderedDict[int, Any] = OrderedDict()
        super().__init__(self._alive)
        # A tensor must not live on, graph and all, because somebody keeps the handle.
        self._alive[self.id] = (remove, ref(owner) if isinstance(owner, Tensor) else lambda: owner, number)

    def remove(self) -> None:
        """Removes the hook; doing it twice does no harm."""
        entry = self._alive.pop(self.id, None)
        if entry is not None:
            remove, owner, number = entry
            if owner() is not None:
                remove(owner(), number)


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Calls hook(grad) when a gradient of this tensor has been computed; its result replaces the gradient."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    return _EngineHandle(_C._remove_tensor_hook, self, _C._add_tensor_hook(self, hook))


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Calls hook(tensor) after the gradient was accumulated into `.grad`; for leaves."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return _EngineHandle(_C._remove_tensor_hook, self, _C._add_post_accumulate_hook(self, hook))


def node_register_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(grad_inputs, grad_outputs) after the node ran; what it returns replaces grad_inputs."""
    return _EngineHandle(_C._remove_node_hook, self, _C._node_hook(self, hook, False))


def node_register_prehook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls hook(grad_outputs) before the node runs; what it returns replaces them."""
    return _EngineHandle(_C._remove_node_hook, self, _C._node_hook(self, hook, True))


Tensor.register_hook = register_hook
Tensor.register_post_accumulate_grad_hook = register_post_accumulate_grad_hook
_C._Node.register_hook = node_register_hook
_C._Node.register_prehook = node_register_prehook
