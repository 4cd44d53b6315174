"""Second and third derivatives through functions whose backward is one fused kernel, compared with PyTorch's."""

from __future__ import annotations

import pytest
import torch

from tests.python.harness.module import under_test

# name -> (shapes of the differentiable inputs, the call)
FUNCTIONS = {
    "linear": ([(3, 4), (2, 4), (2,)], "F.linear(a, b, c)"),
    "linear of batches": ([(2, 3, 4), (2, 4), (2,)], "F.linear(a, b, c)"),
    "bilinear product": ([(3, 4), (4, 2)], "a @ b"),
    "batched product": ([(2, 3, 4), (2, 4, 2)], "torch.bmm(a, b)"),
    "addmm": ([(3, 2), (3, 4), (4, 2)], "torch.addmm(a, b, c, beta=0.5, alpha=2)"),
    "softmax": ([(3, 4)], "F.softmax(a, 1)"),
    "log_softmax": ([(3, 4)], "F.log_softmax(a, 0)"),
    "logsumexp": ([(3, 4)], "torch.logsumexp(a, 1)"),
    "layer_norm": ([(3, 4), (4,), (4,)], "F.layer_norm(a, (4,), b, c)"),
    "layer_norm without weight": ([(3, 4)], "F.layer_norm(a, (4,))"),
    "rms_norm": ([(3, 4), (4,)], "F.rms_norm(a, (4,), b)"),
    "group_norm": ([(2, 4, 3), (4,), (4,)], "F.group_norm(a, 2, b, c)"),
    "instance_norm": ([(2, 3, 4)], "F.instance_norm(a)"),
    "batch_norm": ([(4, 3), (3,), (3,)], "F.batch_norm(a, None, None, b, c, training=True)"),
    "batch_norm of images": ([(2, 3, 2, 2), (3,), (3,)], "F.batch_norm(a, None, None, b, c, training=True)"),
    "batch_norm in evaluation": (
        [(4, 3), (3,), (3,)],
        "F.batch_norm(a, torch.zeros(3, dtype=a.dtype), torch.ones(3, dtype=a.dtype) * 2, b, c)",
    ),
    "conv1d": ([(2, 2, 5), (3, 2, 3), (3,)], "F.conv1d(a, b, c, padding=1)"),
    "conv2d": ([(2, 2, 4, 4), (3, 2, 3, 3), (3,)], "F.conv2d(a, b, c, stride=2, padding=1)"),
    "conv2d in groups": ([(1, 4, 4, 4), (4, 2, 2, 2)], "F.conv2d(a, b, groups=2, dilation=2)"),
    "conv_transpose1d": ([(2, 2, 5), (2, 3, 3), (3,)], "F.conv_transpose1d(a, b, c, stride=2)"),
    "conv_transpose2d": (
        [(2, 2, 3, 4), (2, 3, 3, 3), (3,)],
        "F.conv_transpose2d(a, b, c, stride=2, padding=1)",
    ),
    "conv_transpose2d in groups": (
        [(1, 4, 3, 3), (4, 2, 2, 2)],
        "F.conv_transpose2d(a, b, groups=2, stride=2, dilation=3)",
    ),
    "max_pool2d": ([(1, 2, 4, 4)], "F.max_pool2d(a, 2)"),
    "avg_pool2d": ([(1, 2, 4, 4)], "F.avg_pool2d(a, 3, 1, 1)"),
    "adaptive_avg_pool2d": ([(1, 2, 5, 4)], "F.adaptive_avg_pool2d(a, (2, 3))"),
    "cross_entropy": ([(4, 3)], "F.cross_entropy(a, torch.tensor([0, 2, 1, 2]))"),
    "cross_entropy, smooth": (
        [(4, 3), (3,)],
        "F.cross_entropy(a, torch.tensor([0, 2, 1, 2]), b.detach().abs(), label_smoothing=0.2)",
    ),
    "cross_entropy of probabilities": ([(4, 3), (4, 3)], "F.cross_entropy(a, b.softmax(1))"),
    "nll_loss": ([(4, 3)], "F.nll_loss(a.log_softmax(1), torch.tensor([0, 2, 1, 2]), reduction='sum')"),
    "mse_loss": ([(4, 3), (4, 3)], "F.mse_loss(a, b)"),
    "huber_loss": ([(4, 3), (4, 3)], "F.huber_loss(a, b)"),
    "smooth_l1_loss": ([(4, 3), (4, 3)], "F.smooth_l1_loss(a, b, beta=0.5)"),
    "binary_cross_entropy": ([(4, 3), (4, 3)], "F.binary_cross_entropy(a.sigmoid(), b.sigmoid())"),
    "binary_cross_entropy_with_logits": ([(4, 3), (4, 3)], "F.binary_cross_entropy_with_logits(a, b)"),
    "binary_cross_entropy_with_logits, weighted": (
        [(4, 3), (4, 3), (3,)],
        "F.binary_cross_entropy_with_logits(a, b, c.detach().abs(), pos_weight=c.detach().exp())",
    ),
    "kl_div": ([(4, 3), (4, 3)], "F.kl_div(a, b.softmax(1), reduction='batchmean')"),
    "embedding": ([(5, 3)], "F.embedding(torch.tensor([[0, 2], [2, 4]]), a) ** 2"),
    "gelu": ([(3, 4)], "F.gelu(a)"),
    "gelu by tanh": ([(3, 4)], "F.gelu(a, approximate='tanh')"),
    "silu": ([(3, 4)], "F.silu(a)"),
    "mish": ([(3, 4)], "F.mish(a)"),
    "elu": ([(3, 4)], "F.elu(a)"),
    "softplus": ([(3, 4)], "F.softplus(a, beta=2)"),
    "logsigmoid": ([(3, 4)], "F.logsigmoid(a)"),
    "tanh": ([(3, 4)], "torch.tanh(a)"),
    "sigmoid": ([(3, 4)], "torch.sigmoid(a)"),
    "prelu": ([(2, 3, 2), (3,)], "F.prelu(a, b)"),
    "attention": (
        [(1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4)],
        "F.scaled_dot_product_attention(a, b, c, is_causal=True)",
    ),
    "norm": ([(3, 4)], "torch.linalg.vector_norm(a, dim=1)"),
    "var": ([(3, 4)], "a.var(1)"),
    "std": ([(3, 4)], "a.std(0)"),
    "prod": ([(3, 4)], "a.prod(1)"),
    "cumsum": ([(3, 4)], "a.cumsum(1) ** 2"),
    "cumprod": ([(3, 4)], "a.cumprod(1)"),
    "pow": ([(3, 4), (3, 4)], "(a.abs() + 1) ** b"),
    "division": ([(3, 4), (3, 4)], "a / (b.abs() + 1)"),
    "einsum": ([(3, 4), (2, 4), (4,)], "torch.einsum('ij,kj,j->ik', a, b, c)"),
}


# PyTorch's second derivative of these takes the statistics for constants, so that its third is wrong; and its
# attention has no second one on the cpu.
STATISTICS = {
    "layer_norm",
    "layer_norm without weight",
    "instance_norm",
    "batch_norm",
    "batch_norm of images",
}
ORDERS = {**dict.fromkeys(sorted(STATISTICS), 2), "attention": 1}


def derivatives(module, name: str) -> list[list[object]]:
    """The function's value and its first, second and third derivatives by every input."""
    shapes, call = FUNCTIONS[name]
    made = torch.Generator().manual_seed(1)
    values = {}
    for letter, shape in zip("abc", shapes):
        data = torch.randn(shape, generator=made, dtype=torch.float64)
        values[letter] = module.tensor(data.tolist(), dtype=module.float64).requires_grad_()
    names = {"torch": module, "F": module.nn.functional, **values}
    result = eval(call, names)
    inputs = list(values.values())
    found = [[result.detach().tolist()]]
    for order in range(ORDERS.get(name, 3)):
        total = (result * (1.0 + order)).cos().sum() if order == 0 else result.sin().sum()
        if not total.requires_grad:
            break
        grads = module.autograd.grad(total, inputs, create_graph=True, allow_unused=True)
        found.append([None if g is None else g.detach().tolist() for g in grads])
        result = sum((g * g).sum() for g in grads if g is not None)
        if not isinstance(result, module.Tensor):
            break
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_three_derivatives(name: str) -> None:
    theirs, ours = derivatives(torch, name), derivatives(under_test(), name)
    assert len(ours) == len(theirs)
    for order, (mine, want) in enumerate(zip(ours, theirs)):
        for i, (a, b) in enumerate(zip(mine, want)):
            # A derivative that is missing is zero.
            assert (
                a is None
                or b is None
                or torch.allclose(
                    torch.tensor(a, dtype=torch.float64),
                    torch.tensor(b, dtype=torch.float64),
                    rtol=1e-6,
                    atol=1e-8,
                )
            ), f"derivative {order} by input {i}"
            assert (a is None) == (b is None) or not torch.tensor(a or b).any()


def inputs_of(module, name: str):
    """The function and its inputs, which require gradients but where they are detached at once."""
    shapes, call = FUNCTIONS[name]
    made = torch.Generator().manual_seed(2)
    inputs = [
        module.tensor(
            torch.randn(s, generator=made, dtype=torch.float64).tolist(), dtype=module.float64
        ).requires_grad_()
        for s in shapes
    ]

    def function(*args):
        return eval(call, {"torch": module, "F": module.nn.functional, **dict(zip("abc", args))})

    for letter, value in zip("abc", inputs):
        value.requires_grad_(f"{letter}.detach" not in call)
    return function, inputs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradgradcheck(name: str) -> None:
    module = under_test()
    assert module.autograd.gradgradcheck(*inputs_of(module, name), fast_mode=True)


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_third_derivative_by_finite_differences(name: str) -> None:
    module = under_test()
    function, inputs = inputs_of(module, name)
    grad = module.autograd.grad

    def second(*args):
        first = grad(function(*args).sin().sum(), args, create_graph=True)
        return grad(sum((g * g).sum() for g in first).sin(), args, create_graph=True)

    assert module.autograd.gradcheck(second, inputs, fast_mode=True, check_undefined_grad=False, rtol=1e-2)
