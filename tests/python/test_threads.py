"""The number of threads changes no bit: every kernel of the benchmarks, forward and backward, on 1, 2 and 7 threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import tensorgrad
from benchmarks.cases import GROUPS

# Of each kernel the sizes that several threads share without taking long.
LARGE = ("4Mi", "2048x2048", "4096x1024", "1024x1024x1024", "2x12x256x64", "32x64x32x32")
SMALL = ("4Ki", " 64x64,")
CASES = [name for name in GROUPS["kernels"] if not any(size in name for size in LARGE + SMALL)]


@pytest.fixture(autouse=True)
def same_threads_afterwards() -> Iterator[None]:
    before = tensorgrad.get_num_threads()
    yield
    tensorgrad.set_num_threads(before)


def bits(result: Any) -> list[bytes]:
    tensors = result if isinstance(result, tuple) else (result,)
    return [tensor.detach().contiguous().numpy().tobytes() for tensor in tensors]


@pytest.mark.parametrize("name", CASES)
def test_same_bits(name: str) -> None:
    run = GROUPS["kernels"][name].prepare(tensorgrad)
    found = []
    for threads in (1, 2, 7):
        tensorgrad.set_num_threads(threads)
        tensorgrad.manual_seed(0)
        found.append(bits(run()))
    assert found[0] == found[1] == found[2]
