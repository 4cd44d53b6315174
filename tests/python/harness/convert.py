"""Tensors, dtypes and the other values of a call, carried from PyTorch to the module under test and back.

Strides, storage sharing and requires_grad survive the journey, so that a sample made by PyTorch means the same to both."""

from __future__ import annotations

import ctypes
import os
from types import ModuleType
from typing import Any

import torch

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "int64": torch.int64,
    "int32": torch.int32,
    "int16": torch.int16,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
# Where the module under test keeps the tensors of the tables.
DEVICE = os.environ.get("DEVICE", "cpu")
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class Excluded(Exception):
    """The value lies outside what the library covers (complex, sparse, another device): skip, and say why."""


def _own_memory(tensor: torch.Tensor, storages: dict[int, torch.UntypedStorage]) -> torch.Tensor:
    """A tensor with the same sizes and strides over a private copy of the storage (one copy per storage)."""
    storage = tensor.untyped_storage()
    key = storage.data_ptr()
    if storage.nbytes() == 0:
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
    if key not in storages:
        storages[key] = storage.clone()
    out = torch.empty(0, dtype=tensor.dtype)
    return out.set_(storages[key], tensor.storage_offset(), tensor.shape, tensor.stride())


class Converter:
    """Copies a tree of arguments for one side. `target` is the module: torch itself, or the one under test.

    Tensors that appear twice map to one tensor, and tensors on one storage stay on one piece of memory."""

    def __init__(self, target: ModuleType, translate: Any = None) -> None:
        self.target = target
        self.translate = translate
        self.tensors: dict[int, Any] = {}
        self.storages: dict[int, torch.UntypedStorage] = {}
        self.wholes: dict[tuple[int, torch.dtype], Any] = {}  # what a storage's windows are cut from
        self.keep: list[Any] = []

    def __call__(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) not in self.tensors:
                self.keep.append(value)
                self.tensors[id(value)] = self.tensor(value)
            return self.tensors[id(value)]
        if isinstance(value, torch.dtype):
            if value not in DTYPE_NAMES:
                raise Excluded(f"dtype {str(value).removeprefix('torch.')}")
            return getattr(self.target, DTYPE_NAMES[value])
        if isinstance(value, torch.Size):
            return self.target.Size(value)
        if isinstance(value, tuple):
            items = [self(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(self(value.start), self(value.stop), self(value.step))
        if isinstance(value, complex):
            raise Excluded("complex")
        if isinstance(value, torch.device):
            if value.type != "cpu":
                raise Excluded(f"device {value.type}")
            return self.target.device(str(value))
        if isinstance(value, torch.memory_format):
            if value not in (torch.contiguous_format, torch.preserve_format):
                raise Excluded("channels_last")
            return getattr(self.target, str(value).removeprefix("torch."))
        if isinstance(value, torch.layout):
            if value is not torch.strided:
                raise Excluded("sparse")
            return self.target.strided
        if isinstance(value, torch.Generator):
            generator = self.target.Generator()
            generator.manual_seed(value.initial_seed())
            return generator
        if callable(value) and self.translate is not None:
            return self.translate(value)
        return value

    def tensor(self, value: torch.Tensor) -> Any:
        if value.device.type != "cpu":
            raise Excluded(f"device {value.device.type}")
        if value.layout is not torch.strided or value.is_sparse:
            raise Excluded("sparse")
        if value.dtype not in DTYPE_NAMES:
            raise Excluded(f"dtype {str(value.dtype).removeprefix('torch.')}")
        if value.is_nested or value.is_quantized or value.is_conj() or value.is_neg():
            raise Excluded("tensor kind")
        if type(value) not in (torch.Tensor, torch.nn.Parameter):
            raise Excluded(f"subclass {type(value).__name__}")
        copy = _own_memory(value.detach(), self.storages)
        if self.target is not torch:
            copy = self._window(copy)
            if DEVICE != "cpu":
                copy = copy.to(DEVICE)
        return copy.requires_grad_() if value.requires_grad else copy

    def _window(self, tensor: torch.Tensor) -> Any:
        """`tensor` as one of `target`, on the same storage as the other tensors of its storage, at its offset."""
        storage = tensor.untyped_storage()
        if storage.nbytes() < tensor.element_size():
            return to_module(tensor, self.target)
        key = (storage.data_ptr(), tensor.dtype)
        whole = torch.empty(0, dtype=tensor.dtype).set_(
            storage, 0, (storage.nbytes() // tensor.element_size(),)
        )
        if key not in self.wholes:
            alone = tensor.is_contiguous() and tensor.numel() == whole.numel()
            self.wholes[key] = to_module(tensor if alone else whole, self.target)
            if alone:
                return self.wholes[key]
        shape, stride = tuple(tensor.shape), tensor.stride()
        return self.wholes[key].detach().as_strided(shape, stride, tensor.storage_offset()).detach()


def to_module(tensor: torch.Tensor, target: ModuleType) -> Any:
    """`tensor` (no grad) as a tensor of `target` on the same memory, with the same strides."""
    if target is torch:
        return tensor
    if not hasattr(target, "from_dlpack"):
        return _copied(tensor, target)
    return target.from_dlpack(tensor)


def _copied(tensor: torch.Tensor, target: ModuleType) -> Any:
    """The bytes copied into a tensor that `target` made."""
    extent = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride())) if tensor.numel() else 0
    flat = target.randint(0, 1, (extent,), dtype=getattr(target, DTYPE_NAMES[tensor.dtype]))
    if extent:
        ctypes.memmove(flat.data_ptr(), tensor.data_ptr(), extent * tensor.element_size())
    if tensor.is_contiguous() and tensor.numel() == extent and tensor.dim() == 1:
        return flat
    return flat.as_strided(tuple(tensor.shape), tensor.stride()).detach()


_CTYPES_SIZE = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "float16": 2,
    "bfloat16": 2,
    "int32": 4,
    "float32": 4,
}


def to_torch(tensor: Any) -> torch.Tensor:
    """A copy of `tensor`, of the module under test, as a PyTorch tensor: same dtype, sizes, strides, values.

    Reads the memory behind `data_ptr()`, so that no operation of the module under test takes part in its own test."""
    if isinstance(tensor, torch.Tensor):
        return tensor.detach().clone()
    if tensor.device.type != "cpu":
        tensor = tensor.detach().cpu()
    name = str(tensor.dtype).rsplit(".", 1)[-1]
    shape, stride = tuple(tensor.shape), tuple(tensor.stride())
    out = torch.empty_strided(shape, stride, dtype=DTYPES[name])
    if tensor.numel():
        size = _CTYPES_SIZE.get(name, 8)
        extent = 1 + sum((n - 1) * s for n, s in zip(shape, stride, strict=True))
        ctypes.memmove(out.data_ptr(), tensor.data_ptr(), extent * size)
    return out


def is_tensor(value: Any, target: ModuleType) -> bool:
    return isinstance(value, (torch.Tensor, target.Tensor))
