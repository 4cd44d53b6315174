"""autograd.Function: operations with a forward and a backward of the user's own."""

from __future__ import annotations

import functools
import inspect
import warnings

from tensorgrad import _C
from tensorgrad._C import Tensor

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["BackwardCFunction", "Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]

FunctionCtx = _C._FunctionBase


class BackwardCFunction(_C._FunctionBase):
    """Base of the classes of `ctx`, which is the graph's node too: `Double` has a `DoubleBackward`."""

    def apply(self, *grads: Any) -> Any:  # type: ignore[override]
        """What the node does in backward."""
        return self._forward_cls.backward(self, *grads)


class Function(_C._FunctionBase):
    """An operation with a backward of its own.

    class Exp(Function):
        @staticmethod
        def forward(ctx, i):
            result = i.exp()
            ctx.save_for_backward(result)
            return result

        @staticmethod
        def backward(ctx, grad_output):
            result, = ctx.saved_tensors
            return grad_output * result

    Exp.apply(x)

    `backward` gets a gradient per output and returns one per input of `forward`, None where there is none.
    A `setup_context(ctx, inputs, output)` may take over what needs the ctx; `forward` then gets no ctx.
    """

    _backward_cls: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._backward_cls = type(cls.__name__ + "Backward", (BackwardCFunction,), {"_forward_cls": cls})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{self.__class__} should not be instantiated. Methods on autograd functions are all static, so "
            "you should invoke them on the class itself. Instantiating an autograd function will raise an "
            "error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style "
            "autograd function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the outputs, without recording; called with ctx first, unless setup_context is defined."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keeps on ctx what backward needs, after a forward that gets no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the inputs, from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use "
            "it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Forward mode differentiation, which does not exist here."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )


Function._backward_cls = type("FunctionBackward", (BackwardCFunction,), {"_forward_cls": Function})


class InplaceFunction(Function):
    """A Function that knows whether it writes in place; kept for programs that name it."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


def _bind_default_args(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """The arguments in the order of the function's parameters, defaults filled in."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a `backward` that cannot be differentiated: doing so raises RuntimeError."""

    @functools.wraps(function)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        recording = _C.is_grad_enabled()
        _C._set_grad_enabled(False)
        try:
            outputs = function(ctx, *grads)
        finally:
            _C._set_grad_enabled(recording)
        if not recording or not any(isinstance(grad, Tensor) and grad.requires_grad for grad in grads):
            return outputs
        many = outputs if isinstance(outputs, tuple) else (outputs,)
        refused = _C._delayed_error(
            "trying to differentiate twice a function that was marked with @once_differentiable", many
        )
        return refused if isinstance(outputs, tuple) else refused[0]

    return wrapper
