"""Derivatives of functions of tensors: products with the Jacobian and the Hessian, and both as a whole.

Every function takes `func` and its inputs (a tensor or a tuple), and leaves `.grad` fields alone. With
`create_graph` the results are differentiable; with `strict` an output that does not depend on an input is an
error instead of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorgrad
from tensorgrad import _C
from tensorgrad._C import Tensor
from tensorgrad.autograd import enable_grad, grad, set_grad_enabled

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_OUTPUTS = "outputs of the user-provided function"
_MODE = "This is not allowed in strict mode"


def _tuple_of_tensors(value: Any, what: str, function: str) -> tuple[Any, ...]:
    many = isinstance(value, tuple)
    for i, item in enumerate(value if many else (value,)):
        if not isinstance(item, Tensor):
            which = f"value at index {i}" if many else f"given {what}"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but the "
                f"{which} "
                f"has type {type(item)}."
            )
    return value if many else (value,)


class _Call:
    """One call of the user's function: its name in texts, the inputs made ready, the outputs."""

    def __init__(
        self, name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool
    ) -> None:
        self.name = name
        self.func = func
        self.create_graph = create_graph
        self.strict = strict
        self.many_inputs = isinstance(inputs, tuple)
        self.inputs = self.fresh(_tuple_of_tensors(inputs, "inputs", name), True)

    def fresh(self, tensors: Sequence[Tensor], requires_grad: bool) -> tuple[Tensor, ...]:
        """New tensors, so that the function's arguments are told from what it captured."""
        return tuple(
            t.view_as(t)
            if self.create_graph and t.requires_grad
            else t.detach().requires_grad_(requires_grad)
            for t in tensors
        )

    def run(self) -> tuple[Tensor, ...]:
        outputs = self.func(*self.inputs)
        self.many_outputs = isinstance(outputs, tuple)
        self.outputs = _tuple_of_tensors(outputs, _OUTPUTS, self.name)
        self.check_outputs(self.outputs)
        return self.outputs

    def check_outputs(self, outputs: Sequence[Tensor]) -> None:
        for i, output in enumerate(outputs):
            if self.strict and not output.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must "
                    "be "
                    "computed in a differentiable manner from the input when running in strict mode."
                )

    def run_scalar(self) -> tuple[Tensor, ...]:
        (*_, output) = outputs = self.run()
        if self.many_outputs:
            raise RuntimeError(f"The function given to {self.name} should return a single Tensor")
        if output.numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {self.name} should contain a single element"
            )
        return outputs

    def vector(self, v: Any, like: Sequence[Tensor], many: bool, needed_unless: str) -> Any:
        """v made ready and compared with what it multiplies."""
        if v is None:
            if len(like) != 1 or like[0].numel() != 1:
                raise RuntimeError(f"The vector v can only be None if {needed_unless}.")
            return None
        ready = self.fresh(_tuple_of_tensors(v, "v", self.name), False)
        if len(ready) != len(like):
            if many:
                raise RuntimeError(
                    f"v is a tuple of invalid length: should be {len(like)} but got {len(ready)}."
                )
            raise RuntimeError("The given v should contain a single Tensor.")
        for i, (have, want) in enumerate(zip(ready, like)):
            if have.shape != want.shape:
                entry = f"Entry {i} in " if many else ""
                raise RuntimeError(f"{entry}v has invalid size: should be {want.shape} but got {have.shape}.")
        return ready

    def input_vector(self, v: Any) -> Any:
        return self.vector(
            v,
            self.inputs,
            self.many_inputs,
            "the input to the user-provided function is a single Tensor with a single element",
        )

    def gradients(
        self, outputs: Any, inputs: Any, v: Any = None, graph: bool | None = None
    ) -> tuple[Any, ...]:
        graph = self.create_graph if graph is None else graph
        pairs = [
            (output, None if v is None else v[i])
            for i, output in enumerate(outputs)
            if output is not None and output.requires_grad
        ]
        if not pairs:
            return (None,) * len(inputs)
        return grad(
            [output for output, _ in pairs],
            inputs,
            [weight for _, weight in pairs],
            allow_unused=True,
            create_graph=graph,
            retain_graph=True if graph else None,
        )

    def filled(self, grads: Any, like: Sequence[Tensor], missing: str, constant: str) -> tuple[Tensor, ...]:
        """Zeros for None; in strict mode, the errors."""
        found = []
        for i, (value, reference) in enumerate(zip(grads, like)):
            if value is None:
                if self.strict:
                    raise RuntimeError(missing.format(i))
                value = tensorgrad.zeros_like(reference)
            elif self.strict and self.create_graph and not value.requires_grad:
                raise RuntimeError(
                    f"The {constant} of the user-provided function is independent of input {i}. {_MODE} when "
                    "create_graph=True."
                )
            found.append(value)
        return tuple(found)

    def check_second(self, first: Sequence[Any], text: str) -> None:
        """In strict mode: every first derivative exists and depends on the inputs."""
        for i, value in enumerate(first if self.strict else ()):
            if value is None:
                raise RuntimeError(
                    f"The output of the user-provided function is independent of input {i}. {_MODE}."
                )
            if not value.requires_grad:
                raise RuntimeError(text.format(i))

    def done(self, values: Any, many: bool) -> Any:
        """As the user gave or gets them: a tensor or a tuple, with history only where asked for."""
        values = tuple(values) if self.create_graph else tuple(value.detach() for value in values)
        return values if many else values[0]


_INDEPENDENT = f"The output of the user-provided function is independent of input {{}}. {_MODE}."
_LINEAR = (
    "While computing the hessian, found that the jacobian of the user-provided function with respect to "
    "input {} "
    f"is independent of the input. {_MODE}. You should ensure that your function is twice differentiable and "
    "that the jacobian depends on the inputs (this would be violated by a linear function for example)."
)


def vjp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(outputs, v^T J): the product of a vector, shaped as the outputs, with the Jacobian."""
    with enable_grad():
        call = _Call("vjp", func, inputs, create_graph, strict)
        outputs = call.run()
        v = call.vector(
            v,
            outputs,
            call.many_outputs,
            "the user-provided function returns a single Tensor with a single element",
        )
    with set_grad_enabled(create_graph or _C.is_grad_enabled()):
        grads = call.gradients(outputs, call.inputs, v)
        product = call.filled(grads, call.inputs, _INDEPENDENT, "jacobian")
    return call.done(outputs, call.many_outputs), call.done(product, call.many_inputs)


def jvp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(outputs, J v): the product of the Jacobian with a vector, shaped as the inputs.

    A backward of the backward: u -> u^T J is linear in u, and its derivative in the direction v is J v.
    """
    with enable_grad():
        call = _Call("jvp", func, inputs, create_graph, strict)
        v = call.input_vector(v)
        outputs = call.run()
        upstream = tuple(tensorgrad.zeros_like(output, requires_grad=True) for output in outputs)
        back = call.gradients(outputs, call.inputs, upstream, graph=True)
        call.check_second(
            back,
            "The gradient with respect to input {} is independent of the inputs of the user-provided "
            "function. "
            f"{_MODE}.",
        )
    with set_grad_enabled(create_graph or _C.is_grad_enabled()):
        product = call.filled(
            call.gradients(back, upstream, v),
            outputs,
            "The gradient with respect to the input is independent of entry {} in the grad_outputs when "
            "using "
            f"the double backward trick to compute forward mode gradients. {_MODE}.",
            "jacobian",
        )
    return call.done(outputs, call.many_outputs), call.done(product, call.many_outputs)


def _basis(outputs: Sequence[Tensor]) -> Iterator[tuple[int, Tensor]]:
    """Every element of every output, with the number of its output."""
    for i, output in enumerate(outputs):
        flat = output.reshape(-1)
        for j in range(output.numel()):
            yield i, flat[j]


def jacobian(
    func: Any,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """J[i][j]: the derivatives of output i by input j, of shape `output.shape + input.shape`.

    One backward per element of the outputs, with `vectorize` too. The strategy "forward-mode" is refused.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has '
            'more outputs than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use '
            '"reverse-mode".'
        )
    if strategy == "forward-mode":
        raise NotImplementedError('jacobian(): strategy="forward-mode" is not supported')
    with enable_grad():
        call = _Call("jacobian", func, inputs, create_graph, strict)
        outputs = call.run()
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported "
                "together. Please either set `strict=False` or `vectorize=False`."
            )
        rows: list[list[list[Tensor]]] = [[[] for _ in call.inputs] for _ in outputs]
        for i, element in _basis(outputs):
            unused = [None] * len(call.inputs)
            grads = (
                grad(element, call.inputs, retain_graph=True, create_graph=create_graph, allow_unused=True)
                if element.requires_grad
                else unused
            )
            for j, (value, given) in enumerate(zip(grads, call.inputs)):
                if value is None and strict:
                    raise RuntimeError(
                        f"Output {i} of the user-provided function is independent of input {j}. {_MODE}."
                    )
                if value is not None and strict and create_graph and not value.requires_grad:
                    raise RuntimeError(
                        f"The jacobian of the user-provided function is independent of input {i}. {_MODE} "
                        "when "
                        "create_graph=True."
                    )
                rows[i][j].append(tensorgrad.zeros_like(given) if value is None else value)
        result = tuple(
            call.done(
                (
                    tensorgrad.stack(row).view(output.shape + given.shape)
                    for row, given in zip(of_output, call.inputs)
                ),
                call.many_inputs,
            )
            for of_output, output in zip(rows, outputs)
        )
    return result if call.many_outputs else result[0]


def hessian(
    func: Any,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """H[i][j]: the second derivatives of a scalar by inputs i and j, of shape
    `input_i.shape + input_j.shape`."""
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    many = isinstance(inputs, tuple)
    inputs = _tuple_of_tensors(inputs, "inputs", "hessian")

    def scalar(*args: Any) -> Tensor:
        call = _Call("hessian", func, args, True, strict)
        call.inputs = args
        return call.run_scalar()[0].squeeze()

    def first(*args: Any) -> Any:
        derivatives = jacobian(scalar, args, create_graph=True)
        if strict:
            for i, value in enumerate(derivatives):
                if not value.requires_grad:
                    raise RuntimeError(_LINEAR.format(i))
        return derivatives

    result = jacobian(first, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return result if many else result[0][0]


def vhp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, v^T H): the product of a vector, shaped as the inputs, with the Hessian of a scalar."""
    with enable_grad():
        call = _Call("vhp", func, inputs, create_graph, strict)
        v = call.input_vector(v)
        outputs = call.run_scalar()
        first = call.gradients(outputs, call.inputs, graph=True)
        call.check_second(first, _LINEAR)
    with set_grad_enabled(create_graph or _C.is_grad_enabled()):
        product = call.filled(
            call.gradients(first, call.inputs, v),
            call.inputs,
            f"The jacobian of the user-provided function is independent of input {{}}. {_MODE}.",
            "hessian",
        )
    return call.done(outputs, call.many_outputs), call.done(product, call.many_inputs)


def hvp(func: Any, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(output, H v): the product of the Hessian of a scalar with a vector, shaped as the inputs.

        As in jvp(), a backward of the backward, here of the gradient. H is symmetric, so that vhp() gives the
    same
        for less.
    """
    with enable_grad():
        call = _Call("hvp", func, inputs, create_graph, strict)
        v = call.input_vector(v)
        outputs = call.run_scalar()
        first = call.gradients(outputs, call.inputs, graph=True)
        call.check_second(first, _LINEAR)
        upstream = tuple(tensorgrad.zeros_like(value, requires_grad=True) for value in call.inputs)
        second = call.gradients(first, call.inputs, upstream, graph=True)
    with set_grad_enabled(create_graph or _C.is_grad_enabled()):
        product = call.filled(
            call.gradients(second, upstream, v),
            call.inputs,
            "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. "
            f"{_MODE} as it prevents from using the double backward trick to replace forward mode AD.",
            "hessian",
        )
    return call.done(outputs, call.many_outputs), call.done(product, call.many_inputs)
