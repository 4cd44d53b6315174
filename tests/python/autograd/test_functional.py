"""autograd.functional: every program runs with PyTorch too."""

from __future__ import annotations

import pytest

from tests.python.harness.twin import check

BEGIN = """
fn = torch.autograd.functional
x = torch.tensor([1., 2.]); y = torch.tensor([[0.5, -1.], [2., 3.]], requires_grad=True); s = torch.tensor(3.)
def cube(a): return a ** 3
def mixed(a, b): return (a * b).sin(), (b.exp() * 2).sum()
def total(a): return (a ** 3).sum()
def both(a, b): return (a * b * b).sum()
def linear(a): return (a * 2).sum()
def constant(a): return torch.ones(2)
def first_only(a, b): return (a * a * a).sum()
def captured(a): return (a * y * a).sum()
"""

CALLS = """
jacobian(cube, x) | jacobian(mixed, (x, y)) | jacobian(cube, s) | jacobian(total, x) | jacobian(constant, x) | jacobian(first_only, (x, y))
jacobian(cube, y, create_graph=True) | jacobian(cube, x, vectorize=True) | jacobian(mixed, (x, y), vectorize=True) | jacobian(mixed, (x, y), strict=True)
jacobian(constant, x, strict=True) | jacobian(first_only, (x, y), strict=True) | jacobian(linear, y, strict=True, create_graph=True) | jacobian(cube, x, strict=True, vectorize=True)
jacobian(cube, x, strategy='sideways') | jacobian(cube, 5) | jacobian(cube, (x, 5)) | jacobian(lambda a: 5, x) | jacobian(lambda a: (a, 5), x) | jacobian(lambda a: [a], x)
jacobian(lambda a: a[:0], x) | jacobian(captured, x) | jacobian(lambda a: a.sum(), (x,)) | jacobian(lambda a: (a.sum(),), (x,)) | jacobian(cube, torch.arange(3))
hessian(total, x) | hessian(both, (x, y)) | hessian(total, s) | hessian(linear, x) | hessian(constant, x) | hessian(cube, x) | hessian(mixed, (x, y)) | hessian(first_only, (x, y))
hessian(total, y, create_graph=True) | hessian(total, x, vectorize=True) | hessian(linear, x, strict=True) | hessian(first_only, (x, y), strict=True) | hessian(total, x, strict=True) | hessian(total, x, outer_jacobian_strategy='up') | hessian(captured, x) | hessian(total, 5) | hessian(lambda a: (a.sum(),), x) | hessian(lambda a: 1., x)
vjp(cube, x, torch.tensor([1., 10.])) | vjp(mixed, (x, y), (torch.ones(2, 2), s)) | vjp(total, x) | vjp(cube, x) | vjp(cube, x, s) | vjp(cube, x, (x, x)) | vjp(mixed, (x, y), x) | vjp(mixed, (x, y), (x, s)) | vjp(constant, x, x) | vjp(constant, x, x, strict=True) | vjp(first_only, (x, y), s, strict=True) | vjp(linear, y, create_graph=True, strict=True) | vjp(cube, y, torch.ones(2, 2), create_graph=True) | vjp(total, x, 5) | vjp(captured, x)
jvp(cube, x, torch.tensor([1., 10.])) | jvp(mixed, (x, y), (x, torch.ones(2, 2))) | jvp(total, x, x) | jvp(cube, x) | jvp(cube, s) | jvp(cube, x, s) | jvp(mixed, (x, y), x) | jvp(constant, x, x) | jvp(constant, x, x, strict=True) | jvp(cube, y, torch.ones(2, 2), create_graph=True) | jvp(first_only, (x, y), (x, torch.ones(2, 2))) | jvp(first_only, (x, y), (x, torch.ones(2, 2)), strict=True) | jvp(captured, x, x)
vhp(total, x, torch.tensor([1., 10.])) | vhp(both, (x, y), (x, torch.ones(2, 2))) | vhp(total, x) | vhp(total, s) | vhp(cube, x, x) | vhp(mixed, (x, y), (x, y)) | vhp(linear, x, x) | vhp(linear, x, x, strict=True) | vhp(first_only, (x, y), (x, torch.ones(2, 2))) | vhp(first_only, (x, y), (x, torch.ones(2, 2)), strict=True) | vhp(total, y, torch.ones(2, 2), create_graph=True) | vhp(total, x, s) | vhp(captured, x, x)
hvp(total, x, torch.tensor([1., 10.])) | hvp(both, (x, y), (x, torch.ones(2, 2))) | hvp(total, x) | hvp(total, s) | hvp(cube, x, x) | hvp(linear, x, x) | hvp(linear, x, x, strict=True) | hvp(first_only, (x, y), (x, torch.ones(2, 2))) | hvp(total, y, torch.ones(2, 2), create_graph=True) | hvp(total, x, s) | hvp(captured, x, x)
"""


@pytest.mark.parametrize("call", [call for line in CALLS.strip().splitlines() for call in line.split(" | ")])
def test_call(call: str) -> None:
    check(f"{BEGIN}fn.{call}\ny.grad", tolerance=(1e-6, 1e-6))


def test_without_recording() -> None:
    check(
        BEGIN
        + "f = torch.no_grad()(lambda: fn.jacobian(cube, x)); f(); f = torch.no_grad()(lambda: fn.vjp(total, x)); f()"
    )
    check(
        BEGIN
        + "f = torch.no_grad()(lambda: fn.hvp(total, x, x)); f(); f = torch.no_grad()(lambda: fn.jvp(cube, x, x)); f()"
    )
