"""utils.summary: counts against hand counts and PyTorch's FlopCounterMode; the model stays as it was."""

import pytest
import torch as real_torch
from tensorgrad.utils import summary
from torch.utils.flop_counter import FlopCounterMode

import tensorgrad


def convnet(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, groups=4, stride=2, bias=False), nn.Flatten(), nn.Dropout(), nn.Linear(144, 10),
    )  # fmt: skip


MODELS = {
    "linear": (lambda torch: torch.nn.Linear(5, 7), (3, 2, 5)),
    "convnet": (convnet, (2, 3, 16, 16)),
    "conv1d": (lambda torch: torch.nn.Conv1d(4, 6, 5, dilation=2), (2, 4, 30)),
    "transposed": (lambda torch: torch.nn.ConvTranspose2d(4, 6, 3, stride=2), (2, 4, 5, 5)),
    "flattened": (lambda torch: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4)), (2, 3, 4)),
    "encoder": (
        lambda torch: torch.nn.TransformerEncoderLayer(16, 4, 32, batch_first=True),
        (2, 9, 16),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_multiply_adds_are_pytorchs(name):
    make, size = MODELS[name]
    model = make(real_torch).train()
    for (
        module
    ) in model.modules():  # what training computes: the fast path of eval is one op that has no count
        if isinstance(module, real_torch.nn.Dropout):
            module.p = 0.0
    with FlopCounterMode(display=False) as counter:
        model(real_torch.zeros(size))
    found = summary(make(tensorgrad), size, mode="train")
    assert found.multiply_adds * 2 == counter.get_total_flops()
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.rows[0].multiply_adds == found.multiply_adds and found.rows[0].parameters == found.parameters


def test_rows_by_hand():
    found = summary(convnet(tensorgrad), tensorgrad.zeros(2, 3, 16, 16))
    rows = {row.path: row for row in found.rows}
    assert list(rows) == ["", *map(str, range(8))]
    assert [row.output for row in found.rows] == [
        "2x10", "2x8x16x16", "2x8x16x16", "2x8x16x16", "2x8x8x8", "2x16x3x3", "2x144", "2x144", "2x10",
    ]  # fmt: skip
    assert rows["0"].parameters == 8 * 3 * 3 * 3 + 8
    assert rows["0"].multiply_adds == 2 * 8 * 16 * 16 * (3 * 3 * 3)
    assert rows["1"].parameters == 8 + 8 and rows["1"].multiply_adds == 0
    assert rows["4"].parameters == 16 * (8 // 4) * 3 * 3
    assert rows["4"].multiply_adds == 2 * 16 * 3 * 3 * (8 // 4 * 3 * 3)
    assert rows["7"].parameters == 144 * 10 + 10 and rows["7"].multiply_adds == 2 * 10 * 144
    assert found.multiply_adds == sum(row.multiply_adds for row in found.rows[1:])
    assert found.input_bytes == 4 * (2 * 3 * 16 * 16)
    assert found.parameter_bytes == 4 * (224 + 16 + 288 + 1450)
    assert found.buffer_bytes == 4 * (8 + 8) + 8  # the means, the variances, and a count of batches
    # Batch norm's input, the input and the output of ReLU, pooling's indices, the second convolution's input and
    # linear's.
    assert found.saved_bytes >= 4 * (2 * 2 * 8 * 16 * 16 + 2 * 8 * 8 * 8 + 2 * 144)


def test_kept_for_backward_by_hand():
    nn = tensorgrad.nn
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3), nn.Sigmoid())
    # Each result is kept once, however many ops need it: tanh's and sigmoid's; the input counts as input.
    assert summary(model, tensorgrad.zeros(5, 4)).saved_bytes == 4 * (5 * 6 + 5 * 3)


class Branches(tensorgrad.nn.Module):
    """Inputs by name, outputs in a dict, a module that is called twice and stands in two places."""

    def __init__(self):
        super().__init__()
        self.left = tensorgrad.nn.Linear(4, 4, bias=False)
        self.right = self.left
        self.unused = tensorgrad.nn.Linear(2, 2)
        self.nothing = None

    def forward(self, x, *, scale=None):
        y = self.right(self.left(x)) @ x.T
        return {"y": y if scale is None else y * scale, "rest": (x,)}


def test_shared_and_functional():
    found = summary(Branches(), {"x": tensorgrad.zeros(3, 4), "scale": tensorgrad.ones(1)})
    rows = {row.path: row for row in found.rows}
    assert found.parameters == 16 + 6 and found.input_bytes == 4 * (12 + 1)
    assert rows["left"].calls == 2 and rows["left"].multiply_adds == 2 * (3 * 4 * 4)
    assert rows["right"].is_shared and rows["right"].calls == 0
    assert rows["unused"].calls == 0 and rows["unused"].output == ""
    assert found.multiply_adds == 2 * (3 * 4 * 4) + 3 * 3 * 4  # the product in forward itself too
    assert rows[""].output == "3x3, 3x4"
    table = str(found)
    assert "left: Linear  x2" in table and "right: Linear" in table and "shared" in table
    assert [line.split()[0] for line in table.splitlines()][-3:] == ["parameters", "multiply-adds", "memory"]


def test_inputs():
    model = tensorgrad.nn.Linear(4, 2).double()
    for given in (tensorgrad.zeros(3, 4).double(), (tensorgrad.zeros(3, 4).double(),), (3, 4), [3, 4]):
        assert summary(model, given).rows[0].output == "3x2"
    with pytest.raises(TypeError, match="must be a Module"):
        summary(len, (3, 4))
    for bad in ("a", None, (), {}):
        with pytest.raises(TypeError, match="must hold a tensor"):
            summary(model, bad)
    with pytest.raises(ValueError, match="mode must be"):
        summary(model, (3, 4), mode="fast")


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_the_model_is_left_as_it_was(mode):
    class Checks(tensorgrad.nn.Module):
        def forward(self, x):
            assert self.training == (mode == "train")
            if x.shape[0] == 1:
                raise ValueError("too small")
            return tensorgrad.nn.functional.dropout(x, 0.5)

    model = tensorgrad.nn.Sequential(tensorgrad.nn.Linear(2, 2), Checks(), tensorgrad.nn.BatchNorm1d(2))
    model[0].eval()
    model[2].weight.requires_grad_(False)
    tensorgrad.manual_seed(3)
    wanted = tensorgrad.rand(3)
    for size in ((4, 2), (1, 2)):
        tensorgrad.manual_seed(3)
        try:
            found = summary(model, size, mode=mode)
            assert found.parameters - found.trainable_parameters == 2 and "2 of them frozen" in str(found)
        except ValueError as error:
            assert str(error) == "too small"
        assert [module.training for module in model.modules()] == [True, False, True, True]
        assert tensorgrad.equal(tensorgrad.rand(3), wanted)
        assert all(parameter.grad is None for parameter in model.parameters())
    assert not model[0]._forward_hooks and not model[0](tensorgrad.rand(3, 2)).retains_grad
