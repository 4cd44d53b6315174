"""Module's half that runs hooks: their registration and the slow path of a call."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorgrad
from tensorgrad import _C
from tensorgrad._hooks import ModuleBackward, RemovableHandle

# Hooks for every module; the C base class goes straight to forward only while all of these are empty.
_global_forward_hooks: OrderedDict[int, Any] = OrderedDict()
_global_forward_hooks_with_kwargs: OrderedDict[int, bool] = OrderedDict()
_global_forward_hooks_always_called: OrderedDict[int, bool] = OrderedDict()
_global_forward_pre_hooks: OrderedDict[int, Any] = OrderedDict()
_global_backward_hooks: OrderedDict[int, Any] = OrderedDict()
_global_backward_pre_hooks: OrderedDict[int, Any] = OrderedDict()
# True: the backward hooks for every module are full ones, False: old ones.
_global_is_full_backward_hook: bool | None = None
# Called where a module takes up a buffer, a child or a parameter.
_global_buffer_registration_hooks: OrderedDict[int, Any] = OrderedDict()
_global_module_registration_hooks: OrderedDict[int, Any] = OrderedDict()
_global_parameter_registration_hooks: OrderedDict[int, Any] = OrderedDict()


def registered(hooks: Any, module: Any, name: str, value: Any) -> Any:
    """The value that a module takes up under `name`, after the registration hooks."""
    for hook in hooks.values():
        answer = hook(module, name, value)
        if answer is not None:
            value = answer
    return value


def _register_registration(hooks: Any, hook: Any) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Adds ``hook(module, name, buffer) -> None or another buffer`` to every `register_buffer`."""
    return _register_registration(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Adds ``hook(module, name, child) -> None or another child`` to every assignment of a child."""
    return _register_registration(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Adds ``hook(module, name, parameter) -> None or another parameter`` to every `register_parameter`."""
    return _register_registration(_global_parameter_registration_hooks, hook)


class _GlobalHandle(RemovableHandle):
    """A handle that tells the C base class when the last hook has gone."""

    def remove(self) -> None:
        super().remove()
        _C.ModuleBase._set_global_hooks(
            bool(
                _global_forward_hooks
                or _global_forward_pre_hooks
                or _global_backward_hooks
                or _global_backward_pre_hooks
            )
        )


def _register_global(hooks: Any, hook: Any, flags: dict[Any, bool] | None = None) -> RemovableHandle:
    handle = _GlobalHandle(hooks, extra_dict=list(flags or ()) and [_FLAGS[name] for name in flags or ()])
    hooks[handle.id] = hook
    for name, on in (flags or {}).items():
        if on:
            _FLAGS[name][handle.id] = True
    _C.ModuleBase._set_global_hooks(True)
    return handle


_FLAGS = {"kwargs": _global_forward_hooks_with_kwargs, "always": _global_forward_hooks_always_called}


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Adds ``hook(module, args)`` before the forward of every module."""
    return _register_global(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Adds ``hook(module, args, output)`` after the forward of every module."""
    return _register_global(_global_forward_hooks, hook, {"kwargs": with_kwargs, "always": always_call})


def _set_global_kind(full: bool) -> None:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
            "Please use only one of them."
        )
    _global_is_full_backward_hook = full


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Deprecated: see `register_module_full_backward_hook`."""
    _set_global_kind(False)
    return _register_global(_global_backward_hooks, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Adds ``hook(module, grad_input, grad_output)`` to every module."""
    _set_global_kind(True)
    return _register_global(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Adds ``hook(module, grad_output)`` to every module."""
    return _register_global(_global_backward_pre_hooks, hook)


_MIXED = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. Please "
    "use only one of them."
)


class HookMixin:
    """Hooks of one module; a base of Module, of no use alone."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Adds ``hook(module, args) -> None or new args``, called before `forward`.

        With `with_kwargs` it is ``hook(module, args, kwargs) -> None or (args, kwargs)``; `prepend` puts it
        first.
        """
        hooks = self._forward_pre_hooks
        handle = RemovableHandle(hooks, extra_dict=self._forward_pre_hooks_with_kwargs)
        return _add(hooks, handle, hook, prepend, (self._forward_pre_hooks_with_kwargs, with_kwargs))

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Adds ``hook(module, args, output) -> None or new output``, called after `forward`.

        With `with_kwargs` it is ``hook(module, args, kwargs, output)``; with `always_call` it is called
        even when `forward` raises; `prepend` puts it first.
        """
        hooks = self._forward_hooks
        handle = RemovableHandle(
            hooks, extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called]
        )
        return _add(
            hooks,
            handle,
            hook,
            prepend,
            (self._forward_hooks_with_kwargs, with_kwargs),
            (self._forward_hooks_always_called, always_call),
        )

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Adds ``hook(module, grad_output) -> None or new grad_output``, called before the module's
        backward."""
        return _add(self._backward_pre_hooks, RemovableHandle(self._backward_pre_hooks), hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Adds ``hook(module, grad_input, grad_output) -> None or new grad_input``, after the module's
        backward."""
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED)
        self.__dict__["_is_full_backward_hook"] = True
        return _add(self._backward_hooks, RemovableHandle(self._backward_hooks), hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Deprecated: sees the gradients of the last operation only; use `register_full_backward_hook`."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED)
        self.__dict__["_is_full_backward_hook"] = False
        return _add(self._backward_hooks, RemovableHandle(self._backward_hooks), hook, False)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """A call with hooks; without any, the C base class calls `forward` itself."""
        called: set[Any] = set()
        try:
            return self._call_with_hooks(args, kwargs, called)
        except Exception:
            if self.__dict__.get("_forward_hooks_always_called") or _global_forward_hooks_always_called:
                self._call_remaining_hooks(args, kwargs, called)
            raise

    def _call_with_hooks(self, args: Any, kwargs: Any, called: set[Any]) -> Any:
        own_backward_hooks = self._backward_hooks
        for hook_id, hook in _pairs(_global_forward_pre_hooks, self._forward_pre_hooks):
            if hook_id in self._forward_pre_hooks_with_kwargs:
                answer = hook(self, args, kwargs)
                if answer is not None:
                    if not (isinstance(answer, tuple) and len(answer) == 2):
                        raise RuntimeError(
                            "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                            f"but got {answer}."
                        )
                    args, kwargs = answer
            else:
                answer = hook(self, args)
                if answer is not None:
                    args = answer if isinstance(answer, tuple) else (answer,)

        backward = None
        hooks: list[Any] = []
        old_hooks: list[Any] = []
        pre_hooks = [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]
        (old_hooks if _global_is_full_backward_hook is False else hooks).extend(
            _global_backward_hooks.values()
        )
        if self._is_full_backward_hook is False:
            old_hooks += own_backward_hooks.values()
        else:
            hooks += own_backward_hooks.values()
        if hooks or pre_hooks:
            backward = ModuleBackward(self, hooks, pre_hooks)
            args = backward.enter(args)

        result = self.forward(*args, **kwargs)

        for hook_id, hook in _pairs(_global_forward_hooks, self._forward_hooks):
            if hook_id in self._forward_hooks_always_called or hook_id in _global_forward_hooks_always_called:
                called.add(hook_id)
            answer = self._call_forward_hook(hook_id, hook, args, kwargs, result)
            if answer is not None:
                result = answer

        if backward is not None:
            if isinstance(result, tensorgrad.Tensor | tuple):
                result = backward.leave(result)
            else:
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(result)}",
                    stacklevel=3,
                )
        if old_hooks:
            _add_old_hooks(self, old_hooks, args, result)
        return result

    def _call_forward_hook(self, hook_id: int, hook: Any, args: Any, kwargs: Any, result: Any) -> Any:
        if hook_id in self._forward_hooks_with_kwargs or hook_id in _global_forward_hooks_with_kwargs:
            return hook(self, args, kwargs, result)
        return hook(self, args, result)

    def _call_remaining_hooks(self, args: Any, kwargs: Any, called: set[Any]) -> None:
        """After a failure: the hooks registered with always_call that have not run yet."""
        for hook_id, hook in _pairs(_global_forward_hooks, self._forward_hooks):
            always = (
                hook_id in self._forward_hooks_always_called or hook_id in _global_forward_hooks_always_called
            )
            if not always or hook_id in called:
                continue
            try:
                self._call_forward_hook(hook_id, hook, args, kwargs, None)
            except Exception as error:
                kind = "global module" if hook_id in _global_forward_hooks else "module"
                warnings.warn(
                    f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced as "
                    f"another error was raised in forward: {error}",
                    stacklevel=4,
                )


def _pairs(everywhere: Any, here: Any) -> list[tuple[int, Any]]:
    return [*everywhere.items(), *here.items()]


def _add(hooks: Any, handle: RemovableHandle, hook: Any, prepend: bool, *flags: Any) -> RemovableHandle:
    hooks[handle.id] = hook
    for ids, on in flags:
        if on:
            ids[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _add_old_hooks(module: Any, hooks: list[Any], args: Any, result: Any) -> None:
    tensor = result
    while not isinstance(tensor, tensorgrad.Tensor):
        tensor = next(iter(tensor.values())) if isinstance(tensor, dict) else tensor[0]
    if tensor.grad_fn is None:
        return
    for hook in hooks:
        _C._node_hook(tensor.grad_fn, lambda grads, outputs, hook=hook: hook(module, grads, outputs), False)
    missing = _missing_from_old_hooks(args, result, tensor.grad_fn)
    if missing:
        warnings.warn(missing, FutureWarning, stacklevel=5)


_REMOVED = "is deprecated and will be removed in future versions. This hook will be missing some"
_INSTEAD = "Please use register_full_backward_hook to get the documented behavior."


def _missing_from_old_hooks(args: Any, result: Any, node: Any) -> str | None:
    """What an old hook, which sees one node of the graph, will not see; None if it sees all."""

    def tensors(value: Any) -> tuple[Any, ...] | None:
        value = (value,) if isinstance(value, tensorgrad.Tensor) else value
        plain = isinstance(value, tuple) and all(isinstance(item, tensorgrad.Tensor) for item in value)
        return value if plain else None

    outputs, inputs = tensors(result), tensors(args)
    if outputs is None:
        return (
            "Using non-full backward hooks on a Module that does not return a single Tensor or a tuple of "
            f"Tensors {_REMOVED} of the grad_output. {_INSTEAD}"
        )
    if inputs is None:
        return (
            "Using non-full backward hooks on a Module that does not take as input a single Tensor or a "
            f"tuple of Tensors {_REMOVED} of the grad_input. {_INSTEAD}"
        )
    behind = {output.grad_fn for output in outputs if output.grad_fn is not None}
    if len(behind) > 1:
        return (
            "Using a non-full backward hook when outputs are generated by different autograd Nodes "
            f"{_REMOVED} grad_output. {_INSTEAD}"
        )
    if {value.grad_fn for value in inputs if value.grad_fn is not None} != {
        n[0] for n in node.next_functions
    }:
        return (
            "Using a non-full backward hook when the forward contains multiple autograd Nodes "
            f"{_REMOVED} grad_input. {_INSTEAD}"
        )
    return None
