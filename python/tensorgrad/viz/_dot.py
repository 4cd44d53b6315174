"""A Graph as text in graphviz's language."""

from __future__ import annotations

import html
import math
from typing import Any

from tensorgrad import Tensor
from tensorgrad.viz._graph import Box, Graph
from tensorgrad.viz._watch import Call

__all__ = ["to_dot"]

FONT = "DejaVu Sans,Verdana,Helvetica,sans-serif"
MONO = "DejaVu Sans Mono,Menlo,monospace"
INK, PALE = "#1f2933", "#7b8794"
# Fill and border of each kind of box.
COLORS = {
    "parameter": ("#e3eefb", "#2b6cb0"),
    "leaf": ("#fdf1d8", "#b7791f"),
    "input": ("#e5f5ea", "#2f855a"),
    "op": ("#ffffff", "#52606d"),
    "output": ("#fde8e8", "#c53030"),
}
LEGEND = {
    "input": "data",
    "parameter": "parameter",
    "leaf": "other leaf",
    "op": "operation",
    "output": "result",
}
POSITIVE, NEGATIVE = (246, 173, 85), (99, 179, 237)  # of the largest cell of a table


def _text(text: str, size: int = 11, color: str = INK, bold: bool = False, face: str = "") -> str:
    body = html.escape(text)
    if bold:
        body = f"<B>{body}</B>"
    family = f' FACE="{face}"' if face else ""
    return f'<FONT POINT-SIZE="{size}" COLOR="{color}"{family}>{body}</FONT>'


def _number(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 0.005 <= abs(value) < 1000:
        return f"{value:.2f}"
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _shade(value: Any, largest: float) -> str:
    if isinstance(value, bool) or not isinstance(value, float) or not math.isfinite(value) or largest == 0:
        return "#ffffff"
    strength = min(1.0, abs(value) / largest) ** 0.7
    color = POSITIVE if value > 0 else NEGATIVE
    return "#" + "".join(f"{round(255 + (part - 255) * strength):02x}" for part in color)


def _grid(tensor: Tensor) -> str:
    """A small tensor's elements as shaded cells."""
    rows = tensor.reshape(-1, tensor.shape[-1] if tensor.dim() else 1).tolist()
    side = "RIGHT" if tensor.numel() > 1 else "CENTER"
    sizes = [abs(x) for row in rows for x in row if isinstance(x, float) and math.isfinite(x)]
    largest = max(sizes, default=0.0)

    def cell(value: Any) -> str:
        text = _text(_number(value), 9, face=MONO)
        return f'<TD BGCOLOR="{_shade(value, largest)}" ALIGN="{side}">{text}</TD>'

    cells = "".join(f"<TR>{''.join(map(cell, row))}</TR>" for row in rows)
    return f'<TABLE CELLBORDER="1" COLOR="#cbd2d9" BORDER="0" CELLSPACING="0" CELLPADDING="3">{cells}</TABLE>'


def _summary(tensor: Tensor) -> str:
    """A large tensor in two lines."""
    values = tensor.double()
    low, high, mean = values.min().item(), values.max().item(), values.mean().item()
    spread = values.std(correction=0).item()
    return (
        _text(f"{_number(low)} … {_number(high)}", 9, face=MONO)
        + "<BR/>"
        + _text(f"mean {_number(mean)}  std {_number(spread)}", 9, PALE, face=MONO)
    )


def _content(tensor: Tensor | None, max_elements: int) -> str:
    if tensor is None or tensor.numel() == 0 or tensor.dtype.is_complex:
        return ""
    small = (
        tensor.numel() <= max_elements and tensor.dim() <= 2 and (tensor.dim() == 0 or tensor.shape[-1] <= 8)
    )
    return _grid(tensor) if small else _summary(tensor)


def _shape(shape: tuple[int, ...], dtype: str) -> str:
    size = "×".join(map(str, shape)) if shape else "scalar"  # noqa: RUF001
    return size if dtype == "float32" else f"{size} {dtype}"


def _label(box: Box, caption: str, values: bool, max_elements: int) -> str:
    title = _text(_inside(box.name, box.call), 12, bold=True) if box.name else ""
    if box.kind == "op":
        op = _text(caption or box.title, 12, bold=not box.name)
        if caption and box.title.replace("_", "") not in caption.lower():
            op += _text(f"  {box.title}", 9, PALE)
        title = title + _text(" = ", 12) + op if title else op
    elif not title:
        title = _text(LEGEND[box.kind], 12, bold=True)
    shapes = ", ".join(_shape(*each) for each in box.shapes)
    rows = [f'<TR><TD COLSPAN="2">{title}  {_text(shapes, 10, PALE)}</TD></TR>']
    if values:
        value, grad = _content(box.value, max_elements), _content(box.grad, max_elements)
        if value and grad:
            heads = f"<TD>{_text('value', 8, PALE)}</TD><TD>{_text('gradient', 8, PALE)}</TD>"
            rows += [
                f"<TR>{heads}</TR>",
                f'<TR><TD CELLPADDING="3">{value}</TD><TD CELLPADDING="3">{grad}</TD></TR>',
            ]
        elif value or grad:
            if grad:
                rows.append(f'<TR><TD COLSPAN="2">{_text("gradient", 8, PALE)}</TD></TR>')
            rows.append(f'<TR><TD COLSPAN="2">{value or grad}</TD></TR>')
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>'


def call_title(call: Call) -> str:
    """0: Linear(in_features=2, out_features=3), without the modules inside."""
    details = "" if call.module._modules else call.module.extra_repr()
    if len(details) > 40 and ", " in details[:40]:
        details = details[: details.rindex(", ", 0, 40)] + ", …"
    kind = type(call.module).__name__ + (f"({details})" if details else "")
    path = _inside(call.path, call.parent)
    return f"{path}: {kind}" if path else kind


def _inside(path: str, call: Call | None) -> str:
    """A path of a module or tensor, as seen from inside the call that it is drawn in."""
    return path.removeprefix(f"{call.path}.") if call is not None and call.path else path


class _Scope:
    """A module call with what is drawn in it."""

    def __init__(self, call: Call | None) -> None:
        self.call = call
        self.inner: list[_Scope] = []
        self.boxes: list[int] = []


def _scopes(graph: Graph) -> _Scope:
    known: dict[int, _Scope] = {id(None): _Scope(None)}
    for number, box in enumerate(graph.boxes):
        _scope_of(box.call, known).boxes.append(number)
    return known[id(None)]


def _scope_of(call: Call | None, known: dict[int, _Scope]) -> _Scope:
    if id(call) not in known:
        known[id(call)] = _Scope(call)
        _scope_of(call.parent if call is not None else None, known).inner.append(known[id(call)])
    return known[id(call)]


def _ranks(graph: Graph) -> list[tuple[int, int]]:
    """Pairs of boxes, the first to stand above the second: a module's parameters come after what flows into
    the module, so that its frame stands below the frame of the module before."""
    sources: dict[int, list[int]] = {}
    first_use: dict[int, int] = {}
    for source, target in graph.arrows:
        sources.setdefault(target, []).append(source)
        first_use.setdefault(source, target)
    pairs = []
    for target, before in sources.items():
        framed = [
            number for number in before if graph.boxes[number].kind != "op" and graph.boxes[number].call
        ]
        outside = [number for number in before if number not in framed]
        pairs += [(a, b) for b in framed if first_use[b] == target for a in outside]
    return pairs


class _Boxes:
    """The lines that draw boxes, and frames around those of a module call."""

    def __init__(self, graph: Graph, values: bool, max_elements: int) -> None:
        self.graph = graph
        self.values = values
        self.max_elements = max_elements
        self.lines: list[str] = []
        self.frames = 0

    def draw(self, scope: _Scope, caption: str = "") -> None:
        for number in scope.boxes:
            box = self.graph.boxes[number]
            fill, border = COLORS["output" if box.is_output else box.kind]
            group = ', group="stem"' if box.kind == "op" else ""
            label = _label(box, caption, self.values, self.max_elements)
            self.lines.append(f'b{number} [label=<{label}>, fillcolor="{fill}", color="{border}"{group}]')
        for inner in scope.inner:
            title = call_title(inner.call) if inner.call is not None else ""
            if not inner.inner and len(inner.boxes) == 1:
                self.draw(inner, title)  # a frame around one box would say no more than its title
                continue
            self.frames += 1
            fill = "#f5f7fa" if self.frames % 2 else "#eceff3"
            self.lines += [
                f"subgraph cluster{self.frames} {{",
                f'graph [label=<{_text(title, 11, INK)}>, labeljust=l, style="rounded,filled",'
                f' fillcolor="{fill}", color="#cbd2d9", margin=10]',
            ]
            self.draw(inner)
            self.lines.append("}")


def to_dot(graph: Graph, values: bool, max_elements: int, direction: str, legend: bool) -> str:
    """The text; `direction` is TB (downwards), LR, BT or RL."""
    boxes = _Boxes(graph, values, max_elements)
    boxes.draw(_scopes(graph))
    lines = [
        "digraph tensorgrad {",
        f'graph [rankdir={direction}, bgcolor="white", fontname="{FONT}", fontsize=11, fontcolor="{INK}",'
        " nodesep=0.3, ranksep=0.35, pad=0.3, newrank=true]",
        f'node [shape=box, style="rounded,filled", fontname="{FONT}", margin="0.06,0.04", penwidth=1.3]',
        f'edge [color="{PALE}", arrowsize=0.7, penwidth=1.2]',
        *boxes.lines,
    ]
    for source, target in graph.arrows:
        # Chains of ops are drawn straight; what they read stands beside them.
        is_stem = graph.boxes[source].kind == "op"
        lines.append(f"b{source} -> b{target}" + (" [weight=20]" if is_stem else ""))
    lines += [f"b{above} -> b{below} [style=invis, weight=0]" for above, below in _ranks(graph)]
    if legend:
        kinds = {"output" if box.is_output else box.kind for box in graph.boxes}
        cells = "".join(
            f'<TD BGCOLOR="{COLORS[kind][0]}" COLOR="{COLORS[kind][1]}" STYLE="ROUNDED" BORDER="1">'
            f"{_text(word, 9)}</TD>"
            for kind, word in LEGEND.items()
            if kind in kinds
        )
        if values:
            cells += f"<TD>{_text('cells:', 9, PALE)}</TD>"
            for word, sign in (("above 0", 1.0), ("below 0", -1.0)):
                cells += f'<TD BGCOLOR="{_shade(sign, 1.5)}">{_text(word, 9)}</TD>'
        table = f'<TABLE BORDER="0" CELLSPACING="6" CELLPADDING="3"><TR>{cells}</TR></TABLE>'
        lines.append(f"label=<{table}>; labelloc=b")
    return "\n".join([*lines, "}"]) + "\n"
