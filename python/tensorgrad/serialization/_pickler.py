"""Pickles as PyTorch writes them: storages apart from the pickle, globals under PyTorch's names."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Any

import tensorgrad
from tensorgrad import Tensor
from tensorgrad.serialization import _globals
from tensorgrad.serialization._globals import StorageType, TypedStorage
from tensorgrad.storage import UntypedStorage

# Most objects of a pickle, which pickle writes as it does.
PLAIN = frozenset({str, int, float, bool, type(None), tuple, list, dict, OrderedDict})


class Pickler(pickle._Pickler):
    """Writes an object to a stream; the storages that it has are in `storages` afterwards, by key.

    Python's own pickler in Python, since the one in C imports what it names, and PyTorch's names are not
    ours.

    Raises:
        RuntimeError: tensors of different dtypes show the same storage.
    """

    def __init__(self, stream: Any, protocol: int) -> None:
        super().__init__(stream, protocol)
        self.storages: dict[str, UntypedStorage] = {}
        self._keys: dict[UntypedStorage, str] = {}
        self._dtypes: dict[UntypedStorage, Any] = {}

    def persistent_id(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is UntypedStorage:
            storage, dtype, length = obj, None, len(obj)
        elif kind is TypedStorage:
            storage, dtype = obj
            length = len(storage) // dtype.itemsize
        else:
            return None
        if len(storage) and self._dtypes.setdefault(storage, dtype) != dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types"
            )
        key = self._keys.setdefault(storage, str(len(self._keys)))
        self.storages[key] = storage
        return "storage", StorageType(dtype), key, str(storage.device), length

    def save_global(self, obj: Any, name: str | None = None) -> None:
        written = _globals.written_name(obj)
        if written is None:
            super().save_global(obj, name)  # type: ignore[misc]
            return
        self.write(pickle.GLOBAL + "{}\n{}\n".format(*written).encode())  # type: ignore[attr-defined]
        self.memoize(obj)  # type: ignore[attr-defined]

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) in PLAIN:
            return NotImplemented
        if isinstance(obj, Tensor):
            return self._reduce_tensor(obj)
        if type(obj) is bytes and not obj:  # PyTorch's loader refuses what pickle writes for it
            return _globals.encode, ("", "latin1")
        if isinstance(obj, tensorgrad.layout):
            return _globals.get_layout, (str(obj),)
        if isinstance(obj, type):
            return NotImplemented if _globals.written_name(obj) is None else obj.__name__
        if _globals.written_name(obj) is not None:
            return "global"  # save_global looks up the name
        return NotImplemented

    def _reduce_tensor(self, tensor: Tensor) -> Any:
        state = dict(tensor.__dict__) if getattr(tensor, "__dict__", None) else None
        if isinstance(tensor, _globals.parameter_class()):
            arguments: tuple[Any, ...] = (tensor.data, tensor.requires_grad, OrderedDict())
            if type(tensor) is _globals.parameter_class():
                if state:
                    return _rebuild_parameter_with_state, (*arguments, state)
                return _globals.rebuild_parameter, arguments
            return _globals.rebuild_from_type, (
                _globals.rebuild_parameter, type(tensor), arguments, state or {}
            )  # fmt: skip
        name = str(tensor.dtype).removeprefix("torch.")
        memory = tensor.untyped_storage()
        hooks: Any = OrderedDict()  # PyTorch's own; never written
        geometry = (tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
        rest = (tensor.requires_grad, hooks)
        function: Any
        if name in _globals.STORAGE_NAMES:
            function, arguments = (
                _globals.rebuild_tensor_v2,
                (TypedStorage(memory, tensor.dtype), *geometry, *rest),
            )
        else:
            function, arguments = _globals.rebuild_tensor_v3, (memory, *geometry, *rest, tensor.dtype)
        if state or type(tensor) is not Tensor:
            return _globals.rebuild_from_type, (function, type(tensor), arguments, state or {})
        return function, arguments


def _rebuild_parameter_with_state() -> None:
    """Stands for PyTorch's function of this name in what the pickler writes."""


_globals.WRITTEN_NAMES[_rebuild_parameter_with_state] = ("torch._utils", "_rebuild_parameter_with_state")
