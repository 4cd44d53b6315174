"""Differentiation: backward(), grad(), and the modes that record or do not record a graph."""

from __future__ import annotations

from tensorgrad import _C
from tensorgrad._C import Tensor

from . import _tensor_hooks as _tensor_hooks
from .grad_mode import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "Function",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

# Imported when first used.
_SUBMODULES = {"anomaly_mode", "function", "functional", "gradcheck", "graph", "variable"}
_HOMES = {
    "Function": "function",
    "Variable": "variable",
    "detect_anomaly": "anomaly_mode",
    "gradgradcheck": "gradcheck",
    "set_detect_anomaly": "anomaly_mode",
}


def __getattr__(name: str) -> Any:
    import importlib

    home = _HOMES.get(name, name)
    if home not in _SUBMODULES:
        raise AttributeError(f"module 'tensorgrad.autograd' has no attribute '{name}'")
    module = importlib.import_module(f"tensorgrad.autograd.{home}")
    # autograd.gradcheck is the function, as in PyTorch.
    value = getattr(module, name) if name in _HOMES or name == "gradcheck" else module
    globals()[name] = value
    return value


def _as_tuple(tensors: Tensor | Sequence[Any] | None) -> tuple[Any, ...]:
    single = isinstance(tensors, Tensor) or tensors is None or _is_edge(tensors)
    return (tensors,) if single else tuple(tensors)  # type: ignore[arg-type]


_warned_of_cycle = False  # PyTorch says it once too


def _warn(text: str, category: str) -> None:
    import builtins
    import warnings

    warnings.warn(text, getattr(builtins, category), stacklevel=3)


def _checked_inputs(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in inputs:
        if not isinstance(value, Tensor) and not _is_edge(value):
            raise RuntimeError(
                f"all inputs have to be Tensors or GradientEdges, but got {type(value).__name__}"
            )
    return inputs


def _is_edge(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "ownership_token")  # a GradientEdge


def _batched(
    results: Any, gradients: Any, retain: bool, create_graph: bool, targets: Any, allow: bool
) -> tuple[Any, ...]:
    """One backward per entry of the gradients' first dimension; the results stacked."""
    import tensorgrad

    count = next(len(gradient) for gradient in gradients if gradient is not None)
    rows = []
    for i in range(count):
        entry = tuple(None if gradient is None else gradient[i] for gradient in gradients)
        keep = retain or i < count - 1
        rows.append(_C._run_backward(results, entry, keep, create_graph, targets, allow, False))
    return tuple(None if column[0] is None else tensorgrad.stack(column) for column in zip(*rows))


def _checked_gradients(
    tensors: tuple[Any, ...], gradients: tuple[Any, ...], batched: bool = False
) -> tuple[Any, ...]:
    if len(gradients) != len(tensors):
        if gradients == (None,):
            gradients = (None,) * len(tensors)
        else:
            raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")
    for i, (tensor, gradient) in enumerate(zip(tensors, gradients)):
        if gradient is None:
            continue
        if not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if batched and gradient.shape[1:] != tensor.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the "
                "batch dimension. The sizes of the remaining dimensions are expected to match the shape of "
                f"corresponding output, but a mismatch was detected: grad_output[{i}] has a shape of "
                f"{gradient.shape[1:]} and output[{i}] has a shape of {tensor.shape}. If you only want some "
                "tensors in `grad_output` to be considered batched, consider using vmap."
            )
        if not batched and not _is_edge(tensor) and gradient.shape != tensor.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} and output[{i}] "
                "has a shape of "
                f"{tensor.shape}."
            )
    return gradients


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Accumulates the gradients of `tensors` into the `.grad` of the leaves they depend on.

    grad_tensors: the upstream gradient of each tensor, of its shape; None for scalars means 1.
    retain_graph: keep what the graph saved for another backward (default: create_graph).
    create_graph: record the backward itself, for higher derivatives.
    inputs: accumulate into these tensors only.
    """
    if grad_variables is not None:
        _warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", "FutureWarning")
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please "
                "only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    global _warned_of_cycle
    if create_graph and not _warned_of_cycle:
        _warned_of_cycle = True
        _warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and "
            "its "
            "gradient which can cause a memory leak. We recommend using autograd.grad when creating the "
            "graph to "
            "avoid this. If you have to use this function, make sure to reset the .grad fields of your "
            "parameters "
            "to None after use to break the cycle and avoid the leak.",
            "UserWarning",
        )
    outputs = _as_tuple(tensors)
    if inputs is not None and not isinstance(inputs, Tensor) and len(inputs) == 0:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    targets = () if inputs is None else _checked_inputs(_as_tuple(inputs))
    gradients = _checked_gradients(outputs, _as_tuple(grad_tensors))
    retain = create_graph if retain_graph is None else retain_graph
    found = _C._run_backward(outputs, gradients, bool(retain), bool(create_graph), targets, True, True)
    for target, gradient in zip(targets, found):
        if gradient is not None:
            target.grad = gradient if target.grad is None else target.grad + gradient


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of `outputs` with respect to `inputs`, as a tuple; `.grad` fields stay as they are.

    inputs: a tensor or a sequence of tensors; of a dict, the result is a dict with the same keys.

    allow_unused: None for an input that the outputs do not depend on, instead of RuntimeError.
    materialize_grads: zeros for such an input.
    is_grads_batched: grad_outputs have one more dimension in front, and so do the results; a loop.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if not isinstance(inputs, Tensor) and len(inputs) == 0:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    allow = materialize_grads if allow_unused is None else allow_unused
    results = _as_tuple(outputs)
    if isinstance(inputs, dict):
        found = grad(
            outputs,
            tuple(inputs.values()),
            grad_outputs,
            retain_graph,
            create_graph,
            only_inputs,
            allow_unused,
            is_grads_batched,
            materialize_grads,
        )
        return dict(zip(inputs, found))
    if not only_inputs:
        _warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
            "gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            "FutureWarning",
        )
    targets = _checked_inputs(_as_tuple(inputs))
    gradients = _checked_gradients(results, _as_tuple(grad_outputs), is_grads_batched)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        found = _batched(results, gradients, bool(retain), bool(create_graph), targets, bool(allow))
    else:
        found = _C._run_backward(
            results, gradients, bool(retain), bool(create_graph), targets, bool(allow), False
        )
    if materialize_grads:
        import tensorgrad

        found = tuple(
            tensorgrad.zeros_like(target, requires_grad=create_graph) if value is None else value
            for target, value in zip(targets, found)
        )
    return tuple(found)


def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Accumulates the gradient of this tensor into the leaves it depends on; see autograd.backward()."""
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)
