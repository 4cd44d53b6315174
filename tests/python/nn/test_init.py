"""nn.init, and the initial weights of every module: equal to torch's bit for bit for the same seed."""

import pytest

from tests.python.twin import twin


@twin
def test_gain(torch, log):
    init = torch.nn.init
    for name in (
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose2d",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "selu",
        "foo",
        "gelu",
    ):
        log(lambda: init.calculate_gain(name), lambda: init.calculate_gain(name, 3))
    for slope in (0.2, True, "a"):
        log(lambda: init.calculate_gain("leaky_relu", slope))


@twin
@pytest.mark.parametrize("shape", [(3, 4), (50, 40), (5, 6, 3), (4, 3, 2, 2)], ids=str)
def test_values(torch, log, shape):
    init = torch.nn.init
    for name, args in (
        ("uniform_", ()),
        ("uniform_", (-2.0, 3.0)),
        ("normal_", ()),
        ("normal_", (1.0, 0.02)),
        ("trunc_normal_", ()),
        ("trunc_normal_", (0.5, 2.0, -1.0, 1.0)),
        ("constant_", (0.3,)),
        ("ones_", ()),
        ("zeros_", ()),
        ("xavier_uniform_", ()),
        ("xavier_uniform_", (2.5,)),
        ("xavier_normal_", ()),
        ("kaiming_uniform_", ()),
        ("kaiming_uniform_", (0.1, "fan_out", "relu")),
        ("kaiming_normal_", ()),
        ("kaiming_normal_", (0, "fan_out")),
        ("eye_", ()),
        ("dirac_", ()),
        ("sparse_", (0.3,)),
    ):
        t = torch.zeros(shape)
        log(lambda: getattr(init, name)(t, *args) is t, t)
    log(torch.rand(1))
    g = torch.Generator().manual_seed(7)
    for name in ("uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "kaiming_normal_"):
        log(getattr(init, name)(torch.empty(shape), generator=g))
    log(
        torch.rand(1),
        init.uniform_(torch.empty(3, requires_grad=True)),
        init.normal_(torch.empty(shape, dtype=torch.float64)).shape,
    )


@twin
def test_errors(torch, log):
    init, e = torch.nn.init, torch.empty
    log(
        lambda: init.xavier_uniform_(e(3)),
        lambda: init.kaiming_uniform_(e(3)),
        lambda: init.kaiming_uniform_(e(0, 3)),
    )
    log(
        lambda: init.kaiming_uniform_(e(3, 3), mode="foo"),
        lambda: init.kaiming_normal_(e(3, 3), nonlinearity="foo"),
    )
    log(
        lambda: init.eye_(e(3)),
        lambda: init.dirac_(e(3)),
        lambda: init.dirac_(e(3, 3, 3), 2),
        lambda: init.orthogonal_(e(3)),
    )
    log(lambda: init.sparse_(e(3), 0.1), lambda: init.orthogonal_(e(0, 3)), lambda: init.constant(e(3), 1))
    log(
        lambda: init.uniform_(e(3), 2, 1),
        lambda: init.normal_(e(3), 2, -1),
        lambda: init.trunc_normal_(e(3), 0, 0),
    )
    log(
        lambda: init.dirac_(torch.empty(4, 2, 3), 2), lambda: init.eye_(torch.zeros(2, 3, requires_grad=True))
    )


MODULES = [
    ("Linear", (2, 3), {}),
    ("Linear", (20, 30), {"bias": False}),
    ("Linear", (7, 5), {"dtype": "float64"}),
    ("Bilinear", (2, 3, 4), {}),
    ("Conv1d", (4, 6, 3), {"groups": 2}),
    ("Conv2d", (3, 8, 3), {}),
    ("Conv2d", (4, 8, (3, 2)), {"groups": 2, "bias": False}),
    ("ConvTranspose2d", (4, 8, (3, 2)), {"groups": 2}),
    ("Embedding", (10, 3), {"padding_idx": 2}),
    ("Embedding", (3, 4), {}),
    ("BatchNorm1d", (4,), {}),
    ("BatchNorm2d", (4,), {"affine": False}),
    ("LayerNorm", ((3, 4),), {}),
    ("GroupNorm", (2, 4), {}),
    ("PReLU", (3,), {}),
]


@twin
@pytest.mark.parametrize(("name", "args", "kwargs"), MODULES, ids=str)
def test_initial_weights(torch, log, name, args, kwargs):
    kwargs = {key: getattr(torch, value) if key == "dtype" else value for key, value in kwargs.items()}
    for seed in (0, 1234):
        torch.manual_seed(seed)
        module = getattr(torch.nn, name)(*args, **kwargs)
        log(module, module.state_dict(), torch.rand(2))
        module.reset_parameters()
        log(module.state_dict())


@twin
def test_whole_network(torch, log):
    nn = torch.nn
    torch.manual_seed(42)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(72, 32),
        nn.Dropout(),
        nn.Linear(32, 10),
    )
    log(net, net.state_dict(), torch.rand(3))
