"""The graph and what may be hooked into it: nodes, edges, saved tensors, several gradients at once."""

from __future__ import annotations

import contextlib
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tensorgrad import _C
from tensorgrad._C import Tensor
from tensorgrad._hooks import RemovableHandle

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

# The class of every `grad_fn`.
Node = _C._Node

GradientEdge = namedtuple("GradientEdge", ["node", "output_nr", "ownership_token"], defaults=[None])
GradientEdge.__doc__ = "Where a tensor's gradient flows: a node, and which of its outputs the tensor is."


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge of a tensor that requires gradients; backward() and grad() take it in the tensor's place."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(_C._gradient_node(tensor), tensor.output_nr)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Counts a write that the engine could not see, so that backward notices it."""
    for each in (tensor,) if isinstance(tensor, Tensor) else tensor:
        if not each.is_inference():
            _C._increment_version(each)


class saved_tensors_hooks:
    """Inside, what an operation saves for backward goes through `pack_hook`, and comes back by `unpack_hook`.

    pack_hook(tensor) -> anything; it must not write into the tensor.
    unpack_hook(anything) -> a tensor of the same content.
    Only the innermost hooks serve.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _C._push_saved_tensors_default_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exception: object) -> None:
        _C._pop_saved_tensors_default_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Inside, tensors saved for backward wait on the cpu and return to their device when needed."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: (tensor.device, tensor.cpu()), lambda packed: packed[1].to(packed[0]))


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, setting saved-tensor hooks raises RuntimeError(error_message)."""
    before = _C._disable_saved_hooks(error_message)
    try:
        yield
    finally:
        _C._disable_saved_hooks(before)


class _MultiHandle(RemovableHandle):
    def __init__(self, handles: tuple[RemovableHandle, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> tuple[RemovableHandle, ...]:
        return self.handles

    def __setstate__(self, state: tuple[RemovableHandle, ...]) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all"
) -> RemovableHandle:
    """Calls `fn` once per backward, for several tensors together.

    mode "all": fn(gradients) when all that this backward computes are there, None for the others.
    mode "any": fn(gradient) with the first that arrives.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of {('all', 'any')} but got {mode}")
    lock = threading.Lock()
    arrived: dict[int, dict[int, Tensor]] = {}
    if mode == "any":
        last = -1

        def first(gradient: Tensor) -> None:
            nonlocal last
            run = _C._current_graph_task_id()
            with lock:
                if run == last:
                    return
                last = run
            fn(gradient)

        return _MultiHandle(tuple(t.register_hook(first) for t in tensors if t.requires_grad))

    nodes = [_C._gradient_node(t) for t in tensors]
    if None in nodes:
        raise AssertionError("Expected gradient function to be set")

    def hook_of(index: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            run = _C._current_graph_task_id()
            expected = sum(_C._will_engine_execute_node(node) for node in nodes)
            with lock:
                mine = arrived.setdefault(run, {})
                mine[index] = gradient
                complete = len(mine) == expected
                if complete:
                    del arrived[run]
            if complete:
                fn([mine.get(i) for i in range(len(nodes))])

        return hook

    return _MultiHandle(tuple(t.register_hook(hook_of(i)) for i, t in enumerate(tensors)))
