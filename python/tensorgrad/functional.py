"""Products whose arguments have more than one form: einsum, tensordot, chain_matmul."""

from __future__ import annotations

from tensorgrad import _C
from tensorgrad._C import Tensor

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["chain_matmul", "einsum", "tensordot"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _subscripts(sublist: Any) -> str:
    """The letters for a list of numbers from 0 to 51 and `...`."""
    text = ""
    for subscript in sublist:
        if subscript is Ellipsis:
            text += "..."
        elif subscript >= 0 and subscript < 52:
            text += _LETTERS[subscript]
        else:
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return text


def einsum(*args: Any) -> Tensor:
    """Products summed over the subscripts that the output does not name.

    ``einsum("bij,bjk->bik", a, b)``, or with numbers: ``einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 1, 3])``.
    A letter names a dimension, ``...`` the remaining ones, which broadcast; a letter twice in one operand
    takes its diagonal. Without an arrow the output has the ellipsis and the letters that appear once, in
    order.

    Raises:
        RuntimeError: subscripts that do not parse, or do not fit the operands.
        ValueError: no operands, or a number that is no subscript.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, "
            "or at least one operand and its subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation = ",".join(_subscripts(sublist) for sublist in args[1::2])
        if len(args) % 2:
            equation += "->" + _subscripts(args[-1])
        return _C._ops.einsum(equation, list(args[:-1:2] if len(args) % 2 else args[::2]))
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        return einsum(equation, *operands[0])
    return _C._ops.einsum(equation, operands)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums products over dimensions of both: the last `dims` of a and the first of b, or two lists of them.

    Raises:
        RuntimeError: `dims` that are no number and no pair of lists, or sizes that do not match.
    """
    if not isinstance(dims, int | list | tuple | Tensor):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] "
            f"containing two lists, but got dims={dims}"
        )
    if isinstance(dims, Tensor):
        if dims.numel() == 1:
            dims = int(dims.item())
        else:
            dims = dims.tolist()
    if not isinstance(dims, int):
        first, second = dims
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        first, second = range(-dims, 0), range(dims)
        first, second = list(first), list(second)
    return _C._ops.tensordot(a, b, first, second, out=out)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of matrices, multiplied in the order that takes the fewest operations."""
    for matrix in matrices:
        if matrix.dim() != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.dim()}, expected 2 instead.")
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    if len(matrices) == 1:
        return matrices[0].clone() if out is None else out.copy_(matrices[0])
    return _C._linalg.multi_dot(matrices, out=out)
