"""Anomaly mode: what backward says of the op that failed."""

from __future__ import annotations

import warnings

import pytest
import torch

from tests.python.harness.module import under_test
from tests.python.harness.twin import check

BEGIN = "x = torch.tensor([-1., 2.], requires_grad=True); mode = torch.autograd.set_detect_anomaly\n"

PROGRAMS = """
torch.is_anomaly_enabled(); m = mode(True); torch.is_anomaly_enabled(); torch.is_anomaly_check_nan_enabled(); m.__exit__(); torch.is_anomaly_enabled()
m = mode(True, check_nan=False); torch.is_anomaly_check_nan_enabled(); x.sqrt().sum().backward(); x.grad; m.__exit__(); torch.is_anomaly_check_nan_enabled()
m = torch.autograd.detect_anomaly(); m.__enter__(); torch.is_anomaly_enabled(); x.sqrt().sum().backward(); m.__exit__(); torch.is_anomaly_enabled(); x.grad
m = torch.autograd.detect_anomaly(check_nan=False); m.__enter__(); x.sqrt().sum().backward(); m.__exit__(); x.grad
m = mode(True); y = x * 2; z = y * y; y.add_(1); z.sum().backward(); m.__exit__()
m = mode(True); torch.stack([x.sum(), x.sqrt().sum()]).sum().backward(); m.__exit__()
m = mode(True); (x * x).sum().backward(); x.grad; m.__exit__()
m = mode(True); y = x.sum(); y.backward(); y.backward(); y = x.exp().sum(); y.backward(); y.backward(); m.__exit__()
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str) -> None:
    check(BEGIN + program)


def report(module, forward_inside: bool):
    """The warnings and the error of a backward through sqrt(-1), and the error's notes."""
    x = module.tensor([-1.0], requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if not forward_inside:
            y = x.sqrt()
        with module.autograd.set_detect_anomaly(True):
            if forward_inside:
                y = x.sqrt()
            with pytest.raises(RuntimeError) as raised:
                y.sum().backward()
    texts = [str(w.message).split(" (Triggered internally")[0].strip() for w in caught]
    return texts, str(raised.value), getattr(raised.value, "__notes__", [])


def test_says_where_forward_was() -> None:
    theirs, ours = report(torch, True), report(under_test(), True)
    assert ours[1] == theirs[1]
    assert len(ours[0]) == len(theirs[0]) == 1
    # The last lines are those of report(), which differ in nothing.
    assert ours[0][0].splitlines()[0] == theirs[0][0].splitlines()[0]
    assert ours[0][0].splitlines()[-2:] == theirs[0][0].splitlines()[-2:]
    assert "y = x.sqrt()" in ours[2][0] and f'File "{__file__}"' in ours[2][0]


def test_without_forward_information() -> None:
    theirs, ours = report(torch, False), report(under_test(), False)
    assert ours[:2] == theirs[:2]
    assert ours[2] == []


def texts_of_second_derivative(module):
    x = module.tensor([0.0], requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with module.autograd.set_detect_anomaly(True):
            (g,) = module.autograd.grad(x.sqrt().clamp(min=0).sum(), x, create_graph=True)
            with pytest.raises(RuntimeError):
                (g * 0).sum().backward()
    return [str(w.message).split(" (Triggered internally")[0].strip().splitlines()[0] for w in caught]


def test_second_derivative_names_the_first_backward() -> None:
    ours = texts_of_second_derivative(under_test())
    assert len(ours) == 2
    assert ours[1].startswith(
        "Previous calculation was induced by SqrtBackward0. Traceback of forward call that"
    )


def test_user_errors_get_the_forward_line() -> None:
    torch = under_test()

    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            raise ValueError("broken")

    x = torch.ones(2, requires_grad=True)
    with (
        torch.autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="Error detected in BrokenBackward"),
    ):
        y = Broken.apply(x).sum()
        with pytest.raises(ValueError, match="broken") as raised:
            y.backward()
    assert "Broken.apply(x).sum()" in raised.value.__notes__[0]
