"""Activations, softmax, norms and losses against PyTorch, in each dtype and layout; special values of unary functions."""

from __future__ import annotations

import numpy
import pytest
import torch

import tensorgrad
from tests.python.harness.rows import FLOATS, LAYOUTS, Given, check_row, row

LABELS = torch.tensor([1, 0, 3])
IGNORED = torch.tensor([1, -100, 3])
MAPS = torch.tensor([[[0, 1], [2, 2]], [[1, 1], [0, 2]]])

ROWS = [
    *(row(name, (3, 4)) for name in (
        "exp2", "expm1", "tan", "atan", "sinh", "cosh", "asinh", "erfc", "frac", "sgn", "signbit", "isposinf", "isneginf",
        "nan_to_num", "positive", "nn.functional.logsigmoid", "nn.functional.relu6", "nn.functional.hardsigmoid",
        "nn.functional.hardswish", "nn.functional.elu", "nn.functional.selu", "nn.functional.silu", "nn.functional.mish",
        "nn.functional.softplus", "nn.functional.softsign", "nn.functional.tanhshrink", "nn.functional.softshrink",
        "nn.functional.hardshrink", "nn.functional.leaky_relu", "nn.functional.hardtanh", "nn.functional.glu",
    )),
    *(row(name, (3, 4), low=0.2) for name in ("log2", "log10")),
    *(row(name, (3, 4), low=-0.9, high=0.9) for name in ("asin", "acos", "atanh", "erfinv")),
    row("acosh", (3, 4), low=1.1),
    row("nn.functional.gelu", (3, 4), approximate="tanh"),
    row("nn.functional.celu", (3, 4), 0.7),
    row("nn.functional.elu", (3, 4), 1.5),
    row("nn.functional.leaky_relu", (3, 4), 0.2),
    row("nn.functional.hardtanh", (3, 4), -0.5, 2.0),
    row("nn.functional.threshold", (3, 4), 0.5, 2.0),
    row("nn.functional.softplus", (3, 4), 2.0, 1.0),
    row("nn.functional.prelu", (3, 4), (4,)),
    row("nn.functional.prelu", (2, 3, 4), (3,)),
    row("nn.functional.prelu", (3, 4), (1,)),
    *(row(name, (2, 3, 40), dim) for name in ("softmax", "log_softmax", "logsumexp", "nn.functional.softmin")
      for dim in (0, 1, -1)),
    row("logsumexp", (2, 3, 4), Given((0, 2)), keepdim=True),
    row("nn.functional.layer_norm", (3, 40), Given((40,)), (40,), (40,)),
    row("nn.functional.layer_norm", (2, 3, 4), Given((3, 4))),
    row("nn.functional.rms_norm", (3, 40), Given((40,)), (40,)),
    row("nn.functional.group_norm", (2, 4, 5), 2, (4,), (4,)),
    row("nn.functional.instance_norm", (2, 3, 9)),
    row("nn.functional.batch_norm", (5, 3), None, None, (3,), (3,), True),
    row("nn.functional.batch_norm", (3, 4, 9), None, None, training=True),
    row("nn.functional.batch_norm", (3, 4, 2, 2), None, None, (4,), (4,), True),
    *(row(f"nn.functional.{name}", (3, 4), (3, 4), reduction=reduction)
      for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") for reduction in ("none", "mean", "sum")),
    row("nn.functional.smooth_l1_loss", (3, 4), (3, 4), beta=0.3),
    row("nn.functional.huber_loss", (3, 4), (3, 4), delta=0.3),
    row("nn.functional.binary_cross_entropy", (3, 4), (3, 4), (3, 4), low=0.1, high=0.9, reduction="sum"),
    *(row("nn.functional.kl_div", (3, 4), (3, 4), low=0.1, high=0.9, reduction=reduction)
      for reduction in ("none", "mean", "sum", "batchmean")),
    row("nn.functional.kl_div", (3, 4), (3, 4), log_target=True, reduction="sum"),
    *(row(f"nn.functional.{name}", (3, 4), labels, reduction=reduction)
      for name in ("nll_loss", "cross_entropy") for labels in (LABELS, IGNORED) for reduction in ("none", "mean", "sum")),
    row("nn.functional.cross_entropy", (3, 4), LABELS, (4,), low=0.1),
    row("nn.functional.cross_entropy", (3, 4), IGNORED, (4,), label_smoothing=0.2, low=0.1),
    row("nn.functional.cross_entropy", (3, 4), LABELS, label_smoothing=0.2, reduction="none"),
    row("nn.functional.cross_entropy", (2, 3, 2, 2), MAPS),
    row("nn.functional.cross_entropy", (2, 3, 2, 2), MAPS, (3,), reduction="sum", low=0.1),
    row("nn.functional.cross_entropy", (2, 3, 5), (2, 3, 5), low=0, label_smoothing=0.1),
    row("nn.functional.cross_entropy", (4,), torch.tensor(2)),
    row("nn.functional.cross_entropy", (3, 4), torch.tensor([1, 4, 0])),
    row("nn.functional.cross_entropy", (3, 4), torch.tensor([1, 2])),
]  # fmt: skip

TOLERANCES = {"float16": (4e-3, 4e-3), "bfloat16": (3e-2, 3e-2), "float32": (5e-6, 2e-5)}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("item", ROWS, ids=repr)
def test_row(item, dtype: str) -> None:
    for layout in LAYOUTS:
        if layout in ("empty", "0-d") and "batch_norm" in item.path:
            continue  # refused for reasons that depend on how PyTorch's wrapper counts
        check_row(item, dtype, layout, TOLERANCES.get(dtype))


UNARY = """exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh
atanh sigmoid erf erfc erfinv floor ceil trunc round frac neg abs sign sgn nan_to_num isnan isinf isfinite signbit""".split()
ACTIVATIONS = """relu relu6 leaky_relu elu selu celu silu mish gelu hardtanh hardsigmoid hardswish softplus softsign
logsigmoid tanhshrink softshrink hardshrink""".split()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", UNARY + ACTIVATIONS)
def test_special_values(name: str, dtype: str) -> None:
    """nan, infinities, both zeros, denormals, the largest numbers, huge angles; sizes that are no multiple of a vector."""
    info = torch.finfo(getattr(torch, dtype))
    special = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.0, -1.0, info.max, -info.max, info.tiny,
               -info.tiny, info.tiny / 8, 0.5, -0.5, 1e4, -1e5, 12345678.0, 88.8, -88.8, -103.5, 2.5, -3.5]  # fmt: skip
    if name == "gelu":  # PyTorch's own result at the infinities depends on how it was vectorised
        special = special[3:]
    theirs = torch.tensor(special * 3 + [0.25] * 700, dtype=getattr(torch, dtype))
    ours = tensorgrad.tensor(theirs.tolist(), dtype=getattr(tensorgrad, dtype))
    place, our_place = (
        (torch, tensorgrad) if name in UNARY else (torch.nn.functional, tensorgrad.nn.functional)
    )
    # PyTorch's float32 sinh overflows early in places; what counts is its result in double, rounded.
    exact = theirs if name in ("nan_to_num", "tanhshrink", "hardswish") else theirs.double()
    expected = getattr(place, name)(exact).to(theirs.dtype).to(torch.float64).numpy()
    found = numpy.array(getattr(our_place, name)(ours).to(tensorgrad.float64).tolist())
    rtol = {"float64": 1e-13, "float16": 2e-3, "bfloat16": 1.6e-2}.get(dtype, 2e-6)
    numpy.testing.assert_allclose(
        found,
        expected,
        rtol=rtol,
        atol=0 if name in ("exp", "tanh") else 2e-7 if dtype != "float64" else 1e-15,
    )


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 7), (2, 3, 4, 5)])
@pytest.mark.parametrize("momentum", [0.1, 0.7])
def test_running_statistics(shape: tuple[int, ...], momentum: float) -> None:
    """Training moves the running statistics as PyTorch does; evaluation uses them, and has gradients."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 2 + 3
    seen = []
    for module in (torch, tensorgrad):
        x = module.tensor(values.tolist(), requires_grad=True)
        mean, var = module.zeros(3), module.ones(3)
        weight = module.tensor([0.5, 1.0, 2.0], requires_grad=True)
        for _ in range(2):
            module.nn.functional.batch_norm(x, mean, var, weight, None, True, momentum)
        y = module.nn.functional.batch_norm(x, mean, var, weight, None, False)
        (y * y).sum().backward()
        seen.append([t.tolist() for t in (mean, var, y.detach(), x.grad, weight.grad)])
    for expected, found in zip(*seen):
        numpy.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_long_rows_do_not_depend_on_threads() -> None:
    """The same bits from one thread and from two, for rows longer than a block and more of them than a chunk."""
    x = tensorgrad.randn(300, 2500, requires_grad=True)
    labels = tensorgrad.randint(0, 2500, (300,))
    before, bits = tensorgrad.get_num_threads(), []
    for threads in (1, 2):
        tensorgrad.set_num_threads(threads)
        functional = tensorgrad.nn.functional
        loss = functional.cross_entropy(functional.layer_norm(functional.gelu(x), (2500,)).softmax(1), labels)
        (gradient,) = tensorgrad.autograd.grad(loss, x)
        bits.append((loss.item(), gradient.tolist()))
    tensorgrad.set_num_threads(before)
    assert bits[0] == bits[1]
