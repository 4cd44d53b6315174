"""What stands between a Module and a PyTorch module that it is to take its state from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tensorgrad._foreign import adopt, is_foreign

OURS, THEIRS = "tensorgrad.nn.", "torch.nn."


def state_from_torch(module: Any, torch_module: Any) -> dict[str, Any]:
    """The state of a PyTorch module in tensors of ours that share its memory, once it is clear that all fits.

    Raises:
        TypeError: `torch_module` is no module.
        RuntimeError: kinds of modules, names, shapes or dtypes differ; the text has all that do.
    """
    if not hasattr(torch_module, "state_dict") or not hasattr(torch_module, "named_modules"):
        raise TypeError(
            f"init_from_torch(): expected a torch.nn.Module, but got {type(torch_module).__name__}"
        )
    state = {
        name: adopt(value) if is_foreign(value) else value
        for name, value in torch_module.state_dict().items()
    }
    problems = [*_other_kinds(module, torch_module), *_other_tensors(module.state_dict(), state)]
    if problems:
        lines = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in init_from_torch for {type(module).__name__}:\n\t{lines}")
    return state


def _other_kinds(module: Any, torch_module: Any) -> Iterator[str]:
    """Modules of the libraries themselves that are another kind there: no parameter would tell a ReLU from a
    GELU."""
    counterparts = dict(torch_module.named_modules())
    for name, child in module.named_modules():
        theirs = type(counterparts.get(name))
        if not type(child).__module__.startswith(OURS) or not theirs.__module__.startswith(THEIRS):
            continue
        if type(child).__name__ not in [base.__name__ for base in theirs.__mro__]:
            where = f'module "{name}"' if name else "the module"
            yield f"{where} is a {type(child).__name__}, but a {theirs.__name__} in the PyTorch module."


def _other_tensors(own: dict[str, Any], state: dict[str, Any]) -> Iterator[str]:
    for name, mine in own.items():
        if name not in state:
            yield f'Missing key in the PyTorch module: "{name}".'
            continue
        given = state[name]
        if not hasattr(mine, "dtype") or not hasattr(given, "dtype"):
            continue  # extra state of any type
        if given.shape != mine.shape:
            yield (
                f"size mismatch for {name}: a param of shape {given.shape} in the PyTorch module, the shape "
                f"in current model is {mine.shape}."
            )
        if given.dtype != mine.dtype:
            yield (
                f"dtype mismatch for {name}: a param of {given.dtype} in the PyTorch module, the dtype in "
                f"current model is {mine.dtype}."
            )
    for name in state:
        if name not in own:
            yield f'Unexpected key in the PyTorch module: "{name}".'
