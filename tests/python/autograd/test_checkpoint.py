"""utils.checkpoint: values, gradients, how often the function runs, random numbers, errors, all as PyTorch."""

from __future__ import annotations

import gc
import weakref

import pytest

from tests.python.harness.module import under_test
from tests.python.harness.twin import check

BEGIN = """
import contextlib
import importlib
nn = torch.nn
c = importlib.import_module(torch.__name__ + '.utils.checkpoint'); checkpoint = c.checkpoint
x = torch.tensor([1., 2., 3.], requires_grad=True); w = torch.tensor([0.5, -1., 2.], requires_grad=True)
calls = []; shapes = [3, 1]
def f(a, b=w):
    calls.append(torch.is_grad_enabled())
    y = (a * b).sin()
    calls.append('middle')
    y = y.exp() * y
    calls.append('end')
    return y
def drop(a): return torch.nn.functional.dropout(a * w, 0.5) * a
def changing(a):
    calls.append(1)
    for _ in range(len(calls)): a = a.sin()
    return a
def shrinking(a):
    calls.append(1)
    return (a.sin().exp() if len(calls) == 1 else a.sin())
def reshaping(a):
    calls.append(1)
    return (a[:len(calls)].exp() * 2).sum()
def inner(a): return checkpoint(f, checkpoint(f, a, use_reentrant=False), use_reentrant=False)
def own_backward(a):
    calls.append(1)
    with torch.enable_grad(): g, = torch.autograd.grad((a * a).sin().sum(), a, retain_graph=True)
    return g * a
@contextlib.contextmanager
def noted(name):
    calls.append('enter ' + name)
    yield
    calls.append('leave ' + name)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Dropout(0.5), nn.ReLU(), nn.Linear(4, 2))
"""

PROGRAMS = """
y = checkpoint(f, x, use_reentrant={R}); y; calls; y.sum().backward(); x.grad; w.grad; calls
y = checkpoint(f, x, w, use_reentrant={R}); y; y.sum().backward(); x.grad; w.grad; calls
y = checkpoint(f, x, use_reentrant={R}); y.grad_fn is None; torch.autograd.grad(y.sum(), [x, w])
y = checkpoint(f, x, use_reentrant={R}); y.sum().backward(inputs=[x]); x.grad; w.grad
y = checkpoint(f, x, use_reentrant={R}); y.sum().backward(retain_graph=True); y.sum().backward(); x.grad; calls
y = checkpoint(f, x, use_reentrant={R}).sum(); y.backward(); y.backward()
y = checkpoint(f, x.detach(), w.detach(), use_reentrant={R}); y.requires_grad
y = checkpoint(f, x.detach(), use_reentrant={R}); y.requires_grad
y = checkpoint(drop, x, use_reentrant={R}); y; torch.rand(2); y.sum().backward(); x.grad; w.grad; torch.rand(2)
y = checkpoint(drop, x, use_reentrant={R}, preserve_rng_state=False); y; y.sum().backward(); x.grad; torch.rand(2)
y = checkpoint(lambda a: (a * 2, a * w, 3), x, use_reentrant={R}); y; (y[0] * y[1]).sum().backward(); x.grad; w.grad
y = checkpoint(lambda a, n: a ** n, x, 3, use_reentrant={R}); y.sum().backward(); x.grad
y = checkpoint(lambda a: a.detach() * 2, x, use_reentrant={R}); y.requires_grad; y.sum().backward()
y = checkpoint(lambda a: 1 / 0, x, use_reentrant={R})
y = checkpoint(f, x, use_reentrant={R}, k=1)
y = checkpoint(f, x, use_reentrant={R}, b=w); y
y = checkpoint(checkpoint, f, x, use_reentrant={R}); y.sum().backward(); x.grad
y = checkpoint(f, checkpoint(f, x, use_reentrant={R}), use_reentrant={R}); y.sum().backward(); x.grad; w.grad; calls
torch.set_grad_enabled(False); y = checkpoint(f, x, use_reentrant={R}); torch.set_grad_enabled(True); y.requires_grad; calls
y = c.checkpoint_sequential(model, 2, torch.ones(2, 3, requires_grad=True), use_reentrant={R}); y; y.sum().backward(); [p.grad for p in model.parameters()]
y = c.checkpoint_sequential(list(model), 3, torch.ones(2, 3), use_reentrant={R}); y; y.sum().backward(); [p.grad for p in model.parameters()]
y = c.checkpoint_sequential(model, 1, torch.ones(2, 3), use_reentrant={R}); y
y = c.checkpoint_sequential(model, 9, torch.ones(2, 3), use_reentrant={R})
y = c.checkpoint_sequential(model, 2, torch.ones(2, 3), use_reentrant={R}, k=3)
z = x * 1; y = checkpoint(f, z, use_reentrant={R}); z.mul_(2); y.sum().backward()
y = checkpoint(own_backward, x, use_reentrant={R}); y; y.sum().backward(); x.grad
"""

NOT_REENTRANT = """
y = checkpoint(f, x, use_reentrant=False, early_stop=False); y.sum().backward(); calls; x.grad
y = checkpoint(f, x, use_reentrant=False); g, = torch.autograd.grad(y.sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x)
y = checkpoint(changing, x, use_reentrant=False); y.sum().backward(); x.grad; len(calls)
y = checkpoint(changing, x, use_reentrant=False, early_stop=False); y.sum().backward()
y = checkpoint(shrinking, x, use_reentrant=False); y.sum().backward()
y = checkpoint(reshaping, x, use_reentrant=False); y.backward()
y = checkpoint(reshaping, x, use_reentrant=False, determinism_check='none'); y
y = checkpoint(f, x, use_reentrant=False, determinism_check='some')
y = checkpoint(inner, x, use_reentrant=False); y.sum().backward(); x.grad; w.grad; calls
y = checkpoint(f, x, use_reentrant=False, context_fn=lambda: (noted('one'), noted('two'))); y.sum().backward(); calls
y = checkpoint(f, x, use_reentrant=False, context_fn=lambda: (contextlib.suppress(ZeroDivisionError), noted('two'))); y
y = checkpoint(lambda a: 1 / 0, x, use_reentrant=False, context_fn=lambda: (contextlib.suppress(ZeroDivisionError), noted('two')))
y = checkpoint(f, x, use_reentrant=False); z = (y * 2).sum(); del y; z.backward(); x.grad
y = checkpoint(f, x, use_reentrant=False); s = y.grad_fn.next_functions[0][0].name(); s
h = c.set_checkpoint_early_stop(False); h.__enter__(); y = checkpoint(f, x, use_reentrant=False); n = h.__exit__(None, None, None); y.sum().backward(); calls
y = checkpoint(f, x, use_reentrant=True, context_fn=lambda: 1)
y = checkpoint(f, x, use_reentrant=True, debug=True)
c.detach_variable((x, 5)); c.detach_variable([x])
"""


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str, reentrant: bool) -> None:
    check(BEGIN + program.replace("{R}", str(reentrant)), tolerance=(1e-6, 1e-6))


@pytest.mark.parametrize("program", NOT_REENTRANT.strip().splitlines())
def test_not_reentrant(program: str) -> None:
    check(BEGIN + program, tolerance=(1e-6, 1e-6))


def test_nothing_inside_is_kept() -> None:
    """Between forward and backward, no tensor made inside the function lives."""
    torch = under_test()
    from tensorgrad.utils.checkpoint import checkpoint

    made = []

    def function(a):
        b = a.sin()
        c = b.exp()
        made.extend([weakref.ref(b), weakref.ref(c)])
        return (b * c).sum()

    x = torch.ones(3, requires_grad=True)
    y = checkpoint(function, x, use_reentrant=False)
    gc.collect()
    assert [r() for r in made] == [None, None]
    y.backward()
    expected = torch.ones(3, requires_grad=True)
    function(expected).backward()
    assert x.grad.tolist() == expected.grad.tolist()
