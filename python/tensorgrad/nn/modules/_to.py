"""The arguments of Module.to."""

from __future__ import annotations

from typing import Any

import tensorgrad

_SIGNATURES = "".join(
    f"\n * ({first}, bool non_blocking = False, bool copy = False, *, "
    "torch.memory_format memory_format = None)"
    for first in (
        "torch.device device = None, torch.dtype dtype = None",
        "torch.dtype dtype",
        "Tensor tensor",
    )
)


def parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """The device, dtype and non_blocking that a call of ``to(*args, **kwargs)`` asks for.

    Raises:
        TypeError: the arguments fit none of the three signatures.
        NotImplementedError: a memory format was asked for.
    """
    if kwargs.get("memory_format") is not None:
        raise NotImplementedError("memory_format is not supported: tensors are stored row by row")
    named = {name: value for name, value in kwargs.items() if name != "memory_format"}
    for first in (["device", "dtype"], ["dtype"], ["tensor"]):
        names = [*first, "non_blocking", "copy"]
        if len(args) > len(names):
            continue
        given = dict(zip(names, args, strict=False))
        if set(named) - (set(names) - set(given)):
            continue
        given |= named
        if first[0] != "device" and first[0] not in given:
            continue
        if all(_fits(name, value) for name, value in given.items()):
            device, dtype = given.get("device"), given.get("dtype")
            if "tensor" in given:
                device, dtype = given["tensor"].device, given["tensor"].dtype
            if device is not None:
                device = tensorgrad.device(device)
            return device, dtype, bool(given.get("non_blocking", False))
    kinds = [_kind(value) for value in args] + [f"{name}={_kind(value)}" for name, value in kwargs.items()]
    got = ", ".join(kinds) + (", " if kwargs else "")
    raise TypeError(
        f"to() received an invalid combination of arguments - got ({got}), "
        f"but expected one of:{_SIGNATURES}\n"
    )


def _fits(name: str, value: Any) -> bool:
    if name == "device":
        kinds: Any = (str, int, tensorgrad.device)
        return value is None or (isinstance(value, kinds) and not isinstance(value, bool))
    if name == "dtype":
        return value is None or isinstance(value, tensorgrad.dtype)
    if name == "tensor":
        return isinstance(value, tensorgrad.Tensor)
    return isinstance(value, bool)


def _kind(value: Any) -> str:
    if isinstance(value, tensorgrad.Tensor):
        return "Tensor"
    if isinstance(value, tensorgrad.dtype):
        return "torch.dtype"
    if isinstance(value, tensorgrad.device):
        return "torch.device"
    return type(value).__name__
