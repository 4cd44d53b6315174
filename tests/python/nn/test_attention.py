"""scaled_dot_product_attention: the fused kernel and the composed path against PyTorch, in every form of its arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import torch

from tests.python.harness.convert import Converter
from tests.python.harness.module import under_test
from tests.python.harness.twin import check

SETUP = """f = torch.ones; S = torch.nn.functional.scaled_dot_product_attention
def R(*s): return ((torch.arange(float(torch.Size(s).numel())) * 7 % 11 - 5) / 5).reshape(s)
def D(*s): return torch.ones(*s, dtype=torch.float64)
def I(*s): return torch.ones(*s, dtype=torch.int64)
def B(*s): return torch.ones(*s, dtype=torch.bool)
"""

PROGRAMS = """
S(f(3),f(3),f(3))
S(f(2,3),f(4,3),f(5,5))
S(f(2,3),f(4,2),f(4,5))
S(f(2,3),D(4,3),f(4,5))
S(I(2,3),I(4,3),I(4,5))
S(B(2,3),B(4,3),B(4,5))
S(R(2,3),R(4,3),R(4,5),attn_mask=f(2,4),is_causal=True)
S(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=R(3,3),is_causal=True)
S(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=R(3,3)>-0.5,is_causal=True)
S(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=R(3,3).requires_grad_(),is_causal=True)
S(R(2,3),R(4,3),R(4,5),attn_mask=I(2,4))
S(R(2,3),R(4,3),R(4,5),attn_mask=D(2,4))
S(R(2,3),R(4,3),R(4,5),attn_mask=R(4))
S(f(1,2,2,3),f(1,2,4,3),f(1,2,4,3),attn_mask=B(2,5))
S(f(1,2,2,3),f(1,2,4,3),f(1,2,4,3),attn_mask=B(3,1,1,4))
S(R(2,3),R(4,3),R(4,5),attn_mask=~B(2,4))
S(R(1,2,2,3),R(1,2,4,3),R(1,2,4,3),attn_mask=f(2,4)*-math.inf)
S(R(1,2,2,3),R(1,2,4,3),R(1,2,4,3),attn_mask=torch.tensor([[True,False,True,True],[False]*4]))
S(f(2,3),f(4,3),f(4,5),dropout_p=1.5)
S(R(2,3),R(4,3),R(4,5),dropout_p=-1)
S(R(2,3),R(4,3),R(4,5),dropout_p=1.0)
S(f(1,2,2,3),f(1,3,4,3),f(1,3,4,3))
S(R(2,3),R(1,3,4,3),R(1,3,4,3))
S(R(1,4,2,3),R(1,2,4,3),R(1,2,4,3),enable_gqa=True)
S(f(1,4,2,3),f(1,3,4,3),f(1,3,4,3),enable_gqa=True)
S(f(2,3),f(4,3),f(4,5),enable_gqa=True)
S(f(1,4,2,3),f(1,2,4,3),f(1,2,4,3))
S(f(2,0),f(4,0),R(4,5))
S(f(2,3),f(0,3),f(0,5))
S(f(1,2,0,3),f(1,2,4,3),f(1,2,4,3))
S(f(1,2,3,3),f(1,2,0,3),f(1,2,0,3))
S(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),None,0.0,True)
S(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),scale=-2.0)
S(f(1,2,3,4),f(1,2,3,4),f(1,2,3,4),None,0.0,True,1.0)
S(f(1,2,3,4),f(1,2,3,4),3)
S(R(2,3,4,5).transpose(1,2),R(2,3,4,5).transpose(1,2),R(2,3,4,5).transpose(1,2)).stride()
m=R(3,3).requires_grad_(); S(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=m).sum().backward(); m.grad
q=R(1,2,3,4).requires_grad_(); k=R(1,2,3,4)*0.7; S(q,k,k,attn_mask=torch.tensor([True,False,False])[:,None]).sum().backward(); q.grad
A=torch.nn.attention; A.SDPBackend.MATH; str(A.SDPBackend.MATH); int(A.SDPBackend.ERROR); A.sdpa_kernel(3).__enter__()
torch.manual_seed(3); S(R(1,2,8,4),R(1,2,8,4),R(1,2,8,4),dropout_p=0.4)
torch.manual_seed(3); q=R(2,2,5,4).requires_grad_(); S(q,q,q,is_causal=True,dropout_p=0.4).sum().backward(); q.grad
""".strip().split("\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_results_and_texts(program: str) -> None:
    check(SETUP + program, tolerance=(2e-6, 2e-6))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(
    "backends",
    ["A.MATH", "A.FLASH_ATTENTION", "[A.FLASH_ATTENTION, A.MATH]", "[A.EFFICIENT_ATTENTION]", "[]"],
)
def test_choice_of_backends(backends: str, dropout: float) -> None:
    program = f"""
A = torch.nn.attention.SDPBackend
with torch.nn.attention.sdpa_kernel({backends}):
    torch.manual_seed(0)
    x = S(R(1, 1, 4, 2), R(1, 1, 4, 2), R(1, 1, 4, 2), dropout_p={dropout})
x
"""
    check(SETUP + program, tolerance=(2e-6, 2e-6))


# (batch, heads of q, heads of k), queries, keys, width, width of v
SHAPES = [
    ((1, 1, 1), 1, 1, 1, 1), ((2, 3, 3), 5, 7, 4, 4), ((1, 2, 2), 17, 17, 16, 16), ((2, 2, 2), 64, 64, 32, 32),
    ((1, 2, 2), 33, 130, 24, 40), ((1, 1, 1), 150, 301, 8, 3), ((1, 4, 2), 40, 50, 16, 16), ((2, 6, 1), 9, 70, 5, 5),
    ((1, 1, 1), 300, 600, 20, 20),
]  # fmt: skip
FORMS = ["plain", "causal", "bool", "float", "keys", "scaled"]


def _tensors(shape: Any, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    (batch, heads, kv_heads), queries, keys, width, value_width = shape
    generator = torch.Generator().manual_seed(0)

    def draw(*sizes: int) -> torch.Tensor:
        return torch.randn(sizes, generator=generator, dtype=torch.float64).to(dtype)

    # q as a projection of all heads leaves it
    return (
        draw(batch, queries, heads, width).transpose(1, 2),
        draw(batch, kv_heads, keys, width),
        draw(batch, kv_heads, keys, value_width),
        draw(batch, heads, queries, value_width),
    )


def _form(form: str, shape: Any, dtype: torch.dtype) -> tuple[torch.Tensor | None, dict[str, Any]]:
    (batch, heads, kv_heads), queries, keys, _, _ = shape
    generator = torch.Generator().manual_seed(1)
    options: dict[str, Any] = {"enable_gqa": heads != kv_heads}
    if form == "causal":
        return None, options | {"is_causal": True}
    if form == "bool":
        return torch.rand(queries, keys, generator=generator) < 0.6, options
    if form == "float":
        return torch.randn(batch, heads, queries, keys, generator=generator).to(dtype), options
    if form == "keys":  # padding: the same for every query, and all of one batch
        mask = torch.rand(batch, 1, 1, keys, generator=generator) < 0.7
        mask[0] = False
        return mask, options
    return None, options | ({"scale": 0.3} if form == "scaled" else {})


def _outcome(module: Any, shape: Any, form: str, dtype: torch.dtype, composed: bool) -> list[torch.Tensor]:
    convert = Converter(module)
    q, k, v, u = _tensors(shape, dtype)
    mask, options = _form(form, shape, dtype)
    q, k, v = (convert(t).requires_grad_() for t in (q, k, v))
    out = module.nn.functional.scaled_dot_product_attention(
        q, k, v, None if mask is None else convert(mask), **options
    )
    gradients = module.autograd.grad(out, (q, k, v), convert(u), create_graph=composed)
    found = [out, *gradients]
    if composed:
        total = sum((g * g).sum() for g in gradients)
        found += module.autograd.grad(total, (q, k, v), allow_unused=True)
    return [torch.tensor(t.detach().double().tolist()) for t in found]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(shape: Any, form: str, dtype: str) -> None:
    """Against PyTorch's composed attention in double precision."""
    exact = getattr(torch, dtype)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        theirs = _outcome(torch, shape, form, exact if dtype == "float64" else torch.float32, False)
        if dtype in ("float16", "bfloat16"):  # the same rounded operands, computed in float32
            q, k, v, u = (t.float() for t in _tensors(shape, exact))
            mask, options = _form(form, shape, exact)
            mask = mask.float() if mask is not None and mask.dtype == exact else mask
            q, k, v = (t.requires_grad_() for t in (q, k, v))
            out = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, **options)
            theirs = [t.detach().double() for t in (out, *torch.autograd.grad(out, (q, k, v), u))]
    tolerance = {"float64": 1e-12, "float32": 2e-5, "float16": 8e-3, "bfloat16": 6e-2}[dtype]
    for expected, found in zip(theirs, _outcome(under_test(), shape, form, exact, False)):
        torch.testing.assert_close(found.double(), expected.double(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES[:-1], ids=str)
def test_second_derivatives(shape: Any, form: str) -> None:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        theirs = _outcome(torch, shape, form, torch.float64, True)
    for expected, found in zip(theirs, _outcome(under_test(), shape, form, torch.float64, True)):
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


def test_threads_do_not_show_in_the_result() -> None:
    lib = under_test()
    before, bits = lib.get_num_threads(), []
    for threads in (1, 2, 3):
        lib.set_num_threads(threads)
        lib.manual_seed(0)
        for sizes in ((1, 1, 600, 32), (3, 4, 70, 16)):
            q, k, v = (lib.randn(sizes, requires_grad=True) for _ in range(3))
            out = lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            gradients = lib.autograd.grad(out, (q, k, v), lib.randn(sizes))
            bits.append([t.tolist() for t in (out, *gradients)])
    lib.set_num_threads(before)
    assert bits[:2] == bits[2:4] == bits[4:]


LEVELS = """
import tensorgrad as torch
from tests.python.nn.test_attention import SHAPES, test_values_and_gradients
for shape in SHAPES:
    for form, dtype in (("plain", "float32"), ("causal", "float64"), ("float", "float32")):
        test_values_and_gradients(shape, form, dtype)
"""


@pytest.mark.parametrize("level", ["v2", "v3", "v4"])
def test_every_instruction_set(level: str) -> None:
    """Levels beyond this machine's fall back to what it has."""
    environment = {**os.environ, "TENSORGRAD_CPU": level}
    subprocess.run([sys.executable, "-c", LEVELS], check=True, env=environment, timeout=600)
