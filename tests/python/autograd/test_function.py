"""autograd.Function: every program runs with PyTorch too."""

from __future__ import annotations

import gc
import weakref

import pytest

from tests.python.harness.module import under_test
from tests.python.harness.twin import check

BEGIN = """
from types import SimpleNamespace
x = torch.tensor([1., 2., 3.], requires_grad=True); w = torch.tensor([0.5, -1., 2.], requires_grad=True)
def function(forward, backward=lambda ctx, *grads: grads):
    return type('Fn', (torch.autograd.Function,), dict(forward=staticmethod(forward), backward=staticmethod(backward)))
def wrote(ctx, a, *more):
    ctx.mark_dirty(a)
    return (a.mul_(2), *more) if more else a.mul_(2)
def kept(ctx, *tensors):
    ctx.save_for_backward(*tensors)
    return tensors[0] * 2
seen = []
"""

PROGRAMS = """
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: g * 2); y = F1.apply(x); y; y.grad_fn.name(); type(y.grad_fn).__name__; y.sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2); y = F1.apply(x.detach()); y.grad_fn; y.requires_grad
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: (g, g)); F1.apply(x).sum().backward()
F1 = function(lambda ctx, a, b: a * 2, lambda ctx, g: g); F1.apply(x, w).sum().backward()
F1 = function(lambda ctx, a, b: a * 2, lambda ctx, g: (g, g)); F1.apply(x, 3).sum().backward()
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: 5); F1.apply(x).sum().backward()
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: [g]); F1.apply(x).sum().backward()
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: torch.ones(5)); F1.apply(x).sum().backward()
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: torch.ones(2, 3)); F1.apply(x).sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: (g, None, None)); F1.apply(x).sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: None); F1.apply(x).sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: g.double()); F1.apply(x).sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: 1 / 0); F1.apply(x).sum().backward()
F1 = function(lambda ctx, a: 1 / 0); F1.apply(x)
F1 = function(kept, lambda ctx, g: g * ctx.saved_tensors[0]); y = F1.apply(x); y.sum().backward(); x.grad; y.sum().backward()
F1 = function(kept, lambda ctx, g: g); y = F1.apply(x); y.sum().backward(); y.sum().backward(); x.grad
F1 = function(kept, lambda ctx, g: g * ctx.saved_tensors[0]); y = F1.apply(x).sum(); y.backward(retain_graph=True); y.backward(); x.grad
F1 = function(lambda ctx, a: ctx.save_for_backward(5)); F1.apply(x)
F1 = function(lambda ctx, a: ctx.save_for_backward(a, None), lambda ctx, g: g); y = F1.apply(x); y
F1 = function(kept, lambda ctx, g: g * ctx.saved_tensors[0]); z = x * 1; y = F1.apply(z); z.mul_(2); y.sum().backward()
F1 = function(kept, lambda ctx, g: g * ctx.saved_tensors[0]); z = x * 1; y = F1.apply(z); y.mul_(2); y.sum().backward(); x.grad
F1 = function(kept, lambda ctx, *g: g); y = F1.apply(x); f = y.grad_fn; f.saved_tensors[0] is x; f.needs_input_grad; f.next_functions[0][0].variable is x; y.sum().backward(); f.saved_tensors
F1 = function(lambda ctx, a: seen.append((ctx.needs_input_grad, ctx.saved_tensors, a.requires_grad, torch.is_grad_enabled())), lambda ctx, g: g); F1.apply(x); seen
F1 = function(lambda ctx, a, k, b: seen.append(ctx.needs_input_grad)); F1.apply(x, 3, x.detach()); F1.apply(x.detach(), 'a', w); F1.apply(1, 2, 3); seen
F1 = function(wrote); y = x * 1; F1.apply(y) is y; y._version; y; y.sum().backward(); x.grad
F1 = function(wrote, lambda ctx, g: g * 2); y = x * 1; v = y[1:]; F1.apply(v) is v; v.grad_fn.name(); y.grad_fn.name(); y.sum().backward(); x.grad
F1 = function(wrote); F1.apply(x)
F1 = function(wrote); F1.apply(x[1:])
F1 = function(wrote); v = torch.ones(3); F1.apply(v) is v; v._version; v.grad_fn
F1 = function(wrote); z = x * 1; F1.apply(z[1:], w[1:])
F1 = function(wrote); z = x * 1; a, b = F1.apply(z, w); a is z; b is w; b; (a * b).sum().backward(); x.grad; w.grad
F1 = function(lambda ctx, a: ctx.mark_dirty(a)); F1.apply(x * 1)
F1 = function(lambda ctx, a: ctx.mark_dirty(5)); F1.apply(x)
F1 = function(lambda ctx, a: a, lambda ctx, g: g * 2); y = F1.apply(x); y is x; y._is_view(); y._base is x; y.grad_fn.name(); y.sum().backward(); x.grad; y.mul_(2)
F1 = function(lambda ctx, a: a); d = torch.ones(3); y = F1.apply(d); y is d; y.requires_grad
F1 = function(lambda ctx, a: a); torch.set_grad_enabled(False); y = F1.apply(x); torch.set_grad_enabled(True); y is x; y._is_view(); y.requires_grad
F1 = function(lambda ctx, a: (ctx.mark_non_differentiable(a), a)[1]); y = F1.apply(x); y is x; y._is_view(); y.requires_grad
F1 = function(lambda ctx, a: (a, a), lambda ctx, g, h: g + h * 2); a, b = F1.apply(x); a is b; (a + b * 3).sum().backward(); x.grad
F1 = function(lambda ctx, a: (a * 2,) * 2, lambda ctx, g, h: (seen.append((g, h)), g + h)[1]); a, b = F1.apply(x); a is b; (a + b).sum().backward(); seen; x.grad
F1 = function(lambda ctx, a: a.view(-1, 1), lambda ctx, g: g.view(-1)); y = F1.apply(x * 1); y._is_view(); y.sum().backward(); x.grad; y.mul_(2)
F1 = function(lambda ctx, a: a.view(-1, 1), lambda ctx, g: g.view(-1)); z = x * 1; y = F1.apply(z); z.mul_(2); y.grad_fn
F1 = function(lambda ctx, a: a.chunk(2), lambda ctx, *g: torch.cat(g)); y = F1.apply(x * 1)[0]; y.mul_(2)
F1 = function(lambda ctx, a: (a.view(-1, 1), a * 2)); y = F1.apply(x * 1)[0]; y.mul_(2)
F1 = function(lambda ctx, a: (a * 2, a.argmax(), 's', None), lambda ctx, *g: (seen.append(g), g[0])[1]); y = F1.apply(x); y; y[0].sum().backward(); seen; x.grad
F1 = function(lambda ctx, a: (a * 2, a * 3), lambda ctx, g, h: (seen.append((g, h)), g)[1]); F1.apply(x)[0].sum().backward(); seen
F1 = function(lambda ctx, a: (ctx.set_materialize_grads(False), (a * 2, a * 3))[1], lambda ctx, g, h: (seen.append((g, h)), g)[1]); F1.apply(x)[0].sum().backward(); seen
F1 = function(lambda ctx, a: (ctx.set_materialize_grads(False), (a * 2, a * 3))[1], lambda ctx, g, h: (seen.append((g, h)), g)[1]); F1.apply(x)[1].sum().backward(); seen; x.grad
F1 = function(lambda ctx, a: a.long()); y = F1.apply(x); y; y.grad_fn
F1 = function(lambda ctx, a: [a * 2]); y = F1.apply(x); y
F1 = function(lambda ctx, a: None); F1.apply(x)
F1 = function(lambda ctx: torch.ones(2)); F1.apply()
F1 = function(lambda ctx, l: l[0] * 2, lambda ctx, g: None); y = F1.apply([x]); y.requires_grad
F1 = function(lambda ctx, a: a * 2); F1.apply(x, k=3)
torch.autograd.Function.apply(x)
F1 = function(lambda ctx, a: a * 2); F1.__call__(F1, x)
F1 = type('F1', (torch.autograd.Function,), {'forward': staticmethod(lambda ctx, a: a * 2)}); F1.apply(x).sum().backward()
F1 = type('F1', (torch.autograd.Function,), {'forward': staticmethod(lambda ctx, a: a * 2), 'vjp': staticmethod(lambda ctx, g: g * 7)}); F1.apply(x).sum().backward(); x.grad
F1 = type('F1', (torch.autograd.Function,), {'forward': staticmethod(lambda ctx, a: a * 2), 'vjp': staticmethod(lambda ctx, g: g), 'backward': staticmethod(lambda ctx, g: g)}); F1.apply(x).sum().backward()
F1 = function(kept, lambda ctx, g: g * ctx.saved_tensors[0] ** 2); g, = torch.autograd.grad(F1.apply(x).sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x)
F1 = function(kept, lambda ctx, g: g * ctx.saved_tensors[0] * ctx.saved_tensors[1]); y = F1.apply(x, w)
F1 = function(kept, lambda ctx, g: torch.autograd.grad((ctx.saved_tensors[0].detach().requires_grad_() ** 2).sum(), [], allow_unused=True)); F1.apply(x).sum().backward()
F1 = function(lambda ctx, a: a * 2, lambda ctx, g: (seen.append(torch.is_grad_enabled()), g)[1]); F1.apply(x).sum().backward(); F1.apply(x).sum().backward(create_graph=True); seen
F1 = function(lambda ctx, a: a * 2, torch.autograd.function.once_differentiable(lambda ctx, g: g * 2)); y = F1.apply(x); g, = torch.autograd.grad((y * y).sum(), x, create_graph=True); g; g.grad_fn.name(); g.sum().backward()
F1 = function(lambda ctx, a: a * 2, torch.autograd.function.once_differentiable(lambda ctx, g: g * 2)); g, = torch.autograd.grad(F1.apply(x).sum(), x, create_graph=True); g; g.requires_grad
F1 = function(lambda ctx, a: a * 2); y = F1.apply(x); y.grad_fn.register_hook(lambda i, o: (i[0] * 10,)); y.sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2); y = F1.apply(x); y.register_hook(lambda g: g * 10); y.sum().backward(); x.grad
F1 = function(lambda ctx, a: a * 2); y = F1.apply(x); torch.autograd.grad(y.sum(), y); torch.autograd.grad(F1.apply(y).sum(), [x, y])
F1 = function(lambda ctx, a, b: (a * 2, b * 3), lambda ctx, g, h: (g * 2 if ctx.needs_input_grad[0] else None, h * 3 if ctx.needs_input_grad[1] else None)); a, b = F1.apply(x, w); [t.output_nr for t in (a, b)]; (a.sum() + b.sum() * 2).backward(); x.grad; w.grad
F1 = function(lambda ctx, a: (setattr(ctx, 'k', 3), a * 2)[1], lambda ctx, g: g * ctx.k); y = F1.apply(x); y.grad_fn.k; y.grad_fn.other
F1 = function(lambda ctx, a: a * 2); f = F1.apply(x).grad_fn; f.name(); f.next_functions[0][0].name(); f.saved_tensors
F1 = function(lambda ctx, a: F1.apply(a - 1) if a.sum() > 0 else a * 2, lambda ctx, g: g * 5); y = F1.apply(x); y; y.sum().backward(); x.grad
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str) -> None:
    check(BEGIN + program)


SEPARATE = """
class Scale(torch.autograd.Function):
    @staticmethod
    def forward(a, k=3, other=None):
        return a * k
    @staticmethod
    def setup_context(ctx, inputs, output):
        seen.append((inputs[1:], output))
        ctx.k = inputs[1]
        ctx.save_for_backward(inputs[0], output)
    @staticmethod
    def backward(ctx, g):
        a, out = ctx.saved_tensors
        return g * ctx.k * out, None, None
"""


@pytest.mark.parametrize(
    "call", ["x", "x, 5", "x, k=4", "k=2, a=x", "x, 2, other='o'", "", "x, b=1", "x, 1, 2, 3", "x.detach()"]
)
def test_separate_setup_context(call: str) -> None:
    check(f"{BEGIN}{SEPARATE}y = Scale.apply({call}); y; seen; y.requires_grad; y.sum().backward(); x.grad")


def test_second_derivative_through_saved_output() -> None:
    check(
        BEGIN
        + SEPARATE
        + "y = Scale.apply(x); g, = torch.autograd.grad(y.sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x)"
    )


def _holder(torch):
    class Holder(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.result = a * 2
            ctx.mark = _Mark()
            return ctx.result

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Holder


class _Mark:
    pass


def test_ctx_that_holds_its_result_is_collected() -> None:
    """A leak in PyTorch; here the collector sees the way from a tensor to its ctx."""
    torch = under_test()
    holder = _holder(torch)
    x = torch.ones(3, requires_grad=True)
    gone = weakref.ref(holder.apply(x).grad_fn.mark)
    gc.collect()
    assert gone() is None


def test_ctx_lives_as_long_as_the_graph() -> None:
    torch = under_test()
    x = torch.ones(3, requires_grad=True)

    class Marked(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.mark = _Mark()
            return a * 2

        @staticmethod
        def backward(ctx, g):
            assert isinstance(ctx.mark, _Mark)
            return g * 2

    y = Marked.apply(x)
    mark = weakref.ref(y.grad_fn.mark)
    node = weakref.ref(y.grad_fn)
    total = y.sum()
    del y
    gc.collect()
    assert mark() is not None and node() is total.grad_fn.next_functions[0][0]
    total.backward()
    assert x.grad.tolist() == [2, 2, 2]
    del total
    assert mark() is None and node() is None


def test_deep_chain_of_functions() -> None:
    torch = under_test()

    class Next(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a + 1

        @staticmethod
        def backward(ctx, g):
            assert len(ctx.saved_tensors) == 1
            return g

    x = torch.ones(2, requires_grad=True)
    for run in (True, False):
        y = x
        for _ in range(20_000):
            y = Next.apply(y)
        if run:
            y.sum().backward()
        del y
    assert x.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    "misuse",
    [
        lambda torch, x, fn: type(fn.apply(x).grad_fn)().next_functions,
        lambda torch, x, fn: type(fn.apply(x).grad_fn)().saved_tensors[0],
        lambda torch, x, fn: type((x * 2).grad_fn)().name(),
        lambda torch, x, fn: setattr(fn, "_backward_cls", int) or fn.apply(x),
        lambda torch, x, fn: setattr(fn, "forward", 5) or fn.apply(x),
        lambda torch, x, fn: setattr(fn, "forward", staticmethod(mark_badly)) or fn.apply(x),
        lambda torch, x, fn: setattr(fn, "backward", 5) or fn.apply(x).sum().backward(),
    ],
)
def test_misuse_raises(misuse) -> None:
    torch = under_test()
    x = torch.ones(2, requires_grad=True)
    fn = type("Fn", (torch.autograd.Function,), {"forward": staticmethod(lambda ctx, a: a * 2)})
    with pytest.raises((TypeError, RuntimeError, IndexError)):
        misuse(torch, x, fn)


def mark_badly(ctx, a):
    ctx.dirty_tensors = 5
    return a * 2
