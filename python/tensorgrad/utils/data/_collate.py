"""Samples to batches: default_collate and default_convert."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import tensorgrad
from tensorgrad import Tensor

_ERROR = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
_NOT_NUMERIC = re.compile(r"[SaUO]")


def _numpy_kind(value: Any) -> str | None:
    """ "array" or "scalar" for what comes from NumPy; NumPy itself is not imported for it."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.ndarray):
        return "array"
    return "scalar" if isinstance(value, numpy.generic) else None


def _is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def default_convert(data: Any) -> Any:
    """NumPy arrays to tensors, within any nesting of mappings and sequences; all else as it is."""
    if isinstance(data, Tensor):
        return data
    kind = _numpy_kind(data)
    if kind is not None:
        if kind == "array" and _NOT_NUMERIC.search(data.dtype.str) is not None:
            return data
        return tensorgrad.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if _is_namedtuple(data):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _rebuild_sequence(data, [default_convert(value) for value in data])
    return data


def _rebuild_mapping(original: Any, values: dict[Any, Any]) -> Any:
    try:
        if isinstance(original, MutableMapping):
            clone: Any = copy.copy(original)
            clone.update(values)
            return clone
        return type(original)(values)  # type: ignore[call-arg]
    except TypeError:  # the type has another constructor
        return values


def _rebuild_sequence(original: Any, values: list[Any]) -> Any:
    try:
        if isinstance(original, MutableSequence):
            clone: Any = copy.copy(original)
            for place, value in enumerate(values):
                clone[place] = value
            return clone
        return type(original)(values)  # type: ignore[call-arg]
    except TypeError:  # the type has another constructor, or takes no such items
        return values


def default_collate(batch: Any) -> Any:
    """A list of samples to one batch, by what the first sample is.

    Tensors and arrays are stacked, numbers become a tensor, strings stay a list; mappings and sequences are
    collated item by item, whatever their nesting.

    Raises:
        TypeError: a sample is none of these.
        RuntimeError: sequences, or tensors, of different sizes.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return tensorgrad.stack(batch, 0)
    kind = _numpy_kind(first)
    if kind == "array":
        if _NOT_NUMERIC.search(first.dtype.str) is not None:
            raise TypeError(_ERROR.format(first.dtype))
        return default_collate([tensorgrad.as_tensor(each) for each in batch])
    if isinstance(first, float):
        return tensorgrad.tensor([float(each) for each in batch], dtype=tensorgrad.float64)
    if kind == "scalar" and first.dtype.kind in "biuf":
        import numpy

        return tensorgrad.as_tensor(numpy.asarray(batch, dtype=first.dtype))
    if isinstance(first, int):
        return tensorgrad.tensor(batch)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _rebuild_mapping(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if _is_namedtuple(first):
        return type(first)(*(default_collate(list(column)) for column in zip(*batch, strict=True)))
    if isinstance(first, Sequence) and not isinstance(first, str | bytes):
        if not all(len(each) == len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(list(column)) for column in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _rebuild_sequence(first, columns)
    raise TypeError(_ERROR.format(type(first)))


Collate = Callable[[Any], Any]
