"""Every module: repr, attributes, state, errors, and what it computes, with torch and with tensorgrad."""

import copy
import pickle

import pytest

from tests.python.twin import twin

PLAIN = [
    ("ReLU", ()),
    ("ReLU", (True,)),
    ("ReLU6", ()),
    ("ReLU6", (True,)),
    ("GELU", ()),
    ("GELU", ("tanh",)),
    ("Sigmoid", ()),
    ("Tanh", ()),
    ("Softmax", (1,)),
    ("LogSoftmax", (1,)),
    ("LeakyReLU", (0.2, True)),
    ("LeakyReLU", ()),
    ("ELU", ()),
    ("ELU", (2.0, True)),
    ("SELU", (True,)),
    ("CELU", (0.5, True)),
    ("CELU", ()),
    ("SiLU", ()),
    ("SiLU", (True,)),
    ("Mish", ()),
    ("Mish", (True,)),
    ("Softplus", ()),
    ("Softplus", (2.0, 1.0)),
    ("Softsign", ()),
    ("Softmin", (1,)),
    ("Hardtanh", ()),
    ("Hardtanh", (-2, 2, True)),
    ("Hardswish", ()),
    ("Hardswish", (True,)),
    ("Hardsigmoid", ()),
    ("Hardshrink", ()),
    ("Softshrink", ()),
    ("Tanhshrink", ()),
    ("LogSigmoid", ()),
    ("PReLU", ()),
    ("PReLU", (4,)),
    ("RReLU", (0.1, 0.2, True)),
    ("GLU", ()),
    ("Threshold", (0.1, 2)),
    ("Threshold", (0.1, 2, True)),
    ("Flatten", ()),
    ("Flatten", (0,)),
    ("Unflatten", (1, (2, 2))),
    ("Identity", (3,)),
    ("Dropout", (0.3,)),
    ("Dropout", (0.0,)),
    ("Dropout", (1.0,)),
    ("AlphaDropout", (0.3,)),
    ("AlphaDropout", (0.0, True)),
    ("FeatureAlphaDropout", (0.4,)),
    ("RMSNorm", (6,)),
    ("RMSNorm", ([4, 6], 1e-3)),
    ("RMSNorm", (6, None, False)),
    ("LayerNorm", (6,)),
    ("LayerNorm", ([4, 6],)),
    ("LayerNorm", (6, 1e-3, False)),
    ("GroupNorm", (2, 4)),
    ("BatchNorm1d", (4,)),
    ("BatchNorm1d", (4, 1e-3, None)),
    ("BatchNorm1d", (4, 1e-5, 0.1, False)),
    ("BatchNorm1d", (4, 1e-5, 0.1, True, False)),
    ("Linear", (6, 5)),
    ("Linear", (6, 5, False)),
    ("MaxPool1d", (2,)),
    ("AvgPool1d", (2,)),
    ("AdaptiveAvgPool1d", (3,)),
    ("Conv1d", (4, 6, 3)),
    ("Conv1d", (4, 6, 3, 2, 1, 2, 2)),
    ("ConvTranspose1d", (4, 6, 3, 2, 1, 1, 2)),
    ("Dropout1d", ()),
    ("ConstantPad1d", ((1, 2), 3.5)),
    ("ZeroPad1d", (1,)),
]
IMAGE = [
    ("Conv2d", (4, 6, 3)),
    ("Conv2d", (4, 6, (3, 2), (2, 1), (1, 0), 1, 2, False)),
    ("Conv2d", (4, 6, 3, 1, "same")),
    ("Conv2d", (4, 4, 3, 1, 1, 2, 4)),
    ("Conv2d", (4, 6, 3, 1, "valid")),
    ("ConvTranspose2d", (4, 6, 3)),
    ("ConvTranspose2d", (4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2, False, 2)),
    ("MaxPool2d", (2,)),
    ("MaxPool2d", (3, 2, 1)),
    ("MaxPool2d", (2, 1, 1, 1, True, True)),
    ("MaxPool2d", ((2, 3),)),
    ("AvgPool2d", (2,)),
    ("AvgPool2d", (2, 1, 1, True, False, 3)),
    ("AdaptiveAvgPool2d", (1,)),
    ("AdaptiveAvgPool2d", ((3, None),)),
    ("BatchNorm2d", (4,)),
    ("Dropout2d", ()),
    ("Softmax2d", ()),
    ("ZeroPad2d", ((1, 2, 3, 4),)),
    ("ConstantPad2d", (2, 3.5)),
    ("Flatten", ()),
    ("Flatten", (1, 2)),
]
CASES = [(name, args, (3, 4, 6)) for name, args in PLAIN] + [
    (name, args, (2, 4, 7, 7)) for name, args in IMAGE
]


@twin(rtol=2e-5, atol=2e-6, check_warnings=False)
@pytest.mark.parametrize(("name", "args", "shape"), CASES, ids=str)
def test_module(torch, log, name, args, shape):
    module = getattr(torch.nn, name)(*args)
    public = sorted((key, value) for key, value in module.__dict__.items() if key[0] != "_")
    log(module, public, module.state_dict(), getattr(module, "__constants__", None))
    log(pickle.loads(pickle.dumps(module)), copy.deepcopy(module).state_dict())
    for mode in (True, False):
        module.train(mode)
        x = torch.randn(shape).requires_grad_()
        y = module(x * 1)
        log(y)
        y = y[0] if isinstance(y, tuple) else y
        y.backward(torch.linspace(-1, 1, y.numel()).view(y.shape))
        log(x.grad, [p.grad for p in module.parameters()], module.state_dict())
        module.zero_grad()


LOSSES = [
    ("L1Loss", {}),
    ("MSELoss", {}),
    ("SmoothL1Loss", {"beta": 0.5}),
    ("SmoothL1Loss", {}),
    ("HuberLoss", {"delta": 0.7}),
    ("KLDivLoss", {}),
    ("KLDivLoss", {"log_target": True}),
    ("BCELoss", {}),
    ("BCEWithLogitsLoss", {}),
    ("NLLLoss", {}),
    ("CrossEntropyLoss", {}),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}),
    ("CrossEntropyLoss", {"ignore_index": 1}),
]


@twin(rtol=2e-5, atol=2e-6, check_warnings=False)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean", "foo"])
@pytest.mark.parametrize(("name", "options"), LOSSES, ids=str)
def test_loss(torch, log, name, options, reduction):
    loss = getattr(torch.nn, name)(reduction=reduction, **options)
    log(loss, loss.__dict__["reduction"])
    x = torch.rand(5, 4).mul(0.9).add(0.05).requires_grad_()
    target = torch.tensor([0, 1, 3, 1, 2]) if name in ("NLLLoss", "CrossEntropyLoss") else torch.rand(5, 4)

    def value():
        result = loss(x, target)
        result.sum().backward()
        return result

    log(value, x.grad)


@twin(rtol=2e-5, atol=2e-6, check_warnings=False)
def test_weighted_losses(torch, log):
    nn = torch.nn
    x = torch.rand(5, 4).mul(0.9).add(0.05).requires_grad_()
    classes = torch.tensor([0, 1, 3, 1, 2])
    y = torch.rand(5, 4)
    w = torch.tensor([0.1, 0.2, 0.3, 0.4])
    for loss, target in (
        (nn.CrossEntropyLoss(w), classes),
        (nn.CrossEntropyLoss(w, label_smoothing=0.2), classes),
        (nn.NLLLoss(w), classes),
        (nn.CrossEntropyLoss(w), y),
        (nn.BCELoss(w), y),
        (nn.BCEWithLogitsLoss(w), y),
        (nn.BCEWithLogitsLoss(pos_weight=w), y),
        (nn.BCEWithLogitsLoss(w, pos_weight=w), y),
    ):
        log(loss, loss.state_dict(), loss(x, target), torch.autograd.grad(loss(x, target), x)[0])
    log(nn.MSELoss(True, False).reduction, nn.MSELoss(False).reduction, nn.L1Loss(None, True).reduction)
    log(nn.CrossEntropyLoss()(torch.ones(3), torch.tensor(1)), lambda: nn.MSELoss()(x, y[:1]))
    for dtype in (torch.uint8, torch.int32, torch.int8, torch.bool, torch.float32, torch.float64):
        log(*(lambda loss=loss: loss(x, classes.to(dtype)) for loss in (nn.CrossEntropyLoss(), nn.NLLLoss())))
    for dtype in (torch.float16, torch.float64, torch.int64):
        log(lambda: nn.NLLLoss(w.to(dtype))(x, classes), lambda: nn.CrossEntropyLoss(w.to(dtype))(x, classes))
    ignored = nn.CrossEntropyLoss(ignore_index=1)(x, torch.ones(5, dtype=torch.int64))
    log(ignored, torch.autograd.grad(ignored, x, create_graph=True))
    norm = nn.BatchNorm1d(3)
    log(norm(torch.ones(0, 3)).shape, norm.running_mean, norm.running_var, norm.num_batches_tracked)
    for eps in (-1.0, 0.0, -2.5e-7):
        log(lambda: nn.BatchNorm1d(4, eps)(x), lambda: nn.BatchNorm1d(4, eps).eval()(x).shape)


@twin
def test_argument_errors(torch, log):
    nn, e = torch.nn, torch.empty
    for name, args, kwargs in (
        ("Conv2d", (3, 4, 3), {"groups": 2}),
        ("Conv2d", (4, 3, 3), {"groups": 2}),
        ("Conv2d", (4, 4, 3), {"groups": 0}),
        ("Conv2d", (4, 4, 3), {"padding": "same", "stride": 2}),
        ("Conv2d", (4, 4, (3,)), {}),
        ("Conv2d", (0, 4, 3), {}),
        (
            "Conv2d",
            (4, 4, 3),
            {"padding": "same", "bias": False, "dilation": 2, "groups": 2, "padding_mode": "circular"},
        ),
        ("Embedding", (3, 4, 5), {}),
        ("Embedding", (3, 4, -5), {}),
        ("Embedding", (3, 4), {"_weight": torch.ones(2, 2)}),
        (
            "Embedding",
            (3, 4),
            {
                "padding_idx": -2,
                "max_norm": 1.0,
                "norm_type": 1.0,
                "scale_grad_by_freq": True,
                "sparse": True,
            },
        ),
        ("GroupNorm", (2, 5), {}),
        ("Dropout", (1.5,), {}),
        ("Dropout", (-1,), {}),
        ("Dropout2d", (2,), {}),
        ("Unflatten", (1, 2), {}),
        ("Unflatten", (1, (2, 3.0)), {}),
        ("Hardtanh", (1, 0), {}),
        ("Linear", (0, 3), {}),
        ("Linear", (-1, 3), {}),
        ("Linear", (2, 3), {"dtype": torch.int64}),
        ("LayerNorm", (torch.Size([4]),), {"bias": False}),
        ("BatchNorm2d", (4,), {"affine": False, "track_running_stats": False, "momentum": None}),
        ("BatchNorm2d", (4,), {"bias": False}),
        ("Bilinear", (0, 2, 2), {}),
        ("Softmax", (), {}),
    ):
        log(lambda: getattr(nn, name)(*args, **kwargs))
    for name, shape in (
        ("BatchNorm1d", (2, 4, 1, 1)),
        ("BatchNorm2d", (2, 4)),
        ("BatchNorm1d", (1, 4)),
        ("BatchNorm3d", (2, 4)),
        ("BatchNorm1d", (3, 4, 2)),
    ):
        log(lambda: getattr(nn, name)(4)(torch.ones(shape)))
    log(
        lambda: nn.Dropout1d()(e(3)),
        lambda: nn.Embedding.from_pretrained(e(3)),
        nn.Embedding.from_pretrained(torch.ones(3, 2)).weight,
    )
    log(
        nn.Conv2d(4, 4, 3, padding="same")._reversed_padding_repeated_twice,
        nn.Conv2d(4, 4, (3, 2), padding=(1, 2))._reversed_padding_repeated_twice,
    )
    log(list(nn.Conv2d(4, 4, 3).__dict__) == list(nn.Conv2d(4, 4, 3, bias=False).__dict__))


@twin(rtol=1e-6)
def test_embedding(torch, log):
    nn = torch.nn
    table = nn.Embedding(5, 3, padding_idx=1)
    index = torch.tensor([[0, 1], [1, 4]])
    y = table(index)
    y.sum().backward()
    log(
        y,
        table.weight.grad,
        lambda: table(torch.tensor([7])),
        table(torch.tensor(2)),
        table(torch.tensor([], dtype=torch.int64)),
    )


@twin(rtol=1e-5, atol=1e-6)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("CosineSimilarity", {}),
        ("CosineSimilarity", {"dim": -1, "eps": 10.0}),
        ("PairwiseDistance", {}),
        ("PairwiseDistance", {"p": 1.0, "eps": 0.1, "keepdim": True}),
    ],
)
def test_distances(torch, log, name, options):
    module = getattr(torch.nn, name)(**options)
    a, b = torch.randn(3, 4, 5, requires_grad=True), torch.randn(3, 4, 5, requires_grad=True)
    y = module(a, b)
    y.sum().backward()
    log(module, module.__constants__, y, a.grad, b.grad, lambda: module(a, b[:2]))


@twin(rtol=1e-5, atol=1e-6)
def test_clipping(torch, log):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    net(torch.ones(2, 3)).sum().backward()
    utils = nn.utils
    log(utils.clip_grad_norm_(net.parameters(), 1.0), [p.grad for p in net.parameters()])
    log(
        utils.clip_grad_norm_(net.parameters(), 100.0, norm_type=1),
        utils.clip_grad_norm_(net.parameters(), 0.1, float("inf")),
    )
    log(utils.clip_grad_value_(net.parameters(), 0.05), [p.grad for p in net.parameters()])
    log(utils.clip_grad_norm_([], 1.0), lambda: utils.clip_grad_norm_(net[0].weight, 1.0))
    net[0].weight.grad.fill_(float("nan"))
    log(lambda: utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True))
    vector = utils.parameters_to_vector(net.parameters())
    utils.vector_to_parameters(vector * 2, net.parameters())
    log(vector.shape, utils.parameters_to_vector(net.parameters()))
