"""Printing of tensors, character for character as PyTorch prints them.

The text of a tensor has two parts: the numbers, laid out in aligned columns, and the suffixes that say what
the numbers do not (size, dtype, device, place in the graph). Everything here reads a tensor through its
public methods only (`tolist`, slicing, `shape`, `dtype`, ...), so it serves any tensor with that interface.
"""

from __future__ import annotations

import contextlib
import math
import sys

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["get_printoptions", "printoptions", "set_printoptions", "tensor_format"]


_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


class _Options:
    """The options in force."""

    def __init__(self) -> None:
        self.precision = 4
        self.threshold: float = 1000
        self.edgeitems = 3
        self.linewidth = 80
        self.sci_mode: bool | None = None


_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, for all tensors from now on.

    Args:
        precision: digits after the decimal point (4 at the start).
        threshold: tensors with more elements than this are summarised (1000).
        edgeitems: elements kept at both ends of each dimension of a summary (3).
        linewidth: characters in a line (80).
        profile: "default", "short" or "full"; the other arguments win over it. Unknown names change nothing.
        sci_mode: True or False force scientific notation on or off; None lets each tensor's values decide.
            Unlike the others this is set by every call.
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen = {name: value for name, value in given.items() if value is not None}
    vars(_options).update(_PROFILES.get(profile or "", {}) | chosen, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, by the names that `set_printoptions` takes."""
    return dict(vars(_options))


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Use other print options inside a `with` block; takes the arguments of `set_printoptions`."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


_GAP = object()  # stands for the elements that a summary leaves out


def _collect(tensor: Any, summarize: bool) -> Any:
    """The elements to print as nested lists, with a _GAP where a summary cuts."""
    if not summarize:
        return tensor.tolist()
    edge = _options.edgeitems
    size = tensor.shape[0]
    if size > 2 * edge:
        # size - edge rather than -edge: with edge = 0 the tail has to be empty.
        head, tail = tensor[:edge], tensor[size - edge :]
    else:
        head, tail = tensor, tensor[size:]
    if tensor.dim() == 1:
        front, back = head.tolist(), tail.tolist()
    else:
        front = [_collect(head[i], True) for i in range(head.shape[0])]
        back = [_collect(tail[i], True) for i in range(tail.shape[0])]
    return front + [_GAP] + back if size > 2 * edge else front


def _leaves(rows: Any) -> Iterator[Any]:
    if isinstance(rows, list):
        for row in rows:
            yield from _leaves(row)
    elif rows is not _GAP:
        yield rows


def _float_style(finite: list[float]) -> tuple[Callable[[float], str], bool]:
    """How to write floats whose finite, nonzero values are these; and whether a point must be added."""
    precision = _options.precision
    magnitudes = [abs(value) for value in finite]
    largest, smallest = max(magnitudes), min(magnitudes)
    whole = all(value.is_integer() for value in finite)
    scientific = _options.sci_mode
    if scientific is None:
        spread = largest / smallest > 1000.0 or largest > 1.0e8
        scientific = spread or (not whole and smallest < 1.0e-4)
    if scientific:
        return (lambda value: f"{value:.{precision}e}"), False
    if whole:
        return (lambda value: f"{value:.0f}"), True
    return (lambda value: f"{value:.{precision}f}"), False


def _element_style(values: list[Any], floating: bool) -> tuple[Callable[[Any], str], int]:
    """A function that writes one element, padded to the common width, and that width.

    The width is that of the widest finite, nonzero float: zeros, infinities and nans do not count.
    """
    if not floating:
        width = max((len(str(value)) for value in values), default=1)
        return (lambda value: str(value).rjust(width)), width

    finite = [value for value in values if value != 0 and math.isfinite(value)]
    if not finite:
        return (lambda value: f"{value:.0f}." if math.isfinite(value) else str(value)), 1
    write, add_point = _float_style(finite)
    width = max(len(write(value)) for value in finite) + add_point

    def padded(value: float) -> str:
        text = write(value)
        if add_point and math.isfinite(value):
            text += "."
        return text.rjust(width)

    return padded, width


def _layout(rows: Any, dim: int, indent: int, write: Callable[[Any], str], width: int) -> str:
    """Nested rows as text; `indent` is the column at which the opening bracket stands."""
    if dim == 0:
        return write(rows)
    if dim > 1:
        parts = ["..." if row is _GAP else _layout(row, dim - 1, indent + 1, write, width) for row in rows]
        return "[" + ("," + "\n" * (dim - 1) + " " * (indent + 1)).join(parts) + "]"
    per_line = max(1, (_options.linewidth - indent) // (width + 2))
    words = [" ..." if value is _GAP else write(value) for value in rows]
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _numbers(tensor: Any, indent: int) -> str:
    if _options.edgeitems == 0 and tensor.dim() > 0 and tensor.numel() > _options.threshold:
        return "[...]"
    rows = _collect(tensor, tensor.dim() > 0 and tensor.numel() > _options.threshold)
    write, width = _element_style(list(_leaves(rows)), tensor.dtype.is_floating_point)
    return _layout(rows, tensor.dim(), indent, write, width)


def _library(tensor: Any) -> Any:
    """The module that made this tensor (where its dtypes live)."""
    return sys.modules.get(type(tensor.dtype).__module__.partition(".")[0])


def _is_plain(tensor: Any) -> bool:
    """Whether this is a Tensor or Parameter itself, not of a class derived from them."""
    library = _library(tensor)
    nn = sys.modules.get(f"{getattr(library, '__name__', '')}.nn")
    return type(tensor) in (getattr(library, "Tensor", None), getattr(nn, "Parameter", None))


def _suffixes(tensor: Any) -> list[str]:
    suffixes = []
    meta = tensor.device.type == "meta"
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    empty = tensor.numel() == 0 and not meta
    if meta or (tensor.dim() != 1 if empty else _options.edgeitems == 0):
        suffixes.append(f"size={tuple(tensor.shape)}")
    usual = [_library(tensor).get_default_dtype()]
    if not empty:
        # Digits alone tell an integer or a bool from a float, so their common types go without saying.
        usual += [_library(tensor).int64, _library(tensor).bool]
    if tensor.dtype not in usual:
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name().rpartition('::')[2]}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _tensor_str(tensor: Any, *, tensor_contents: str | None = None) -> str:
    """The text of a tensor, as `repr` and `str` give it.

    Args:
        tensor: a tensor of any shape, dtype and device.
        tensor_contents: text to stand where the numbers would.
    """
    opening = "tensor(" if _is_plain(tensor) else f"{type(tensor).__name__}("
    indent = len(opening)
    if tensor_contents is not None:
        numbers = tensor_contents
    elif tensor.device.type == "meta":
        numbers = "..."
    elif tensor.numel() == 0:
        numbers = "[]"
    else:
        numbers = _numbers(tensor.detach(), indent)

    text = opening + numbers
    # The numbers count two columns more than they take, as in PyTorch: the first suffix wraps early.
    used = len(text) - (text.rfind("\n") + 1) + 2
    for suffix in _suffixes(tensor):
        if used + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def tensor_format(tensor: Any, spec: str) -> str:
    """`format(tensor, spec)`: a 0-d tensor is formatted as its value, all others as objects."""
    exact = type(tensor) is getattr(_library(tensor), "Tensor", None)
    if exact and tensor.dim() == 0 and tensor.device.type != "meta":
        return format(tensor.item(), spec)
    return object.__format__(tensor, spec)
