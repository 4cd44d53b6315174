"""Schedules of learning rates: the rates, momenta and states of 50 steps are PyTorch's to the last bit."""

import copy
import re
import warnings

import pytest
import torch as real_torch

import tensorgrad
from tests.python.twin import twin

STEPS = 50


class Decay:
    """A schedule that is an object, whose attributes a state dict holds."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return self.rate**epoch

    def __repr__(self):
        return f"Decay({self.rate})"


def sequence(torch, optimizer, last_epoch=-1):
    s = torch.optim.lr_scheduler
    return s.SequentialLR(
        optimizer,
        [
            s.LinearLR(optimizer, 0.1, 1.0, 7),
            s.CosineAnnealingLR(optimizer, 20, 1e-4),
            s.ExponentialLR(optimizer, 0.9),
        ],
        milestones=[7, 30],
        last_epoch=last_epoch,
    )


def chain(torch, optimizer):
    s = torch.optim.lr_scheduler
    return s.ChainedScheduler(
        [s.ConstantLR(optimizer, 0.1, 9), s.ExponentialLR(optimizer, 0.93), s.StepLR(optimizer, 8, 0.5)]
    )


def nested(torch, optimizer):
    s = torch.optim.lr_scheduler
    first = s.SequentialLR(optimizer, [s.ConstantLR(optimizer, 0.5, 3), s.StepLR(optimizer, 3)], [4])
    return s.SequentialLR(optimizer, [first, s.PolynomialLR(optimizer, 20, 2.0)], [11])


def of(name, *args, **options):
    def make(torch, optimizer, **more):
        return getattr(torch.optim.lr_scheduler, name)(optimizer, *args, **options, **more)

    # The addresses of functions would make the tests' names differ from process to process.
    make.__name__ = re.sub(r" at 0x[0-9a-f]+", "", f"{name}{args or ''}{options or ''}")
    return make


# Those that can be resumed by `last_epoch`, and stepped to an epoch.
SIMPLE = [
    of("StepLR", 7),
    of("StepLR", 3, gamma=0.77),
    of("MultiStepLR", [3, 9, 9, 30], 0.3),
    of("ConstantLR"),
    of("ConstantLR", 0.7, 20),
    of("LinearLR"),
    of("LinearLR", 0.9, 0.1, 33),
    of("ExponentialLR", 0.9),
    of("PolynomialLR"),
    of("PolynomialLR", total_iters=41, power=1.7),
    of("CosineAnnealingLR", 13),
    of("CosineAnnealingLR", 60, eta_min=0.01),
    of("LambdaLR", lambda epoch: 0.95**epoch),
    of("LambdaLR", [lambda epoch: 1 / (epoch + 1), Decay(0.8)]),
    of("MultiplicativeLR", lambda epoch: 0.95),
    of("MultiplicativeLR", [Decay(0.99), Decay(0.98)]),
    of("OneCycleLR", 0.3, total_steps=60),
    of("OneCycleLR", [0.3, 0.7], epochs=6, steps_per_epoch=10, three_phase=True, pct_start=0.2, div_factor=7),
    of("OneCycleLR", 1.0, 60, anneal_strategy="linear", base_momentum=0.5, max_momentum=[0.8, 0.9]),
    of("OneCycleLR", 1.0, 60, cycle_momentum=False, final_div_factor=3),
    of("CyclicLR", 0.01, 0.2, step_size_up=7),
    of("CyclicLR", [0.01, 0.02], [0.2, 0.3], 5, 8, mode="triangular2", base_momentum=0.3),
    of("CyclicLR", 0.01, 0.2, 6, mode="exp_range", gamma=0.97, cycle_momentum=False),
    of("CyclicLR", 0.01, 0.2, 6, scale_fn=lambda x: 1 / x, scale_mode="cycle"),
    of("CyclicLR", 0.01, 0.2, 6, scale_fn=Decay(0.9), scale_mode="iterations"),
    of("CosineAnnealingWarmRestarts", 6),
    of("CosineAnnealingWarmRestarts", 4, 3, eta_min=0.01),
]
ALL = [*SIMPLE, sequence, chain, nested]


def make_optimizer(torch, name="SGD", as_tensor=False):
    rates = [0.1, 0.7]
    if as_tensor:
        rates = [torch.tensor(rate) for rate in rates]
    options = {"momentum": 0.5} if name == "SGD" else {}
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return getattr(torch.optim, name)(groups, **options)


def plain(value, torch):
    """Plain data, in which tensors are marked."""
    if isinstance(value, torch.Tensor):
        return ("tensor", value.tolist())
    if isinstance(value, dict):
        return {key: plain(item, torch) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, torch) for item in value]
    return value


def snapshot(scheduler, optimizer, torch):
    state = scheduler.state_dict()
    state.pop("_scale_fn_ref", None)
    groups = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    return plain([state, list(state), groups, scheduler.get_last_lr()], torch)


def advance(scheduler, optimizer, torch, steps=STEPS):
    seen = []
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        seen.append(snapshot(scheduler, optimizer, torch))
    return seen


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_fifty_steps(make, name):
    def run(torch):
        optimizer = make_optimizer(torch, name)
        scheduler = make(torch, optimizer)
        return [snapshot(scheduler, optimizer, torch), *advance(scheduler, optimizer, torch)]

    for step, (want, have) in enumerate(zip(run(real_torch), run(tensorgrad), strict=True)):
        assert want == have, f"after step {step}"


@pytest.mark.parametrize("make", SIMPLE, ids=lambda make: make.__name__)
def test_rates_that_are_tensors(make):
    def run(torch):
        optimizer = make_optimizer(torch, as_tensor=True)
        kept = [group["lr"] for group in optimizer.param_groups]
        scheduler = make(torch, optimizer)
        seen = advance(scheduler, optimizer, torch, 12)
        same = [group["lr"] is rate for group, rate in zip(optimizer.param_groups, kept, strict=True)]
        return seen, same

    assert run(real_torch) == run(tensorgrad)


@pytest.mark.parametrize("make", SIMPLE, ids=lambda make: make.__name__)
def test_step_to_an_epoch(make):
    def run(torch):
        optimizer = make_optimizer(torch)
        scheduler = make(torch, optimizer)
        optimizer.step()
        seen = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for epoch in (3, 17, 8, 0, 29):
                scheduler.step(epoch)
                seen.append(snapshot(scheduler, optimizer, torch))
        return seen, [(w.category, str(w.message), w.filename) for w in caught]

    assert run(real_torch) == run(tensorgrad)


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_resume_in_the_middle(make):
    """From state dicts: our own, and the one that PyTorch wrote."""
    optimizer = make_optimizer(tensorgrad)
    scheduler = make(tensorgrad, optimizer)
    advance(scheduler, optimizer, tensorgrad, 20)
    theirs_optimizer = make_optimizer(real_torch)
    theirs = make(real_torch, theirs_optimizer)
    advance(theirs, theirs_optimizer, real_torch, 20)
    saved = [
        (scheduler.state_dict(), optimizer.state_dict()),
        (theirs.state_dict(), theirs_optimizer.state_dict()),
    ]
    saved = [copy.deepcopy(pair) for pair in saved]
    saved[1][0].pop("_scale_fn_ref", None)
    expected = advance(scheduler, optimizer, tensorgrad, 20)
    for scheduler_state, optimizer_state in saved:
        again_optimizer = make_optimizer(tensorgrad)
        again = make(tensorgrad, again_optimizer)
        again_optimizer.load_state_dict(optimizer_state)
        before = copy.deepcopy(scheduler_state)
        again.load_state_dict(scheduler_state)
        assert list(scheduler_state) == list(before)  # what was loaded is left as it was
        assert advance(again, again_optimizer, tensorgrad, 20) == expected


@pytest.mark.parametrize("make", [*SIMPLE, sequence], ids=lambda make: make.__name__)
def test_resume_by_last_epoch(make):
    """A new schedule over the optimizer that went on, as programs do that saved the optimizer alone."""

    def run(torch):
        optimizer = make_optimizer(torch)
        advance(make(torch, optimizer), optimizer, torch, 10)
        try:
            scheduler = make(torch, optimizer, last_epoch=9)
        except Exception as error:
            return type(error), str(error).splitlines()[0]
        return [snapshot(scheduler, optimizer, torch), *advance(scheduler, optimizer, torch, 10)]

    assert run(real_torch) == run(tensorgrad)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max", "threshold_mode": "abs", "threshold": 0.05, "patience": 2},
        {"mode": "max", "patience": 1, "factor": 0.5, "cooldown": 3},
        {"threshold_mode": "abs", "patience": 0, "min_lr": [0.05, 1e-3]},
        {"patience": 1, "min_lr": 0.02, "eps": 1e-3, "threshold": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_plateau(options, as_tensor):
    generator = real_torch.Generator().manual_seed(1)
    metrics = (real_torch.rand(STEPS, generator=generator) + 3 / real_torch.arange(1.0, STEPS + 1)).tolist()

    def run(torch):
        optimizer = make_optimizer(torch, as_tensor=as_tensor)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        seen = []
        for step, metric in enumerate(metrics):
            optimizer.step()
            scheduler.step(torch.tensor(metric) if step % 2 else metric)
            seen.append([snapshot(scheduler, optimizer, torch), scheduler.in_cooldown])
            if step == 25:
                state = copy.deepcopy(scheduler.state_dict())
                scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
                scheduler.load_state_dict(state)
        return seen

    for step, (want, have) in enumerate(zip(run(real_torch), run(tensorgrad), strict=True)):
        assert want == have, f"after step {step}"


@twin
def test_errors(torch, log):
    s = torch.optim.lr_scheduler
    o, other = make_optimizer(torch), make_optimizer(torch)
    for make in (s.StepLR, s.OneCycleLR, s.CyclicLR):
        log(lambda: make(3, 1, 2), lambda: make(None, 1, 2))
    log(lambda: s.ReduceLROnPlateau(3))
    with pytest.raises(
        KeyError, match="param 'initial_lr' is not specified in param_groups.0. when resuming"
    ):
        s.StepLR(o, 2, last_epoch=3)
    log(lambda: s.LambdaLR(o, [len]), lambda: s.MultiplicativeLR(o, [len]), lambda: s.MultiplicativeLR(o, 3))
    log(lambda: s.ConstantLR(o, 1.1), lambda: s.ConstantLR(o, -1))
    log(lambda: s.LinearLR(o, 0.0), lambda: s.LinearLR(o, 1.1), lambda: s.LinearLR(o, 1.0, 1.1))
    log(lambda: s.CosineAnnealingWarmRestarts(o, 0), lambda: s.CosineAnnealingWarmRestarts(o, 1.5))
    log(lambda: s.CosineAnnealingWarmRestarts(o, 1, 0), lambda: s.CosineAnnealingWarmRestarts(o, 1, 1, "a"))
    log(lambda: s.CosineAnnealingWarmRestarts(o, 3).step(-1))
    for options in (
        {}, {"total_steps": 0}, {"total_steps": 1.5}, {"epochs": 0, "steps_per_epoch": 1}, {"epochs": 3},
        {"epochs": 1, "steps_per_epoch": -1}, {"total_steps": 9, "pct_start": 1.5},
        {"total_steps": 9, "pct_start": 1}, {"total_steps": 9, "anneal_strategy": "up"},
        {"total_steps": 9, "max_momentum": [1.0]},
    ):  # fmt: skip
        log(lambda: s.OneCycleLR(o, 1.0, **options))
    log(
        lambda: s.OneCycleLR(o, [1.0], 9),
        lambda: s.CyclicLR(o, [1.0], 2.0),
        lambda: s.CyclicLR(o, 1.0, [2.0]),
    )
    log(lambda: s.CyclicLR(o, 1.0, 2.0, mode="up"), lambda: s.CyclicLR(o, 1.0, 2.0, base_momentum=[1.0]))
    short = s.OneCycleLR(o, 1.0, total_steps=2)
    o.step()
    log([short.step() for _ in range(2)], lambda: short.step())
    log(lambda: s.ReduceLROnPlateau(o, "up"), lambda: s.ReduceLROnPlateau(o, threshold_mode="up"))
    log(lambda: s.ReduceLROnPlateau(o, factor=1.0), lambda: s.ReduceLROnPlateau(o, min_lr=[1.0]))
    plateau, step = s.ReduceLROnPlateau(other), s.StepLR(other, 3)
    for many in (lambda x: s.SequentialLR(other, x, [3]), lambda x: s.ChainedScheduler(x, other)):
        log(lambda: many([]), lambda: many([step, 3]), lambda: many([step, plateau]))
    log(lambda: s.SequentialLR(other, [step], [3]))
    mixed = [step, s.StepLR(o, 3)]
    for many in (lambda: s.SequentialLR(other, mixed, [3]), lambda: s.ChainedScheduler(mixed)):
        try:
            many()
        except ValueError as error:
            log(str(error).splitlines()[0])
    log(lambda: s.LRScheduler(other))
    bare = torch.optim.Optimizer([torch.nn.Parameter(torch.zeros(1))], {"lr": 1.0})
    log(lambda: s.OneCycleLR(bare, 1.0, 5), lambda: s.CyclicLR(bare, 1.0, 5.0))
    growing = s.ReduceLROnPlateau(other, min_lr=[0.0, 0.0], patience=0)
    other.add_param_group({"params": [torch.nn.Parameter(torch.zeros(2))]})
    log(lambda: [growing.step(1.0) for _ in range(3)])


@twin
def test_warnings(torch, log):
    s = torch.optim.lr_scheduler
    o = make_optimizer(torch)
    scheduler = s.StepLR(o, 1)
    scheduler.step()  # before the optimizer's step
    scheduler.step()
    log(scheduler.get_lr(), scheduler.get_last_lr())
    o = make_optimizer(torch)
    scheduler = s.StepLR(o, 1)
    o.step = lambda: None
    o.step()
    scheduler.step()
    o = make_optimizer(torch)
    first, second = s.StepLR(o, 1), s.ExponentialLR(o, 0.5)
    o.step()
    first.step(), second.step()
    log([group["lr"] for group in o.param_groups], o.step.__name__, o.step._wrapped_by_lr_sched)
    log(s._LRScheduler.__name__, sorted(s.__all__), issubclass(s.StepLR, s.LRScheduler))


@twin
def test_own_schedule(torch, log):
    class Halving(torch.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [rate / 2**self.last_epoch for rate in self.base_lrs]

    o = make_optimizer(torch)
    scheduler = Halving(o)
    for _ in range(4):
        o.step()
        scheduler.step()
        log(scheduler.get_last_lr(), scheduler.last_epoch, scheduler.state_dict())
    log(copy.deepcopy(o).state_dict())
