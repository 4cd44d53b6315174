"""Files that are whole or not there: written beside their place, then renamed into it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any


def is_path(f: Any) -> bool:
    """Whether `f` names a file, in contrast to being one."""
    return isinstance(f, str | os.PathLike)


@contextmanager
def whole_file(path: Any) -> Iterator[IO[bytes]]:
    """A stream whose content stands at `path` once the block ended; whoever reads `path` finds the old
    content or the new, never a part.

    Raises:
        OSError: the file cannot be written; `path` is as it was and no temporary file is left, as after any
            other exception from the block.
    """
    target = os.path.realpath(os.fspath(path))  # a link stays a link
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as stream:  # a device or a pipe has no content to keep; a folder raises
            yield stream
        return
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:64]}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as stream:
            if os.path.exists(target):
                os.chmod(temporary, os.stat(target).st_mode & 0o7777)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    with suppress(OSError):  # the renaming itself; not every file system can sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
