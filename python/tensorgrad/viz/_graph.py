"""The graph as data: boxes for tensors and ops, arrows, and the module calls around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tensorgrad import _C, Tensor
from tensorgrad.nn import Module, Parameter
from tensorgrad.viz._watch import Call, Step, watch

__all__ = ["Box", "Graph", "read_graph"]


class Box:
    """A leaf tensor, or an op with what came out of it."""

    def __init__(self, kind: str, title: str, shapes: list[tuple[tuple[int, ...], str]]) -> None:
        self.kind = kind  # parameter, leaf, input or op
        self.title = title
        self.name = ""  # of the tensor in the program, where it has one
        self.shapes = shapes  # of each output, with its dtype
        self.value: Tensor | None = None
        self.grad: Tensor | None = None
        self.is_output = False
        self.call: Call | None = None  # the module call that it is drawn in


class Graph:
    """Boxes in the order of the ops; arrows are pairs of their numbers."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.arrows: list[tuple[int, int]] = []

    def add(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1


def op_title(node: Any) -> str:
    """How a program writes the op: mul for MulBackward0."""
    name = re.sub(r"Backward\d*$", "", node.name().rsplit(":", 1)[-1])
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return name or node.name()


def named_tensors(names: Any) -> dict[str, Tensor]:
    """Names for tensors, out of a module, or a dict of tensors and modules such as locals()."""
    if names is None:
        return {}
    if isinstance(names, Module):
        return {**dict(names.named_parameters()), **dict(names.named_buffers())}
    if not isinstance(names, Mapping):
        raise TypeError(f"names must be a Module or a dict, but got {type(names).__name__}")
    found: dict[str, Tensor] = {}
    modules = {}
    for name, value in names.items():
        if isinstance(value, Tensor):
            found[str(name)] = value
        elif isinstance(value, Module):
            modules[str(name)] = value
    for name, module in modules.items():
        # A lone model needs no prefix.
        prefix = "" if len(modules) == 1 else f"{name}."
        found.update({prefix + path: tensor for path, tensor in named_tensors(module).items()})
    return found


def _shape_of(tensor: Tensor) -> list[tuple[tuple[int, ...], str]]:
    return [(tuple(tensor.shape), _dtype_name(tensor.dtype))]


def _dtype_name(dtype: Any) -> str:
    return str(dtype).rsplit(".", 1)[-1]


class _Reader:
    def __init__(self, names: Any, watched: watch | None, limit: int) -> None:
        self.graph = Graph()
        self.limit = limit
        self.steps: dict[Any, Step] = {} if watched is None else watched.steps
        known = named_tensors(watched.model if watched is not None and watched.model is not None else None)
        known.update(named_tensors(names))
        self.leaf_names: dict[int, str] = {}
        self.results: dict[tuple[Any, int], tuple[str, Tensor]] = {}
        for name, tensor in known.items():
            if tensor.grad_fn is None:
                self.leaf_names.setdefault(id(tensor), name)
            else:
                self.results.setdefault((tensor.grad_fn, tensor.output_nr), (name, tensor))
        self.buffers = (
            {id(buffer) for buffer in watched.model.buffers()}
            if watched is not None and watched.model is not None
            else set()
        )
        self.tensors: dict[int, int] = {}  # boxes of leaves, by id
        self.kept: list[Tensor] = []  # so that ids stay what they are

    def leaf(self, tensor: Tensor, call: Call | None) -> int:
        if id(tensor) in self.tensors:
            number = self.tensors[id(tensor)]
            box = self.graph.boxes[number]
            box.call = _common(box.call, call)
            return number
        kind = "parameter" if isinstance(tensor, Parameter) else "leaf" if tensor.requires_grad else "input"
        box = Box(kind, kind, _shape_of(tensor))
        box.name = self.leaf_names.get(id(tensor), "")
        box.value, box.grad, box.call = tensor.detach(), tensor.grad, call
        self.kept.append(tensor)
        self.tensors[id(tensor)] = self.graph.add(box)
        return self.tensors[id(tensor)]

    def op(self, node: Any) -> int:
        shapes = [(tuple(shape), _dtype_name(dtype)) for shape, dtype in _C._node_outputs(node)]
        box = Box("op", op_title(node), shapes)
        step = self.steps.get(node)
        if step is not None:
            box.call = step.call
        for number in range(len(shapes)):
            tensor = None
            if (node, number) in self.results:
                box.name, tensor = self.results[node, number]
            elif step is not None and number in step.outputs:
                tensor, version = step.outputs[number]
                if tensor._version != version:  # written since: its value is another's
                    tensor = None
            if tensor is not None and box.value is None:  # of several results the first that is at hand
                box.value = tensor.detach()
                box.grad = tensor.grad if tensor.retains_grad or tensor.is_leaf else None
        return self.graph.add(box)

    def read(self, outputs: list[Tensor]) -> Graph:
        for tensor in outputs:
            if tensor.grad_fn is not None:
                self.results.setdefault((tensor.grad_fn, tensor.output_nr), ("", tensor))
        nodes = self.nodes([tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None])
        numbers: dict[Any, int] = {}
        for node in nodes:
            call = self.steps[node].call if node in self.steps else None
            sources = []
            for before, _ in node.next_functions:
                if before is None:
                    continue
                sources.append(
                    self.leaf(before.variable, call) if hasattr(before, "variable") else numbers[before]
                )
            if node in self.steps:
                for tensor in self.steps[node].inputs:
                    if id(tensor) not in self.buffers:
                        sources.append(self.leaf(tensor, None))  # data stands before the model, not in it
            numbers[node] = self.op(node)
            self.graph.arrows += [(source, numbers[node]) for source in dict.fromkeys(sources)]
        for tensor in outputs:
            number = self.leaf(tensor, None) if tensor.grad_fn is None else numbers[tensor.grad_fn]
            self.graph.boxes[number].is_output = True
        return self.graph

    def nodes(self, roots: Iterable[Any]) -> list[Any]:
        """All ops before the roots, in the order in which they were recorded."""
        found: dict[Any, None] = {}
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node in found:
                continue
            found[node] = None
            if len(found) > self.limit:
                raise ValueError(
                    f"the graph has more than {self.limit} ops; render a part of it, or give a larger max_ops"
                )
            stack += [
                before
                for before, _ in node.next_functions
                if before is not None and not hasattr(before, "variable")
            ]
        return sorted(found, key=lambda node: node._sequence_nr())


def _path(call: Call | None) -> list[Call]:
    calls = []
    while call is not None:
        calls.append(call)
        call = call.parent
    return calls[::-1]


def _common(a: Call | None, b: Call | None) -> Call | None:
    """The innermost call that holds both."""
    common = None
    for one, other in zip(_path(a), _path(b)):
        if one is not other:
            break
        common = one
    return common


def read_graph(outputs: list[Tensor], names: Any, watched: watch | None, limit: int) -> Graph:
    """The graph behind `outputs`."""
    return _Reader(names, watched, limit).read(outputs)
