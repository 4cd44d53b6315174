"""UntypedStorage: the bytes that tensors are views of."""

from __future__ import annotations

import weakref

from tensorgrad import _C
from tensorgrad._C import Tensor

# The name that type checkers take for true; typing itself would double the time to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["UntypedStorage"]

# One object per storage while it lives, so that pickle writes a storage once, however many tensors show it.
_alive: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()


class UntypedStorage:
    """Bytes on one device, shared by the tensors that are views of them.

    Args:
        size: how many bytes; they are not initialised.
        device: where.
    """

    __slots__ = ("__weakref__", "_bytes")
    _bytes: Tensor  # 1-d, uint8, over the whole storage

    def __init__(self, size: int = 0, *, device: Any = None) -> None:
        self._bytes = _C._ops.empty((size,), dtype=_C.uint8, device=device)

    @staticmethod
    def _of(tensor: Tensor) -> UntypedStorage:
        """The storage of `tensor`."""
        key = _C._storage_id(tensor)
        storage = _alive.get(key)
        if storage is None:
            storage = UntypedStorage.__new__(UntypedStorage)
            storage._bytes = _C._storage(tensor)
            _alive[key] = storage
        return storage

    @property
    def device(self) -> Any:
        """Where the bytes are."""
        return self._bytes.device

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._bytes.numel()

    size = nbytes
    __len__ = nbytes

    def data_ptr(self) -> int:
        """The address of the first byte; 0 if there is none."""
        return self._bytes.data_ptr()

    def element_size(self) -> int:
        """1: elements are bytes."""
        return 1

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self._bytes.tolist()

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage._of(self._bytes.clone())

    def cpu(self) -> UntypedStorage:
        """The storage itself if it is on the cpu, else a copy there."""
        return UntypedStorage._of(self._bytes.cpu())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise TypeError("an UntypedStorage is indexed by an int")
        return self._bytes[index].item()

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UntypedStorage):
            return NotImplemented
        return _C._storage_id(self._bytes) == _C._storage_id(other._bytes)

    def __hash__(self) -> int:
        return _C._storage_id(self._bytes)

    def __repr__(self) -> str:
        return f"[torch.storage.UntypedStorage(device={self.device}) of size {self.nbytes()}]"

    def __deepcopy__(self, memo: dict[Any, Any]) -> UntypedStorage:
        key = ("storage", _C._storage_id(self._bytes))
        if key not in memo:
            memo[key] = self._bytes.clone()
        return UntypedStorage._of(memo[key])

    def __reduce__(self) -> Any:
        return _from_bytes, (bytes(self._memory()),)

    def _memory(self) -> memoryview:
        """The bytes without a copy."""
        return memoryview(_C._memory_view(self._bytes.cpu())) if len(self) else memoryview(bytearray())


def _from_bytes(data: bytes) -> UntypedStorage:
    storage = UntypedStorage(len(data))
    storage._memory()[:] = data
    return storage
