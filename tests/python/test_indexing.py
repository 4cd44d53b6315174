"""Indexing, read and write: each program runs with PyTorch too. Expressions are also made at random."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python.harness.twin import check

SETUP = """
x = torch.arange(120, dtype=torch.float64).view(2, 3, 4, 5)
i = torch.tensor([1, 0, 1]); j = torch.tensor([2, 0, -1]); k = torch.tensor([[0, 1], [3, 2]]); s = torch.tensor(1)
m2 = torch.tensor([True, False]); m3 = torch.tensor([True, False, True]); m23 = torch.tensor([[True, False, True], [False, True, False]])
u8 = torch.tensor([0, 1], dtype=torch.uint8); none = torch.zeros(2, dtype=torch.bool)
e = torch.tensor([], dtype=torch.int64); i32 = torch.tensor([1, 0], dtype=torch.int32); t = torch.tensor(True); f = torch.tensor(False)
"""

READS = """
x[0] | x[-1] | x[1, 2, 3, 4] | x[...] | x[..., 0] | x[:, ..., 1] | x[None] | x[None, ..., None] | x[0, None, 1] | x[()]
x[:] | x[::2] | x[1:] | x[:-1] | x[:, 1:3] | x[:, :, ::2, ::3] | x[5:] | x[3:1] | x[-100:100] | x[:, -2:] | x[0, ::2, None, 1]
x[i] | x[:, j] | x[i, j] | x[i, :, j] | x[:, i, j] | x[..., i] | x[i, ..., j] | x[k % 2] | x[:, :, k] | x[i, j, i] | x[i, j, i, j]
x[:, i, None, j] | x[None, i] | x[i, None, j] | x[0, :, i] | x[:, 0, i] | x[i, 0] | x[i, 1:] | x[0, i, 1:, j] | x[i[:, None], j]
x[s] | x[:, s] | x[s, s] | x[s, i] | x[i, s] | x[[0, 1]] | x[[1]] | x[[0, 1], [2, 0]] | x[:, [2, 0]] | x[([0, 1], [1, 2])] | x[[[0, 1], [1, 0]]]
x[m2] | x[:, m3] | x[m23] | x[m2, 1] | x[m2, :, 1] | x[none] | x[m23, 0] | x[m2, i[:1]] | x[:, m3, None] | x[x > 60] | x[(x > 20) & (x < 40)]
x[True] | x[False] | x[None, True] | x[True, 0] | x[0, True] | x[t] | x[f] | x[t, 1] | x[[True, False]] | x[:, [True, False, True]] | x[...,True]
x[e] | x[:, e] | x[e, e] | x[[]] | x[i32] | x[i32.to(torch.int16)] | x[u8] | x[np.array([0, 1])] | x[np.int64(1)] | x[:, np.array([True, False, True])]
x[range(2)] | x[torch.tensor([[0], [1]]), torch.tensor([0, 2])] | x[slice(None), slice(0, 2)] | x[s:] | x[torch.tensor(0):torch.tensor(2)]
x[0, 0, 0, 0].shape | x[0][1][2] | x.T[0] | x.transpose(1, 3)[i] | x.transpose(0, 3)[:, j] | x[:, ::2][..., i] | x.expand(2, 2, 3, 4, 5)[0, i]
torch.tensor(5)[...] | torch.tensor(5)[None] | torch.tensor(5)[()] | torch.tensor(5)[True] | torch.tensor(5)[t] | torch.tensor(5)[f] | torch.zeros(0, 3)[:, 1] | torch.zeros(0, 3)[e]
x[2] | x[-3] | x[0, 0, 0, 0, 0] | x[..., ...] | x[1.0] | x['a'] | x[::-1] | x[torch.tensor([2])] | x[:, torch.tensor([0, 5])] | x[i, torch.tensor([0, 1])]
x[m3] | x[:, m2] | x[torch.tensor([0.5])] | torch.tensor(5)[0] | x[::0] | x[torch.tensor([True, False, True, True])] | x[None, 5] | x[{}] | x[torch.tensor([-3])]
torch.tensor(5)[:] | x[0:1.5] | x[m23, i, i, i, i] | x[0, 1, 2, 3, None] | x[torch.zeros(2, 2, dtype=torch.bool)] | x[torch.zeros(0, 3)] | x[1+0j]
"""

WRITES = """
x[0] = 5 | x[-1, ..., 1] = -2.5 | x[:, ::2] = 7 | x[...] = 1 | x[None] = 3 | x[()] = 4 | x[1, 2, 3, 4] = torch.tensor(9.) | x[True] = 8 | x[False] = 8
x[:, 1:] = torch.arange(5.) | x[0] = torch.arange(4.)[:, None] | x[:, 0] = x[:, 1] | x[::2, 1, ::2] = torch.ones(1, 2, 1) | x[1:] = x[:1] | x[5:] = 2
x[i] = 6 | x[j % 2] = torch.arange(5.) | x[i, j] = 0 | x[:, j] = torch.arange(20.).view(4, 5) | x[..., i] = -1 | x[i[:2], :, j[:2]] = torch.arange(3.)[:, None]
x[m2] = 1 | x[m23] = torch.arange(5.) | x[x > 60] = 0 | x[x > 60] = x[x > 60] * 2 | x[none] = 3 | x[:, m3] = 4 | x[m2, 0] = torch.arange(5.) | x[x < 0] = torch.zeros(0)
x[e] = 1 | x[[0, 1]] = 3 | x[[]] = 1 | x[i32] = 2 | x[u8] = 5 | x[s] = 5 | x[k % 2] = 5 | x[0, i % 2, 1:] = 4 | x[t] = 3 | x[f] = 3 | x[np.array([0])] = 3
x[0] = torch.arange(5) | x[0] = torch.arange(5, dtype=torch.int8) | x[0] = torch.ones(5, dtype=torch.bool) | x[0] = True | x[m2] = torch.tensor(3) | x[0] = np.float32(3) | x[0, 0, 0] = [1, 2, 3, 4, 5]
x[0] += 1 | x[i] += 1 | x[i, j] *= 2 | x[:, m3] -= 5 | x[m23] /= 2 | x[..., ::2] **= 2 | x[x > 5] += 1 | x.T[0] = 5 | x.transpose(1, 2)[i] = 4 | x[0][1][2] = 7 | x[:, 1][m2] = 3
x[0] = torch.zeros(3) | x[m2] = torch.zeros(3) | x[i] = torch.zeros(2, 3, 4, 5) | x[2] = 1 | x[torch.tensor([2])] = 1 | x[m3] = 1 | x['a'] = 1 | x[0] = 'a' | x[0] = None | x[m23] = torch.zeros(6)
x[i, torch.tensor([0, 1])] = 1 | x[0] = 1j | x[:, torch.tensor([0, 5])] = 1 | x[0, 0, 0, 0, 0] = 1 | x[x > 60] = torch.zeros(3) | x[0] = torch.zeros(1, 1, 1, 1, 5) | x[1:1] = torch.zeros(3, 3)
torch.arange(4)[0:2].fill_(9) | y = torch.arange(6); y[0] = 2.7; y | y = torch.arange(6); y[y > 3] = 2.7; y | y = torch.zeros(3, dtype=torch.bool); y[1] = 5; y | y = torch.tensor(3); y[...] = 5; y | y = torch.tensor(3); y[0] = 5
y = torch.arange(6); y[i] = torch.tensor([1.5, 2.5, 3.5]); y | y = torch.arange(6); y[torch.tensor([0, 2])] = torch.tensor([7, 8], dtype=torch.int32); y | y = torch.zeros(3); y[0] = y; y | y = torch.zeros(3, dtype=torch.uint8); y[0] = -1; y
"""

GRADIENTS = """
x[0] | x[:, 1:, ::2] | x[..., None, 1] | x[i] | x[i, j] | x[i, :, j] | x[m2] | x[m23] | x[x > 60] | x[:, [0, 0, 2]] | x[e] | x[0, i, 1:, j] | x[None, k % 2] | x[s] | x[True] | x[:, 1][i] | x[none]
"""

GRADIENT_WRITES = """
y[0] = 5 | y[0] = v[0] | y[:, ::2] = v[:, :2] | y[i] = v[i] | y[i[:2], j[:2]] = v[0, :2] | y[m2] = v[m2] | y[y > 60] = 0 | y[m23] = v[m23] | y[m23] = v[0, 0] | y[...] = v[0] | y[0][1] = v[0, 0]
y[:, 1] += v[:, 0] | y[i] *= v[i] | y[y > 60] = v[0, 0, 0, 0] | y[:, m3] = v[:, :2] | y[0, 0, 0, 0] = v[1, 1, 1, 1] | y[e] = v[e] | y[s] = v[s] | y[()] = v | y.T[0] = v.T[1]
"""


def cases(text: str) -> list[str]:
    return [case.strip() for line in text.strip().splitlines() for case in line.split(" | ")]


@pytest.mark.parametrize("expression", cases(READS))
def test_read(expression: str) -> None:
    check(SETUP + expression)


@pytest.mark.parametrize("statement", cases(WRITES))
def test_write(statement: str) -> None:
    check(SETUP + statement + "\nx")


@pytest.mark.parametrize("expression", cases(GRADIENTS))
def test_gradient_of_read(expression: str) -> None:
    check(SETUP + f"x.requires_grad_()\ny = {expression}\ny; (y * y).sum().backward(); x.grad")


@pytest.mark.parametrize("statement", cases(GRADIENT_WRITES))
def test_gradient_of_write(statement: str) -> None:
    check(
        SETUP
        + "x.requires_grad_(); v = (torch.arange(120., dtype=torch.float64).view(2, 3, 4, 5) / 7).requires_grad_()\ny = x * 2\n"
        + statement
        + "\ny; (y * y).sum().backward(); x.grad; v.grad"
    )


@pytest.mark.parametrize(
    "dtype", ["float32", "int64", "int32", "int16", "int8", "uint8", "bool", "float16", "bfloat16"]
)
@pytest.mark.parametrize("index", ["1", "1:", "i", "i, j", "m2", "x > 0", ":, ::2", "..., None"])
def test_every_dtype(dtype: str, index: str) -> None:
    check(
        SETUP.replace("float64", "int64")
        + f"x = (x % 7).to(torch.{dtype})\nx[{index}]; x[{index}] = 1; x; x[{index}] = x[{index}]; x"
    )


# Random index expressions over a tensor of shape (3, 4, 2).
SHAPE = (3, 4, 2)
INTEGER = st.integers(-4, 4).map(str)
BOUND = st.one_of(st.just(""), st.integers(-5, 5).map(str))
SLICE = st.builds(lambda a, b, c: f"{a}:{b}:{c}", BOUND, BOUND, st.sampled_from(["", "1", "2", "3"]))


def nested(values: list[Any], shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return str(values)
    step = len(values) // shape[0] if shape[0] else 0
    return (
        "[" + ", ".join(nested(values[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])) + "]"
    )


@st.composite
def integers(draw: Any) -> str:
    shape = draw(st.sampled_from([(1,), (2,), (3,), (2, 1), (1, 3), (2, 2), (0,)]))
    count = 1
    for n in shape:
        count *= n
    values = draw(st.lists(st.integers(-2, 2), min_size=count, max_size=count))
    if 0 in shape:
        return "torch.tensor([], dtype=torch.int64)"
    form = draw(
        st.sampled_from(["torch.tensor({})", "torch.tensor({})", "torch.tensor({}, dtype=torch.int32)", "{}"])
    )
    return form.format(nested(values, shape))


@st.composite
def masks(draw: Any) -> str:
    begin = draw(st.integers(0, 2))
    shape = SHAPE[begin : begin + draw(st.integers(1, 2))]
    count = 1
    for n in shape:
        count *= n
    values = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return f"torch.tensor({nested(values, shape)})"


ITEM = st.one_of(
    INTEGER,
    SLICE,
    SLICE,
    st.just("None"),
    st.just("..."),
    integers(),
    integers(),
    masks(),
    st.sampled_from(["True", "False"]),
)
EXPRESSION = st.lists(ITEM, min_size=1, max_size=4).map(
    lambda items: ", ".join(items) + ("," if len(items) == 1 else "")
)
LAYOUT = st.sampled_from(
    ["", ".transpose(0, 2).contiguous().transpose(0, 2)", "[:, :, :].expand(3, 4, 2).clone()"]
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(EXPRESSION, LAYOUT)
def test_random_read(expression: str, layout: str) -> None:
    check(
        f"x = torch.arange(24., dtype=torch.float64).view(3, 4, 2){layout}.requires_grad_()\n"
        f"y = x[{expression}]\ny; (y * y).sum().backward(); x.grad"
    )


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    EXPRESSION,
    st.sampled_from(["5", "torch.tensor(2)", "torch.arange(2.)", "x[{}] + 1", "x[{}][..., :1]"]),
    LAYOUT,
)
def test_random_write(expression: str, value: str, layout: str) -> None:
    # an index that names a place twice leaves open which value stays, unless all are the same
    if "[{}]" in value and "tensor" in expression or "[[" in expression or "[" in expression:
        value = "5"
    check(
        f"x = torch.arange(24., dtype=torch.float64).view(3, 4, 2){layout}\n"
        f"x[{expression}] = {value.format(expression)}\nx"
    )
