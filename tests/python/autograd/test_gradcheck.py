"""gradcheck and gradgradcheck: what passes, what fails, and the texts, all as PyTorch."""

from __future__ import annotations

import sys

import pytest

from tests.python.harness.module import under_test
from tests.python.harness.twin import check

BEGIN = """
check = torch.autograd.gradcheck; check2 = torch.autograd.gradgradcheck
x = torch.tensor([0.3, 1.2, -0.7], dtype=torch.float64, requires_grad=True)
y = torch.tensor([[0.5, -1.1, 0.4]], dtype=torch.float64, requires_grad=True)
def function(forward, backward):
    made = type('F', (torch.autograd.Function,), dict(forward=staticmethod(forward), backward=staticmethod(backward)))
    return made.apply
wrong = function(lambda ctx, a: a * 2, lambda ctx, g: g * 3)
offset = function(lambda ctx, a: a * 2, lambda ctx, g: g * 2 + 1)
narrow = function(lambda ctx, a: a * 2, lambda ctx, g: (g * 2).float())
needy = function(lambda ctx, a: (ctx.set_materialize_grads(False), a * 2)[1], lambda ctx, g: g * 2)
needy2 = function(lambda ctx, a: (ctx.set_materialize_grads(False), (a * 2, a * 3))[1], lambda ctx, g, h: g * 2 + h * 3)
once = function(lambda ctx, a: (ctx.save_for_backward(a), a * a)[1], lambda ctx, g: g * 2 * ctx.saved_tensors[0].detach())
count = [0]
def changing(ctx, g): count[0] += 1; return g * 2 * (1 + 1e-9 * count[0])
nondeterministic = function(lambda ctx, a: a * 2, changing)
def growing(a): count[0] += 1; return (a * 2).sum().expand(count[0])
"""

CALLS = """
check(torch.sin, x) | check(torch.sin, (x,)) | check(torch.mul, (x, y)) | check(torch.mul, [x, y], fast_mode=True) | check(lambda a, n: a ** n, (x, 3)) | check(lambda a: (a.exp(), a * 2), x) | check(lambda a: (a.exp(), a.argmax()), x)
check(wrong, x) | check(wrong, x, raise_exception=False) | check(wrong, x, fast_mode=True) | check(lambda a, b: (a * 2, wrong(b)), (x, y)) | check(offset, x) | check(offset, x, atol=10) | check(narrow, x) | check(narrow, x, check_grad_dtypes=True)
check(needy, x) | check(needy, x, check_undefined_grad=False) | check(needy2, x) | check(nondeterministic, x) | check(nondeterministic, x, nondet_tol=1e-6) | check(nondeterministic, x, fast_mode=True)
check(torch.sin, x.detach()) | check(torch.sin, 5) | check(torch.sin, torch.ones(2, requires_grad=True)) | check(lambda a: a.detach() * 2, x) | check(lambda a: torch.ones(2), x) | check(torch.round, x) | check(lambda a: a.sum().expand(3, 2), x)
check(torch.sin, torch.ones(1, dtype=torch.float64, requires_grad=True).expand(3)) | check(growing, x) | check(torch.sin, x, check_backward_ad=False) | check(torch.sin, x, check_batched_grad=True, check_backward_ad=False) | check(torch.sin, x, check_batched_forward_grad=True)
check(torch.sin, torch.zeros(0, dtype=torch.float64, requires_grad=True)) | check(lambda a: a[:0], x) | check(torch.abs, torch.zeros(1, dtype=torch.float64, requires_grad=True)) | check(torch.relu, x, eps=1e-3, atol=1e-8, rtol=0) | check(torch.exp, x, eps=1e-2, rtol=1e-6) | check(lambda a: a.t().contiguous().view(-1) * 2, y)
check2(torch.sin, x) | check2(torch.mul, (x, y)) | check2(once, x) | check2(once, x, raise_exception=False) | check2(wrong, x) | check2(torch.sin, x, torch.ones(3, dtype=torch.float64, requires_grad=True)) | check2(torch.sin, x, fast_mode=True) | check2(once, x, fast_mode=True) | check2(lambda a: (a.exp(), a.sin()), x) | check2(torch.sin, x, gen_non_contig_grad_outputs=True)
check2(torch.sin, x, check_rev_over_rev=False) | check2(torch.sin, x.detach()) | check2(lambda a: a * 2, x) | check2(torch.sin, x, check_undefined_grad=False) | check2(torch.prod, x) | check2(lambda a: a.softmax(0), x)
"""


@pytest.mark.parametrize("call", [call for line in CALLS.strip().splitlines() for call in line.split(" | ")])
def test_call(call: str) -> None:
    check(f"{BEGIN}{call}\nx.grad; x")


def test_error_type_and_whole_text() -> None:
    check(
        "import importlib\nG = importlib.import_module(torch.__name__ + '.autograd.gradcheck')\n"
        + BEGIN
        + "issubclass(G.GradcheckError, RuntimeError)\n"
        "try: check(wrong, x)\nexcept G.GradcheckError as error: text = str(error)\ntext"
    )


def test_module_and_function_are_both_callable() -> None:
    torch = under_test()
    from tensorgrad.autograd import gradcheck

    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(torch.exp, x)
    module = sys.modules["tensorgrad.autograd.gradcheck"]
    assert module(torch.exp, x) and module.gradcheck(torch.exp, x)
    assert torch.autograd.gradcheck(torch.exp, x)


def test_what_is_refused() -> None:
    torch = under_test()
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    for option in ("check_forward_ad", "check_batched_grad"):
        with pytest.raises(NotImplementedError, match=option):
            torch.autograd.gradcheck(torch.exp, x, **{option: True})
