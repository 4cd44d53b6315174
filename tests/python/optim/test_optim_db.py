"""PyTorch's optimizer database: every configuration and every error of the optimizers that are here.

The database's other optimizers are named in MISSING; the test fails when one of them comes.
"""

import warnings

import pytest
import torch as real_torch
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

import tensorgrad
from tests.python.harness.convert import Converter

MISSING = {"ASGD", "Adafactor", "LBFGS", "Muon", "Rprop", "SparseAdam"}
INFOS = [info for info in optim_db if hasattr(tensorgrad.optim, info.optim_cls.__name__)]


def test_which_are_here():
    assert {info.optim_cls.__name__ for info in optim_db} - {
        info.optim_cls.__name__ for info in INFOS
    } == MISSING


def configurations():
    for info in INFOS:
        for number, sample in enumerate(info.optim_inputs_func("cpu")):
            for flag in (None, *info.supported_impls):
                for dtype in ("float32", "float64"):
                    name = f"{info.optim_cls.__name__}-{number}-{sample.desc}-{flag or 'plain'}-{dtype}"
                    yield pytest.param(info, number, flag, dtype, id=name.replace(" ", "_"))


def train(torch, info, number, flag, dtype):
    """The weights and states of a small network after steps, with the database's configuration."""
    torch.manual_seed(0)
    convert = Converter(torch)
    options = convert(info.optim_inputs_func("cpu")[number].kwargs)
    if flag:
        options[flag] = True
    if flag == "foreach" and isinstance(options.get("lr"), torch.Tensor):
        options["lr"] = options["lr"].item()  # refused, as the database's errors say
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    model.to(getattr(torch, dtype))
    x = torch.randn(8, 4).to(getattr(torch, dtype))
    optimizer_class = getattr(torch.optim, info.optim_cls.__name__)
    if flag == "differentiable":  # over results, through which gradients go
        leaves = list(model.parameters())
        weights = [leaf.clone() for leaf in leaves]
        optimizer = optimizer_class(weights, **options)
        for _ in range(3):
            for weight in weights:
                weight.grad = torch.randn(weight.shape).to(weight.dtype)
            optimizer.step()
        sum((weight * weight).sum() for weight in weights).backward()
        weights += [leaf.grad for leaf in leaves]
    else:
        weights = list(model.parameters())
        optimizer = optimizer_class(weights, **options)

        def closure():
            optimizer.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(6):
            optimizer.step(closure)
    state = optimizer.state_dict()
    return [weight.detach() for weight in weights], state["state"], state["param_groups"]


@pytest.mark.parametrize(("info", "number", "flag", "dtype"), configurations())
def test_configuration(info, number, flag, dtype):
    try:
        weights, states, groups = train(real_torch, info, number, flag, dtype)
    except RuntimeError as error:  # some steps overwrite what the gradient of the step before needs
        assert flag == "differentiable" and "modified by an inplace operation" in str(error)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            train(tensorgrad, info, number, flag, dtype)
        return
    our_weights, our_states, our_groups = train(tensorgrad, info, number, flag, dtype)
    # PyTorch's differentiable steps count in float32.
    rtol = 2e-5 if dtype == "float32" or flag == "differentiable" else 1e-10

    def same(ours, theirs):
        if not isinstance(theirs, real_torch.Tensor):
            assert ours == theirs
            return
        assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1]
        assert tuple(ours.shape) == tuple(theirs.shape)
        real_torch.testing.assert_close(
            real_torch.tensor(ours.tolist(), dtype=theirs.dtype), theirs, rtol=rtol, atol=rtol / 10
        )

    for ours, theirs in zip(our_weights, weights, strict=True):
        same(ours, theirs)
    assert list(our_states) == list(states)
    for key in states:
        assert list(our_states[key]) == list(states[key])
        for name in states[key]:
            same(our_states[key][name], states[key][name])
    assert [list(group) for group in our_groups] == [list(group) for group in groups]
    for ours, theirs in zip(our_groups, groups, strict=True):
        for name in theirs:
            same(ours[name], theirs[name])


def errors():
    for info in INFOS:
        for number, error in enumerate(info.optim_error_inputs_func("cpu", real_torch.float32)):
            name = f"{info.optim_cls.__name__}-{error.optimizer_error_input.desc}"
            yield pytest.param(info, number, id=name.replace(" ", "_"))


def fail(torch, info, number):
    """The exception or warning that an error input makes, as (type, first line)."""
    error = list(info.optim_error_inputs_func("cpu", real_torch.float32))[number]
    sample = error.optimizer_error_input
    given = sample.params if sample.params is not None else [real_torch.nn.Parameter(real_torch.randn(2, 3))]
    convert = Converter(torch)
    params, options = convert(given), convert(sample.kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            optimizer = getattr(torch.optim, info.optim_cls.__name__)(params, **options)
            if error.error_on == OptimizerErrorEnum.STEP_ERROR:
                optimizer.step()
        except Exception as raised:
            text = str(raised).splitlines()[0].replace("tensorgrad", "torch")
            return type(raised).__name__, text, isinstance(raised, error.error_type)
    return None


@pytest.mark.parametrize(("info", "number"), errors())
def test_error(info, number):
    theirs, ours = fail(real_torch, info, number), fail(tensorgrad, info, number)
    assert theirs is not None and ours == theirs
