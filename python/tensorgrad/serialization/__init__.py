"""save and load: PyTorch's files of tensors, and what goes with them.

`load` never executes anything that a file names. It knows tensors, Parameters, containers, numbers, strings,
dtypes, devices and sizes; whatever else a file asks for is refused by name, unless `add_safe_globals`
allowed it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import tensorgrad
from tensorgrad.serialization import _legacy
from tensorgrad.serialization._archive import ArchiveReader, ArchiveWriter
from tensorgrad.serialization._files import is_path, whole_file
from tensorgrad.serialization._globals import Globals
from tensorgrad.serialization._pickler import Pickler
from tensorgrad.serialization._storages import StorageLoader, make_booleans_sound
from tensorgrad.serialization._unpickler import Unpickler

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]

DEFAULT_PROTOCOL = 2
NEWEST_VERSION = 10
_safe_globals: list[Any] = []


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allows files to name these classes and functions: `load` then makes and calls them.

    Args:
        safe_globals: classes and functions, or pairs of one and the full name that files have for it.
    """
    for entry in safe_globals:
        if entry not in _safe_globals:
            _safe_globals.append(entry)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` allowed."""
    return list(_safe_globals)


def clear_safe_globals() -> None:
    """Takes back all that `add_safe_globals` allowed."""
    _safe_globals.clear()


@contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """Allows these classes and functions inside a `with` block."""
    before = get_safe_globals()
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _safe_globals[:] = before


def _allowed_by_name() -> dict[str, Any]:
    allowed = {}
    for entry in _safe_globals:
        if not isinstance(entry, tuple):
            allowed[f"{entry.__module__}.{entry.__qualname__}"] = entry
            continue
        if len(entry) != 2:
            raise ValueError(
                "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                f"{len(entry)}"
            )
        if type(entry[1]) is not str:
            raise TypeError(
                f"Expected second item in tuple to be str of callable full path, but got: {type(entry[1])}"
            )
        allowed[entry[1]] = entry[0]
    return allowed


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Writes an object to a file that this library and PyTorch load.

    Tensors that share a storage share it again when they are loaded, and keep their strides and offsets. A
    file that is named by its path is there whole or not at all, whatever happens meanwhile.

    Args:
        obj: tensors, Parameters, state dicts, and whatever else can be pickled.
        f: a path, or a file object with `write`.
        pickle_protocol: of the part that holds all but the tensors' elements, 2 to 5.

    Raises:
        RuntimeError: the folder does not exist; tensors of different dtypes show the same storage.
        AttributeError, pickle.PicklingError: something cannot be pickled.
    """
    if not is_path(f) and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    if pickle_module is not pickle:
        raise NotImplementedError("save() writes with Python's pickle; there is no other pickle_module")
    if not _use_new_zipfile_serialization:
        raise NotImplementedError("save() does not write PyTorch's format of before version 1.6")
    if not is_path(f):
        _write(obj, f, "archive", pickle_protocol)
        return
    folder = os.path.dirname(os.fspath(f))
    if folder and not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    with whole_file(f) as stream:
        _write(obj, stream, Path(f).stem or "archive", pickle_protocol)


def _write(obj: Any, stream: Any, name: str, protocol: int) -> None:
    data = BytesIO()
    pickler = Pickler(data, protocol)
    pickler.dump(obj)
    archive = ArchiveWriter(stream, name)
    archive.write_record("data.pkl", data.getbuffer())
    archive.write_record("byteorder", b"little")
    for key, storage in pickler.storages.items():
        archive.write_record(f"data/{key}", storage._memory())
    archive.write_record("version", b"3\n")
    archive.close()


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what `save`, or PyTorch's, wrote. Nothing that the file names is executed or imported.

    Args:
        f: a path, or a file object with `read`, `seek` and `tell`. A path that ends in ".safetensors" is
            read by `tensorgrad.utils.safetensors`.
        map_location: where tensors go: a device or its name; a dict from the names of devices in the file to
            those wanted; or a function ``(storage, name) -> storage or None``.
        weights_only: False takes whole Modules of this library and of PyTorch, more containers, and newer
            pickle protocols. It executes nothing that the file brings either: classes of your own are allowed
            with `serialization.add_safe_globals` in both modes.
        mmap: map the file, which `f` must be the path of, into memory instead of reading it; writes to the
            tensors do not reach the file.

    Raises:
        pickle.UnpicklingError: the file asks for what it may not, which the text names, or its pickle is
            damaged.
        RuntimeError: it is no archive, its records are damaged, or a tensor lies outside its storage.
        EOFError: it ends early.
        ValueError: its byte order is unknown; `mmap` without a path.
        OSError: it cannot be read.
    """
    if weights_only is not False and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if is_path(f) and os.fspath(f).endswith(".safetensors"):
        from tensorgrad.utils import safetensors

        if map_location is not None and not isinstance(map_location, str | tensorgrad.device):
            kind = "dict" if isinstance(map_location, dict) else "callable"
            raise RuntimeError(
                f"Loading safetensors file with {kind} map_location is not supported. "
                "Use a device string or torch.device instead."
            )
        return safetensors.load_file(f, device="cpu" if map_location is None else map_location)
    table = Globals(_allowed_by_name(), every_container=weights_only is False)
    try:
        if is_path(f):
            with open(f, "rb") as stream:
                return _read(stream, table, map_location, weights_only is False, bool(mmap), stream)
        _check_seekable(f)
        return _read(f, table, map_location, weights_only is False, bool(mmap))
    except pickle.UnpicklingError as error:
        if weights_only is False:
            raise
        raise pickle.UnpicklingError(f"Weights only load failed. {error}") from None


def _check_seekable(f: Any) -> None:
    for name in ("seek", "tell", "read"):
        if not hasattr(f, name):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{name}'. You can only torch.load from a file "
                "that is seekable. Please pre-load the data into a buffer like io.BytesIO and try to load "
                "from it instead."
            )


def _read(
    stream: IO[bytes], table: Globals, map_location: Any, every_opcode: bool, mmap: bool, file: Any = None
) -> Any:
    start = stream.tell()
    is_archive = stream.read(4) == b"PK\x03\x04"
    stream.seek(start)
    if not is_archive:
        if mmap:
            raise RuntimeError(
                "mmap can only be used with files saved with "
                "`torch.save(_use_new_zipfile_serialization=True), "
                "please torch.save your checkpoint with this option in order to use mmap."
            )
        return _legacy.read(stream, table, map_location, every_opcode)
    if mmap and file is None:
        raise ValueError("f must be a file path in order to use the mmap argument")
    archive = ArchiveReader(stream)
    if "constants.pkl" in archive:
        raise RuntimeError(
            "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``."
        )
    if "version" not in archive:
        raise RuntimeError('Expected hasRecord("version") to be true, but got false.')
    version = archive.read("version").strip()[:20]
    if not version.isdigit() or int(version) > NEWEST_VERSION:
        raise RuntimeError(
            f"Attempted to read a PyTorch file with version {version.decode(errors='replace')}, but the "
            f"maximum supported version for reading is {NEWEST_VERSION}."
        )
    storages = StorageLoader(archive, map_location, file if mmap else None)
    data = archive.read("data.pkl")
    unpickler = Unpickler(data, table, storages.persistent_load, every_opcode)
    result = unpickler.load()
    for storage in unpickler.bool_storages:
        make_booleans_sound(storage)
    return result
