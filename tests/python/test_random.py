"""Random streams: bit for bit PyTorch's, and the generator left where PyTorch leaves it."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from .harness.compare import first_line, same_exception
from .harness.convert import to_module, to_torch
from .harness.module import under_test

tg = under_test()

SIZES = (0, 1, 2, 15, 16, 17, 31, 33, 623, 624, 1000, 1025)
SEEDS = (0, 42, 2**63 - 1, -1, -(2**63))
FLOATING = ("float32", "float64", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
ALL = (*FLOATING, *INTEGERS, "bool")

Row = Callable[[ModuleType, int, str], Any]


def _empty(m: ModuleType, n: int, dtype: str) -> Any:
    return m.empty(n, dtype=getattr(m, dtype))


def _input(m: ModuleType, n: int, dtype: str, low: float = 0.0, high: float = 1.0) -> Any:
    """The same numbers in both modules, from a stream of its own."""
    values = torch.empty(n, dtype=torch.float64).uniform_(
        low, high, generator=torch.Generator().manual_seed(n)
    )
    return to_module(values.to(getattr(torch, dtype)), m)


def _dtype(m: ModuleType, dtype: str) -> dict[str, Any]:
    return {"dtype": getattr(m, dtype)}


# name: (dtypes, call)
ROWS: dict[str, tuple[tuple[str, ...], Row]] = {
    "rand": (FLOATING, lambda m, n, d: m.rand(n, **_dtype(m, d))),
    "rand_2d": (FLOATING, lambda m, n, d: m.rand(n, 3, **_dtype(m, d))),
    "rand_like": (FLOATING, lambda m, n, d: m.rand_like(_empty(m, n, d))),
    "rand_out": (FLOATING, lambda m, n, d: m.rand(n, out=_empty(m, 0, d))),
    "uniform_": (FLOATING, lambda m, n, d: _empty(m, n, d).uniform_()),
    "uniform_ range": (FLOATING, lambda m, n, d: _empty(m, n, d).uniform_(-1.3, 2.7)),
    "uniform_ narrow": (FLOATING, lambda m, n, d: _empty(m, n, d).uniform_(5, 5.001)),
    "uniform_ point": (FLOATING, lambda m, n, d: _empty(m, n, d).uniform_(0.1, 0.1)),
    "randn": (FLOATING, lambda m, n, d: m.randn(n, **_dtype(m, d))),
    "randn_2d": (FLOATING, lambda m, n, d: m.randn(n, 3, **_dtype(m, d))),
    "randn_like": (FLOATING, lambda m, n, d: m.randn_like(_empty(m, n, d))),
    "normal_": (FLOATING, lambda m, n, d: _empty(m, n, d).normal_(-3.7, 0.02)),
    "normal_ constant": (FLOATING, lambda m, n, d: _empty(m, n, d).normal_(1.5, 0)),
    "normal sizes": (FLOATING, lambda m, n, d: m.normal(1.5, 2.5, (n,), **_dtype(m, d))),
    "normal mean": (FLOATING, lambda m, n, d: m.normal(_input(m, n, d), 2.5)),
    "normal mean alone": (FLOATING, lambda m, n, d: m.normal(_input(m, n, d))),
    "normal std": (FLOATING, lambda m, n, d: m.normal(-1.5, _input(m, n, d))),
    "normal both": (FLOATING, lambda m, n, d: m.normal(_input(m, n, d, -4, 4), _input(m, n, d))),
    "normal broadcast": (
        FLOATING,
        lambda m, n, d: m.normal(_input(m, n, d).reshape(n, 1), _input(m, 7, d)),
    ),
    "randint": (ALL, lambda m, n, d: m.randint(2 if d == "bool" else 100, (n,), **_dtype(m, d))),
    "randint low": (FLOATING + INTEGERS[:-1], lambda m, n, d: m.randint(-7, 20, (n,), **_dtype(m, d))),
    "randint wide": (("int64",), lambda m, n, d: m.randint(-(2**40), 2**41, (n,))),
    "randint threshold": (("int64", "int32"), lambda m, n, d: m.randint(2**28 - 1, (n,), **_dtype(m, d))),
    "randint over": (("int64", "int32"), lambda m, n, d: m.randint(2**28, (n,), **_dtype(m, d))),
    "randint_like": (FLOATING + INTEGERS, lambda m, n, d: m.randint_like(_empty(m, n, d), 3, 50)),
    "randint_like high": (FLOATING + INTEGERS, lambda m, n, d: m.randint_like(_empty(m, n, d), 50)),
    "random_": (ALL, lambda m, n, d: _empty(m, n, d).random_()),
    "random_ to": (ALL, lambda m, n, d: _empty(m, n, d).random_(2)),
    "random_ range": (FLOATING + INTEGERS, lambda m, n, d: _empty(m, n, d).random_(5, 77)),
    "random_ from": (ALL, lambda m, n, d: _empty(m, n, d).random_(1, None)),
    "random_ everything": (
        ("int64", "float64", "float32", "bfloat16"),
        lambda m, n, d: _empty(m, n, d).random_(-(2**63), None),
    ),
    "random_ inexact": (
        ("float32", "float64"),
        lambda m, n, d: _empty(m, n, d).random_(2**40 + 1, 2**40 + 2**20),
    ),
    "randperm": (("int64", "int32", "float64", "float32"), lambda m, n, d: m.randperm(n, **_dtype(m, d))),
    "randperm small": (ALL[:-1], lambda m, n, d: m.randperm(n % 100, **_dtype(m, d))),
    "bernoulli_": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_()),
    "bernoulli_ rare": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_(0.01)),
    "bernoulli_ never": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_(0.0)),
    "bernoulli_ always": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_(1.0)),
    "bernoulli_ tensor": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_(_input(m, n, "float32"))),
    "bernoulli_ tensor64": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_(_input(m, n, "float64"))),
    "bernoulli_ tensor 0-d": (ALL, lambda m, n, d: _empty(m, n, d).bernoulli_(m.tensor(0.3))),
    "bernoulli": (FLOATING, lambda m, n, d: m.bernoulli(_input(m, n, d))),
    "bernoulli method": (FLOATING, lambda m, n, d: _input(m, n, d).bernoulli()),
    "bernoulli p": (FLOATING, lambda m, n, d: m.bernoulli(_input(m, n, d), 0.7)),
    "exponential_": (FLOATING, lambda m, n, d: _empty(m, n, d).exponential_()),
    "exponential_ lambda": (FLOATING, lambda m, n, d: _empty(m, n, d).exponential_(0.3)),
    "exponential_ tiny": (FLOATING, lambda m, n, d: _empty(m, n, d).exponential_(1e30)),
    "geometric_": (FLOATING + INTEGERS, lambda m, n, d: _empty(m, n, d).geometric_(0.3)),
    "cauchy_": (FLOATING, lambda m, n, d: _empty(m, n, d).cauchy_(1.5, 2.5)),
    "log_normal_": (FLOATING, lambda m, n, d: _empty(m, n, d).log_normal_(0.5, 0.3)),
    "dropout": (FLOATING, lambda m, n, d: m.nn.functional.dropout(_input(m, n, d, -2, 2), 0.3)),
    "dropout default": (FLOATING, lambda m, n, d: m.nn.functional.dropout(_input(m, n, d, -2, 2))),
    "dropout all": (FLOATING, lambda m, n, d: m.nn.functional.dropout(_input(m, n, d, -2, 2), 1.0)),
    "dropout none": (FLOATING, lambda m, n, d: m.nn.functional.dropout(_input(m, n, d, -2, 2), 0.0)),
    "dropout eval": (FLOATING, lambda m, n, d: m.nn.functional.dropout(_input(m, n, d), 0.3, False)),
    "dropout in place": (
        FLOATING,
        lambda m, n, d: m.nn.functional.dropout(_input(m, n, d, -2, 2), 0.3, inplace=True),
    ),
    "alpha_dropout": (
        FLOATING,
        lambda m, n, d: m.nn.functional.alpha_dropout(_input(m, n, d, -2, 2), 0.3, True),
    ),
    "dropout2d": (
        FLOATING,
        lambda m, n, d: m.nn.functional.dropout2d(_input(m, 4 * n, d).reshape(n, 1, 2, 2), 0.3),
    ),
    "multinomial": (
        FLOATING,
        lambda m, n, d: m.multinomial(_input(m, n + 2, d, 0.1), min(n, 20) + 1),
    ),
    "multinomial one": (FLOATING, lambda m, n, d: m.multinomial(_input(m, n + 2, d, 0.1), 1)),
    "multinomial rows": (
        FLOATING,
        lambda m, n, d: m.multinomial(_input(m, 3 * n + 6, d, 0.1).reshape(3, n + 2), 2),
    ),
    "multinomial replacement": (
        FLOATING,
        lambda m, n, d: m.multinomial(_input(m, n + 2, d, 0.1), n + 5, True),
    ),
    "multinomial replacement rows": (
        FLOATING,
        lambda m, n, d: m.multinomial(_input(m, 3 * n + 6, d, 0.1).reshape(3, n + 2), 9, True),
    ),
    "seeded generator": (FLOATING, lambda m, n, d: m.randn(n, generator=m.Generator(), **_dtype(m, d))),
}


def same_bits(ours: Any, theirs: Any) -> bool:
    a, b = to_torch(ours), theirs.detach()
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.is_floating_point:
        bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[a.element_size()]
        a, b = a.contiguous().view(bits), b.contiguous().view(bits)
    return torch.equal(a, b)


def state_bytes(m: ModuleType) -> bytes:
    return to_torch(m.get_rng_state()).numpy().tobytes()


def run_both(call: Callable[[ModuleType], Any]) -> None:
    """Draws in both modules, and compares the numbers and what is left of the streams."""
    before = torch.get_rng_state()
    theirs = call(torch)
    if tg is torch:
        torch.set_rng_state(before)
    ours = call(tg)
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        assert all(same_bits(a, b) for a, b in zip(ours, theirs, strict=True))
    else:
        assert same_bits(ours, theirs)
    assert state_bytes(tg) == state_bytes(torch)


@pytest.fixture(autouse=True)
def _restore() -> Any:
    kept = torch.get_rng_state()
    yield
    torch.set_rng_state(kept)


@pytest.mark.parametrize("name", ROWS)
def test_stream(name: str) -> None:
    dtypes, call = ROWS[name]
    for seed in SEEDS[:2] if len(dtypes) > 4 else SEEDS[:4]:
        torch.manual_seed(seed)
        tg.manual_seed(seed)
        for dtype in dtypes:
            for n in SIZES:
                run_both(lambda m, n=n, dtype=dtype: call(m, n, dtype))


@pytest.mark.parametrize(
    "name", ["rand", "randn", "randperm", "exponential_", "dropout", "bernoulli_ tensor"]
)
def test_long_stream(name: str) -> None:
    dtypes, call = ROWS[name]
    torch.manual_seed(3)
    tg.manual_seed(3)
    for dtype in dtypes[:4]:
        run_both(lambda m, dtype=dtype: call(m, 100003, dtype))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-(2**63), 2**64 - 1),
    st.lists(st.tuples(st.sampled_from(sorted(ROWS)), st.integers(0, 700), st.integers(0, 9)), max_size=12),
)
def test_mixed_sequences(seed: int, calls: list[tuple[str, int, int]]) -> None:
    torch.manual_seed(seed)
    tg.manual_seed(seed)
    for name, n, which in calls:
        dtypes, call = ROWS[name]
        dtype = dtypes[which % len(dtypes)]
        run_both(lambda m, call=call, n=n, dtype=dtype: call(m, n, dtype))


VIEWS: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda x: x.t(),
    "columns": lambda x: x[:, 1:7],
    "every other": lambda x: x[:, ::2],
    "rows": lambda x: x[3:7],
    "every other row": lambda x: x[::2],
    "columns transposed": lambda x: x[:, ::3].t(),
    "permuted": lambda x: x.reshape(4, 6, 5).permute(2, 0, 1),
    "permuted part": lambda x: x.reshape(4, 6, 5)[:, 1:5].permute(2, 0, 1),
    "one column": lambda x: x[:, 2],
    "single": lambda x: x[3, 4],
    "nothing": lambda x: x[:, 3:3],
}
FILLS: dict[str, Callable[[Any, ModuleType], Any]] = {
    "uniform_": lambda x, m: x.uniform_(),
    "normal_": lambda x, m: x.normal_(),
    "random_": lambda x, m: x.random_(),
    "random_ to": lambda x, m: x.random_(60),
    "bernoulli_": lambda x, m: x.bernoulli_(0.4),
    "bernoulli_ tensor": lambda x, m: x.bernoulli_(
        _input(m, max(x.numel(), 1), "float32")[: x.numel()].reshape(x.shape)
    ),
    "bernoulli_ transposed": lambda x, m: x.bernoulli_(
        _input(m, max(x.numel(), 1), "float32")[: x.numel()]
        .reshape(tuple(x.shape)[::-1])
        .permute(tuple(range(x.dim()))[::-1])
    ),
    "exponential_": lambda x, m: x.exponential_(),
    "log_normal_": lambda x, m: x.log_normal_(),
    "rand_like": lambda x, m: m.rand_like(x),
    "randn_like": lambda x, m: m.randn_like(x),
    "rand_like contiguous": lambda x, m: m.rand_like(x, memory_format=m.contiguous_format),
    "randint_like contiguous": lambda x, m: m.randint_like(x, 9, memory_format=m.contiguous_format),
    "bernoulli": lambda x, m: m.bernoulli(x * 0 + 0.3),
    "dropout": lambda x, m: m.nn.functional.dropout(x, 0.4),
    "dropout in place": lambda x, m: m.nn.functional.dropout(x, 0.4, inplace=True),
    "normal": lambda x, m: m.normal(x, 2.0),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_strided(view: str, fill: str, dtype: str) -> None:
    torch.manual_seed(9)
    tg.manual_seed(9)
    kept: list[Any] = []
    strides: list[Any] = []

    def call(m: ModuleType) -> Any:
        whole = _input(m, 120, dtype).reshape(12, 10)
        part = VIEWS[view](whole)
        result = FILLS[fill](part, m)
        kept.append(whole)
        strides.append([s for n, s in zip(result.shape, result.stride(), strict=True) if n > 1])
        return result

    run_both(call)
    assert same_bits(kept[1], kept[0])
    if kept[0].numel() and view != "nothing":
        assert strides[0] == strides[1]


def test_state_moves_between_the_two() -> None:
    torch.manual_seed(5)
    tg.manual_seed(6)
    for draws in (0, 1, 3, 15, 700):
        torch.rand(draws)
        torch.randn(3)
        tg.set_rng_state(to_module(torch.get_rng_state(), tg))
        assert state_bytes(tg) == state_bytes(torch)
        run_both(lambda m: m.randn(5))
        run_both(lambda m: m.randn(50))
        tg.rand(17)
        torch.set_rng_state(to_torch(tg.get_rng_state()))
        run_both(lambda m: m.randn(7))


def test_seeds() -> None:
    for seed in (*SEEDS, 2**64 - 1, True, "7", 3.9):
        assert tg.manual_seed(seed).initial_seed() == torch.manual_seed(seed).initial_seed()
        assert tg.initial_seed() == torch.initial_seed()
        run_both(lambda m: m.rand(3))
    assert tg.Generator().initial_seed() == torch.Generator().initial_seed()
    first, second = tg.seed(), tg.seed()
    assert first != second
    assert tg.initial_seed() == second
    torch.manual_seed(second)
    run_both(lambda m: m.rand(3))
    own = tg.Generator()
    assert torch.Generator().manual_seed(own.seed()).initial_seed() == own.initial_seed()


def test_manual_seed_forgets_the_kept_normal() -> None:
    def call(m: ModuleType) -> Any:
        m.manual_seed(1)
        m.randn(1)
        m.manual_seed(1)
        return m.randn(3)

    run_both(call)


def test_generators() -> None:
    def call(m: ModuleType) -> Any:
        a, b = m.Generator(), m.Generator(device="cpu")
        assert a.manual_seed(3) is a
        assert str(a.device) == "cpu"
        b.set_state(a.get_state())
        draws = [m.rand(5, generator=a), m.randn(3, generator=b)]
        twins = [a.clone_state(), copy.deepcopy(a), pickle.loads(pickle.dumps(a))]
        draws += [m.randn(20, generator=each) for each in (a, *twins)]
        if m is tg:
            assert all(same_bits(each, to_torch(draws[2])) for each in draws[3:])
        m.manual_seed(8)
        assert m.default_generator.initial_seed() == 8
        draws.append(m.rand(3, generator=m.default_generator))
        return draws

    run_both(call)


def test_fork_rng() -> None:
    def call(m: ModuleType) -> Any:
        m.manual_seed(4)
        with m.random.fork_rng():
            m.manual_seed(5)
            inside = m.rand(3)
        with m.random.fork_rng(enabled=False):
            outside = m.rand(3)
        return [inside, outside, m.rand(2)]

    run_both(call)


def test_dropout_gradient() -> None:
    shapes = [("plain", lambda x: x), ("transposed", lambda x: x.t()), ("part", lambda x: x[:, ::2])]
    calls = {
        "dropout": lambda m, x: m.nn.functional.dropout(x, 0.3),
        "alpha": lambda m, x: m.nn.functional.alpha_dropout(x, 0.3, True),
        "feature": lambda m, x: m.nn.functional.dropout1d(x.reshape(1, *x.shape), 0.3),
        "in place": lambda m, x: m.nn.functional.dropout(x * 1, 0.3, inplace=True),
    }
    for name, of in calls.items():
        for where, view in shapes:

            def call(m: ModuleType, of: Any = of, view: Any = view) -> Any:
                m.manual_seed(2)
                x = _input(m, 120, "float64", -1, 1).reshape(12, 10).requires_grad_()
                y = of(m, view(x))
                (first,) = m.autograd.grad((y * y).sum(), x, create_graph=True)
                (second,) = m.autograd.grad((first * first).sum(), x)
                return [first, second]

            for theirs, ours in zip(call(torch), call(tg), strict=True):
                torch.testing.assert_close(to_torch(ours), theirs.detach(), msg=f"{name} {where}")


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: x.uniform_(),
        lambda m, x: x.normal_(),
        lambda m, x: x.random_(),
        lambda m, x: x.bernoulli_(0.5),
        lambda m, x: x.bernoulli_(m.rand(6)),
        lambda m, x: m.ones(6).bernoulli_(x.sigmoid()),
        lambda m, x: x.exponential_(),
        lambda m, x: x.geometric_(0.5),
        lambda m, x: x.cauchy_(),
        lambda m, x: x.log_normal_(),
        lambda m, x: m.bernoulli(x.sigmoid()),
        lambda m, x: m.normal(x, 1.0),
        lambda m, x: m.normal(x, x.exp()),
        lambda m, x: m.normal(0.0, x.exp()),
    ],
)
def test_nothing_flows_back(call: Any) -> None:
    def gradient(m: ModuleType) -> Any:
        m.manual_seed(0)
        leaf = _input(m, 6, "float32").requires_grad_()
        y = call(m, leaf * 1)
        names.append(type(y.grad_fn).__name__)
        assert y.requires_grad
        y.sum().backward()
        return leaf.grad

    names: list[str] = []
    run_both(gradient)
    assert names[0] == names[1]


ERRORS: dict[str, Callable[[ModuleType], Any]] = {
    "normal_ std": lambda m: m.empty(3).normal_(0, -1),
    "normal_ empty": lambda m: m.empty(0).normal_(0, -1),
    "normal_ int": lambda m: m.empty(3, dtype=m.int64).normal_(),
    "randn int": lambda m: m.randn(3, dtype=m.int64),
    "rand int": lambda m: m.rand(3, dtype=m.int64),
    "rand bool": lambda m: m.rand(3, dtype=m.bool),
    "rand negative": lambda m: m.rand(-1),
    "rand_like int": lambda m: m.rand_like(m.ones(2, dtype=m.int64)),
    "rand out int": lambda m: m.rand(2, out=m.empty(2, dtype=m.int64)),
    "uniform_ order": lambda m: m.empty(3).uniform_(3, 1),
    "uniform_ infinite": lambda m: m.empty(3).uniform_(0, float("inf")),
    "uniform_ beyond": lambda m: m.empty(3).uniform_(-1e39, 0),
    "uniform_ beyond half": lambda m: m.empty(3, dtype=m.float16).uniform_(-1e5, 0),
    "uniform_ width": lambda m: m.empty(3).uniform_(-3e38, 3e38),
    "uniform_ leaf": lambda m: m.empty(3, requires_grad=True).uniform_(),
    "bernoulli_ p": lambda m: m.empty(3).bernoulli_(2),
    "bernoulli_ nan": lambda m: m.empty(3).bernoulli_(float("nan")),
    "bernoulli_ tensor p": lambda m: m.empty(3).bernoulli_(m.tensor(5.0)),
    "bernoulli_ tensor int": lambda m: m.empty(3).bernoulli_(m.ones(3, dtype=m.int64)),
    "bernoulli_ tensor shape": lambda m: m.empty(3).bernoulli_(m.ones(4)),
    "bernoulli p": lambda m: m.bernoulli(m.ones(3), 2.0),
    "bernoulli tensor": lambda m: m.bernoulli(m.tensor([2.0])),
    "bernoulli int": lambda m: m.bernoulli(m.ones(3, dtype=m.int64)),
    "random_ empty range": lambda m: m.empty(3).random_(5, 5),
    "random_ negative": lambda m: m.empty(3).random_(-5),
    "random_ bool": lambda m: m.empty(3, dtype=m.bool).random_(0, 5),
    "random_ int8": lambda m: m.empty(3, dtype=m.int8).random_(-200, 5),
    "random_ half": lambda m: m.empty(3, dtype=m.float16).random_(100000, 200000),
    "random_ cast": lambda m: m.empty(3).random_(2**53 + 1, 2**53 + 9),
    "random_ cast upward": lambda m: m.empty(3).random_(2**60, None),
    "random_ everything int32": lambda m: m.empty(3, dtype=m.int32).random_(-(2**63), None),
    "random_ everything bool": lambda m: m.empty(3, dtype=m.bool).random_(-(2**63), None),
    "randint order": lambda m: m.randint(5, 3, (2,)),
    "randint uint8": lambda m: m.randint(0, 300, (2,), dtype=m.uint8),
    "randint int32": lambda m: m.randint(2**40, (3,), dtype=m.int32),
    "randint bool": lambda m: m.randint(0, 5, (2,), dtype=m.bool),
    "randint gradient": lambda m: m.randint(5, (2,), requires_grad=True),
    "randperm negative": lambda m: m.randperm(-1),
    "randperm uint8": lambda m: m.randperm(300, dtype=m.uint8),
    "randperm int16": lambda m: m.randperm(70000, dtype=m.int16),
    "randperm half": lambda m: m.randperm(3000, dtype=m.float16),
    "randperm float": lambda m: m.randperm(2**25, dtype=m.float32),
    "randperm bool": lambda m: m.randperm(5, dtype=m.bool),
    "exponential_ zero": lambda m: m.empty(3).exponential_(0),
    "exponential_ nan": lambda m: m.empty(3).exponential_(float("nan")),
    "exponential_ int": lambda m: m.empty(3, dtype=m.int64).exponential_(),
    "geometric_ one": lambda m: m.empty(3).geometric_(1.0),
    "geometric_ bool": lambda m: m.empty(3, dtype=m.bool).geometric_(0.5),
    "log_normal_ zero": lambda m: m.empty(3).log_normal_(0, 0),
    "log_normal_ int": lambda m: m.empty(3, dtype=m.int64).log_normal_(),
    "cauchy_ zero": lambda m: m.empty(3).cauchy_(0, 0),
    "cauchy_ int": lambda m: m.empty(3, dtype=m.int64).cauchy_(),
    "expanded": lambda m: m.ones(1).expand(3).uniform_(),
    "multinomial too many": lambda m: m.multinomial(m.ones(3), 4),
    "multinomial zero": lambda m: m.multinomial(m.zeros(3), 2),
    "multinomial zero replacement": lambda m: m.multinomial(m.zeros(3), 2, True),
    "multinomial negative": lambda m: m.multinomial(-m.ones(3), 2),
    "multinomial negative replacement": lambda m: m.multinomial(-m.ones(3), 2, True),
    "multinomial infinite": lambda m: m.multinomial(m.tensor([1.0, float("inf")]), 2),
    "multinomial infinite replacement": lambda m: m.multinomial(m.tensor([1.0, float("inf")]), 2, True),
    "multinomial nan replacement": lambda m: m.multinomial(m.tensor([1.0, float("nan")]), 2, True),
    "multinomial row": lambda m: m.multinomial(m.tensor([[1.0, 1], [0, 0]]), 2),
    "multinomial none": lambda m: m.multinomial(m.ones(3), 0),
    "multinomial 3-d": lambda m: m.multinomial(m.ones(3, 3, 3), 1),
    "multinomial int": lambda m: m.multinomial(m.ones(3, dtype=m.int64), 1),
    "multinomial out": lambda m: m.multinomial(m.ones(2), 1, out=m.empty(1)),
    "multinomial empty": lambda m: m.multinomial(m.ones(0), 1, True),
    "normal stds": lambda m: m.normal(m.ones(3), -m.ones(3)),
    "normal shapes": lambda m: m.normal(m.ones(3), m.ones(4)),
    "normal std": lambda m: m.normal(m.ones(3), -1),
    "normal sizes std": lambda m: m.normal(0, -1.0, (3,)),
    "normal int": lambda m: m.normal(m.ones(3, dtype=m.int64), 1),
    "dropout p": lambda m: m.nn.functional.dropout(m.ones(3), 1.5),
    "dropout op p": lambda m: m.dropout(m.ones(3), 1.5, True),
    "dropout int": lambda m: m.nn.functional.dropout(m.ones(3, dtype=m.int64)),
    "dropout leaf": lambda m: m.nn.functional.dropout(m.ones(3, requires_grad=True), inplace=True),
    "feature_dropout 1-d": lambda m: m.feature_dropout(m.ones(2), 0.5, True),
    "state size": lambda m: m.Generator().set_state(m.zeros(100, dtype=m.uint8)),
    "state bytes": lambda m: m.Generator().set_state(m.zeros(5056, dtype=m.uint8)),
    "state dtype": lambda m: m.Generator().set_state(m.zeros(5056)),
    "state type": lambda m: m.Generator().set_state(3),
    "rng state dtype": lambda m: m.set_rng_state(m.zeros(3)),
    "seed type": lambda m: m.Generator().manual_seed("a"),
    "seed float": lambda m: m.Generator().manual_seed(1.5),
    "seed large": lambda m: m.Generator().manual_seed(2**64),
    "seed small": lambda m: m.manual_seed(-(2**63) - 1),
    "seed none": lambda m: m.Generator().manual_seed(),
    "offset": lambda m: m.Generator().get_offset(),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch)
    with pytest.raises(Exception) as ours:
        ERRORS[name](tg)
    assert same_exception(ours.value, theirs.value), repr(ours.value)
    assert first_line(ours.value) == first_line(theirs.value)


def test_streams_do_not_repeat_each_other() -> None:
    tg.manual_seed(random.randrange(2**40))
    a, b = to_torch(tg.rand(1000)), to_torch(tg.rand(1000))
    assert not torch.equal(a, b)
