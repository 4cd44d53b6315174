"""State that crosses between the libraries, for every module there is: init_from_torch, state dicts,
files."""

import copy
import io
import pickle

import pytest
import torch as real_torch
from tensorgrad.utils import safetensors

import tensorgrad

# What a module cannot be made without; functions where that is a module itself.
ARGUMENTS = {
    "AdaptiveAvgPool1d": (2,),
    "AdaptiveAvgPool2d": (2,),
    "AdaptiveAvgPool3d": (2,),
    "AdaptiveMaxPool1d": (2,),
    "AdaptiveMaxPool2d": (2,),
    "AdaptiveMaxPool3d": (2,),
    "AdaptiveLogSoftmaxWithLoss": (8, 20, [5, 10]),
    "AvgPool1d": (2,),
    "AvgPool2d": (2,),
    "AvgPool3d": (2,),
    "BatchNorm1d": (3,),
    "BatchNorm2d": (3,),
    "BatchNorm3d": (3,),
    "Bilinear": (2, 3, 4),
    "ChannelShuffle": (2,),
    "CircularPad1d": (1,),
    "CircularPad2d": (1,),
    "CircularPad3d": (1,),
    "ConstantPad1d": (1, 0.5),
    "ConstantPad2d": (1, 0.5),
    "ConstantPad3d": (1, 0.5),
    "Conv1d": (2, 4, 3),
    "Conv2d": (2, 4, 3),
    "Conv3d": (2, 4, 3),
    "ConvTranspose1d": (2, 4, 3),
    "ConvTranspose2d": (2, 4, 3),
    "ConvTranspose3d": (2, 4, 3),
    "CrossMapLRN2d": (2,),
    "Embedding": (5, 3),
    "EmbeddingBag": (5, 3),
    "Fold": ((4, 4), 2),
    "FractionalMaxPool2d": lambda nn: ((2,), {"output_size": 2}),
    "FractionalMaxPool3d": lambda nn: ((2,), {"output_size": 2}),
    "GRU": (3, 4),
    "GRUCell": (3, 4),
    "GroupNorm": (2, 4),
    "InstanceNorm1d": (3, 1e-5, 0.1, True, True),
    "InstanceNorm2d": (3, 1e-5, 0.1, True, True),
    "InstanceNorm3d": (3, 1e-5, 0.1, True, True),
    "LPPool1d": (2, 2),
    "LPPool2d": (2, 2),
    "LPPool3d": (2, 2),
    "LSTM": (3, 4, 2),
    "LSTMCell": (3, 4),
    "LayerNorm": ([2, 3],),
    "Linear": (3, 2),
    "LocalResponseNorm": (2,),
    "MaxPool1d": (2,),
    "MaxPool2d": (2,),
    "MaxPool3d": (2,),
    "MaxUnpool1d": (2,),
    "MaxUnpool2d": (2,),
    "MaxUnpool3d": (2,),
    "ModuleDict": lambda nn: (({"a": nn.Linear(2, 3), "b": nn.BatchNorm1d(2)},), {}),
    "ModuleList": lambda nn: (([nn.Linear(2, 3), nn.BatchNorm1d(2)],), {}),
    "MultiheadAttention": lambda nn: ((8, 2), {"add_bias_kv": True}),
    "ParameterDict": lambda nn: (({"a": nn.Linear(2, 3).weight},), {}),
    "ParameterList": lambda nn: (([nn.Linear(2, 3).weight],), {}),
    "PixelShuffle": (2,),
    "PixelUnshuffle": (2,),
    "RMSNorm": ([2, 3],),
    "RNN": (3, 4),
    "RNNBase": ("LSTM", 3, 4),
    "RNNCell": (3, 4),
    "RNNCellBase": (3, 4, True, 4),
    "ReflectionPad1d": (1,),
    "ReflectionPad2d": (1,),
    "ReflectionPad3d": (1,),
    "ReplicationPad1d": (1,),
    "ReplicationPad2d": (1,),
    "ReplicationPad3d": (1,),
    "Sequential": lambda nn: ((nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Sequential(nn.Linear(2, 3))), {}),
    "SyncBatchNorm": (3,),
    "Threshold": (0.1, 2.0),
    "Transformer": (8, 2, 1, 1, 16),
    "TransformerDecoder": lambda nn: ((nn.TransformerDecoderLayer(8, 2, 16), 2), {}),
    "TransformerDecoderLayer": (8, 2, 16),
    "TransformerEncoder": lambda nn: ((nn.TransformerEncoderLayer(8, 2, 16), 2), {}),
    "TransformerEncoderLayer": (8, 2, 16),
    "Unflatten": (1, (2, 2)),
    "Unfold": (2,),
    "UpsamplingBilinear2d": lambda nn: ((), {"scale_factor": 2}),
    "UpsamplingNearest2d": lambda nn: ((), {"scale_factor": 2}),
    "ZeroPad1d": (1,),
    "ZeroPad2d": (1,),
    "ZeroPad3d": (1,),
}
MODULES = sorted(
    name
    for name, kind in vars(tensorgrad.nn).items()
    if isinstance(kind, type) and issubclass(kind, tensorgrad.nn.Module) and not name.startswith("_")
)


def build(lib, name, seed):
    """A module whose every parameter and buffer is its own kind of random."""
    given = ARGUMENTS.get(name, ())
    args, options = given(lib.nn) if callable(given) else (given, {})
    module = getattr(lib.nn, name)(*args, **options)
    lib.manual_seed(seed)
    with lib.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.normal_()
            else:
                tensor.random_(0, 5)
    return module


def values(module):
    return {name: (str(t.dtype), list(t.shape), t.tolist()) for name, t in module.state_dict().items()}


@pytest.mark.parametrize("name", MODULES)
def test_every_module(name):
    theirs, ours = build(real_torch, name, 1), build(tensorgrad, name, 2)
    want = values(theirs)
    assert ours.init_from_torch(theirs) is ours
    assert values(ours) == want
    for parameter, tensor in zip(ours.state_dict().values(), theirs.state_dict().values()):
        assert parameter.data_ptr() != tensor.data_ptr() or not parameter.numel()  # copied

    ours = build(tensorgrad, name, 3)
    assert not ours.load_state_dict(theirs.state_dict()).missing_keys and values(ours) == want
    ours = build(tensorgrad, name, 4)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    assert values(ours) == want

    ours, want = build(tensorgrad, name, 5), values(build(tensorgrad, name, 5))
    theirs.load_state_dict({key: real_torch.from_dlpack(tensor) for key, tensor in ours.state_dict().items()})
    assert values(theirs) == want

    def through(save, load):
        stream = io.BytesIO()
        save(stream)
        stream.seek(0)
        return load(stream)

    theirs = build(real_torch, name, 6)
    theirs.load_state_dict(through(lambda f: tensorgrad.save(ours.state_dict(), f), real_torch.load))
    assert values(theirs) == want
    theirs, ours = build(real_torch, name, 7), build(tensorgrad, name, 8)
    state = through(lambda f: real_torch.save(theirs.state_dict(), f), tensorgrad.load)
    ours.load_state_dict(state)
    assert values(ours) == values(theirs) and state._metadata == dict(theirs.state_dict()._metadata)
    again = build(tensorgrad, name, 9)
    again.load_state_dict(safetensors.load(safetensors.save(dict(ours.state_dict()))))
    assert values(again) == values(ours)
    assert values(copy.deepcopy(ours)) == values(ours)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_whole(name):
    """Not its state but itself, as its class is one of the library's own."""
    for make, save in ((tensorgrad, tensorgrad.save), (real_torch, real_torch.save)):
        module, stream = build(make, name, 1), io.BytesIO()
        save(module, stream)
        stream.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="was not an allowed global by default"):
            tensorgrad.load(stream)
        stream.seek(0)
        loaded = tensorgrad.load(stream, weights_only=False)
        assert type(loaded) is getattr(tensorgrad.nn, name)
        assert values(loaded) == values(module) and loaded.training == module.training


class Net:
    """The same network in either library."""

    @staticmethod
    def of(nn, hidden=4, activation="ReLU", dtype=None):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Sequential(nn.Linear(3, hidden), getattr(nn, activation)())
                self.heads = nn.ModuleDict({"a": nn.Linear(hidden, 2, dtype=dtype)})

        return Net()


def test_what_does_not_fit():
    ours = Net.of(tensorgrad.nn)
    before = values(ours)

    def text(theirs):
        with pytest.raises(RuntimeError) as raised:
            ours.init_from_torch(theirs)
        assert values(ours) == before  # nothing is copied
        return str(raised.value)

    assert text(Net.of(real_torch.nn, hidden=5)) == (
        "Error(s) in init_from_torch for Net:\n"
        "\tsize mismatch for body.0.weight: a param of shape torch.Size([5, 3]) in the PyTorch module, the "
        "shape in current model is torch.Size([4, 3]).\n"
        "\tsize mismatch for body.0.bias: a param of shape torch.Size([5]) in the PyTorch module, the shape "
        "in current model is torch.Size([4]).\n"
        "\tsize mismatch for heads.a.weight: a param of shape torch.Size([2, 5]) in the PyTorch module, the "
        "shape in current model is torch.Size([2, 4])."
    )
    assert (
        "dtype mismatch for heads.a.weight: a param of torch.float64 in the PyTorch module, the dtype in "
        "current model is torch.float32." in text(Net.of(real_torch.nn, dtype=real_torch.float64))
    )
    assert 'module "body.1" is a ReLU, but a GELU in the PyTorch module.' in text(
        Net.of(real_torch.nn, 4, "GELU")
    )
    other = Net.of(real_torch.nn)
    other.extra = real_torch.nn.Linear(1, 1, bias=False)
    del other.body[0].bias
    message = text(other)
    assert 'Unexpected key in the PyTorch module: "extra.weight".' in message
    assert 'Missing key in the PyTorch module: "body.0.bias".' in message
    with pytest.raises(TypeError, match="expected a torch.nn.Module, but got int"):
        ours.init_from_torch(3)
    assert ours.init_from_torch(Net.of(real_torch.nn)) is ours


def test_reduced_precision():
    theirs = real_torch.nn.Linear(3, 4).bfloat16()
    ours = tensorgrad.nn.Linear(3, 4, dtype=tensorgrad.bfloat16).init_from_torch(theirs)
    assert values(ours) == values(theirs)
    ours = tensorgrad.nn.Linear(3, 4)
    ours.load_state_dict(theirs.state_dict())  # which casts, as PyTorch does
    assert ours.weight.dtype is tensorgrad.float32 and ours.weight.tolist() == theirs.weight.tolist()


def test_state_dicts_of_wrong_things():
    ours = tensorgrad.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="size mismatch for weight: copying a param with shape"):
        ours.load_state_dict(real_torch.nn.Linear(3, 2).state_dict())
    with pytest.raises(
        RuntimeError, match='the parameter named "bias", expected torch.Tensor or Tensor-like'
    ):
        ours.load_state_dict({"weight": real_torch.ones(2, 2), "bias": [1, 2]})


def test_optimizer_options_that_are_tensors():
    theirs = real_torch.optim.Adam([real_torch.nn.Parameter(real_torch.ones(2))], lr=real_torch.tensor(0.25))
    ours = tensorgrad.optim.Adam([tensorgrad.nn.Parameter(tensorgrad.ones(2))])
    ours.load_state_dict(theirs.state_dict())
    rate = ours.param_groups[0]["lr"]
    assert isinstance(rate, tensorgrad.Tensor) and rate.item() == 0.25
    theirs.param_groups[0]["lr"].fill_(1)
    assert rate.item() == 0.25
