"""Parameter and Buffer: tensors that a Module takes up when they are assigned to it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import tensorgrad
from tensorgrad import Tensor

__all__ = ["Buffer", "Parameter"]


class Parameter(Tensor):
    """A tensor that counts as a parameter of the module it is assigned to.

    Args:
        data: its values; the Parameter shares their storage. An empty tensor if None.
        requires_grad: whether gradients are wanted.

    Raises:
        RuntimeError: gradients are wanted of a dtype that is not floating.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = tensorgrad.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        fresh = data.detach().requires_grad_(requires_grad)
        if type(fresh) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() "
                f"returns an instance of the same type, but return type {type(fresh).__name__} was "
                "found instead. "
                "To use the type as a Parameter, please correct the detach() semantics defined by its "
                "__torch_dispatch__() implementation."
            )
        fresh._is_param = True
        return fresh

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        result = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = result
        return result

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __str__(self) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        state = dict(self.__dict__)
        arguments: tuple[Any, ...] = (self.data, self.requires_grad, OrderedDict())
        if not state:
            return _rebuild_parameter, arguments
        return _rebuild_parameter_with_state, (*arguments, state)


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    parameter = Parameter(data, requires_grad)
    for name, value in state.items():
        setattr(parameter, name, value)
    return parameter


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is not Buffer:
            return bool(super().__instancecheck__(instance))
        return isinstance(instance, Tensor) and bool(getattr(instance, "_is_buffer", False))


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes a buffer of the module it is assigned to.

    Args:
        data: its values; an empty tensor if None.
        persistent: whether the module's `state_dict()` has it.
    """

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = tensorgrad.empty(0)
        fresh = data.detach().requires_grad_(data.requires_grad)
        fresh.persistent = persistent
        fresh._is_buffer = True
        return fresh
