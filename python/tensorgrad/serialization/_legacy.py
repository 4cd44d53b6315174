"""PyTorch's file format of before version 1.6: five pickles, then the storages one after the other."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import IO, Any

from tensorgrad.serialization._globals import Globals, TypedStorage
from tensorgrad.serialization._storages import make_booleans_sound, parse_identity, restorer, swap_bytes
from tensorgrad.serialization._unpickler import Unpickler, describe
from tensorgrad.storage import UntypedStorage

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
LENGTH_BYTES = 8


class _Storages:
    """Storages whose bytes follow later in the file."""

    def __init__(self, file_size: int, map_location: Any) -> None:
        self.by_key: dict[str, tuple[UntypedStorage, Any]] = {}  # on the cpu, and its dtype
        self._restored: dict[str, UntypedStorage] = {}
        self._left = file_size
        self._restore = restorer(map_location)

    def persistent_load(self, identity: tuple[Any, ...]) -> Any:
        dtype, key, location, length = parse_identity(identity)
        if len(identity) > 5 and identity[5] is not None:
            raise UnpicklingError("storages that are views of others are not supported")
        if key not in self.by_key:
            itemsize = 1 if dtype is None else dtype.itemsize
            self._left -= length * itemsize
            if self._left < 0:
                raise RuntimeError("unexpected EOF. The file might be corrupted.")
            storage = UntypedStorage(length * itemsize)
            self.by_key[key] = storage, dtype
            self._restored[key] = self._restore(storage, location)
        storage = self._restored[key]
        return storage if dtype is None else TypedStorage(storage, dtype)

    def fill(self, key: str, data: Any, swap: bool) -> None:
        """Gives a storage its bytes, now that they are there."""
        storage, dtype = self.by_key[key]
        storage._memory()[:] = data
        if swap and dtype is not None:
            swap_bytes(storage, dtype.itemsize)
        if self._restored[key] is not storage:
            self._restored[key]._bytes.copy_(storage._bytes)


def read(stream: IO[bytes], table: Globals, map_location: Any, every_opcode: bool) -> Any:
    """The object of a file.

    Raises:
        RuntimeError: it is no such file, or ends before its storages do.
    """
    data = memoryview(stream.read())
    storages = _Storages(len(data), map_location)
    unpickler = Unpickler(data, table, storages.persistent_load, every_opcode)
    if unpickler.load() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    if (version := unpickler.load()) != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {describe(version)}")
    system = unpickler.load()
    result = unpickler.load()
    keys = unpickler.load()
    if not isinstance(keys, list) or not isinstance(system, dict):
        raise UnpicklingError("the list of storages is none")
    position = unpickler.position
    for key in keys:
        if type(key) is not str or key not in storages.by_key:
            raise UnpicklingError("a storage that no tensor has")
        storage, dtype = storages.by_key[key]
        itemsize = 1 if dtype is None else dtype.itemsize
        begin, end = position + LENGTH_BYTES, position + LENGTH_BYTES + len(storage)
        if end > len(data):
            raise RuntimeError(
                f"unexpected EOF, expected {end - len(data)} more bytes. The file might be corrupted."
            )
        if int.from_bytes(data[position:begin], "little") * itemsize != len(storage):
            raise RuntimeError(f"storage has wrong byte size: expected {len(storage)}")
        storages.fill(key, data[begin:end], swap=system.get("little_endian") is False)
        position = end
    for storage in unpickler.bool_storages:
        make_booleans_sound(storage)
    return result
