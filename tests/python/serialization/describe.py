"""What a loaded object is, told in the same words for torch and for tensorgrad."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import torch as real_torch

import tensorgrad

TENSORS = (real_torch.Tensor, tensorgrad.Tensor)
STORAGES = (real_torch.UntypedStorage, tensorgrad.UntypedStorage)
NAMED = (real_torch.dtype, tensorgrad.dtype, real_torch.layout, tensorgrad.layout)


def describe(value: Any, storages: dict[int, int] | None = None) -> Any:
    """Types, values, geometry, attributes, and which tensors share a storage (numbered as they appear)."""
    storages = {} if storages is None else storages

    def number(storage: Any) -> Any:
        return storages.setdefault(storage.data_ptr(), len(storages)) if storage.nbytes() else "empty"

    if isinstance(value, TENSORS):
        kind = type(value).__name__
        attributes = describe(dict(getattr(value, "__dict__", {})), storages)
        return (
            kind, str(value.dtype), tuple(value.shape), value.stride(), value.storage_offset(),
            value.requires_grad, number(value.untyped_storage()), value.untyped_storage().nbytes(),
            repr(value.detach().tolist()), attributes,
        )  # fmt: skip
    if isinstance(value, real_torch.TypedStorage):  # what PyTorch loads where an UntypedStorage was saved
        value = value._untyped_storage
    if isinstance(value, STORAGES):
        return ("storage", number(value), value.tolist())
    if isinstance(value, (dict, OrderedDict, Counter)):
        items = [(describe(key, storages), describe(item, storages)) for key, item in value.items()]
        return (type(value).__name__, items, describe(getattr(value, "__dict__", None), storages))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [describe(item, storages) for item in value])
    if isinstance(value, NAMED + (real_torch.device, tensorgrad.device)):
        return str(value)
    return (type(value).__name__, repr(value))
