"""gradcheck and gradgradcheck: what backward computes against finite differences, in double precision.

The numerical derivative is (f(x + eps) - f(x - eps)) / (2 eps), element by element (slow mode), or along one
random
direction, of which one random combination of the outputs is compared (fast mode).
"""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorgrad
from tensorgrad._C import Tensor
from tensorgrad.autograd import grad
from tensorgrad.autograd.function import Function

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """The derivatives are not what they should be."""


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _differentiable(values: Any) -> tuple[Tensor, ...]:
    return tuple(value for value in _as_tuple(values) if isinstance(value, Tensor) and value.requires_grad)


class _Undefined(Function):
    """The identity that sends no gradient back."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None


def _check_inputs(inputs: tuple[Any, ...]) -> None:
    for i, value in enumerate(inputs):
        if not isinstance(value, Tensor) or not value.requires_grad:
            continue
        if value.dtype is not tensorgrad.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This "
                "check will likely fail if all the inputs are not of double precision floating point or "
                "complex. ",
                stacklevel=4,
            )
        if any(step == 0 and size > 1 for step, size in zip(value.stride(), value.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                ".contiguous on the input before passing it to gradcheck."
            )
    if not _differentiable(inputs):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True."
        )


def _same_kind(a: Tensor, b: Tensor, where: str) -> None:
    for what, have, other in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
        if have != other:
            raise AssertionError(
                f"Expected `func` to return outputs with the same {what} when inputs are perturbed {where}, "
                "but "
                f"got: {what}s {have} and {other}."
            )


@dataclass
class _Check:
    func: Callable[..., Any]
    inputs: tuple[Any, ...]
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_grad_dtypes: bool

    def run(self, fast: bool, undefined: bool) -> bool:
        self.results = _as_tuple(self.func(*self.inputs))
        self.outputs = _differentiable(self.results)
        self.wanted = _differentiable(self.inputs)
        if not self.outputs:
            self.no_gradient()
        elif fast:
            self.compare_fast()
        else:
            self.compare_slow()
        self.linear_in_upstream()
        if undefined:
            self.undefined_upstream()
        return True

    def results_at(self, places: Tensor, original: Tensor, step: Any, eps: float) -> tuple[Tensor, ...]:
        places.copy_(original + step * eps)
        results = tuple(result.clone() for result in _as_tuple(self.func(*self.inputs)))
        places.copy_(original)
        return results

    def numerical(self, places: Tensor, step: Any, where: str) -> tuple[Tensor, ...]:
        """The derivatives of all results along `step`, which `places`, memory of an input, is moved by."""
        original = places.clone()
        low = self.results_at(places, original, step, -self.eps)
        high = self.results_at(places, original, step, self.eps)
        for a, b in zip(low, high):
            _same_kind(a, b, where)
        return tuple(((b - a) / (2 * self.eps)).detach().reshape(-1) for a, b in zip(low, high))

    def numerical_jacobians(self) -> list[list[Tensor]]:
        """[input][result]: a row per element of the input, a column per element of the result."""
        found = []
        for value in self.wanted:
            memory = value.data  # its own version count: perturbing is no write that backward notices
            rows: list[list[Tensor]] = [[] for _ in self.results]
            for flat in range(value.numel()):
                index = _unravel(flat, value.shape)
                derivatives = self.numerical(memory[index], 1.0, f"on index {index} by {self.eps}")
                for row, derivative in zip(rows, derivatives):
                    row.append(derivative)
            found.append(
                [
                    tensorgrad.stack(row).to(value.dtype) if row else result.new_zeros((0, result.numel()))
                    for row, result in zip(rows, self.results)
                ]
            )
        return found

    def no_gradient(self) -> None:
        for jacobians in self.numerical_jacobians():
            if any(bool(jacobian.ne(0).any()) for jacobian in jacobians):
                raise GradcheckError("Numerical gradient for function expected to be zero")

    def rows(self, output: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
        """Per input: the gradients for each upstream gradient, as columns."""
        columns: list[list[Tensor]] = [[] for _ in self.wanted]
        for weight in weights:
            grads = grad(output, self.wanted, weight, retain_graph=True, allow_unused=True)
            for column, value, have in zip(columns, self.wanted, grads):
                if have is not None and have.shape != value.shape:
                    raise GradcheckError("Analytical gradient has incorrect size")
                if have is not None and have.dtype != value.dtype and self.check_grad_dtypes:
                    raise GradcheckError("Gradient has dtype mismatch")
                have = tensorgrad.zeros_like(value) if have is None else have.clone()
                column.append(have.to(value.dtype).reshape(-1))
        return [
            tensorgrad.stack(column, 1) if column else value.new_zeros((value.numel(), 0))
            for column, value in zip(columns, self.wanted)
        ]

    def analytical(self, output: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
        first, second = (self.rows(output.clone(), weights) for _ in range(2))
        for a, b in zip(first, second):
            if a.numel() and (a - b).abs().max().item() > self.nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output "
                    "multiple "
                    "times gives different values, although analytical gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {self.nondet_tol}."
                )
        return first

    def basis(self, output: Tensor) -> list[Tensor]:
        flat = tensorgrad.eye(output.numel(), dtype=output.dtype, device=output.device)
        return [flat[i].view(output.shape) for i in range(output.numel())]

    def agree(self, a: Tensor, b: Tensor, atol: float) -> bool:
        common = tensorgrad.promote_types(a.dtype, b.dtype)
        return tensorgrad.allclose(a.to(common), b.to(common), self.rtol, atol)

    def compare_slow(self) -> None:
        numerical = self.numerical_jacobians()
        kept = [i for i, result in enumerate(self.results) if result.requires_grad]
        for i, output in enumerate(self.outputs):
            for j, have in enumerate(self.analytical(output, self.basis(output))):
                expected = numerical[j][kept[i]]
                if not self.agree(have, expected, self.atol):
                    raise GradcheckError(_mismatch(have, expected, i, j))

    def compare_fast(self) -> None:
        generator = tensorgrad.Generator()

        def direction(value: Tensor) -> Tensor:
            vector = tensorgrad.rand(value.numel(), generator=generator).to(value.device, value.dtype)
            return vector / vector.norm()

        steps = [direction(value) for value in self.wanted]
        weights = [direction(output) for output in self.outputs]
        expected = []
        for value, step in zip(self.wanted, steps):
            along = self.numerical(value.data, step.view(value.shape), f"by {self.eps}")
            kept = [
                derivative for derivative, result in zip(along, self.results) if result.is_floating_point()
            ]
            expected.append([(weight * derivative).sum() for weight, derivative in zip(weights, kept)])
        for j, output in enumerate(self.outputs):
            columns = self.analytical(output, [weights[j].view(output.shape)])
            for i, (column, step) in enumerate(zip(columns, steps)):
                have, wanted = column[:, 0].dot(step), expected[i][j]
                atol = self.atol * step.sum().item() * weights[j].sum().item()
                if not self.agree(have, wanted, atol):
                    raise GradcheckError(_mismatch(have, wanted, j, i) + self.slow_report(i, j))

    def slow_report(self, i: int, j: int) -> str:
        kept = [k for k, result in enumerate(self.results) if result.requires_grad]
        numerical = self.numerical_jacobians()[i][kept[j]]
        analytical = self.rows(self.outputs[j], self.basis(self.outputs[j]))[i]
        return (
            "\nThe above is of one random direction (fast mode). The whole Jacobians:\n\n"
            f"Numerical:\n {numerical}\nAnalytical:\n{analytical}\n\n"
            f"The max per-element difference (slow mode) is: {(numerical - analytical).abs().max()}.\n"
        )

    def linear_in_upstream(self) -> None:
        """Zeros go in, so zeros come out."""
        if not self.outputs:
            return
        zeros = [tensorgrad.zeros_like(output) for output in self.outputs]
        for have, value in zip(grad(self.outputs, self.wanted, zeros, allow_unused=True), self.wanted):
            if have is None:
                continue
            if not bool(have.eq(0).all()):
                raise GradcheckError("backward not multiplied by grad_output")
            for what in ("dtype", "device", "shape"):
                if getattr(have, what) != getattr(value, what):
                    name = {"dtype": "type", "shape": "size"}.get(what, what)
                    raise GradcheckError(f"grad is incorrect {name}")

    def undefined_upstream(self) -> None:
        """No gradient for all outputs, and for each of several."""
        count = len(self.outputs)
        for hidden in [set(range(count)), *({i} for i in range(count) if count > 1)]:
            outputs = _differentiable(self.func(*self.inputs))
            outputs = tuple(_Undefined.apply(o) if i in hidden else o for i, o in enumerate(outputs))
            zeros = [tensorgrad.zeros_like(output) for output in outputs]
            if not outputs:
                return
            try:
                grads = grad(outputs, self.wanted, zeros, allow_unused=True)
            except RuntimeError as error:
                _warn_of_undefined()
                raise GradcheckError(
                    "Expected backward function to handle undefined output grads. Please look at "
                    '"Notes about undefined output gradients" in "tools/autograd/derivatives.yaml"'
                ) from error
            if any(have is not None and not bool(have.eq(0).all()) for have in grads):
                _warn_of_undefined()
                raise GradcheckError(
                    "Expected all input grads to be undefined or zero when all output grads are undefined or "
                    'zero. Please look at "Notes about undefined output gradients" in '
                    '"tools/autograd/derivatives.yaml"'
                )


def _unravel(flat: int, shape: Sequence[int]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        index.append(place)
    return tuple(reversed(index))


def _mismatch(analytical: Tensor, numerical: Tensor, output: int, value: int) -> str:
    return (
        f"Jacobian mismatch for output {output} with respect to input {value},\n"
        f"numerical:{numerical}\nanalytical:{analytical}\n"
    )


def _warn_of_undefined() -> None:
    warnings.warn(
        "Backwards compatibility: New undefined gradient support checking feature is enabled by default, but "
        "it "
        "may break existing callers of this function. If this is true for you, you can call this function "
        "with "
        '"check_undefined_grad=False" to disable the feature',
        stacklevel=5,
    )


def _refuse(name: str, **options: bool) -> None:
    for option, on in options.items():
        if on:
            raise NotImplementedError(f"{name}(): {option}=True is not supported")


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """True if the gradients of `func` are those of finite differences: |a - n| <= atol + rtol |n|.

    func: takes `inputs` and returns tensors; checked for the inputs that require gradients, best float64.
    raise_exception: GradcheckError where they differ; else False.
    nondet_tol: how far two runs of the same backward may differ.
    check_undefined_grad: backward must take missing gradients of outputs for zeros.
    fast_mode: one random direction instead of whole Jacobians.
    Forward mode and batched gradients are refused.
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    _refuse("gradcheck", check_batched_grad=check_batched_grad, check_forward_ad=check_forward_ad)
    try:
        values = _as_tuple(inputs)
        _check_inputs(values)
        check = _Check(func, values, eps, atol, rtol, nondet_tol, check_grad_dtypes)
        return check.run(fast_mode, check_undefined_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """gradcheck() of the gradient of `func`, by its inputs and by the upstream gradients.

    grad_outputs: the upstream gradients; random numbers in [-1, 1) where not given.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_undefined_grad=True requires check_rev_over_rev to be True")
    if check_batched_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_batched_grad=True requires check_rev_over_rev to be True")
    _refuse("gradgradcheck", check_batched_grad=check_batched_grad, check_fwd_over_rev=check_fwd_over_rev)
    values = _as_tuple(inputs)
    if grad_outputs is None:
        upstream = tuple(
            _random_like(output, gen_non_contig_grad_outputs) for output in _differentiable(func(*values))
        )
    else:
        upstream = _as_tuple(grad_outputs)

    def gradient(*args: Any) -> Any:
        given, weights = args[: len(values)], args[len(values) :]
        wanted = _differentiable(given)
        grads = grad(_differentiable(func(*given)), wanted, weights, create_graph=True, allow_unused=True)
        return tuple(value for value in grads if value is not None)

    return gradcheck(
        gradient,
        values + upstream,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        fast_mode=fast_mode,
    )


def _random_like(output: Tensor, scattered: bool) -> Tensor:
    if scattered and output.dim():
        twice = tensorgrad.empty((*output.shape[:-1], 2 * output.shape[-1]), dtype=output.dtype)
        return twice.uniform_(-1, 1)[..., ::2].requires_grad_()
    return tensorgrad.empty(output.shape, dtype=output.dtype).uniform_(-1, 1).requires_grad_()


class _Module(types.ModuleType):
    """`autograd.gradcheck` is this module or its function, by the order of imports: both can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> bool:
        return gradcheck(*args, **kwargs)


sys.modules[__name__].__class__ = _Module
