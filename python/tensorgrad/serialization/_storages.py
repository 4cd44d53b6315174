"""Storages out of a file, and the devices they go to."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pickle import UnpicklingError
from typing import IO, Any

import tensorgrad
from tensorgrad import _C
from tensorgrad.serialization._archive import ArchiveReader
from tensorgrad.serialization._globals import StorageType, TypedStorage
from tensorgrad.storage import UntypedStorage

# The alignment that every dtype is content with.
WIDEST_ITEM = 16


def parse_identity(identity: tuple[Any, ...]) -> tuple[Any, str, str, int]:
    """The dtype (None for plain bytes), key, location and number of elements of a storage of a pickle."""
    if len(identity) < 5:
        raise UnpicklingError(f"the id of a storage has {len(identity)} parts instead of 5")
    kind, key, location, length = identity[1:5]
    if not isinstance(kind, StorageType) or type(length) is not int or length < 0:
        raise UnpicklingError("the id of a storage has no storage type or length")
    if type(key) is not str or type(location) is not str:
        raise UnpicklingError("the key or the location of a storage is no str")
    return kind.dtype, key, location, length


class StorageLoader:
    """Reads the storages of an archive, each once.

    Args:
        archive: where they are.
        map_location: as `load` takes it.
        mapped: the file, if it is to be mapped into memory.
    """

    def __init__(self, archive: ArchiveReader, map_location: Any, mapped: IO[bytes] | None) -> None:
        self._archive = archive
        self._restore = restorer(map_location)
        self._loaded: dict[str, UntypedStorage] = {}
        self._map = mmap.mmap(mapped.fileno(), 0, access=mmap.ACCESS_COPY) if mapped else None
        order = archive.read("byteorder") if "byteorder" in archive else b"little"
        if order not in (b"little", b"big"):
            raise ValueError(f"Unknown endianness type: {order[:50].decode(errors='replace')}")
        self._swap = order == b"big"

    def persistent_load(self, identity: tuple[Any, ...]) -> Any:
        """The storage that a pickle's id stands for."""
        dtype, key, location, length = parse_identity(identity)
        if key not in self._loaded:
            self._loaded[key] = self._restore(self._read(dtype, key, length), location)
        storage = self._loaded[key]
        return storage if dtype is None else TypedStorage(storage, dtype)

    def _read(self, dtype: Any, key: str, length: int) -> UntypedStorage:
        name, itemsize = f"data/{key}", 1 if dtype is None else dtype.itemsize
        size = self._archive.size(name)
        if size != length * itemsize:
            raise RuntimeError(
                f"record size ({size} bytes) does not match expected size ({length * itemsize} bytes = "
                f"{length} elements * {itemsize} bytes/element) for {name}"
            )
        if self._map is not None and size and not self._swap:
            begin = self._archive.locate(name)
            if begin % WIDEST_ITEM == 0:
                return UntypedStorage._of(_C.as_tensor(memoryview(self._map)[begin : begin + size]))
        storage = UntypedStorage(size)
        if size:
            self._archive.read_into(name, storage._memory())
            if self._swap:
                swap_bytes(storage, itemsize)
        return storage


def swap_bytes(storage: UntypedStorage, itemsize: int) -> None:
    """Turns around the bytes of each item."""
    items = storage._bytes.view(-1, itemsize)
    items.copy_(items.flip(1))


def make_booleans_sound(storage: UntypedStorage) -> None:
    """Turns bytes above 1 into 1, since a bool of any other value may be both true and false to a
    compiler."""
    if len(storage) and storage._bytes.max().item() > 1:
        storage._bytes.clamp_(max=1)


def restorer(map_location: Any) -> Callable[[UntypedStorage, str], UntypedStorage]:
    """The function that brings a storage from the cpu to where it belongs, for each kind of
    `map_location`."""
    if map_location is None:
        return _to_location
    if isinstance(map_location, dict):
        return lambda storage, location: _to_location(storage, map_location.get(location, location))
    if isinstance(map_location, str | bytes | tensorgrad.device):
        target = map_location.decode() if isinstance(map_location, bytes) else str(map_location)
        return lambda storage, location: _to_location(storage, target)
    if not callable(map_location):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")

    def ask(storage: UntypedStorage, location: str) -> UntypedStorage:
        result = map_location(storage, location)
        return _to_location(storage, location) if result is None else result

    return ask


def _to_location(storage: UntypedStorage, location: Any) -> UntypedStorage:
    location = str(location)
    if location == "cpu":
        return storage
    kind = location.partition(":")[0]
    try:
        return UntypedStorage._of(storage._bytes.to(location))
    except (RuntimeError, NotImplementedError, AssertionError):
        pass
    if kind == "cuda":
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If "
            "you are running on a CPU-only machine, please use torch.load with "
            "map_location=torch.device('cpu') to map your storages to the CPU."
        )
    raise RuntimeError(
        "don't know how to restore data location of torch.storage.UntypedStorage (tagged with "
        f"{location[:100]})"
    )
