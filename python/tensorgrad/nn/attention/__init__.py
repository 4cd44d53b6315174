"""The choice between the ways to compute scaled_dot_product_attention."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterable, Iterator

from tensorgrad import _C

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.Enum):
    """Ways to compute attention, by PyTorch's names: here the fused kernel is FLASH_ATTENTION, and MATH is
    composed of matrix products."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self) -> int:
        return self.value


@contextlib.contextmanager
def sdpa_kernel(backends: list[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[None]:
    """Allows only these ways in a `with` block or a decorated function; the fused one comes first.

    Raises:
        AssertionError: `backends` that are no SDPBackend and no list of them.
    """
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, "
            f"got {type(backends).__name__}"
        )
    allowed: Iterable[SDPBackend] = [backends] if isinstance(backends, SDPBackend) else backends
    before = _C._ops._allow_attention(SDPBackend.FLASH_ATTENTION in allowed, SDPBackend.MATH in allowed)
    try:
        yield
    finally:
        _C._ops._allow_attention(*map(bool, before))
