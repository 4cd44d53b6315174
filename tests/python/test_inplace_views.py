"""Views and in-place operations as a matrix: kind of view x in-place operation x leaf or not x nested view x mode."""

from __future__ import annotations

import pytest

from tests.python.harness.twin import check

VIEWS = {
    "itself": "{}",
    "select": "{}[1]",
    "slice": "{}[:, 1:]",
    "step": "{}[:, ::2]",
    "view": "{}.view(6, 2)",
    "reshape": "{}.reshape(2, 6)",
    "transpose": "{}.t()",
    "T": "{}.T",
    "unsqueeze": "{}.unsqueeze(1)",
    "squeeze": "{}.view(3, 1, 4).squeeze(1)",
    "narrow": "{}.narrow(1, 0, 2)",
    "permute": "{}.permute(1, 0)",
    "flatten": "{}.flatten()",
    "unflatten": "{}.unflatten(1, (2, 2))",
    "detach": "{}.detach()",
    "data": "{}.data",
    "diagonal": "{}[:, :3][1:2]",
    "expand": "{}.unsqueeze(0).expand(2, 3, 4)",
    "chunk": "{}.chunk(2)[0]",
    "split": "{}.split(2)[1]",
    "unbind": "{}.unbind(0)[1]",
    "nested": "{}[1:].t()[0]",
    "nested2": "{}.view(2, 6)[1].view(3, 2)[:, 0]",
    "nested chunk": "{}.chunk(2)[0][0]",
}
WRITES = {
    "mul_": "v.mul_(3)",
    "add_ tensor": "v.add_(w.sum())",
    "iadd": "v += 1",
    "zero_": "v.zero_()",
    "fill_": "v.fill_(2)",
    "fill_ tensor": "v.fill_(w[0, 0])",
    "copy_": "v.copy_(w.sum() * torch.ones_like(v))",
    "setitem": "v[0] = w[0, 0]",
    "masked_fill_": "v.masked_fill_(v > 3, 0.5)",
    "exp_": "v.exp_()",
    "clamp_": "v.clamp_(2, 5)",
    "relu_": "v.relu_()",
    "twice": "v.mul_(2); v.add_(w[1, 1])",
    "in no_grad": "with torch.no_grad(): v.mul_(2)",
}
BASES = {
    "leaf": "base = torch.arange(1., 13.).view(3, 4).requires_grad_()",
    "leaf without grad": "base = torch.arange(1., 13.).view(3, 4)",
    "non-leaf": "x = torch.arange(1., 13.).view(3, 4).requires_grad_(); base = x * 1.5",
    "non-leaf, saved": "x = torch.arange(1., 13.).view(3, 4).requires_grad_(); base = x * 1.5; kept = base * base",
}
BEGIN = "w = torch.tensor([[0.5, 2.], [3., 1.5]], requires_grad=True)\n"
END = """
base; v; v._version; base._version; v.is_leaf; base.is_leaf; v._is_view(); base.grad_fn is None; v.grad_fn is None
y = (base * base).sum() + (v * 3).sum()
y
if 'kept' in dir(): y = y + kept.sum()
y.backward()
w.grad
'x' in dir() and x.grad
base.is_leaf and base.grad
"""


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("base", BASES)
def test_matrix(base: str, view: str, write: str) -> None:
    check(BEGIN + BASES[base] + f"\nv = {VIEWS[view].format('base')}\n" + WRITES[write] + END, strides=True)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("view", VIEWS)
def test_write_to_base_seen_by_view(view: str, write: str) -> None:
    """The view's grad_fn is stale after the write to its base, and is made anew."""
    program = BEGIN + BASES["non-leaf"] + f"\nv = {VIEWS[view].format('base')}\n"
    check(program + WRITES[write].replace("v", "base").replace("sabaseed", "saved") + END)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", ["mul_", "copy_", "zero_", "in no_grad"])
def test_view_made_in_no_grad(view: str, write: str) -> None:
    made = f"with torch.no_grad(): v = {VIEWS[view].format('base')}\n"
    check(BEGIN + BASES["non-leaf"] + "\n" + made + WRITES[write] + END)
    check(BEGIN + BASES["leaf"] + "\n" + made + WRITES[write] + END)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", ["mul_", "copy_"])
def test_inference_mode(view: str, write: str) -> None:
    made = f"with torch.inference_mode(): base = torch.arange(1., 13.).view(3, 4); v = {VIEWS[view].format('base')}\n"
    check(BEGIN + made + WRITES[write] + "\nv; base")
    check(BEGIN + made + "v.is_inference(); base.is_inference(); (base * w[0, 0]).sum().backward()")


PROGRAMS = """
x = torch.ones(3, requires_grad=True); x.add_(1)
x = torch.ones(3, requires_grad=True); x[0] = 1
x = torch.ones(3, requires_grad=True); x[0].mul_(2)
x = torch.ones(3, requires_grad=True); x.view(3, 1).zero_()
x = torch.ones(3, requires_grad=True); x.detach().mul_(2); x; x._version
x = torch.ones(3, requires_grad=True); x.data.mul_(2); x; x._version
x = torch.ones(4, 4, requires_grad=True) * 1; a, b = x.unbind(0)[:2]; a.mul_(2)
x = torch.ones(4, 4, requires_grad=True) * 1; a, b = x.chunk(2); a.mul_(2)
x = torch.ones(4, 4, requires_grad=True) * 1; a, b = x.split(2); b += 1
x = torch.ones(4, 4, requires_grad=True) * 1; a, b = x.split(2); x.mul_(2); a
x = torch.ones(4, 4, requires_grad=True) * 1; a, b = x.split(2); x.mul_(2); a.grad_fn
x = torch.ones(3, requires_grad=True); y = x * 2; z = y * y; y.add_(1); z.sum().backward()
x = torch.ones(3, requires_grad=True); y = x.exp(); y.add_(1); y.sum().backward()
x = torch.ones(3, requires_grad=True); y = x.sigmoid(); y[0] = 2; y.sum().backward()
x = torch.ones(3, requires_grad=True); y = x * 2; z = y.sum(); y.add_(1); z.backward(); x.grad
a = torch.ones(3); b = torch.ones(3, requires_grad=True); c = a * b; a.add_(1); c.sum().backward()
a = torch.ones(3); b = torch.ones(3, requires_grad=True); a.add_(b); a.is_leaf; a.requires_grad; a.sum().backward(); b.grad
a = torch.zeros(3); b = torch.ones(3, requires_grad=True); v = a[1:]; v.add_(b[1:]); a; a.requires_grad; v.requires_grad; a.grad_fn is None; a.sum().backward(); b.grad
a = torch.zeros(2, 3); v = a[0]; u = v[1:]; b = torch.ones(2, requires_grad=True); u.copy_(b); v; a; (a * 2).sum().backward(); b.grad
a = torch.zeros(2, 3); v = a.t(); b = torch.ones(2, requires_grad=True); v[1] = b; v[2] = b * 2; a; (a * a).sum().backward(); b.grad
a = torch.ones(3).expand(2, 3); a.add_(1)
a = torch.ones(3).expand(2, 3); a[0] = 2
a = torch.ones(3).expand(2, 3); a.copy_(torch.zeros(2, 3))
a = torch.ones(3); a.add_(torch.ones(2, 3))
a = torch.ones(3); a.unsqueeze_(0).shape; a._version
a = torch.ones(2, 3); a.t_(); a.shape; a.stride(); a._version
a = torch.ones(2, 3); a.transpose_(0, 1); a.stride(); a.squeeze_(); a.shape
a = torch.arange(6); a[1:].copy_(a[:-1].clone()); a
a = torch.arange(3.); a.add_(a); a; a.mul_(a); a; a.sub_(a[0]); a
a = torch.ones(3); v = a[1:]; v._base is a; a._base is None; v[1:]._base is a; v.detach()._base is None
a = torch.ones(3); v = a[1:]; v._version; a.add_(1); v._version; v.add_(1); a._version; a.data._version; a.detach()._version
a = torch.ones(3); b = a.clone(); b.add_(1); a; a._version; b._version
a = torch.ones(3, requires_grad=True); v = a.view(3); v.retain_grad(); (v * 2).sum().backward(); v.grad; a.grad
x = torch.ones(3, requires_grad=True); y = x * 2; y.retain_grad(); y.mul_(3); (y * y).sum().backward(); x.grad; y.grad
x = torch.ones(3, requires_grad=True); y = x.clone(); y.register_hook(lambda g: g * 10); y.mul_(3); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x.clone(); y.mul_(3); y.register_hook(lambda g: g * 10); y.sum().backward(); x.grad
x = torch.ones(3, requires_grad=True); y = x.clone(); y.detach_(); y.requires_grad; y.is_leaf
x = torch.ones(3, requires_grad=True); y = x.clone(); y[1:].detach_()
x = torch.ones(3, requires_grad=True); y = x.clone(); y.requires_grad_(False)
x = torch.ones(3, requires_grad=True); y = x.clone(); y.requires_grad = False
x = torch.ones(3, dtype=torch.int64); x.requires_grad_()
x = torch.ones(3, dtype=torch.int64); x.requires_grad = True
x = torch.ones(3, requires_grad=True); x.requires_grad_(False).add_(1); x.requires_grad
x = torch.ones(3, requires_grad=True); x.data = torch.zeros(5); x; x.requires_grad; x.data.shape
x = torch.ones(3, requires_grad=True); x.data = torch.zeros(5, dtype=torch.int64)
x = torch.ones(3); x.data = 5
x = torch.ones(3, requires_grad=True); x.grad = torch.zeros(3); x.grad; x.grad = None; x.grad
x = torch.ones(3, requires_grad=True); x.grad = torch.zeros(2)
x = torch.ones(3, requires_grad=True); x.grad = torch.zeros(3, dtype=torch.float64)
x = torch.ones(3, requires_grad=True); x.grad = 5
x = torch.ones(3, requires_grad=True); x.grad = x
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str) -> None:
    check(program)
