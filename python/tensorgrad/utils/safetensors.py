"""The safetensors format, with the functions of the package `safetensors.torch` and a strict reader of our
own.

A file is the length of its header in 8 bytes, the header in JSON, and the tensors' elements one after the
other.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import tensorgrad
from tensorgrad import _C, Tensor
from tensorgrad.serialization._archive import read_exactly
from tensorgrad.serialization._files import whole_file
from tensorgrad.serialization._storages import make_booleans_sound
from tensorgrad.storage import UntypedStorage

__all__ = [
    "SafetensorError",
    "load",
    "load_file",
    "load_model",
    "metadata",
    "save",
    "save_file",
    "save_model",
]

MOST_HEADER_BYTES = 100_000_000
LENGTH = struct.Struct("<Q")
METADATA = "__metadata__"
# In the order in which files have them: the last first, so that wide elements are aligned.
DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}
CODES = {name: code for code, name in DTYPES.items()}
RANK = {code: rank for rank, code in enumerate(DTYPES)}


class SafetensorError(Exception):
    """Data that is not what the format says."""


def _bad(why: str) -> SafetensorError:
    return SafetensorError(f"Error while deserializing: {why}")


class _Entry:
    """A tensor's row of the header."""

    def __init__(self, name: str, row: Any) -> None:
        if not isinstance(row, dict):
            raise _bad(f"invalid JSON in header: tensor `{name}` is no object")
        for field in ("dtype", "shape", "data_offsets"):
            if field not in row:
                raise _bad(f"invalid JSON in header: missing field `{field}` of tensor `{name}`")
        self.name = name
        self.code = row["dtype"]
        if not isinstance(self.code, str) or self.code not in DTYPES:
            raise _bad(f"invalid JSON in header: unknown variant `{self.code!s:.20}` as dtype of `{name}`")
        self.dtype: Any = getattr(_C, DTYPES[self.code], None)
        if not isinstance(self.dtype, _C.dtype):
            raise _bad(f"tensor `{name}` is of dtype {DTYPES[self.code]}, of which there are no tensors")
        self.shape = self._numbers(row["shape"], "shape")
        offsets = self._numbers(row["data_offsets"], "data_offsets")
        if len(offsets) != 2:
            raise _bad(f"invalid JSON in header: invalid length {len(offsets)}, expected 2 data_offsets")
        self.begin, self.end = offsets
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
            if size >= 2**63:
                raise _bad("overflow computing buffer size from shape and/or element type")
        if len(self.shape) > 64 or any(length >= 2**63 for length in self.shape):
            raise _bad(f"invalid shape of tensor `{name}`")
        self.size = size

    def _numbers(self, values: Any, field: str) -> list[int]:
        if not isinstance(values, list) or any(type(value) is not int or value < 0 for value in values):
            raise _bad(f"invalid JSON in header: `{field}` of tensor `{self.name}` is no list of sizes")
        return values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("invalid JSON in header: duplicate key")
    "".join(found).encode()  # half a surrogate pair is no name
    return found


def _not_a_number(text: str) -> Any:
    raise _bad(f"invalid JSON in header: {text}")


def _read_header(stream: Any) -> tuple[list[_Entry], dict[str, str]]:
    """The tensors, in the order of their bytes, and the metadata; the stream is where the bytes begin."""
    begin = stream.tell()
    stream.seek(0, 2)
    left = stream.tell() - begin
    stream.seek(begin)
    if left < LENGTH.size:
        raise _bad("header too small")
    (length,) = LENGTH.unpack(stream.read(LENGTH.size))
    if length > MOST_HEADER_BYTES:
        raise _bad("header too large")
    left -= LENGTH.size + length
    if left < 0:
        raise _bad("invalid header length")
    try:
        text = stream.read(length).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(f"invalid UTF-8 in header: {error.reason}") from None
    try:
        header = json.loads(text, object_pairs_hook=_object, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        raise _bad(f"invalid JSON in header: {error!s:.200}") from None
    if not isinstance(header, dict):
        raise _bad(f"invalid JSON in header: a {type(header).__name__} instead of an object")
    about = header.pop(METADATA, None)
    about = {} if about is None else about
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise _bad(f"invalid JSON in header: `{METADATA}` is no object of strings")
    entries = sorted(
        (_Entry(name, row) for name, row in header.items()), key=lambda entry: (entry.begin, entry.end)
    )
    position = 0
    for entry in entries:
        if entry.begin != position or entry.end < entry.begin:
            raise _bad(f"invalid offset for tensor `{entry.name}`")
        if entry.end - entry.begin != entry.size:
            raise _bad("invalid shape, data type, or offset for tensor")
        position = entry.end
    if position != left:
        raise _bad("incomplete metadata, file not fully covered")
    return entries, about


def _read(stream: Any) -> dict[str, Tensor]:
    entries, _ = _read_header(stream)
    found: dict[str, Tensor] = {}
    for entry in entries:
        storage = UntypedStorage(entry.size)
        read_exactly(stream, storage._memory())
        if entry.dtype is tensorgrad.bool:
            make_booleans_sound(storage)
        flat = _C._on_storage(storage._bytes, entry.dtype, 0, (entry.size // entry.dtype.itemsize,), (1,))
        found[entry.name] = flat.view(entry.shape)
    return dict(sorted(found.items()))


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file's content, by name.

    Raises:
        SafetensorError: a name is there twice; the header is too long or is not the JSON that it should be;
            the tensors' ranges overlap, leave holes, do not fit shape and dtype, or do not end where the
            data does.
    """
    return _read(BytesIO(data))


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a file, by name, on `device`. Raises what `load` raises, and OSError."""
    with open(filename, "rb") as stream:
        found = _read(stream)
    return {name: tensor.to(device) for name, tensor in found.items()}


def metadata(filename: Any) -> dict[str, str]:
    """What was given to `save_file` as metadata; the header alone is read."""
    with open(filename, "rb") as stream:
        return _read_header(stream)[1]


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """A file's content that has these tensors, and texts about them.

    Raises:
        ValueError: something is no tensor, or is not contiguous.
        RuntimeError: tensors share memory, which a file cannot tell.
    """
    return b"".join(_parts(tensors, metadata))


def save_file(tensors: dict[str, Tensor], filename: Any, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors, and texts about them, to a file that is there whole or not at all. Raises what `save`
    does, and OSError."""
    parts = _parts(tensors, metadata)
    with whole_file(filename) as stream:
        for part in parts:
            stream.write(part)


def _parts(tensors: dict[str, Tensor], about: dict[str, str] | None) -> list[Any]:
    """Header and memory of each tensor."""
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}")
        if not tensor.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either "
                "means "
                "you are trying to save tensors which are reference of each other in which case it's "
                "recommended "
                "to save only the full tensors, and reslice at load time, or simply call `.contiguous()` on "
                "your tensor to pack it before saving."
            )
    if shared := _sharing(tensors):
        raise RuntimeError(
            "Some tensors share memory, this will lead to duplicate memory on disk and potential "
            "differences when "
            f"loading them again: {shared}. A potential way to correctly save your model is to use "
            "`save_model`."
        )
    names = sorted(tensors)
    names.sort(key=lambda name: -RANK[_code(tensors[name])])
    header: dict[str, Any] = {METADATA: about} if about is not None else {}
    memory: list[Any] = []
    position = 0
    for name in names:
        tensor = tensors[name].detach().cpu()
        end = position + tensor.nbytes
        header[name] = {
            "dtype": _code(tensor), "shape": list(tensor.shape), "data_offsets": [position, end]
        }  # fmt: skip
        begin = tensor.storage_offset() * tensor.itemsize
        memory.append(tensor.untyped_storage()._memory()[begin : begin + tensor.nbytes])
        position = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [LENGTH.pack(len(text)) + text, *memory]


def _code(tensor: Tensor) -> str:
    return CODES[str(tensor.dtype).removeprefix("torch.")]


def _sharing(tensors: dict[str, Tensor]) -> list[set[str]]:
    """The sets of names whose tensors lie over each other."""
    spans = sorted(
        (tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes, name)
        for name, tensor in tensors.items()
        if tensor.numel()
    )
    groups: list[set[str]] = []
    reached = 0
    for begin, end, name in spans:
        if begin < reached:
            groups[-1].add(name)
        else:
            groups.append({name})
        reached = max(reached, end)
    return [group for group in groups if len(group) > 1]


def save_model(
    model: Any, filename: Any, metadata: dict[str, str] | None = None, force_contiguous: bool = True
) -> None:
    """Writes a Module's state; of tensors that are one and the same, one name's.

    Args:
        metadata: texts to keep with it; the names left out are added, each with the one that is kept.
        force_contiguous: write tensors that are not contiguous as if they were.

    Raises:
        RuntimeError: tensors overlap that are not one and the same.
    """
    state = dict(model.state_dict())
    about = dict(metadata or {})
    for names in _sharing(state):
        kept, *others = sorted(names)
        for name in others:
            if not state[name].is_set_to(state[kept]):
                raise RuntimeError(f"`{name}` and `{kept}` share memory but are not the same tensor")
            del state[name]
            about.setdefault(name, kept)
    if force_contiguous:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(state, filename, about or None)


def load_model(
    model: Any, filename: str | os.PathLike[str], strict: bool = True, device: Any = "cpu"
) -> tuple[Iterable[str], list[str]]:
    """Loads what `save_model` wrote into a Module.

    Returns:
        the names that were missing, and those that were not expected.

    Raises:
        RuntimeError: shapes do not fit; or, if strict, names are missing or were not expected.
    """
    state = load_file(filename, device)
    own = dict(model.state_dict())
    left_out: set[str] = set()
    for names in _sharing(own):
        if not names.isdisjoint(state):
            left_out |= names - set(state)
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = sorted(set(missing) - left_out)
    if strict and (missing or unexpected):
        lines = [f"Missing key(s) in state_dict: {missing}"] if missing else []
        lines += [f"Unexpected key(s) in state_dict: {unexpected}"] if unexpected else []
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(model).__name__}:\n    " + "\n    ".join(lines)
        )
    return missing, unexpected
