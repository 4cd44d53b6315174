"""Hooks on tensors and nodes: what they may return, in which order they run. Every program runs with PyTorch too."""

from __future__ import annotations

import pytest

from tests.python.harness.twin import check

BEGIN = """
x = torch.tensor([1., 2., 3.], requires_grad=True); w = torch.tensor([0.5, -1., 2.], requires_grad=True)
y = x * w; seen = []
def note(name): return lambda *args: seen.append((name, *[a if isinstance(a, torch.Tensor) else tuple(a) for a in args]))
def named(g): return torch.ones(5)
class Callable:
    def __call__(self, g): return torch.ones(5)
"""

PROGRAMS = """
y.register_hook(named); y.sum().backward()
y.register_hook(Callable()); y.sum().backward()
y.register_hook(lambda g: g.double()); y.sum().backward()
y.register_hook(lambda g: 'no'); y.sum().backward()
x.register_hook(named); y.sum().backward()
y.grad_fn.register_hook(lambda gi, go: 'no'); y.sum().backward()
y.grad_fn.register_hook(lambda gi, go: gi[0]); y.sum().backward()
y.grad_fn.register_hook(lambda gi, go: [gi[0], gi[1]]); y.sum().backward()
y.grad_fn.register_hook(lambda gi, go: (torch.ones(5), None)); y.sum().backward()
y.grad_fn.register_hook(lambda gi, go: (torch.ones(3),)); y.sum().backward()
y.grad_fn.register_hook(lambda gi, go: (None, gi[1])); y.sum().backward(); x.grad; w.grad
y.grad_fn.register_hook(Callable()); y.sum().backward()
y.grad_fn.register_prehook(lambda go: (torch.ones(2),)); y.sum().backward()
y.grad_fn.register_prehook(lambda go: go[0]); y.sum().backward()
y.grad_fn.register_prehook(lambda go: (go[0], go[0])); y.sum().backward()
y.grad_fn.register_prehook(lambda go: (go[0] * 5,)); y.sum().backward(); x.grad
h = y.grad_fn.register_hook(lambda gi, go: (gi[0] * 5, gi[1])); y.sum().backward(retain_graph=True); h.remove(); y.sum().backward(); x.grad
y.register_hook(note('tensor 1')); y.grad_fn.register_prehook(note('pre')); y.grad_fn.register_hook(note('post')); y.register_hook(note('tensor 2')); y.retain_grad(); y.sum().backward(); seen; y.grad
y.register_hook(lambda g: g * 2); y.grad_fn.register_prehook(lambda go: (go[0] + 1,)); y.register_hook(lambda g: g * 10); y.retain_grad(); y.sum().backward(); y.grad; x.grad
y.retain_grad(); y.register_hook(lambda g: g * 2); torch.autograd.grad(y.sum(), y); y.grad
a = y.grad_fn.next_functions[0][0]; a.register_hook(note('post')); a.register_prehook(note('pre')); x.register_hook(note('tensor')); x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone())); y.sum().backward(); seen
a = y.grad_fn.next_functions[0][0]; a.register_prehook(lambda g: (g[0] * 2,)); y.sum().backward(); x.grad
x.register_hook(lambda g: g * 2); torch.autograd.grad(y.sum(), x)
x.register_hook(lambda g: g * 2); y.sum().backward(inputs=[x]); x.grad
x.register_post_accumulate_grad_hook(lambda p: 5); y.sum().backward()
x.register_post_accumulate_grad_hook(lambda p: setattr(p, 'grad', None)); y.sum().backward(); x.grad; w.grad
x.register_post_accumulate_grad_hook(lambda p: 1 / 0); y.sum().backward()
y.register_hook(lambda g: (y.register_hook(lambda g: g * 100), None)[1]); y.sum().backward()
h = y.register_hook(lambda g: (h.remove(), g * 3)[1]); y.sum().backward(retain_graph=True); y.sum().backward(); x.grad
h = y.register_hook(note('one')); k = y.register_hook(note('two')); h.remove(); h.remove(); y.sum().backward(); seen
z = y.view(3, 1); z.register_hook(note('view')); y.sum().backward(retain_graph=True); seen; z.sum().backward(); seen
a, b = y.split([1, 2]); a.register_hook(note('a')); b.register_hook(note('b')); (a.sum() * 2 + b.sum()).backward(); seen
y.register_hook(note('before')); y.mul_(2); y.register_hook(note('after')); y.sum().backward(); seen
y.register_hook(lambda g: g * 2); g, = torch.autograd.grad((y * y).sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x)
y.register_hook(lambda g: g.detach()); g, = torch.autograd.grad((y * y).sum(), x, create_graph=True); g
y.register_hook(lambda g: seen.append(torch.is_grad_enabled())); y.sum().backward(retain_graph=True); y.sum().backward(create_graph=True); seen
y.register_hook(lambda g: (x * 3).sum().backward()); y.sum().backward(); x.grad
z = y.sum(); z.register_hook(lambda g: torch.autograd.backward(y.sum() * 2, retain_graph=True)); z.backward()
y.register_hook(5); y.sum().backward()
y.detach().register_hook(note('x'))
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str) -> None:
    check(BEGIN + program)


MODES = """
torch.set_grad_enabled(5) | torch.set_grad_enabled(None) | torch.set_grad_enabled('yes') | torch.autograd.set_multithreading_enabled(False).__enter__()
torch.no_grad()(len)([1]) | torch.no_grad()(lambda: torch.is_grad_enabled()).__name__ | torch.autograd.grad_mode.no_grad is torch.no_grad | torch.inference_mode(False).mode
"""


@pytest.mark.parametrize("expression", [e for line in MODES.strip().splitlines() for e in line.split(" | ")])
def test_mode_expression(expression: str) -> None:
    check(expression + "\ntorch.is_grad_enabled()\ntorch.set_grad_enabled(True)\nNone")


MODE_PROGRAMS = [
    """
    with torch.inference_mode():
        with torch.enable_grad(): y = x * 2; on = torch.is_grad_enabled()
        with torch.inference_mode(False): z = x * 2
    """,
    """
    with torch.no_grad():
        with torch.inference_mode(False): on = torch.is_grad_enabled(); y = x * 2
        z = x * 3
    """,
    """
    n = torch.no_grad()
    with n:
        with n: y = x * 2
        on = torch.is_grad_enabled()
    z = x * 2
    """,
    """
    class C:
        @torch.no_grad()
        def m(self): return torch.is_grad_enabled()
        @staticmethod
        @torch.no_grad()
        def s(): return torch.is_grad_enabled()
        @property
        @torch.inference_mode()
        def p(self): return torch.is_grad_enabled()
    on = (C().m(), C.s(), C().p); y = z = x
    """,
    """
    @torch.no_grad()
    def g():
        try: yield torch.is_grad_enabled()
        except ValueError: yield 'caught', torch.is_grad_enabled()
        finally: on.append(torch.is_grad_enabled())
    on = []; r = g(); on.append(next(r)); on.append(r.throw(ValueError())); r.close(); y = z = x
    """,
    """
    @torch.no_grad()
    class D:
        def __init__(self): self.y = x * 2
        def m(self): return x * 3
    y = D().y; z = D().m(); on = isinstance(D, type)
    """,
]


@pytest.mark.parametrize("program", MODE_PROGRAMS)
def test_modes(program: str) -> None:
    import textwrap

    check(
        BEGIN
        + textwrap.dedent(program)
        + "\non; y.requires_grad; z.requires_grad; y.is_inference(); torch.is_grad_enabled()\ntorch.set_grad_enabled(True)\nNone"
    )
