"""Context managers, which are decorators too, that say whether ops record a graph."""

from __future__ import annotations

import functools

from tensorgrad import _C

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled"]

_GENERATOR = 0x20  # inspect.CO_GENERATOR, without importing inspect


class _Mode:
    """A context manager whose instances decorate functions and generators."""

    def clone(self) -> _Mode:
        """Another of the same mode."""
        return self.__class__()

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exception: Any) -> None:
        raise NotImplementedError

    def __call__(self, function: F) -> F:
        if isinstance(function, type):
            import warnings

            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only "
                "decorate functions or methods. To preserve the current behavior of class decoration, you "
                "can "
                "directly decorate the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & _GENERATOR:

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                # The mode holds while the body runs, not while the caller does.
                running = function(*args, **kwargs)
                received: Any = None
                with self.clone():
                    try:
                        item = next(running)
                    except StopIteration as stop:
                        return stop.value
                while True:
                    try:
                        received = yield item
                    except GeneratorExit:
                        with self.clone():
                            running.close()
                        raise
                    except BaseException as error:
                        with self.clone():
                            try:
                                item = running.throw(error)
                            except StopIteration as stop:
                                return stop.value
                    else:
                        with self.clone():
                            try:
                                item = running.send(received)
                            except StopIteration as stop:
                                return stop.value

            return generator  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


class _NoArgumentMode(_Mode):
    # `@no_grad` without parentheses works as well.
    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        return self if function is None else self(function)


class no_grad(_NoArgumentMode):
    """Inside, ops record no graph and results do not require gradients."""

    def __enter__(self) -> None:
        self.previous = _C.is_grad_enabled()
        _C._set_grad_enabled(False)

    def __exit__(self, *exception: Any) -> None:
        _C._set_grad_enabled(self.previous)


class enable_grad(_NoArgumentMode):
    """Inside, ops record a graph again."""

    def __enter__(self) -> None:
        self.previous = _C.is_grad_enabled()
        _C._set_grad_enabled(True)

    def __exit__(self, *exception: Any) -> None:
        _C._set_grad_enabled(self.previous)


class set_grad_enabled(_Mode):
    """Switches recording on or off: at once as a function, and back at the end of a `with`."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.previous = _C.is_grad_enabled()
        self.mode = mode
        _C._set_grad_enabled(mode)

    def __call__(self, function: F) -> F:
        _C._set_grad_enabled(self.previous)
        return super().__call__(function)

    def __enter__(self) -> None:
        _C._set_grad_enabled(self.mode)

    def __exit__(self, *exception: Any) -> None:
        _C._set_grad_enabled(self.previous)

    def clone(self) -> set_grad_enabled:
        """Another of the same mode."""
        previous = _C.is_grad_enabled()
        copy = self.__class__(self.mode)
        copy.previous = previous
        return copy


class set_multithreading_enabled(_Mode):
    """Accepted for programs that set it: backward runs its nodes on the thread that called it."""

    def __init__(self, mode: bool) -> None:
        self.prev = False
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass

    def clone(self) -> set_multithreading_enabled:
        return self.__class__(self.mode)


class inference_mode(_Mode):
    """Like no_grad, and tensors made inside can never take part in a graph."""

    def __new__(cls, mode: Any = True) -> Any:
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.previous = (_C.is_grad_enabled(), _C.is_inference_mode_enabled())
        _C._set_inference_mode(self.mode)
        _C._set_grad_enabled(not self.mode)

    def __exit__(self, *exception: Any) -> None:
        _C._set_grad_enabled(self.previous[0])
        _C._set_inference_mode(self.previous[1])

    def clone(self) -> inference_mode:
        """Another of the same mode."""
        return self.__class__(self.mode)
