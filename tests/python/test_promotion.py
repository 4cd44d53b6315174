"""Type promotion: every pair of dtypes, as tensor, 0-d tensor and Python number, for every kind of binary operation."""

from __future__ import annotations

import pytest

from tests.python.harness.convert import DTYPES
from tests.python.harness.twin import check

# The right operand: a tensor, a 0-d tensor, of each dtype; a Python number of each kind.
KINDS = {"tensor": "torch.tensor([2, 1, 3]).to(torch.{})", "0-d": "torch.tensor(2).to(torch.{})"}
NUMBERS = {
    "bool": "True",
    "int": "3",
    "negative": "-2",
    "float": "2.5",
    "inf": "float('inf')",
    "nan": "float('nan')",
}
ARITHMETIC = ["+", "-", "*", "/", "//", "%", "**"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
BITWISE = ["&", "|", "^"]
FUNCTIONS = [
    "maximum",
    "minimum",
    "logical_and",
    "logical_or",
    "logical_xor",
    "true_divide",
    "remainder",
    "pow",
]
LEFT = "a = torch.tensor([1, 0, 5]).to(torch.{}); z = torch.tensor(4).to(torch.{})\n"
# Integers divided by zero are an error in both; NaN in integers depends on the machine.


def attempt(expressions: list[str]) -> str:
    """A program that shows each value, or the exception in its place."""
    lines = [
        "def attempt(f):",
        "    try:",
        "        return f()",
        "    except (RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:",
        "        return f'{type(error).__name__}: {str(error).splitlines()[0]}'",
    ]
    return "\n".join(lines + [f"attempt(lambda: {expression})" for expression in expressions])


@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_pairs(left: str, right: str, kind: str) -> None:
    program = LEFT.format(left, left) + f"b = {KINDS[kind].format(right)}\n"
    operations = [f"a {op} b" for op in ARITHMETIC + COMPARISONS + BITWISE]
    operations += [f"z {op} b" for op in ARITHMETIC + COMPARISONS]
    operations += [f"torch.{name}(a, b)" for name in FUNCTIONS]
    operations += [
        "torch.where(a > 0, a, b)",
        "torch.where(a > 0, b, a)",
        "torch.result_type(a, b)",
        "torch.result_type(z, b)",
    ]
    operations += [
        "torch.div(a, b, rounding_mode='floor')",
        "torch.div(a, b, rounding_mode='trunc')",
        "torch.add(a, b, alpha=2)",
    ]
    check(program + attempt(operations))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", NUMBERS)
def test_numbers(dtype: str, number: str) -> None:
    value = NUMBERS[number]
    program = LEFT.format(dtype, dtype)
    finite = number not in ("inf", "nan")
    operations = [f"{x} {op} {value}" for x in "az" for op in ARITHMETIC + COMPARISONS + BITWISE * finite]
    operations += [
        f"{value} {op} {x}" for x in "az" for op in ["+", "-", "*", *COMPARISONS, *BITWISE * finite]
    ]
    operations += [f"{value} {op} (a + 1)" for op in ["/", "//", "%", "**"] if dtype != "bool"]
    operations += [
        f"torch.where(a > 0, a, {value})",
        f"torch.where(a > 0, {value}, a)",
        f"torch.result_type(a, {value})",
    ]
    operations += [
        f"torch.add(a, {value})",
        f"torch.add(a, 1, alpha={value})",
        f"torch.sub(a, a, alpha={value})",
    ]
    operations += [
        f"torch.clamp(a, {value})",
        f"torch.clamp(a, max={value})",
        f"torch.full_like(a, {value})" * finite or "0",
    ]
    check(program + attempt(operations))


@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("left", DTYPES)
def test_in_place(left: str, right: str) -> None:
    """The result must fit the left operand's dtype: a cast to a lower kind is an error."""
    program = (
        LEFT.format(left, left)
        + f"b = {KINDS['tensor'].format(right)}; c = torch.tensor(2).to(torch.{right})\n"
    )
    names = [
        "add_",
        "sub_",
        "mul_",
        "div_",
        "floor_divide_",
        "remainder_",
        "pow_",
        "eq_",
        "lt_",
        "bitwise_and_",
        "copy_",
    ]
    operations = [f"a.clone().{name}({x})" for name in names for x in "bc"]
    operations += [
        "a.clone().mul_(2.5)",
        "a.clone().add_(True)",
        "a.clone().fill_(c)",
        "a.clone().masked_fill_(a > 0, c)",
    ]
    check(program + attempt(operations))


@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("left", DTYPES)
def test_the_tables(left: str, right: str) -> None:
    check(f"torch.promote_types(torch.{left}, torch.{right}); torch.can_cast(torch.{left}, torch.{right})")


@pytest.mark.parametrize("dtype", DTYPES)
def test_unary(dtype: str) -> None:
    names = [
        "exp",
        "sqrt",
        "sin",
        "sigmoid",
        "reciprocal",
        "rsqrt",
        "log1p",
        "erf",
        "tanh",
        "neg",
        "abs",
        "sign",
        "floor",
    ]
    names += [
        "ceil",
        "round",
        "square",
        "logical_not",
        "bitwise_not",
        "isnan",
        "isinf",
        "isfinite",
        "sum",
        "prod",
        "mean",
    ]
    names += [
        "cumsum",
        "max",
        "min",
        "amax",
        "argmax",
        "any",
        "all",
        "std",
        "var",
        "logsumexp",
        "softmax",
        "nn.functional.relu",
    ]
    program = f"a = torch.tensor([1, 0, 5, 3]).to(torch.{dtype})\n"
    operations = [
        f"torch.{n}(a, 0)" if n in ("cumsum", "logsumexp", "softmax") else f"torch.{n}(a)" for n in names
    ]
    operations += [
        f"torch.{n}(a, dtype=torch.{d})"
        for n in ("sum", "prod", "mean")
        for d in ("float64", "int32", "int8")
    ]
    operations += [
        "torch.sum(a, 0)",
        "torch.mean(a, 0)",
        "torch.prod(a, 0)",
        "torch.norm(a)",
        "torch.softmax(a, 0, dtype=torch.float64)",
    ]
    check(program + attempt(operations))


@pytest.mark.parametrize("default", ["float32", "float64", "float16", "bfloat16"])
def test_default_dtype(default: str) -> None:
    operations = [
        "torch.tensor(1.5)",
        "torch.tensor([1, 2]) / 2",
        "torch.zeros(2)",
        "torch.arange(3.)",
        "torch.ones(2, dtype=torch.int8) * 1.5",
    ]
    operations += [
        "torch.tensor([1, 2]).mean()",
        "torch.linspace(0, 1, 3)",
        "torch.full((2,), 1.5)",
        "torch.eye(2)",
        "torch.exp(torch.tensor([1]))",
    ]
    operations += [
        "torch.get_default_dtype()",
        "torch.tensor([True]).float()",
        "torch.empty(2).dtype",
        "torch.randn(3).dtype",
    ]
    check(
        f"torch.set_default_dtype(torch.{default})\n"
        + attempt(operations)
        + "\ntorch.set_default_dtype(torch.float32)"
    )


@pytest.mark.parametrize("value", ["torch.int64", "torch.bool", "'a'", "None"])
def test_default_dtype_must_be_floating(value: str) -> None:
    check(f"torch.set_default_dtype({value})")
