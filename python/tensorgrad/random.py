"""The default stream of random numbers: seeds and positions. Same seed, same numbers as PyTorch's cpu."""

from __future__ import annotations

import contextlib

from tensorgrad._C import default_generator

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

if TYPE_CHECKING:
    from tensorgrad import Generator, Tensor

__all__ = [
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
    "thread_safe_generator",
]


def set_rng_state(new_state: Tensor) -> None:
    """Goes to the position that `get_rng_state` gave, here or in PyTorch: uint8, shape [5056].

    TypeError for another dtype, RuntimeError if the bytes are no state."""
    default_generator.set_state(new_state)


def get_rng_state() -> Tensor:
    """The position in the stream as bytes: uint8, shape [5056], in PyTorch's layout."""
    return default_generator.get_state()


def manual_seed(seed: int) -> Generator:
    """Starts the stream of `seed`, anything that `int()` makes a signed or unsigned 64-bit integer.

    Returns the default generator. ValueError beyond 64 bits."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Starts a stream that the operating system chooses; returns its seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream started from."""
    return default_generator.initial_seed()


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """On leaving, the default stream continues where it was on entering. With `enabled=False` it does not."""
    if not enabled or device_type == "meta":
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)


def thread_safe_generator() -> Generator | None:
    """The generator of a DataLoader's worker thread; None elsewhere, as workers are no threads here."""
    return None
