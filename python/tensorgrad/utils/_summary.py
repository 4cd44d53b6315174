"""summary: a model's modules, their output shapes, parameters, multiply-adds and memory, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.autograd.graph import saved_tensors_hooks
from tensorgrad.nn import Module
from tensorgrad.nn.modules import module as _module

__all__ = ["Row", "Summary", "summary"]


class Row:
    """A module's line: numbers include the modules inside it."""

    def __init__(self, path: str, module: Module, depth: int, is_shared: bool) -> None:
        self.path = path
        self.module = module
        self.depth = depth
        self.is_shared = is_shared  # it stands further up already
        self.parameters = sum(parameter.numel() for parameter in module.parameters())
        self.output = ""  # shapes; empty if its forward was not called
        self.calls = 0
        self.multiply_adds = 0

    @property
    def name(self) -> str:
        """Its name in the module around it, and its class."""
        own = self.path.rsplit(".", 1)[-1]
        kind = type(self.module).__name__
        return f"{own}: {kind}" if own else kind


class Summary:
    """What `summary` found. `print` shows the table; the fields hold its numbers."""

    rows: list[Row]
    parameters: int  # each counted once
    trainable_parameters: int
    multiply_adds: int
    input_bytes: int
    parameter_bytes: int
    buffer_bytes: int
    saved_bytes: int  # of results that forward keeps for backward

    def __init__(self, model: Module) -> None:
        self.rows = list(_rows(model, "", 0, set()))
        parameters = list(model.parameters())
        self.parameters = sum(parameter.numel() for parameter in parameters)
        self.trainable_parameters = sum(p.numel() for p in parameters if p.requires_grad)
        self.parameter_bytes = sum(parameter.nbytes for parameter in parameters)
        self.buffer_bytes = sum(buffer.nbytes for buffer in model.buffers())
        self.multiply_adds = self.input_bytes = self.saved_bytes = 0

    def __repr__(self) -> str:
        return self.table()

    def table(self, depth: int | None = None) -> str:
        """The table as text, down to `depth` levels of modules."""
        shown = [row for row in self.rows if depth is None or row.depth <= depth]
        cells = [("module", "output", "parameters", "multiply-adds")]
        for row in shown:
            name = "  " * row.depth + row.name + (f"  x{row.calls}" if row.calls > 1 else "")
            counted = "shared" if row.is_shared else f"{row.parameters:,}" if row.parameters else "-"
            work = f"{row.multiply_adds:,}" if row.multiply_adds and not row.is_shared else "-"
            cells.append((name, row.output or "-", counted, work))
        widths = [max(len(line[column]) for line in cells) for column in range(4)]
        rule = "-" * (sum(widths) + 6)
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in cells
        ]
        frozen = self.parameters - self.trainable_parameters
        note = f", {frozen:,} of them frozen" if frozen else ""
        memory = {
            "input": self.input_bytes,
            "parameters": self.parameter_bytes,
            "buffers": self.buffer_bytes,
            "kept for backward": self.saved_bytes,
        }
        return "\n".join(
            [
                lines[0],
                rule,
                *lines[1:],
                rule,
                f"parameters     {self.parameters:,}{note}",
                f"multiply-adds  {self.multiply_adds:,}",
                "memory         " + ", ".join(f"{name} {_bytes(count)}" for name, count in memory.items()),
            ]
        )


def summary(model: Module, input: Any, *, mode: str = "eval") -> Summary:
    """Runs the model once on `input` and reports what was seen, module by module.

    Multiply-adds are those of matrix products, convolutions and attention, wherever in the model they are
    called from. A module that stands in several places has its parameters counted once; its work counts at
    every call. The memory kept for backward is that of the results that the graph holds, inputs, parameters
    and buffers apart.

    The model is left as it was: the mode of each of its modules, its hooks, and the random numbers to come.

    >>> model = tensorgrad.nn.Sequential(tensorgrad.nn.Linear(4, 3), tensorgrad.nn.ReLU())
    >>> tensorgrad.utils.summary(model, tensorgrad.zeros(2, 4))
    module       output  parameters  multiply-adds
    ----------------------------------------------
    Sequential   2x3             15             24
      0: Linear  2x3             15             24
      1: ReLU    2x3              -              -
    ----------------------------------------------
    parameters     15
    multiply-adds  24
    memory         input 32 B, parameters 60 B, buffers 0 B, kept for backward 24 B

    Args:
        model: the module.
        input: its argument; a tuple or list of its arguments; a dict of keyword arguments; or a shape, for
            which zeros of the model's dtype are taken.
        mode: "eval" or "train", in which the model runs.

    Raises:
        TypeError: `model` is no module, or `input` holds no tensor.
        ValueError: an unknown mode.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary(): model must be a Module, but got {type(model).__name__}")
    if mode not in ("eval", "train"):
        raise ValueError(f"summary(): mode must be 'eval' or 'train', but got {mode!r}")
    args, kwargs = _arguments(model, input)
    inputs = list(_tensors([args, kwargs]))
    if not inputs:
        raise TypeError(f"summary(): input must hold a tensor, but got {type(input).__name__}")
    found = Summary(model)
    found.input_bytes = sum(tensor.nbytes for tensor in inputs)
    apart = [*inputs, *model.parameters(), *model.buffers()]
    saved: dict[int, int] = {_C._storage_id(tensor): 0 for tensor in apart}
    kept = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor)  # a storage that dies would lend its number to another
        saved.setdefault(_C._storage_id(tensor), tensor.untyped_storage().nbytes())
        return tensor

    with (
        _unchanged(model, mode),
        _watched(found),
        tensorgrad.enable_grad(),
        saved_tensors_hooks(pack, lambda tensor: tensor),
    ):
        before = _C._multiply_adds()
        model(*args, **kwargs)
        found.multiply_adds = _C._multiply_adds() - before
    found.saved_bytes = sum(saved.values())
    return found


def _rows(module: Module, path: str, depth: int, seen: set[int]) -> Iterator[Row]:
    row = Row(path, module, depth, id(module) in seen)
    yield row
    if row.is_shared:
        return
    seen.add(id(module))
    for name, child in module._modules.items():
        if child is not None:
            yield from _rows(child, f"{path}.{name}" if path else name, depth + 1, seen)


def _arguments(model: Module, input: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(input, Mapping):
        return (), dict(input)
    if isinstance(input, list | tuple):
        if input and all(isinstance(size, int) for size in input):
            like = next((p for p in model.parameters() if p.is_floating_point()), None)
            dtype, device = (None, None) if like is None else (like.dtype, like.device)
            return (tensorgrad.zeros(tuple(input), dtype=dtype, device=device),), {}
        return tuple(input), {}
    return (input,), {}


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in nested lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


@contextmanager
def _unchanged(model: Module, mode: str) -> Iterator[None]:
    """The model in a mode, and afterwards each module in its own; random numbers go on as if nothing was."""
    modes = {module: module.training for module in model.modules()}
    state = tensorgrad.get_rng_state()
    try:
        model.train(mode == "train")
        yield
    finally:
        for module, training in modes.items():
            module.training = training
        tensorgrad.set_rng_state(state)


@contextmanager
def _watched(found: Summary) -> Iterator[None]:
    """Fills the rows while modules are called."""
    rows = {id(row.module): row for row in reversed(found.rows)}  # the first where there are several
    starts: list[int] = []

    def enter(module: Module, args: Any) -> None:
        starts.append(_C._multiply_adds())

    def leave(module: Module, args: Any, output: Any) -> None:
        start, row = starts.pop(), rows.get(id(module))
        if row is not None:
            row.calls += 1
            row.multiply_adds += _C._multiply_adds() - start
            row.output = ", ".join("x".join(map(str, t.shape)) or "scalar" for t in _tensors(output))

    handles = [
        _module.register_module_forward_pre_hook(enter),
        _module.register_module_forward_hook(leave, always_call=True),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _bytes(count: int) -> str:
    size, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
