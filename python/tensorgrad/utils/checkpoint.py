"""Activation checkpointing: backward runs forward again instead of keeping what it computed."""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import tensorgrad
from tensorgrad import _C
from tensorgrad.autograd.function import Function
from tensorgrad.autograd.graph import saved_tensors_hooks
from tensorgrad.random import fork_rng

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]

Tensor = tensorgrad.Tensor


class CheckpointError(RuntimeError):
    """What was computed again is not what forward computed."""


def noop_context_fn() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The contexts of forward and of the recomputation that change nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, tensors among them as leaves that require gradients where they did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}"
        )
    return tuple(
        value.detach().requires_grad_(value.requires_grad) if isinstance(value, Tensor) else value
        for value in inputs
    )


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns where no input requires gradients."""
    if not any(value.requires_grad for value in inputs if isinstance(value, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


@contextlib.contextmanager
def _random_state(state: Tensor | None) -> Iterator[None]:
    """Inside, random numbers go on from `state`; None changes nothing."""
    with fork_rng(enabled=state is not None):
        if state is not None:
            tensorgrad.set_rng_state(state)
        yield


class CheckpointFunction(Function):
    """The reentrant kind: one node, whose backward runs forward and a backward inside it."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.random_state = tensorgrad.get_rng_state() if preserve_rng_state else None
        ctx.places = [i for i, value in enumerate(args) if isinstance(value, Tensor)]
        ctx.inputs = [None if isinstance(value, Tensor) else value for value in args]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if not _C._is_checkpoint_valid():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an "
                "`inputs` parameter to .backward(). To resolve this error, you can either set "
                "use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            inputs[place] = tensor
        leaves = detach_variable(tuple(inputs))
        with _random_state(ctx.random_state), tensorgrad.enable_grad():
            outputs = ctx.run_function(*leaves)
        if isinstance(outputs, Tensor):
            outputs = (outputs,)
        wanted = [
            (output, grad)
            for output, grad in zip(outputs, grads)
            if isinstance(output, Tensor) and output.requires_grad
        ]
        if not wanted:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        tensorgrad.autograd.backward([output for output, _ in wanted], [grad for _, grad in wanted])
        return None, None, *(leaf.grad if isinstance(leaf, Tensor) else None for leaf in leaves)


_early_stop: bool | None = None


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Inside, says for every checkpoint whether recomputation stops once all that is needed is there."""
    global _early_stop
    before = _early_stop
    _early_stop = enable
    try:
        yield
    finally:
        _early_stop = before


_DIFFERENT = {
    "default": lambda tensor: {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device},
    "none": lambda tensor: None,
}


class _Enough(Exception):
    """All that forward had saved is there again."""


class _Slot:
    """What the graph keeps in place of a saved tensor: nothing, until a backward needs it."""

    def __init__(self) -> None:
        self.tensors: dict[int, Tensor] = {}  # of the backward with that number


class _Region:
    """A checkpointed forward: how to run it again, and the slots that it filled in order."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        random_state: Tensor | None,
        context: AbstractContextManager[Any],
        describe: Callable[[Tensor], Any],
        early_stop: bool,
    ) -> None:
        self.function = function
        # Saved as an operation saves its inputs: a region around this one has them computed again.
        self.args = [_C._SavedTensor(arg) if isinstance(arg, Tensor) else arg for arg in args]
        self.kwargs = kwargs
        self.random_state = random_state
        self.context = context
        self.describe = describe
        self.early_stop = early_stop
        self.slots: list[weakref.ref[_Slot]] = []
        self.described: list[Any] = []
        self.ended = False
        self.recomputed: set[int] = set()

    def pack(self, tensor: Tensor) -> _Slot:
        slot = _Slot()
        self.slots.append(weakref.ref(slot))
        self.described.append(self.describe(tensor))
        return slot

    def unpack(self, slot: _Slot) -> Tensor:
        backward = _C._current_graph_task_id()
        if backward == -1:  # outside of any: each look computes anew
            self.recomputed.discard(-1)
        if backward not in self.recomputed:
            self.recompute(backward)
            self.recomputed.add(backward)
        if backward not in slot.tensors:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked "
                "once. "
                "If you are calling ctx.saved_tensors in backward, make sure to do so only once. Otherwise "
                "please open an issue with details on your use case."
            )
        return slot.tensors.pop(backward)

    def recompute(self, backward: int) -> None:
        saved = 0
        inner_backward = False  # a backward inside the function saves differently the second time
        different: list[str] = []

        def keep(tensor: Tensor) -> Tensor:
            nonlocal saved, inner_backward
            tensor = tensor.detach() if tensor.requires_grad else tensor
            saved += 1
            if saved > len(self.slots):
                if self.ended:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation than "
                        "during "
                        "the original forward pass.\n"
                    )
                inner_backward = True
                return tensor
            slot = self.slots[saved - 1]()
            if slot is not None:
                slot.tensors[backward] = tensor
                expected, now = self.described[saved - 1], self.describe(tensor)
                if expected != now:
                    different.append(
                        f"tensor at position {saved - 1}:\nsaved metadata: {expected}\n"
                        f"recomputed metadata: {now}\n"
                    )
            if self.early_stop and saved == len(self.slots):
                raise _Enough
            return tensor

        args = [arg.unpack() if isinstance(arg, _C._SavedTensor) else arg for arg in self.args]
        with (
            contextlib.suppress(_Enough),
            saved_tensors_hooks(keep, lambda tensor: tensor),
            tensorgrad.enable_grad(),
            _random_state(self.random_state),
            self.context,
        ):
            self.function(*args, **self.kwargs)
        if inner_backward:
            return
        if saved != len(self.slots):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward "
                f"and recomputation.\nNumber of tensors saved during forward: {len(self.slots)}\n"
                f"Number of tensors saved during recomputation: {saved}.\n"
            )
        if different:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata "
                f"than during the forward pass.\n{''.join(different)}"
            )


_EXPLICITLY = (
    "recommended, but if you need to preserve the current default behavior, you can pass use_reentrant=True. "
    "Refer to docs for more details on the differences between the two variants."
)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), of which nothing is kept for backward but the arguments.

    use_reentrant: True is the older kind, for backward() without `inputs` and tensors at the top level only.
    preserve_rng_state (True): the second run draws the same random numbers.
    context_fn: gives the contexts of the first and of the second run.
    determinism_check: "default" compares shapes, dtypes and devices of the two runs, "none" does not.
    early_stop: the second run ends once all that backward needs is there.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in "
            "PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception. "
            f"use_reentrant=False is {_EXPLICITLY}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    if debug:
        raise NotImplementedError("checkpoint(): debug=True is not supported")
    if determinism_check not in _DIFFERENT:
        raise ValueError(
            f"determinism_check should be one of {list(_DIFFERENT)}, but got {determinism_check}"
        )
    forward_context, recompute_context = context_fn()
    if not tensorgrad.is_grad_enabled():
        return function(*args, **kwargs)
    region = _Region(
        function,
        args,
        kwargs,
        tensorgrad.get_rng_state() if preserve else None,
        recompute_context,
        _DIFFERENT[determinism_check],
        early_stop if _early_stop is None else _early_stop,
    )
    with saved_tensors_hooks(region.pack, region.unpack), forward_context:
        result = function(*args, **kwargs)
        region.ended = True
    if not region.ended:
        raise RuntimeError(
            "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception "
            "raised "
            "during the checkpointed forward. This is not supported because checkpoint cannot return a value "
            "for a failed forward."
        )
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Runs modules one after the other; each of `segments` parts but the last is a checkpoint."""
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed "
            "explicitly. In version 2.9 we will raise an exception if use_reentrant is not passed. "
            f"use_reentrant=False is {_EXPLICITLY}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if isinstance(functions, tensorgrad.nn.Sequential):
        functions = list(functions.children())

    def part(start: int, end: int) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for function in functions[start:end]:
                value = function(value)
            return value

        return forward

    size = len(functions) // segments
    done = 0
    for done in range(size, size * segments, size):
        input = checkpoint(
            part(done - size, done), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return part(done, len(functions))(input)
