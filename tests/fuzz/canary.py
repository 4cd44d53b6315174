"""What hostile files try to call. It remembers that it was."""

from typing import Any

called: list[Any] = []


def sing(*args: Any) -> Any:
    """Must never run."""
    called.append(args)
    return args


class Bird:
    """Must never be made."""

    def __init__(self, *args: Any) -> None:
        called.append(args)

    def __setstate__(self, state: Any) -> None:
        called.append(state)

    def __reduce__(self) -> Any:
        return sing, (1,)
