"""The optimizers: arguments, groups, state, hooks, and the values of the steps, with torch and with tensorgrad."""

import copy
import pickle

import pytest
import torch as real_torch

import tensorgrad
from tests.python.twin import twin


def parameter(torch, count=2, dtype="float32"):
    return torch.nn.Parameter(torch.arange(float(count)).to(getattr(torch, dtype)))


@twin
def test_constructor(torch, log):
    sgd = torch.optim.SGD
    p = parameter(torch)
    for params in ([], p, [3], [p * 2], 3, [{"params": {p}}], [{"a": 1}], [("a", p), parameter(torch)]):
        log(lambda: sgd(params))
    for options in (
        {"lr": -1},
        {"momentum": -1},
        {"weight_decay": -1},
        {"nesterov": True},
        {"momentum": 0.9, "nesterov": True, "dampening": 0.1},
        {"foreach": True, "fused": True},
        {"differentiable": True, "fused": True},
        {"fused": True},
        {"foreach": True},
        {"lr": torch.tensor([1.0, 2.0])},
        {"lr": torch.tensor(0.1)},
        {"lr": float("nan")},
        {"lr": 1},
    ):
        log(lambda: str(sgd([p], **options)))
    log(lambda: sgd([p, p]), lambda: sgd([{"params": [p]}, {"params": [p]}]))
    log(lambda: sgd([{"params": p, "lr": 5}]).param_groups, lambda: sgd([("a", p)]).param_groups)
    log(
        lambda: str(sgd([("a", p)])),
        lambda: sgd([("a", p)]).state_dict(),
        lambda: str(sgd(p for _ in range(1))),
    )
    for options in (
        {"lr": -1},
        {"eps": -1},
        {"betas": (1.0, 0.9)},
        {"betas": (0.9, -1)},
        {"weight_decay": -1},
        {"lr": torch.tensor([1.0, 2.0])},
        {"lr": torch.tensor(0.1), "foreach": True},
        {"lr": torch.tensor(0.1)},
        {"fused": True, "foreach": True},
        {"capturable": True},
        {"amsgrad": True},
        {"betas": (torch.tensor(0.9), 0.9)},
        {"betas": (torch.tensor(0.5), torch.tensor(0.75))},
        {"betas": [0.5, 0.75]},
        {"betas": (0, 0.9)},
        {"betas": (torch.tensor(0.5), torch.tensor(0.75)), "foreach": True},
        {"lr": "a"},
    ):
        log(lambda: str(torch.optim.Adam([p], **options)), lambda: str(torch.optim.AdamW([p], **options)))


@pytest.mark.parametrize(
    "name", ["RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"]
)
@twin
def test_other_constructors(torch, log, name):
    optimizer = getattr(torch.optim, name)
    p = parameter(torch)
    for option in ("lr", "eps", "weight_decay", "alpha", "momentum", "lr_decay", "rho", "momentum_decay"):
        for value in (-1, float("nan"), 0, 0.5):
            log(lambda: str(optimizer([p], **{option: value})))
    for options in (
        {"initial_accumulator_value": -1}, {"betas": (1.0, 0.9)}, {"betas": (0.5, -1)}, {"rho": 2},
        {"lr": torch.tensor([1.0, 2.0])}, {"lr": torch.tensor(0.1)}, {"nothing": 3}, {"lr": "a"},
        {"fused": True, "foreach": True}, {"fused": True, "differentiable": True}, {"foreach": True},
    ):  # fmt: skip
        if name != "Adagrad" and "fused" in options:
            continue
        log(lambda: str(optimizer([p], **options)))
    log(list(optimizer([p]).defaults), optimizer([p]).state_dict(), lambda: optimizer([]))
    o = optimizer([p])
    log(o.step())
    p.grad = torch.ones(2)
    log(o.step(lambda: torch.tensor(3.0)), list(o.state_dict()["state"][0]))
    for key, value in o.state_dict()["state"][0].items():
        log(key, str(value.dtype), value.shape)
    if name != "Adagrad":
        log(lambda: optimizer([p], capturable=True).step())
    old = copy.deepcopy(o.state_dict())  # as PyTorch saved it when steps were numbers
    for own in old["state"].values():
        own["step"] = 1
        if "mu_product" in own:
            own["mu_product"] = 0.5
    for option in ("maximize", "foreach", "differentiable", "capturable"):
        old["param_groups"][0].pop(option, None)
    o.load_state_dict(old)
    log(
        o.state_dict()["state"][0]["step"],
        sorted(o.param_groups[0]),
        o.state_dict()["state"][0].get("mu_product"),
    )


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"]
)
def test_state_of_pytorch(name):
    """PyTorch's optimizer goes on here from its state dict."""
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    real_torch.manual_seed(1)
    gradients = real_torch.randn(12, 5)

    def steps(torch, p, optimizer, of):
        for values in of.tolist():
            p.grad = torch.tensor(values)
            optimizer.step()

    theirs = real_torch.nn.Parameter(real_torch.ones(5))
    their_optimizer = getattr(real_torch.optim, name)([theirs], **options)
    steps(real_torch, theirs, their_optimizer, gradients[:6])
    ours = tensorgrad.nn.Parameter(tensorgrad.tensor(theirs.tolist()))
    our_optimizer = getattr(tensorgrad.optim, name)([ours], **options)
    our_optimizer.load_state_dict(their_optimizer.state_dict())
    kept = [value for value in our_optimizer.state[ours].values() if value is not None]
    assert kept and all(isinstance(value, tensorgrad.Tensor) for value in kept)
    before = copy.deepcopy(their_optimizer.state_dict())
    steps(tensorgrad, ours, our_optimizer, gradients[6:])
    assert str(before) == str(their_optimizer.state_dict())  # the memory is our own
    steps(real_torch, theirs, their_optimizer, gradients[6:])
    real_torch.testing.assert_close(real_torch.tensor(ours.tolist()), theirs.detach(), rtol=1e-6, atol=1e-7)


@twin
def test_groups(torch, log):
    p, q = parameter(torch), parameter(torch, 3)
    o = torch.optim.Adam([{"params": [p], "lr": 1.0}, {"params": q, "betas": (0.5, 0.6)}], lr=0.25)
    log(str(o), [len(g["params"]) for g in o.param_groups], o.defaults)
    log(lambda: o.add_param_group({"params": [p]}), lambda: o.add_param_group(3))
    log(lambda: o.add_param_group({"params": [("a", parameter(torch))]}))
    log(lambda: o.add_param_group({"params": parameter(torch), "lr": 7}), str(o), o.state_dict())


@twin
def test_state(torch, log):
    for cls, options in (
        (torch.optim.SGD, {"lr": 0.1}),
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (torch.optim.Adam, {}),
        (torch.optim.Adam, {"amsgrad": True}),
        (torch.optim.AdamW, {"lr": 1e-2}),
    ):
        p, q = parameter(torch), parameter(torch, 3)
        o = cls([p, q], **options)
        log(o.state_dict(), dict(o.state), lambda: o.step())
        p.grad = torch.ones(2)
        o.step()
        log(o.state_dict(), [list(s) for s in o.state.values()])
        q.grad = torch.ones(3)
        o.step()
        state = o.state_dict()
        p2, q2 = parameter(torch, 2, "float64"), parameter(torch, 3)
        o2 = cls([p2, q2], lr=5.0)
        log(o2.load_state_dict(state), o2.state_dict(), str(o2))
        p2.grad, q2.grad = torch.ones(2, dtype=torch.float64), torch.ones(3)
        o2.step()
        log(o2.state_dict(), p2, q2)
        log(lambda: cls([parameter(torch)]).load_state_dict(state))
        log(
            lambda: cls([{"params": [parameter(torch)]}, {"params": [parameter(torch)]}]).load_state_dict(
                state
            )
        )
        log(lambda: o.load_state_dict({}))
        log(
            pickle.loads(pickle.dumps(o)).state_dict(),
            copy.deepcopy(o).state_dict(),
            sorted(o.__getstate__()),
        )


@twin
def test_zero_grad_and_closure(torch, log):
    p = parameter(torch)
    o = torch.optim.SGD([p], lr=1.0)
    p.grad = torch.ones(2)
    grad = p.grad
    o.zero_grad(set_to_none=False)
    log(p.grad, p.grad is grad)
    o.zero_grad()
    log(p.grad)

    def closure():
        o.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    log(o.step(closure), p)
    a = torch.optim.Adam([p])
    with torch.no_grad():
        log(a.step(closure), p)
    log(lambda: p.requires_grad, p.is_leaf, p.grad_fn)


@twin
def test_hooks(torch, log):
    p = parameter(torch)
    for o in (torch.optim.SGD([p], lr=1.0), torch.optim.Adam([p], lr=1.0)):
        p.grad = torch.ones(2)
        pre = o.register_step_pre_hook(lambda o, args, kwargs: log("pre", len(args), kwargs))
        post = o.register_step_post_hook(lambda o, args, kwargs: log("post", len(args), kwargs, p.clone()))
        o.step()
        pre.remove(), post.remove()
        o.step()
        log(p)
        with o.register_step_pre_hook(lambda o, args, kwargs: 3):
            try:
                o.step()
            except RuntimeError as error:
                log(str(error).split("must")[1])
        with o.register_state_dict_post_hook(lambda o, state: {"x": 1}):
            log(o.state_dict())
        with o.register_state_dict_pre_hook(lambda o: log("before")):
            log(o.state_dict())
        with o.register_load_state_dict_pre_hook(lambda o, state: log(list(state))):
            o.load_state_dict(o.state_dict())
        with o.register_load_state_dict_post_hook(lambda o: log("loaded")):
            o.load_state_dict(o.state_dict())

    class Mine(torch.optim.Optimizer):
        def __init__(self, params, rate=1.0):
            super().__init__(params, {"rate": rate})

        def step(self):
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.sub_(p.grad * group["rate"])

    mine = Mine([p])
    with mine.register_step_post_hook(lambda o, args, kwargs: log(p.clone())):
        mine.step()
    log(str(mine), mine.state_dict(), lambda: torch.optim.Optimizer([p], {}).step())


OPTIONS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.01},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ],
    "Adam": [
        {},
        {"lr": 0.1, "weight_decay": 0.1},
        {"amsgrad": True, "maximize": True},
        {"betas": (0.4, 0.5), "eps": 1e-3},
    ],
}
OPTIONS["AdamW"] = OPTIONS["Adam"]
OPTIONS["RMSprop"] = [
    {},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"centered": True, "maximize": True, "alpha": 0.4},
    {"centered": True, "momentum": 0.5, "eps": 1e-3, "lr": 0.1},
]
OPTIONS["Adagrad"] = [
    {},
    {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
    {"initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True},
]
OPTIONS["Adadelta"] = [{}, {"rho": 0.4, "eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}]
OPTIONS["Adamax"] = [
    {},
    {"betas": (0.4, 0.5), "eps": 1e-3},
    {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
]
OPTIONS["ASGD"] = [
    {},
    {"lr": 0.1, "t0": 2, "alpha": 0.5, "lambd": 0.1},
    {"weight_decay": 0.1, "maximize": True},
]
OPTIONS["Rprop"] = [{}, {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.2)}, {"maximize": True}]
OPTIONS["NAdam"] = [
    {},
    {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    {"betas": (0.4, 0.5), "eps": 1e-3, "momentum_decay": 0.1, "weight_decay": 0.1},
    {"maximize": True},
]
OPTIONS["RAdam"] = [
    {},
    {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    {"betas": (0.4, 0.99), "eps": 1e-3, "weight_decay": 0.1},
    {"maximize": True},
]
CASES = [(name, options) for name, cases in OPTIONS.items() for options in cases]

# Whether the kernels that run here have a fused multiply-add, as PyTorch's have.
HAS_FUSED = tensorgrad._C._cpu_level() in ("v3", "v4")


def run_steps(torch, name, options, dtype, shapes, steps=8):
    torch.manual_seed(3)
    dtype = getattr(torch, dtype)
    params = [torch.nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]
    optimizer = getattr(torch.optim, name)(params, **options)
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn(p.shape).to(dtype)
        optimizer.step()
    return [p.tolist() for p in params], [
        {key: value.tolist() for key, value in own.items()}
        for own in optimizer.state_dict()["state"].values()
    ]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(name, options, dtype):
    """Equal to the last bit, but for what PyTorch's square root has touched, which is not the correctly rounded
    one: it is in the parameters of all but SGD, and by weight decay in their state. ASGD is
    composed of operations, which round once more. Without a fused multiply-add nothing is equal."""
    shapes = [(3,), (2, 5), (), (0,), (1003,), (40, 700)]
    expected = run_steps(real_torch, name, options, dtype, shapes)
    got = run_steps(tensorgrad, name, options, dtype, shapes)
    tolerance = 4e-6 if dtype == "float32" else 2e-14

    def check(want, have, exact):
        if exact and HAS_FUSED:
            assert want == have
        else:
            want, have = (real_torch.tensor(values, dtype=real_torch.float64) for values in (want, have))
            real_torch.testing.assert_close(have, want, rtol=tolerance, atol=tolerance)

    for want, have in zip(expected[0], got[0], strict=True):
        check(want, have, name == "SGD")
    rooted = {"RMSprop": ("momentum_buffer",), "Adadelta": ("acc_delta",), "ASGD": ("ax",)}.get(name, ())
    for want, have in zip(expected[1], got[1], strict=True):
        assert list(want) == list(have)
        for key in want:
            exact = name == "SGD" or not (options.get("weight_decay") or key in rooted)
            check(want[key], have[key], exact)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_half_and_strided(name, options):
    """What the fused kernel does not take is composed of operations."""
    expected = run_steps(real_torch, name, options, "bfloat16", [(4, 3)], 2)
    got = run_steps(tensorgrad, name, options, "bfloat16", [(4, 3)], 2)
    want, have = (real_torch.tensor(values[0][0]) for values in (expected, got))
    real_torch.testing.assert_close(have, want, rtol=2e-2, atol=2e-2)

    def strided(torch):
        torch.manual_seed(0)
        p = torch.nn.Parameter(torch.randn(4, 3).t())
        optimizer = getattr(torch.optim, name)([p], **options)
        for _ in range(3):
            p.grad = torch.randn(4, 3).t() * 2
            optimizer.step()
        p.grad = torch.ones(3, 1).expand(3, 4)
        optimizer.step()
        return real_torch.tensor(p.tolist())

    real_torch.testing.assert_close(strided(tensorgrad), strided(real_torch), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(OPTIONS))
@twin(rtol=5e-5)  # PyTorch's differentiable Adam counts its steps in float32
def test_differentiable(torch, log, name):
    """With `differentiable` the steps are recorded: the learning task's gradient goes through them."""
    p = torch.ones(3, requires_grad=True)
    inner = p * 2.0
    inner.retain_grad()
    optimizer = getattr(torch.optim, name)([inner], lr=0.5, differentiable=True)
    # Adamax's next step overwrites what the gradient of the one before needs, in PyTorch too.
    for step in range(1 if name == "Adamax" else 3):
        inner.grad = torch.tensor([1.0, 2.0, 3.0]) * (step + 1)
        optimizer.step()
    log(inner, lambda: inner.sum().backward(), p.grad)


@twin(rtol=1e-6)
def test_rate_tensor_and_changes(torch, log):
    for name in OPTIONS:
        p = parameter(torch)
        o = getattr(torch.optim, name)([p], lr=torch.tensor(0.5))
        p.grad = torch.ones(2)
        o.step()
        o.param_groups[0]["lr"] = 0.125
        o.step()
        o.param_groups[0]["lr"] = torch.tensor(0.25)
        o.step()
        log(p)
    o = torch.optim.Adam([parameter(torch)], capturable=True)
    o.param_groups[0]["params"][0].grad = torch.ones(2)
    log(lambda: o.step())


@twin
def test_step_counts_as_a_write(torch, log):
    p = parameter(torch)
    y = (p * p).sum()
    p.grad = torch.ones(2)
    torch.optim.SGD([p], lr=0.1).step()
    log(p._version, lambda: y.backward())


@twin
def test_global_hooks(torch, log):
    from importlib import import_module

    base = import_module(torch.optim.Optimizer.__module__)
    p = parameter(torch)
    p.grad = torch.ones(2)
    seen = []
    handles = [
        base.register_optimizer_step_pre_hook(lambda *a: seen.append("pre")),
        base.register_optimizer_step_post_hook(lambda *a: seen.append("post")),
    ]
    o = torch.optim.SGD([p], lr=0.1)
    o.step()
    for handle in handles:
        handle.remove()
    o.step()
    log(seen, p)
