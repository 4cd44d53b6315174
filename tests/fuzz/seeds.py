"""Sound files of every format, of which the damaged ones are made."""

import io
from collections import Counter, OrderedDict
from typing import Any

import safetensors.torch
import torch
from tensorgrad.utils import safetensors as own_safetensors

import tensorgrad


def objects(lib: Any) -> list[Any]:
    """What is saved, with each library."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) if lib is torch else None
    base = lib.arange(24, dtype=lib.float32).reshape(2, 3, 4) if base is None else base
    model = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.BatchNorm1d(2))
    optimizer = lib.optim.Adam(model.parameters())
    model(lib.ones(3, 2)).sum().backward()
    optimizer.step()
    noted = lib.ones(2)
    noted.note = "x"
    return [
        base,
        {"a": base, "b": base.transpose(0, 2), "c": base[1, ::2], "d": lib.nn.Parameter(lib.zeros(2))},
        model.state_dict(),
        optimizer.state_dict(),
        [1, -2, 2.5, True, None, "text", b"bytes", bytearray(b"x"), {1, 2}, (1, (2, 3)), 2**80, 1j],
        OrderedDict(a=Counter("aab"), size=lib.Size([2, 3]), dtype=lib.float16, device=lib.device("cpu")),
        [noted, lib.tensor([True, False]), lib.ones(2, dtype=lib.bfloat16), lib.empty(0), lib.tensor(3)],
    ]


def pt_files() -> list[bytes]:
    """As PyTorch writes them, in its new and its old format, and as we do."""
    files = []
    for save, lib, options in (
        (torch.save, torch, {}),
        (torch.save, torch, {"_use_new_zipfile_serialization": False}),
        (tensorgrad.save, tensorgrad, {}),
        (tensorgrad.save, tensorgrad, {"pickle_protocol": 4}),
    ):
        for obj in objects(lib):
            stream = io.BytesIO()
            save(obj, stream, **options)  # type: ignore[operator]
            files.append(stream.getvalue())
    stream = io.BytesIO()
    tensorgrad.save(tensorgrad.nn.Sequential(tensorgrad.nn.Linear(2, 2), tensorgrad.nn.ReLU()), stream)
    return [*files, stream.getvalue()]


def safetensors_files() -> list[bytes]:
    """As the package writes them, and as we do."""
    theirs = {
        "a": torch.ones(3, 2),
        "b": torch.zeros(2, dtype=torch.bool),
        "é": torch.tensor(1),
        "e": torch.empty(0),
    }
    ours = {"x": tensorgrad.ones(2, dtype=tensorgrad.bfloat16), "y": tensorgrad.arange(5)}
    return [
        safetensors.torch.save(theirs, {"format": "pt"}),
        safetensors.torch.save({}),
        own_safetensors.save(ours),
        own_safetensors.save(ours | {"z": tensorgrad.tensor([True])}, {"a": "b", "c": ""}),
    ]
