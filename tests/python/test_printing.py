"""Tensors print as PyTorch prints them: every expected text is made by torch while the test runs."""

import importlib
import math

import pytest

torch = pytest.importorskip("torch")
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorgrad

printing = importlib.import_module("tensorgrad._tensor_str")

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
SPECIAL = [
    0.0,
    -0.0,
    math.nan,
    math.inf,
    -math.inf,
    1e-45,
    1e-4,
    9.9995e-5,
    1e8,
    1.0001e8,
    1e38,
    0.99995,
    1000.0,
]


@pytest.fixture(autouse=True)
def default_options():
    """Each test starts and ends with both libraries' default options."""
    for module in (torch, printing):
        module.set_printoptions(profile="default")
    yield
    torch.set_default_dtype(torch.float32)
    for module in (torch, printing):
        module.set_printoptions(profile="default")


def set_both(**options):
    torch.set_printoptions(**options)
    printing.set_printoptions(**options)


def check(tensor):
    assert printing._tensor_str(tensor) == repr(tensor)


@st.composite
def values_of(draw, dtype, count):
    """`count` values from a few kinds of distribution; a small pool repeated, so that big tensors stay cheap."""
    size = min(count, draw(st.integers(1, 40)))
    if dtype == torch.bool:
        pool = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    elif dtype in INTEGERS:
        info = torch.iinfo(dtype)
        bound = draw(st.sampled_from([3, 100, 1 << 20, 1 << 62]))
        numbers = st.integers(max(info.min, -bound), min(info.max, bound))
        pool = draw(st.lists(numbers, min_size=size, max_size=size))
    else:
        kind = draw(st.sampled_from(["unit", "whole", "wide", "any", "special"]))
        numbers = {
            "unit": st.floats(-2, 2),
            "whole": st.integers(-2000, 2000).map(float),
            "wide": st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10), st.integers(-12, 12)),
            "any": st.floats(),
            "special": st.sampled_from(SPECIAL) | st.floats(-5, 5),
        }[kind]
        pool = draw(st.lists(numbers, min_size=size, max_size=size))
    return (pool * (count // max(size, 1) + 1))[:count]


shapes = st.one_of(
    st.just(()),
    st.lists(st.integers(1, 60), min_size=1, max_size=1),
    st.lists(st.integers(1, 12), min_size=2, max_size=3),
    st.lists(st.integers(1, 4), min_size=4, max_size=5),
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
    st.sampled_from([(1001,), (2000,), (40, 40), (7, 8, 30), (6, 200), (1200, 1), (1, 1200), (2, 3, 4, 60)]),
).map(tuple)


@st.composite
def tensors(draw):
    dtype = draw(st.sampled_from([*FLOATS, *FLOATS, *INTEGERS, torch.bool]))
    shape = draw(shapes)
    tensor = torch.tensor(
        draw(values_of(dtype, math.prod(shape))), dtype=torch.float64 if dtype in FLOATS else dtype
    )
    tensor = tensor.to(dtype).reshape(shape)
    if dtype in FLOATS:
        graph = draw(st.sampled_from(["none", "none", "leaf", "node"]))
        tensor.requires_grad_(graph != "none")
        tensor = tensor.clone() if graph == "node" else tensor
    return tensor


option_sets = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 9),
        "threshold": st.sampled_from([0, 5, 100, 1000, math.inf]),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.sampled_from([0, 20, 40, 80, 120, 200]),
        "profile": st.sampled_from(["default", "short", "full"]),
        "sci_mode": st.sampled_from([True, False, None]),
    },
)


def check_default(tensor):
    set_both(profile="default")
    check(tensor)


def check_options(tensor, options):
    set_both(profile="default")
    set_both(**options)
    check(tensor)


def sampled(count):
    return settings(max_examples=count, deadline=None, database=None)


test_default_options = sampled(500)(given(tensors())(check_default))
test_options = sampled(500)(given(tensors(), option_sets)(check_options))
test_default_options_widely = pytest.mark.slow(sampled(20000)(given(tensors())(check_default)))
test_options_widely = pytest.mark.slow(sampled(20000)(given(tensors(), option_sets)(check_options)))


def ours(tensor):
    """The same tensor made by this library: same values, dtype, shape, and as a leaf or not."""
    own = tensorgrad.tensor(
        tensor.detach().flatten().tolist(), dtype=getattr(tensorgrad, str(tensor.dtype)[6:])
    )
    own = own.reshape(tuple(tensor.shape)).requires_grad_(tensor.requires_grad)
    return own.clone() if tensor.grad_fn else own


def check_own(tensor):
    set_both(profile="default")
    expected = repr(tensor)
    own = ours(tensor)
    assert repr(own) == expected
    assert str(own) == expected
    if tensor.dim() == 0:
        assert f"{own}" == f"{tensor}"


test_own_tensors = sampled(500)(given(tensors())(check_own))


@pytest.mark.parametrize(
    "program",
    [
        "x + 1",
        "x.sum()",
        "x[0]",
        "x[1:, None]",
        "x.t()",
        "(x * 2).relu().detach()",
        "x @ x.t()",
        "x.softmax(-1)",
        "x > 0",
        "x.argmax(dim=1)",
        "torch.nn.Parameter(x.detach())",
        "torch.nn.Linear(2, 3).bias.detach().dtype",
        "x.shape",
        "x.device",
        "[x, x.long()]",
        "x.double().exp()",
        "x.half()",
        "x.to(torch.bfloat16).view(-1)",
    ],
)
def test_programs_print_the_same(program):
    texts = []
    for library in (torch, tensorgrad):
        x = library.arange(6.0).sub(2.5).reshape(3, 2).requires_grad_()
        texts.append(repr(eval(program, {"torch": library, "x": x})))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("length", range(1, 30))
def test_suffix_wraps_at_the_same_column(length):
    """The suffixes move to a line of their own exactly where PyTorch moves them."""
    for width in range(1, 9):
        leaf = torch.full((length,), 10.0 ** (width - 1), dtype=torch.float64, requires_grad=True)
        for tensor in (leaf, leaf.detach(), leaf.detach().float().requires_grad_(), leaf.clone(), leaf.sin()):
            check(tensor)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, torch.bool], ids=str)
@pytest.mark.parametrize(
    "shape", [(), (0,), (0, 3), (2, 0, 4), (1,), (3,), (2, 3), (1001,), (1, 2, 3)], ids=str
)
def test_dtypes_and_shapes(dtype, shape):
    check(torch.ones(shape, dtype=dtype))
    check(torch.arange(math.prod(shape)).reshape(shape).to(dtype))


@pytest.mark.parametrize("default", [torch.float32, torch.float64, torch.float16], ids=str)
def test_default_dtype_goes_unsaid(default):
    torch.set_default_dtype(default)
    for dtype in FLOATS:
        check(torch.ones(2, dtype=dtype))
        check(torch.ones(0, dtype=dtype))


def test_views_print_their_elements():
    base = torch.arange(24.0).reshape(4, 6)
    for view in (base.t(), base[::2, 1::2], base.expand(2, 4, 6), torch.rand(60, 50).t()[::2]):
        check(view)


def test_grad_fn_and_classes():
    leaf = torch.rand(3, requires_grad=True)

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, u):
            return u * 2

    class Derived(torch.Tensor):
        pass

    for tensor in (
        leaf,
        leaf + 1,
        leaf[0],
        leaf.view(1, 3),
        Twice.apply(leaf),
        torch.rand(40).as_subclass(Derived),
    ):
        check(tensor)
    parameter = torch.nn.Parameter(torch.rand(3))
    assert "Parameter containing:\n" + printing._tensor_str(parameter) == repr(parameter)


def test_meta_device():
    for tensor in (torch.empty(3, 2, device="meta"), torch.empty(0, 2, dtype=torch.int8, device="meta")):
        check(tensor)


def test_tensor_contents():
    tensor = torch.rand(3, dtype=torch.float64)
    assert printing._tensor_str(tensor, tensor_contents="xx") == tensor.__repr__(tensor_contents="xx")


@pytest.mark.parametrize("spec", ["", ".3f", "10.2e", "5d", ">12"])
@pytest.mark.parametrize("value", [1.5, 3, True, [1.5], float("nan")], ids=str)
def test_format(value, spec):
    tensor = torch.tensor(value)
    try:
        expected = format(tensor, spec)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)) as caught:
            printing.tensor_format(tensor, spec)
        assert str(caught.value) == str(error)
    else:
        if tensor.dim() == 0:
            assert printing.tensor_format(tensor, spec) == expected


def test_options_are_kept_as_torch_keeps_them():
    def torch_options():
        return {name: getattr(torch._tensor_str.PRINT_OPTS, name) for name in printing.get_printoptions()}

    for options in (
        {"precision": 7},
        {"sci_mode": True},
        {"precision": 2},
        {"profile": "short", "precision": 6},
        {"profile": "full"},
        {"profile": "unknown"},
        {"edgeitems": 1, "linewidth": 40, "threshold": 10},
        {"profile": "default"},
    ):
        set_both(**options)
        assert printing.get_printoptions() == torch_options()
    with printing.printoptions(precision=1):
        assert printing.get_printoptions()["precision"] == 1
    assert printing.get_printoptions()["precision"] == 4
