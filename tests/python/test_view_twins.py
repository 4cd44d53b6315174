"""Views in place (`x.t_()`): the tensor itself takes on the view's shape and history. Each runs with PyTorch too."""

import pytest

from tests.python.harness.twin import check

LEAF = "x = torch.arange(6.).view(2, 3).requires_grad_(); y = x * 2; w = torch.arange(1., 7.)\n"
READ = "\ny.shape; y.stride(); y.storage_offset(); y._version; y.is_leaf; (y.reshape(-1)[:4] * w[:4]).sum().backward(); x.grad"

CALLS = """
y.t_()
y.transpose_(0, 1)
y.transpose_(-1, -2)
y.swapaxes_(0, 1)
y.swapdims_(0, -1)
y.unsqueeze_(0)
y.unsqueeze_(-1)
y.unsqueeze_(1); y.squeeze_(1)
y.unsqueeze_(0); y.unsqueeze_(2); y.squeeze_()
y.unsqueeze_(0); y.unsqueeze_(2); y.squeeze_((0, 2))
y.squeeze_(0)
y.as_strided_((2, 2), (1, 2))
y.as_strided_((2, 2), (1, 2), 1)
y.t_(); y.mul_(3)
y.mul_(3); y.t_()
y.retain_grad(); y.t_()
y = y[:, :2]; y.t_()
y = y[:, :2]; y.t_(); y.mul_(2)
y = y[:, :2]; y.mul_(2); y.unsqueeze_(0)
z = y.view(6); y.t_(); z.mul_(2)
z = y[0]; y.t_(); y.mul_(2); z
y.unsqueeze_(3)
y.transpose_(0, 2)
y.as_strided_((9, 9), (1, 2))
""".strip().splitlines()


@pytest.mark.parametrize("call", CALLS)
def test_call(call: str) -> None:
    check(LEAF + call + READ)


@pytest.mark.parametrize(
    "program",
    [
        "x = torch.ones(2, 3, requires_grad=True); x.t_()",
        "x = torch.ones(2, 3, requires_grad=True)\nwith torch.no_grad():\n    x.t_()\nx.shape; x.is_leaf; x._version",
        "x = torch.arange(6).view(2, 3); y = x.t_(); y is x; x",
        "x = torch.ones(2, 3); y = x.view(6); x.t_(); y.mul_(2); x; x._version",
        "x = torch.ones(2, 3, requires_grad=True) * 1; a, b = x.chunk(2); a.t_()",
    ],
)
def test_program(program: str) -> None:
    check(program)


@pytest.mark.parametrize(
    "call",
    [
        "torch.broadcast_tensors(a, b)",
        "torch.broadcast_tensors(a)",
        "torch.broadcast_tensors(a, torch.ones(4))",
        "torch.meshgrid(b, b, indexing='xy')",
        "torch.meshgrid([b, b], indexing='ij')",
    ],
)
def test_lists_as_separate_arguments(call: str) -> None:
    check("a = torch.ones(2, 1); b = torch.arange(3.)\n" + call)
