"""Layouts and memory formats: the plain ones; others are refused by name where they are used."""

from __future__ import annotations

__all__ = [
    "channels_last", "channels_last_3d", "contiguous_format", "layout", "memory_format", "preserve_format",
    "sparse_coo", "strided",
]  # fmt: skip


class layout:
    """How a tensor's elements lie in memory."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_strided = name == "strided"

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format:
    """The order of a tensor's dimensions in memory."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_strided = name in ("contiguous_format", "preserve_format")

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout("strided")
sparse_coo = layout("sparse_coo")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
