"""Limits on the size of gradients, and parameters as one vector: over options, with torch and with tensorgrad."""

import math

import pytest

from tests.python.twin import twin

ORDERS = [1, 2, 2.0, 3, 0.5, math.inf, -math.inf, 0, "inf", "2"]


def parameters(torch, kind):
    torch.manual_seed(4)
    shapes = {"none": [], "one": [(3, 4)], "many": [(7,), (2, 3), (), (40, 50), (1,)], "empty": [(3,), (0,)]}
    found = []
    for shape in shapes.get(kind, [(5,), (2, 2)]):
        p = torch.nn.Parameter(torch.zeros(shape))
        p.grad = torch.randn(shape)
        found.append(p)
    if kind == "mixed":
        found.append(torch.nn.Parameter(torch.zeros(3, dtype=torch.float64)))
        found[-1].grad = torch.randn(3, dtype=torch.float64)
        found.append(torch.nn.Parameter(torch.zeros(3)))  # without a gradient
    if kind == "strided":
        found[0].grad = torch.randn(10)[::2]
    if kind == "bad":
        found[0].grad[0] = math.nan
    if kind == "endless":
        found[0].grad[0] = math.inf
    return found


KINDS = ["none", "one", "many", "empty", "mixed", "strided", "bad", "endless"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ORDERS, ids=str)
@twin(rtol=2e-6, atol=1e-7)
def test_clip_grad_norm(torch, log, kind, order):
    utils = torch.nn.utils
    for foreach in (None, False):
        for limit in (0.1, 1e4, torch.tensor(0.5), 0):
            found = parameters(torch, kind)
            kept = [p.grad for p in found]
            log(lambda: utils.clip_grad_norm_(found, limit, order, foreach=foreach))
            log(kept, [p.grad is grad for p, grad in zip(found, kept)])
        found = parameters(torch, kind)
        log(lambda: utils.clip_grad_norm_(found, 0.1, order, error_if_nonfinite=True, foreach=foreach))
        grads = [p.grad for p in found if p.grad is not None]
        log(lambda: utils.get_total_norm(grads, order, foreach=foreach))
        log(lambda: utils.get_total_norm((grad for grad in grads), order, True, foreach))


# PyTorch fails an internal check where there is no gradient; nothing to clip is no error here.
@pytest.mark.parametrize("kind", KINDS[1:])
@twin
def test_clip_grad_value(torch, log, kind):
    for limit in (0.1, 3, 0, torch.tensor(0.25)):
        found = parameters(torch, kind)
        kept = [p.grad for p in found]
        log(torch.nn.utils.clip_grad_value_(found, limit), kept)
        log([p.grad is grad for p, grad in zip(found, kept)])


@twin(rtol=1e-6)
def test_ways_of_giving_parameters(torch, log):
    utils = torch.nn.utils
    net = torch.nn.Linear(3, 2)
    net(torch.ones(1, 3)).sum().backward()
    version = net.weight.grad._version
    for given in (net.parameters, lambda: net.weight, lambda: tuple(net.parameters())):
        log(utils.clip_grad_norm_(given(), 1.0), utils.clip_grad_value_(given(), 0.3), net.weight.grad)
    log(net.weight.grad._version > version, net.weight.grad.requires_grad)
    log(utils.clip_grad_norm_((p for p in ()), 1.0), utils.clip_grad_norm(net.parameters(), 0.1))
    log(utils.clip_grads_with_norm_(net.parameters(), 0.01, torch.tensor(2.0)), net.weight.grad)
    log(utils.clip_grads_with_norm_(net.weight, 0.01, torch.tensor(2.0)), net.weight.grad)
    log(utils.get_total_norm(net.weight), utils.get_total_norm([]))
    log(lambda: utils.clip_grad_norm_(net.parameters(), 1.0, "fro"), lambda: utils.clip_grad_norm_(3, 1.0))
    log(lambda: utils.clip_grad_value_(net.parameters(), "a"), lambda: utils.clip_grad_norm_([3], 1.0))


@twin
def test_parameters_as_a_vector(torch, log):
    utils = torch.nn.utils
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2, bias=False))
    vector = utils.parameters_to_vector(net.parameters())
    log(vector, vector.grad_fn is not None)
    utils.vector_to_parameters(torch.arange(24.0), net.parameters())
    log(list(net.parameters()), lambda: utils.vector_to_parameters(3, net.parameters()))
    log(lambda: utils.vector_to_parameters(torch.arange(3.0), net.parameters()))
    log(lambda: utils.parameters_to_vector([]), lambda: utils.parameters_to_vector([torch.zeros(3, 2).t()]))
    vector = torch.arange(24.0)
    utils.vector_to_parameters(vector, net.parameters())
    vector[0] = 9  # parameters are views of the vector
    log(net[0].weight)
