"""finfo and iinfo: the numerical limits of dtypes."""

from __future__ import annotations

import builtins

from tensorgrad import _C

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["finfo", "iinfo"]

# bits, digits of the mantissa (the implicit one apart), smallest and largest exponent, decimal resolution
_FLOATS = {
    _C.float16: (16, 10, -14, 15, 1e-3),
    _C.bfloat16: (16, 7, -126, 127, 1e-2),
    _C.float32: (32, 23, -126, 127, 1e-6),
    _C.float64: (64, 52, -1022, 1023, 1e-15),
}
_INTEGERS = {
    _C.uint8: (8, 0, 255),
    _C.int8: (8, -(2**7), 2**7 - 1),
    _C.int16: (16, -(2**15), 2**15 - 1),
    _C.int32: (32, -(2**31), 2**31 - 1),
    _C.int64: (64, -(2**63), 2**63 - 1),
}


_MISSING = object()


def _check(function: str, type: Any) -> None:
    if not isinstance(type, _C.dtype):
        given = builtins.type(type).__name__
        raise TypeError(f"{function}(): argument 'type' (position 1) must be torch.dtype, not {given}")


class finfo:
    """Limits of a floating point dtype (default: the default dtype)."""

    def __init__(self, type: Any = None) -> None:
        import tensorgrad

        self._dtype = tensorgrad.get_default_dtype() if type is None else type
        _check("finfo", self._dtype)
        if self._dtype not in _FLOATS:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        self.bits, digits, low, high, self.resolution = _FLOATS[self._dtype]
        self.eps = 2.0**-digits
        self.max = (2.0 - 2.0**-digits) * 2.0**high
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0**low
        self.smallest_subnormal = 2.0 ** (low - digits)
        self.dtype = str(self._dtype).removeprefix("torch.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self._dtype == other._dtype

    def __hash__(self) -> int:
        return hash(self._dtype)

    def __repr__(self) -> str:
        def short(value: float) -> str:
            text = f"{value:g}"
            return text

        return (
            f"finfo(resolution={short(self.resolution)}, min={short(self.min)}, max={short(self.max)}, "
            f"eps={short(self.eps)}, smallest_normal={short(self.smallest_normal)}, tiny={short(self.tiny)}, "
            f"dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype."""

    def __init__(self, type: Any = _MISSING) -> None:
        if type is _MISSING:
            raise TypeError('iinfo() missing 1 required positional arguments: "type"')
        _check("iinfo", type)
        self._dtype = type
        if type is _C.bool:
            raise TypeError(f"torch.bool is not supported by torch.iinfo")  # noqa: F541
        if type not in _INTEGERS:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
            )
        self.bits, self.min, self.max = _INTEGERS[type]
        self.dtype = str(type).removeprefix("torch.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self._dtype == other._dtype

    def __hash__(self) -> int:
        return hash(self._dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
