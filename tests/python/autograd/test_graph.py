"""Saved-tensor hooks, gradient edges, hooks on several tensors. Every program runs with PyTorch too."""

from __future__ import annotations

import warnings

import pytest
import torch

from tests.python.harness.module import under_test
from tests.python.harness.twin import check

BEGIN = """
graph = torch.autograd.graph; hooks = graph.saved_tensors_hooks
x = torch.tensor([1., 2., 3.], requires_grad=True); w = torch.tensor([0.5, -1., 2.], requires_grad=True)
seen = []
def pack(t):
    seen.append(('pack', t.detach().clone(), torch.is_grad_enabled()))
    return t.detach()
def unpack(t):
    seen.append(('unpack', t.clone()))
    return t
def twice(t): return t * 2
class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a): b = a.exp(); ctx.save_for_backward(a, b); return b
    @staticmethod
    def backward(ctx, g): a, b = ctx.saved_tensors; return g * b
"""

# Statements, and after them the expressions to compare.
SAVED = """
with hooks(pack, unpack): y = x * w | y.sum().backward(); seen; x.grad; w.grad
with hooks(pack, unpack): y = x.exp() | y.sum().backward(); seen; x.grad
with hooks(pack, unpack): y = (x * 2).sin() | y.sum().backward(retain_graph=True); y.sum().backward(); x.grad
with hooks(pack, twice): y = x * w | y.sum().backward(); x.grad; w.grad
with hooks(lambda t: t.numpy() if not t.requires_grad else t.detach().numpy(), torch.from_numpy): y = x * w | y.sum().backward(); x.grad; w.grad
with hooks(pack, lambda t: 5): y = x.exp() | y.sum().backward()
with hooks(pack, lambda t: 1 / 0): y = x.exp() | y.sum().backward()
with hooks(lambda t: 1 / 0, unpack): y = x.exp() | y
with hooks(lambda t: t.mul_(2), unpack): y = x.detach() * w | y
with hooks(pack, unpack): y = x.detach() * 2 | seen
with hooks(pack, unpack): y = x + w | seen; y.sum().backward(); x.grad
with hooks(pack, unpack): y = x * x * x | g, = torch.autograd.grad(y.sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x)
with hooks(pack, unpack): y = x.exp() | g, = torch.autograd.grad(y.sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x)
with hooks(pack, unpack): y = Exp.apply(x) | y.sum().backward(); x.grad; seen
with hooks(pack, unpack): y = Exp.apply(x) | g, = torch.autograd.grad(y.sum(), x, create_graph=True); torch.autograd.grad(g.sum(), x)
with hooks(pack, unpack), hooks(lambda t: t.detach(), twice): y = x * w | y.sum().backward(); x.grad; seen
with hooks(pack, unpack): z = x * 1; y = z * z; z = z.detach().mul_(2) | y.sum().backward(); x.grad
with graph.save_on_cpu(): y = x * w | y.sum().backward(); x.grad; w.grad
with graph.save_on_cpu(pin_memory=False): y = x.softmax(0).prod() | y.backward(); x.grad
with graph.disable_saved_tensors_hooks('not here'): y = 1 | hooks(pack, unpack).__enter__(); (x * w).requires_grad; hooks(pack, unpack).__exit__()
with hooks(pack, unpack): h = hooks(pack, unpack) | h.pack_hook is pack; h.unpack_hook is unpack
"""


@pytest.mark.parametrize("program", SAVED.strip().splitlines())
def test_saved_tensor_hooks(program: str) -> None:
    inside, _, after = program.partition(" | ")
    check(f"{BEGIN}{inside}\n{after}")


def test_hooks_refused_where_disabled() -> None:
    check(
        f"{BEGIN}with graph.disable_saved_tensors_hooks('not here'):\n    with hooks(pack, unpack): y = x * w"
    )


PROGRAMS = """
e = graph.get_gradient_edge(x); e.output_nr; e.node.name(); e.node.variable is x
e = graph.get_gradient_edge(x.unbind()[1]); e.output_nr; e.node.name(); type(e).__name__; e._fields[:2]
graph.get_gradient_edge(x.detach())
y = x * w; e = graph.get_gradient_edge(y); z = (y * 3).sum(); torch.autograd.grad(z, e); x.grad
y = x * w; e = graph.get_gradient_edge(y); del y; torch.autograd.grad(e, [x, w], torch.ones(3))
y = x * w; e = graph.get_gradient_edge(y); torch.autograd.backward(e, torch.ones(3)); x.grad
e = graph.get_gradient_edge(Exp.apply(x)); torch.autograd.grad(e, x, torch.ones(3))
e = graph.get_gradient_edge((x * w).sum()); torch.autograd.grad(e, graph.get_gradient_edge(x))
isinstance((x * 1).grad_fn, graph.Node); isinstance(Exp.apply(x).grad_fn, graph.Node); isinstance(5, graph.Node)
y = x * 1; z = y * y; graph.increment_version(y); y._version; z.sum().backward()
graph.increment_version([x, w]); x._version; w._version
a = x * 1; b = w * 1; h = graph.register_multi_grad_hook([x, a, b], lambda gs: seen.append([g is not None for g in gs])); (a * b).sum().backward(); seen; (a * 2).sum().backward(); seen; h.remove(); (x * 2).sum().backward(); len(seen)
c = x * w; d = x * w; h = graph.register_multi_grad_hook((x, w, c, d), lambda gs: seen.append([g is not None for g in gs])); c.sum().backward(retain_graph=True); c.sum().backward(inputs=(x,), retain_graph=True); seen
h = graph.register_multi_grad_hook([x, w], seen.append, mode='any'); (x * w).sum().backward(); len(seen); (x * w).sum().backward(); len(seen)
graph.register_multi_grad_hook([x], seen.append, mode='some')
graph.register_multi_grad_hook([x.detach()], seen.append)
torch.autograd.grad(x.sum(), [])
torch.autograd.grad(x.sum(), [w])
torch.autograd.grad((x * w).sum(), {'a': x, 'b': w})
torch.autograd.grad(x.sum(), 'a')
torch.autograd.grad(x.sum(), [x, 5])
torch.autograd.backward(x.sum(), inputs=[5])
torch.autograd.backward(x * w, grad_variables=torch.ones(3)); x.grad
torch.autograd.backward(x * w, torch.ones(3), grad_variables=torch.ones(3))
isinstance(x, torch.autograd.Variable); isinstance(5, torch.autograd.Variable); v = torch.autograd.Variable(x.detach(), requires_grad=True); v; v.is_leaf; torch.autograd.Variable(5)
torch.autograd.grad((x * 2).sum(), [x, w], materialize_grads=True, create_graph=True)
torch.autograd.grad(x * w, [x, w], torch.eye(3), is_grads_batched=True)
torch.autograd.grad(x * x, x, (torch.eye(3),), is_grads_batched=True, create_graph=True)
torch.autograd.grad(x * w, [x, w], torch.ones(4, 3), is_grads_batched=True, retain_graph=True)
torch.autograd.grad(x * w, [x], torch.ones(3), is_grads_batched=True)
torch.autograd.grad((x * 2).sum(), [x, w], torch.ones(2), is_grads_batched=True, allow_unused=True)
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str) -> None:
    check(BEGIN + program)


def warned(module) -> list[tuple[str, str]]:
    """Category and text of what old and doubtful calls warn of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = module.ones(2, requires_grad=True)
        y = x * 2
        assert y.grad is None
        y.sum().backward()
        module.autograd.grad((x * 2).sum(), x, only_inputs=False)
        module.autograd.backward((x * 2).sum(), grad_variables=module.tensor(1.0))
        y.retain_grad()
        assert y.grad is None and x.detach().grad is None
    return [(w.category.__name__, str(w.message).split(" (Triggered internally")[0]) for w in caught]


def test_warnings() -> None:
    assert warned(under_test()) == warned(torch)


def test_cycle_of_a_gradient_and_its_leaf_is_warned_of_once() -> None:
    module = under_test()
    module.autograd._warned_of_cycle = False
    x = module.ones(2, requires_grad=True)
    with pytest.warns(
        UserWarning, match="will create a reference cycle between the parameter and its gradient"
    ):
        (x * x).sum().backward(create_graph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (x * x).sum().backward(create_graph=True)


@pytest.mark.parametrize("name", ["a", "b"])
def test_bad_edges_are_refused(name: str) -> None:
    torch = under_test()
    x = torch.ones(2, requires_grad=True)
    edge = torch.autograd.graph.get_gradient_edge(x * 2)
    bad = edge._replace(output_nr=7) if name == "a" else edge._replace(node=5)
    with pytest.raises((IndexError, TypeError)):
        torch.autograd.grad(bad, x, torch.ones(2))
