"""Matrix products, linear, convolution, pooling: texts of errors, gradients of gradients, every instruction-set level."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from tests.python.harness.convert import Converter
from tests.python.harness.module import under_test
from tests.python.harness.twin import check

SETUP = """f = torch.ones; F = torch.nn.functional
def D(*s): return torch.ones(*s, dtype=torch.float64)
def I(*s): return torch.ones(*s, dtype=torch.int64)
def B(*s): return torch.ones(*s, dtype=torch.bool)
"""

PROGRAMS = """
torch.mm(f(2),f(2,3))
torch.mm(f(2,3),f(3))
torch.mm(f(2,3),f(2,3))
torch.mm(f(2,3),D(3,2))
torch.mm(I(2,3),f(3,2))
torch.mm(B(2,3),B(3,2))
torch.mm(I(2,3),I(3,2))
torch.mm(f(2,3),f(3,2),out=D(2,2))
torch.mm(f(2,3),f(3,2),out=I(2,2))
torch.mm(D(2,3),D(3,2),out=f(2,2))
torch.mm(f(2,3,requires_grad=True),f(3,2),out=f(2,2))
torch.bmm(f(2,3),f(2,3,4))
torch.bmm(f(2,3,4),f(2,3))
torch.bmm(f(2,3,4),f(2,3,4))
torch.bmm(f(2,3,4),f(3,4,5))
torch.bmm(f(2,3,4),D(2,4,5))
torch.bmm(B(2,3,4),B(2,4,5))
torch.mv(f(2,3),f(2))
torch.mv(f(2,3),f(3,1))
torch.mv(f(3),f(3))
torch.mv(f(2,3),D(3))
torch.mv(B(2,3),B(3))
torch.dot(f(2),f(3))
torch.dot(f(2,2),f(2))
torch.dot(f(2),D(2))
torch.dot(B(2),B(2))
torch.dot(f(0),f(0))
torch.matmul(torch.tensor(1.),f(2))
torch.matmul(f(2),torch.tensor(1.))
torch.matmul(f(2),f(3))
torch.matmul(f(2),f(3,4))
torch.matmul(f(3,4),f(3))
torch.matmul(f(2,3),f(2,3))
torch.matmul(f(2,2,3),f(2,3))
torch.matmul(f(2,2,3),f(3))
torch.matmul(f(2,2,3),f(4))
torch.matmul(f(2,2,3),f(5,3,2))
torch.matmul(f(4),f(5,3,2))
torch.matmul(f(3),f(5,3,2))
torch.matmul(f(2,2,3),f(2,4,2))
torch.matmul(f(2,3),D(3,2))
torch.matmul(f(2),D(2))
torch.matmul(f(2,2,3),D(2,3,2))
torch.matmul(f(2,2,3),D(3,2))
torch.matmul(B(2,2),B(2,2))
torch.matmul(f(1,2,3),f(5,3,2))
torch.matmul(f(2,3),f(5,3,2))
torch.outer(f(2),f(2,2))
torch.outer(f(2,2),f(2))
torch.outer(f(2),D(3))
torch.outer(B(2),B(3))
torch.addmm(f(2),f(2,3),f(3,2))
torch.addmm(f(3),f(2,3),f(3,2))
torch.addmm(f(2,2,2),f(2,3),f(3,2))
torch.addmm(f(3,2),f(2,3),f(3,2))
torch.addmm(D(2),f(2,3),f(3,2))
torch.addmm(f(2),f(2,3),D(3,2))
torch.addmm(f(2),f(2,3),f(2,2))
torch.addmm(f(2),f(2),f(2,2))
torch.addmm(f(2),f(2,2),f(2))
torch.addmm(torch.tensor(1.),f(2,3),f(3,2))
torch.addmm(I(2),I(2,3),I(3,2),alpha=1.5)
torch.addmm(B(2),B(2,3),B(3,2))
f(2).addmm_(f(2,3),f(3,2))
f(2,2).addmm_(f(2,3),f(3,2))
torch.baddbmm(f(2),f(2,2,3),f(2,3,2))
torch.baddbmm(f(3),f(2,2,3),f(2,3,2))
torch.baddbmm(f(2,2,2),f(2,2,3),f(2,2,2))
torch.baddbmm(f(2,2,2),f(2,2,3),f(3,3,2))
torch.baddbmm(f(2,2,2),f(2,3),f(3,3,2))
torch.baddbmm(D(2,2,2),f(2,2,3),f(2,3,2))
torch.addmv(f(2),f(2,3),f(3))
torch.addmv(f(3),f(2,3),f(3))
torch.addmv(f(2),f(2,3),f(2))
torch.addmv(f(2),f(2),f(2))
torch.addmv(D(2),f(2,3),f(3))
torch.addmv(f(2,2),f(2,3),f(3))
torch.nn.functional.linear(f(2,3),f(4,2))
torch.nn.functional.linear(f(2,3),f(4,2),f(4))
torch.nn.functional.linear(f(3),f(4,3),f(4))
torch.nn.functional.linear(f(2,3),f(4,3),f(5))
torch.nn.functional.linear(f(2,5,3),f(4,3),f(5))
torch.nn.functional.linear(f(2,3),f(3),f(1))
torch.nn.functional.linear(f(2,3),f(3))
torch.nn.functional.linear(f(2,3),f(2),f(1))
torch.nn.functional.linear(f(2,3),D(4,3),f(4))
torch.nn.functional.linear(f(2,3),D(4,3))
torch.nn.functional.linear(f(2,3),f(4,3),D(4))
torch.nn.functional.linear(f(3),f(3))
torch.nn.functional.linear(f(2,2,3),f(4,2),f(4))
torch.nn.functional.linear(f(3),f(4,2),f(4))
torch.nn.functional.linear(torch.tensor(1.),f(4,2),f(4))
torch.nn.functional.linear(f(2,3),f(2,4,3))
torch.nn.functional.linear(f(2,3),f(2,4,3),f(4))
torch.nn.functional.linear(f(2,3),f(4,3),f(2,4))
torch.nn.functional.linear(f(2,3),f(4,3),f(1))
torch.nn.functional.linear(I(2,3),f(4,3))
torch.nn.functional.linear(f(0,3),f(4,3),f(4))
torch.mm(f(0,3),f(3,2))
torch.mm(f(2,0),f(0,2))
torch.addmm(f(2),f(2,0),f(0,2))
torch.ger(f(2),f(2))
F.conv_transpose2d(f(5,5),f(4,3,3,3))
F.conv_transpose2d(f(1,1,4,5,5),f(4,3,3,3))
F.conv_transpose2d(f(1,4,5,5),f(3,3,3))
F.conv_transpose2d(f(1,3,5,5),f(4,3,3,3))
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),f(4))
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),f(3,1))
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),groups=3)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),groups=5)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),groups=0)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),stride=0)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),padding=-1)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),output_padding=-1)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),output_padding=1)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),stride=2,output_padding=2)
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),stride=(1,2,3))
F.conv_transpose2d(f(1,4,5,5),f(4,3,3,3),output_padding=(1,2,3))
F.conv_transpose2d(f(1,4,5,5),D(4,3,3,3))
F.conv_transpose2d(I(1,4,5,5),I(4,3,3,3))
F.conv_transpose2d(B(1,4,5,5),B(4,3,3,3))
F.conv_transpose2d(f(0,4,5,5),f(4,3,3,3))
F.conv_transpose2d(f(2,4,0,5),f(4,3,3,3))
F.conv2d(f(1,3,5,5),f(4,3,3))
F.conv2d(f(5,5),f(4,3,3,3))
F.conv2d(f(3,5,5),f(4,3,3,3))
F.conv2d(f(1,1,3,5,5),f(4,3,3,3))
F.conv2d(f(1,2,5,5),f(4,3,3,3))
F.conv2d(f(2,5,5),f(4,3,3,3))
F.conv2d(f(1,3,5,5),f(4,3,3,3),f(3))
F.conv2d(f(1,3,5,5),f(4,3,3,3),f(4,1))
F.conv2d(f(1,3,5,5),f(4,3,7,7))
F.conv2d(f(1,3,5,5),f(4,3,7,7),padding=1,dilation=1)
F.conv2d(f(1,3,5,5),f(4,3,3,3),stride=0)
F.conv2d(f(1,3,5,5),f(4,3,3,3),stride=-1)
F.conv2d(f(1,3,5,5),f(4,3,3,3),padding=-1)
F.conv2d(f(1,3,5,5),f(4,3,3,3),dilation=0)
F.conv2d(f(1,3,5,5),f(4,3,3,3),groups=0)
F.conv2d(f(1,3,5,5),f(4,3,3,3),groups=2)
F.conv2d(f(1,4,5,5),f(3,2,3,3),groups=2)
F.conv2d(f(1,4,5,5),f(1,2,3,3),groups=2)
F.conv2d(f(1,3,5,5),f(4,3,3,3),stride=(1,2,3))
F.conv2d(f(1,3,5,5),f(4,3,3,3),padding=(1,2,3))
F.conv2d(f(1,3,5,5),f(4,3,3,3),dilation=(1,2,3))
F.conv2d(f(1,3,5,5),f(4,3,3,3),padding='same')
F.conv2d(f(1,3,5,5),f(4,3,2,2),padding='same')
F.conv2d(f(1,3,5,5),f(4,3,3,3),padding='valid')
F.conv2d(f(1,3,5,5),f(4,3,3,3),padding='bad')
F.conv2d(f(1,3,5,5),f(4,3,3,3),padding='same',stride=2)
F.conv2d(f(1,3,5,5),D(4,3,3,3))
F.conv2d(f(1,3,5,5),f(4,3,3,3),D(4))
F.conv2d(I(1,3,5,5),I(4,3,3,3))
F.conv2d(I(1,3,5,5),f(4,3,3,3))
F.conv2d(B(1,3,5,5),B(4,3,3,3))
F.conv2d(f(0,3,5,5),f(4,3,3,3))
F.conv2d(f(1,3,5,5),f(0,3,3,3))
F.conv2d(f(1,3,0,5),f(4,3,3,3))
F.conv2d(f(1,3,5,5),f(4,3,0,3))
F.conv2d(f(1,3,0,5),f(4,3,3,3),padding=2)
F.max_pool2d(f(5),2)
F.max_pool2d(f(5,5),2)
F.max_pool2d(f(1,5,5),2)
F.max_pool2d(f(1,1,1,5,5),2)
F.max_pool2d(f(1,1,5,5),(2,2,2))
F.max_pool2d(f(1,1,5,5),2,(1,1,1))
F.max_pool2d(f(1,1,5,5),2,padding=2)
F.max_pool2d(f(1,1,5,5),2,padding=-1)
F.max_pool2d(f(1,1,5,5),0)
F.max_pool2d(f(1,1,5,5),2,stride=0)
F.max_pool2d(f(1,1,5,5),2,dilation=0)
F.max_pool2d(f(1,1,5,5),7)
F.max_pool2d(f(1,0,5,5),2)
F.max_pool2d(f(0,1,5,5),2)
F.max_pool2d(f(1,1,0,5),2)
F.max_pool2d(I(1,1,5,5),2)
F.max_pool2d(B(1,1,5,5),2)
F.max_pool2d(f(1,1,5,5),2,padding=(1,1,1))
F.max_pool2d(f(1,1,5,5),2,dilation=(1,1,1))
F.max_pool2d(f(1,1,5,5),[])
torch.max_pool2d(f(1,1,5,5),2)
F.avg_pool2d(f(5),2)
F.avg_pool2d(f(5,5),2)
F.avg_pool2d(f(1,5,5),2)
F.avg_pool2d(f(1,1,5,5),(2,2,2))
F.avg_pool2d(f(1,1,5,5),2,(1,1,1))
F.avg_pool2d(f(1,1,5,5),2,padding=(1,1,1))
F.avg_pool2d(f(1,1,5,5),2,padding=2)
F.avg_pool2d(f(1,1,5,5),2,padding=-1)
F.avg_pool2d(f(1,1,5,5),0)
F.avg_pool2d(f(1,1,5,5),2,stride=0)
F.avg_pool2d(f(1,1,5,5),7)
F.avg_pool2d(f(1,1,5,5),2,divisor_override=0)
F.avg_pool2d(I(1,1,5,5),2)
F.avg_pool2d(B(1,1,5,5),2)
F.avg_pool2d(torch.ones(1,1,5,5,dtype=torch.int32),2)
F.avg_pool2d(f(0,1,5,5),2)
F.avg_pool2d(f(1,0,5,5),2)
F.adaptive_avg_pool2d(f(5),2)
F.adaptive_avg_pool2d(f(5,5),2)
F.adaptive_avg_pool2d(f(1,5,5),2)
F.adaptive_avg_pool2d(f(1,1,5,5),(2,2,2))
F.adaptive_avg_pool2d(f(1,1,5,5),-1)
F.adaptive_avg_pool2d(f(1,1,5,5),0)
F.adaptive_avg_pool2d(I(1,1,5,5),2)
F.adaptive_avg_pool2d(I(1,1,5,5),1)
F.adaptive_avg_pool2d(f(1,1,0,5),2)
F.adaptive_avg_pool2d(f(0,1,5,5),2)
F.adaptive_avg_pool2d(f(1,0,5,5),2)
""".strip().split("\n")


@pytest.mark.parametrize("program", PROGRAMS)
def test_results_and_texts(program: str) -> None:
    check(SETUP + program)


def _random(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# name, shapes of the tensors, the other arguments
DERIVATIVES = [
    ("mm", [(3, 4), (4, 2)], {}),
    ("bmm", [(2, 3, 4), (2, 4, 2)], {}),
    ("mv", [(3, 4), (4,)], {}),
    ("dot", [(4,), (4,)], {}),
    ("outer", [(3,), (4,)], {}),
    ("matmul", [(2, 1, 3, 4), (5, 4, 2)], {}),
    ("addmm", [(2,), (3, 4), (4, 2)], {"beta": 0.5, "alpha": 2}),
    ("addmv", [(3,), (3, 4), (4,)], {"alpha": -1.5}),
    ("baddbmm", [(1, 2), (2, 3, 4), (2, 4, 2)], {"beta": 3}),
    ("nn.functional.linear", [(2, 3, 4), (5, 4), (5,)], {}),
    ("nn.functional.conv2d", [(2, 4, 6, 5), (6, 2, 3, 2), (6,)],
     {"stride": (2, 1), "padding": 1, "dilation": (1, 2), "groups": 2}),
    ("nn.functional.conv2d", [(1, 3, 5, 4), (3, 1, 3, 3)], {"groups": 3, "padding": "same"}),
    ("nn.functional.conv2d", [(2, 3, 5, 4), (2, 3, 2, 2)], {"padding": "same"}),
    ("nn.functional.max_pool2d", [(2, 2, 6, 5)], {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("nn.functional.avg_pool2d", [(2, 2, 6, 5)],
     {"kernel_size": (3, 2), "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
    ("nn.functional.adaptive_avg_pool2d", [(2, 2, 6, 5)], {"output_size": (4, 3)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shapes", "kwargs"), DERIVATIVES)
def test_first_and_second_derivatives(
    name: str, shapes: list[tuple[int, ...]], kwargs: dict[str, object]
) -> None:
    found = []
    for module in (torch, under_test()):
        convert = Converter(module)
        function = module
        for part in name.split("."):
            function = getattr(function, part)
        inputs = [convert(_random(shape, i)).requires_grad_() for i, shape in enumerate(shapes)]
        out = function(*inputs, **kwargs)
        first = module.autograd.grad((out * out * out).sum(), inputs, create_graph=True)
        total = sum((g * g).sum() for g in first)
        second = module.autograd.grad(total, inputs)
        found.append([torch.tensor(t.detach().tolist()) for t in (out, *first, *second)])
    for theirs, ours in zip(*found):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


CONVOLUTIONS = """
import itertools, sys
import torch
import tensorgrad

def close(ours, theirs, what):
    theirs = theirs.detach()
    ours = torch.tensor(ours.detach().tolist(), dtype=theirs.dtype).reshape(theirs.shape)
    torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=2e-4, msg=lambda m: f"{what}: {m}")

cases = [((2, 3, 9, 11), (4, 3, 3, 3)), ((3, 1, 28, 28), (8, 1, 3, 3)), ((2, 16, 14, 14), (33, 16, 3, 3)),
         ((1, 40, 7, 70), (5, 40, 1, 3)), ((2, 8, 12, 12), (8, 8, 1, 1)), ((2, 6, 20, 20), (6, 1, 5, 5))]
for shape, kernel in cases:
    for stride, padding, dilation in itertools.product((1, 2), (0, 2), (1, 2)):
        groups = shape[1] // kernel[1]
        values = [torch.randn(s) for s in (shape, kernel, kernel[:1])]
        theirs = [v.clone().requires_grad_() for v in values]
        ours = [tensorgrad.tensor(v.tolist(), requires_grad=True) for v in values]
        a = torch.nn.functional.conv2d(*theirs, stride, padding, dilation, groups)
        b = tensorgrad.nn.functional.conv2d(*ours, stride, padding, dilation, groups)
        what = (shape, kernel, stride, padding, dilation)
        close(b, a, what)
        u = torch.randn(a.shape)
        a.backward(u)
        b.backward(tensorgrad.tensor(u.tolist()))
        for x, y in zip(ours, theirs):
            close(x.grad, y.grad, what)
for m, k, n in itertools.product((1, 5, 17, 130), (1, 7, 300), (1, 9, 200)):
    x, y = torch.randn(m, k), torch.randn(k, n)
    close(tensorgrad.tensor(x.tolist()) @ tensorgrad.tensor(y.tolist()), x @ y, (m, k, n))
"""


def test_threads_do_not_show_in_the_result() -> None:
    lib = under_test()
    before = lib.get_num_threads()
    convert = Converter(lib)
    x, weight = convert(_random((4, 16, 40, 40), 1)).float(), convert(_random((24, 16, 3, 3), 2)).float()
    found = []
    for threads in (1, 3):
        lib.set_num_threads(threads)
        inputs = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
        out = lib.nn.functional.max_pool2d(lib.nn.functional.conv2d(*inputs, padding=1), 2)
        out.sum().backward()
        found.append([out.tolist(), *(t.grad.tolist() for t in inputs)])
    lib.set_num_threads(before)
    assert found[0] == found[1]


@pytest.mark.parametrize("level", ["v2", "v3", "v4"])
def test_every_instruction_set(level: str) -> None:
    """Levels beyond this machine's fall back to what it has."""
    environment = {**os.environ, "TENSORGRAD_CPU": level}
    subprocess.run([sys.executable, "-c", CONVOLUTIONS], check=True, env=environment, timeout=600)
