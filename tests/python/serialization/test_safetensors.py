"""safetensors files, against the package of that name."""

import json
import os
import struct

import pytest
import safetensors
import safetensors.torch as theirs
import torch as real_torch
from tensorgrad.utils import safetensors as ours

import tensorgrad
from tests.python.serialization.describe import describe
from tests.python.serialization.test_save_load import DTYPES, SHAPES, filled


def tensors(torch):
    return {
        f"{dtype}{shape} é": filled(torch, shape, dtype) for dtype in DTYPES for shape in SHAPES
    }  # fmt: skip


def test_the_same_bytes():
    for about in (None, {}, {"a key": 'a "text" é'}):
        assert ours.save(tensors(tensorgrad), about) == theirs.save(tensors(real_torch), about)
    assert ours.save({}) == theirs.save({})


def test_both_ways(tmp_path):
    path = tmp_path / "x.safetensors"
    theirs.save_file(tensors(real_torch), path, {"format": "pt"})
    expected = without_storages(theirs.load_file(path))
    for found in (ours.load_file(path), tensorgrad.load(path), ours.load(path.read_bytes())):
        assert without_storages(found) == expected
    assert ours.metadata(path) == {"format": "pt"}
    ours.save_file(tensors(tensorgrad), path, {"a": "b"})
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata() == {"a": "b"}
        assert set(file.keys()) == set(tensors(real_torch))
    assert without_storages(theirs.load_file(path)) == expected
    assert os.listdir(tmp_path) == ["x.safetensors"]


def without_storages(found):
    return {name: [describe(tensor)[part] for part in (0, 1, 2, 3, 5, 8)] for name, tensor in found.items()}


def made(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def row(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


EIGHT = b"\x00" * 8
TEXT = json.dumps(row())
# What both refuse.
BAD = {
    "nothing": b"",
    "less than a length": b"1234567",
    "too long a header": struct.pack("<Q", 100_000_001) + b"{}",
    "a header longer than the file": made(b"{}", length=50),
    "the longest header": made(b"{}", length=2**64 - 1),
    "a list": made([]),
    "a number": made(b"3"),
    "no JSON": made(b"{hello"),
    "no UTF-8": made(b'{"\xff":1}'),
    "a byte order mark": made(b"\xef\xbb\xbf{}"),
    "not a number": made(b'{"a":NaN}'),
    "half a surrogate pair": made(f'{{"\\ud800":{TEXT}}}'.encode(), EIGHT),
    "depth": made(b"[" * 100_000),
    "depth in a tensor": made(b'{"a":' + b"[" * 100_000),
    "depth that ends": made(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
    "a hole": made({"a": row(), "b": row(offsets=(12, 20))}, b"0" * 20),
    "a hole in front": made({"a": row(offsets=(4, 12))}, b"0" * 12),
    "an overlap": made({"a": row(), "b": row(offsets=(4, 12))}, b"0" * 12),
    "the same range twice": made({"a": row(), "b": row()}, EIGHT),
    "bytes left over": made({"a": row()}, b"0" * 9),
    "bytes missing": made({"a": row()}, b"0" * 7),
    "only a header": made({"a": row()}),
    "a shape that does not fit": made({"a": row(shape=(3,))}, EIGHT),
    "an unknown dtype": made({"a": row("F31")}, EIGHT),
    "a negative size": made({"a": row(shape=(-2,))}, EIGHT),
    "a broken size": made({"a": row(shape=(2.0,))}, EIGHT),
    "a true size": made({"a": row(shape=(True, 2))}, EIGHT),
    "an overflow": made({"a": row(shape=(2**40, 2**40))}, EIGHT),
    "an overflow that a zero hides": made({"a": row(shape=(2**63, 4, 0), offsets=(0, 0))}),
    "a range backwards": made({"a": row(offsets=(8, 0))}, EIGHT),
    "a negative range": made({"a": row(offsets=(-8, 0))}, EIGHT),
    "a huge range": made({"a": row(offsets=(0, 2**64))}, EIGHT),
    "three offsets": made({"a": row(offsets=(0, 8, 8))}, EIGHT),
    "no offsets": made({"a": {"dtype": "F32", "shape": [2]}}, EIGHT),
    "a field twice": made(f'{{"a":{TEXT[:-1]},"shape":[2]}}}}'.encode(), EIGHT),
    "a tensor that is a number": made({"a": 3}),
    "metadata that is a number": made({"__metadata__": 3}),
    "metadata of numbers": made({"__metadata__": {"a": 1}}),
    "metadata twice": made(b'{"__metadata__":{},"__metadata__":{}}'),
    "an empty tensor inside another": made({"a": row(shape=(0,), offsets=(4, 4)), "b": row()}, EIGHT),
}
# What the package reads and we do not: which of the two it meant cannot be told.
STRICTER = {"a name twice": made(f'{{"a":{TEXT},"a":{TEXT}}}'.encode(), EIGHT)}
GOOD = {
    "no tensors": made(b"{}"),
    "white space": made(b" {}\t \n"),
    "empty metadata": made({"__metadata__": {}}),
    "metadata of null": made({"__metadata__": None}),
    "another field": made({"a": row() | {"x": 1}}, EIGHT),
    "a scalar": made({"a": row(shape=(), offsets=(0, 4))}, b"0000"),
    "empty tensors": made({"a": row(shape=(0,), offsets=(0, 0)), "b": row(), "c": row(shape=(3, 0), offsets=(8, 8))}, EIGHT),
    "booleans of other bytes": made({"a": row("BOOL", (3,), (0, 3))}, b"\x00\x02\xff"),
    "a name that is odd": made({"": row()}, EIGHT),
}  # fmt: skip


@pytest.mark.parametrize("name", [*BAD, *STRICTER])
def test_refused(name):
    data = (BAD | STRICTER)[name]
    before = tensorgrad._C.memory_stats()["peak_allocated_bytes"]
    with pytest.raises(ours.SafetensorError) as raised:
        ours.load(data)
    assert tensorgrad._C.memory_stats()["peak_allocated_bytes"] - before < 2**20
    if name in STRICTER:
        theirs.load(data)
        return
    with pytest.raises(safetensors.SafetensorError) as expected:
        theirs.load(data)
    said, text = str(raised.value), str(expected.value)
    if "invalid JSON" in text or "UTF-8" in text:  # where the parsers differ in what they say
        assert said.startswith("Error while deserializing: ")
    else:
        assert said.partition("tensor `")[0] == text.partition("tensor `")[0]  # of two, either is named


@pytest.mark.parametrize("name", GOOD)
def test_accepted(name):
    found, expected = ours.load(GOOD[name]), theirs.load(GOOD[name])
    assert sorted(found) == sorted(expected)
    for key, tensor in found.items():
        assert tensor.tolist() == expected[key].tolist() and tensor.shape == expected[key].shape


def test_dtypes_that_are_not_there():
    for dtype, name in (("F8_E4M3", "F8_E4M3"), ("C64", "complex64"), ("U16", "uint16")):
        width = {"F8_E4M3": 1, "C64": 8, "U16": 2}[dtype]
        if hasattr(tensorgrad, name):
            continue
        with pytest.raises(ours.SafetensorError, match=name):
            ours.load(made({"a": row(dtype, (1,), (0, width))}, b"\x00" * width))


@pytest.mark.parametrize("torch", [real_torch, tensorgrad], ids=["torch", "tensorgrad"])
def test_what_cannot_be_saved(torch):
    save = theirs.save if torch is real_torch else ours.save
    x = torch.arange(6.0).reshape(2, 3)
    with pytest.raises(
        ValueError, match=r"Expected a dict of \[str, torch.Tensor\] but received <class 'list'>"
    ):
        save([x])
    with pytest.raises(
        ValueError, match="Key `a` is invalid, expected torch.Tensor but received <class 'int'>"
    ):
        save({"a": 3})
    with pytest.raises(ValueError, match="You are trying to save a non contiguous tensor: `a`"):
        save({"a": x.t()})
    with pytest.raises(RuntimeError, match=r"Some tensors share memory.*\{'[ab]', '[ab]'\}"):
        save({"a": x, "b": x[1]})
    save({"a": x[0], "b": x[1]})  # apart from each other in one storage


def tied(torch):
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    return model


def test_models_with_tied_weights(tmp_path):
    path, back = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    model = tied(tensorgrad)
    ours.save_model(model, path)
    theirs.save_model(tied(real_torch), back)
    assert ours.load_file(path).keys() == theirs.load_file(back).keys()
    assert ours.metadata(path) == ours.metadata(back)
    twin = tied(real_torch)
    missing, unexpected = theirs.load_model(twin, path)
    assert not missing and not unexpected
    assert twin[1].weight.tolist() == model[1].weight.tolist()
    again = tied(tensorgrad)
    assert ours.load_model(again, path) == ([], [])
    assert again[1].weight is again[0].weight and again[0].weight.tolist() == model[0].weight.tolist()
    with pytest.raises(RuntimeError, match="Missing key"):
        ours.load_model(tensorgrad.nn.Sequential(*tied(tensorgrad), tensorgrad.nn.Linear(1, 1)), path)
