"""Pictures of the graph: what is in them, against PyTorch's own graph, and how they are drawn."""

import gc
import re
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree

import pytest
import torch as real_torch
from tensorgrad.viz import render, watch
from tensorgrad.viz._dot import _number
from tensorgrad.viz._graph import op_title, read_graph

import tensorgrad

needs_graphviz = pytest.mark.skipif(
    shutil.which("dot") is None, reason="the program graphviz is not installed"
)


def mlp(torch):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    loss = torch.nn.functional.mse_loss(model(x), torch.ones(2, 2))
    return loss, model


def convnet(torch):
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    return nn.functional.cross_entropy(model(torch.randn(2, 1, 6, 6)), torch.tensor([0, 2])), model


def shared(torch):
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor([1.0, 2.0], requires_grad=True)
    c = a * b
    return (c.exp() + c * c).sum() - a, {"a": a, "b": b}


def several_outputs(torch):
    a = torch.arange(6.0).reshape(2, 3).requires_grad_()
    first, second = a.split(1)
    value, index = torch.cat([first * 2, second]).max(dim=1)
    return value.prod(), {"a": a}


PROGRAMS = [mlp, convnet, shared, several_outputs]


def arrows_of_torch(torch, output):
    """The graph as pairs of op names, by PyTorch's own links; leaves by their shape. PyTorch turns the weights of
    linear layers in an op of its own, which is left out."""
    found, seen, stack = [], set(), [output.grad_fn]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for before in dict.fromkeys(before for before, _ in node.next_functions):
            if before is None:
                continue
            if before.name() == "TBackward0":
                found.append((str(tuple(before.next_functions[0][0].variable.shape)), op_title(node)))
            elif hasattr(before, "variable"):
                found.append((str(tuple(before.variable.shape)), op_title(node)))
            else:
                found.append((op_title(before), op_title(node)))
                stack.append(before)
    return sorted(found)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_graph_is_pytorchs(program):
    output, names = program(tensorgrad)
    graph = read_graph([output], names, None, 100)

    def end(number):
        box = graph.boxes[number]
        return box.title if box.kind == "op" else str(box.shapes[0][0])

    same_op = {"nll_loss": "cross_entropy", "log_softmax": "cross_entropy"}  # one op here
    theirs = [
        (same_op.get(a, a), same_op.get(b, b)) for a, b in arrows_of_torch(real_torch, program(real_torch)[0])
    ]
    ours = [(same_op.get(end(a), end(a)), same_op.get(end(b), end(b))) for a, b in graph.arrows]
    drop = ("cross_entropy", "cross_entropy")
    assert sorted(pair for pair in ours if pair != drop) == [pair for pair in sorted(theirs) if pair != drop]
    named = {box.name for box in graph.boxes if box.name}
    assert named == set(names if isinstance(names, dict) else dict(names.named_parameters()))
    assert [box.is_output for box in graph.boxes].count(True) == 1


def test_boxes():
    a = tensorgrad.tensor([1.0, 2.0], requires_grad=True)
    weight = tensorgrad.nn.Parameter(tensorgrad.ones(2, dtype=tensorgrad.float64))
    hidden = a * weight
    hidden.retain_grad()
    loss = hidden.sum()
    loss.backward()
    boxes = read_graph([loss], {"a": a, "h": hidden, "other": 3, "loss": loss}, None, 10).boxes
    assert [(box.kind, box.name, box.title) for box in boxes] == [
        ("leaf", "a", "leaf"), ("parameter", "", "parameter"), ("op", "h", "mul"), ("op", "loss", "sum"),
    ]  # fmt: skip
    assert [box.shapes for box in boxes] == [
        [((2,), "float32")], [((2,), "float64")], [((2,), "float64")], [((), "float64")],
    ]  # fmt: skip
    values = [None if box.value is None else box.value.tolist() for box in boxes]
    assert values == [[1.0, 2.0], [1.0, 1.0], [1.0, 2.0], 3.0]
    gradients = [None if box.grad is None else box.grad.tolist() for box in boxes]
    assert gradients == [[1.0, 1.0], [1.0, 2.0], [1.0, 1.0], None]
    leaf = read_graph([a], None, None, 10)
    assert [(box.kind, box.is_output) for box in leaf.boxes] == [("leaf", True)] and leaf.arrows == []


@pytest.mark.parametrize("program", [mlp, convnet])
def test_watch_keeps_values_and_gradients(program):
    """Against PyTorch, where every module's output retains its gradient."""
    wanted = []

    def keep(module, args, output):
        output.retain_grad()
        wanted.append(output)

    real_torch.manual_seed(0)
    handle = real_torch.nn.modules.module.register_module_forward_hook(keep)
    loss, _ = program(real_torch)
    handle.remove()
    loss.backward()
    with watch() as seen:
        ours, _ = program(tensorgrad)
        ours.backward()
    boxes = [box for box in read_graph([ours], None, seen, 100).boxes if box.kind == "op" and box.call]
    by_call = {id(box.call): box for box in boxes}  # the last op of a module's call makes its output
    assert len(by_call) == len(wanted) - 1  # the container's output is its last module's
    for box, tensor in zip(by_call.values(), wanted):
        for ours, theirs in ((box.value, tensor), (box.grad, tensor.grad)):
            real_torch.testing.assert_close(real_torch.tensor(ours.tolist()), theirs.detach())


def test_watch_knows_modules_and_data():
    class Twice(tensorgrad.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = tensorgrad.nn.Sequential(tensorgrad.nn.Linear(2, 2), tensorgrad.nn.BatchNorm1d(2))

        def forward(self, x):
            return self.inner(self.inner(x)) * 2

    model = Twice()
    x, y = tensorgrad.rand(4, 2), tensorgrad.tensor([0, 1, 1, 0])
    with watch(model) as seen:
        loss = tensorgrad.nn.CrossEntropyLoss()(model(x), y)
    graph = read_graph([loss], {"x": x, "y": y}, seen, 100)

    def place(box):
        path, call = [], box.call
        while call is not None:
            path.append(call.path or type(call.module).__name__)
            call = call.parent
        return "/".join(reversed(path))

    ops = [(box.title, place(box)) for box in graph.boxes if box.kind == "op"]
    inside = ["Twice/inner/inner.0", "Twice/inner/inner.1"] * 2
    assert [where for _, where in ops] == [*inside, "Twice", "CrossEntropyLoss"]
    calls = [box.call for box in graph.boxes if box.kind == "op"]
    assert calls[0] is not calls[2] and calls[0].module is calls[2].module
    # What both calls of a module use lies around both; what one module alone uses, in its call.
    places = {box.name: place(box) for box in graph.boxes if box.kind == "parameter"}
    assert places["inner.0.weight"] == "Twice"
    data = {box.name: box.value.tolist() for box in graph.boxes if box.kind == "input"}
    assert data == {"x": x.tolist(), "y": y.tolist()}  # buffers are no data


def test_watch_is_over_when_it_ends():
    model = tensorgrad.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="already watched"), watch(), watch():
        pass
    with pytest.raises(RuntimeError, match="mat1 and mat2"), watch(model) as seen:
        model(tensorgrad.ones(1, 3))
    assert len(seen.steps) == 0
    out = model(tensorgrad.ones(1, 2))
    assert not out.retains_grad
    with watch(model) as seen:
        model(tensorgrad.ones(1, 2)).sum()
    assert [step.call and step.call.path for step in seen.steps.values()] == ["", None]


def test_a_value_that_was_overwritten_is_not_shown():
    a = tensorgrad.ones(2, requires_grad=True)
    with watch() as seen:
        b = a * 2
        b.add_(1)
        loss = b.sum()
        loss.backward()
    boxes = {box.title: box for box in read_graph([loss], None, seen, 10).boxes}
    assert boxes["mul"].value is None
    assert boxes["add"].value.tolist() == [3, 3] and boxes["add"].grad.tolist() == [1, 1]


def test_dot_text():
    a = tensorgrad.tensor([1.0, -2.0], requires_grad=True)
    (a.exp() * a).sum().backward()
    text = (a.exp() * a).sum().render("dot", names={"<&\"'>": a})
    assert text.startswith("digraph tensorgrad {") and text.endswith("}\n")
    assert "&lt;&amp;&quot;&#x27;&gt;" in text and "exp" in text and "-2.00" in text
    assert len(re.findall(r"^b\d+ -> b\d+", text, re.M)) == 4
    plain = (a.exp() * a).sum().render("dot", values=False, legend=False)
    assert "-2.00" not in plain and "result" not in plain
    assert "rankdir=LR" in a.sum().render("dot", direction="LR")


def test_numbers():
    shown = {0.0: "0.00", 1.5: "1.50", -0.005: "-0.01", 0.0012: "1e-3", 12345.0: "1e4", 3e-20: "3e-20",
             float("inf"): "inf", float("nan"): "nan", 7: "7", True: "True"}  # fmt: skip
    assert [_number(value) for value in shown] == list(shown.values())


@pytest.mark.parametrize(
    "value",
    [
        tensorgrad.tensor([float("nan"), float("inf"), -1.0]),
        tensorgrad.zeros(0, 3),
        tensorgrad.zeros(3, 3),
        tensorgrad.rand(3, 4, 5),
        tensorgrad.rand(200),
        tensorgrad.rand(3).to(tensorgrad.bfloat16),
    ],
    ids=lambda value: f"{tuple(value.shape)} {value.dtype}",
)
def test_any_tensor_can_be_drawn(value):
    leaf = value.clone().requires_grad_()
    out = leaf.sum()
    out.backward()
    assert out.render("dot", names={"leaf": leaf}).count("leaf") >= 2
    if shutil.which("dot"):
        assert "leaf" in out.render("svg", names={"leaf": leaf})


def test_errors():
    a = tensorgrad.ones(2, requires_grad=True)
    for bad in ([3], "a", 3):
        with pytest.raises(TypeError):
            render(bad)
    with pytest.raises(ValueError, match="format must be"):
        render(a, "gif")
    with pytest.raises(ValueError, match="direction must be"):
        render(a, "dot", direction="up")
    with pytest.raises(TypeError, match="names must be a Module or a dict, but got int"):
        render(a, "dot", names=3)
    for _ in range(30):
        a = a * 2
    with pytest.raises(ValueError, match="more than 20 ops"):
        render(a, "dot", max_ops=20)
    assert render(a, "dot", max_ops=30).count("mul") == 30


def test_without_graphviz(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tensorgrad.ones(2, requires_grad=True).sum()
    for format in ("image", "svg", "png"):
        with pytest.raises(RuntimeError, match="apt-get install graphviz"):
            out.render(format)
    assert out.render("dot").startswith("digraph")


def test_a_graph_of_many_ops_is_no_recursion():
    a = tensorgrad.ones((), requires_grad=True)
    b = a
    for _ in range(20_000):
        b = b + 1
    assert len(read_graph([b], None, None, 30_000).boxes) == 20_001


@needs_graphviz
@pytest.mark.parametrize("program", PROGRAMS)
def test_pictures(program):
    with watch() as seen:
        output, names = program(tensorgrad)
        output.backward()
    svg = seen.render(output, "svg", names=names)
    texts = " ".join(ElementTree.fromstring(svg).itertext())
    for box in read_graph([output], names, seen, 100).boxes:
        assert (
            box.name.rsplit(".", 1)[-1] or {"input": "data"}.get(box.kind, box.title)
        ).lower() in texts.lower()
    assert seen.render(output, "png").startswith(b"\x89PNG")
    image = output.render(names=names, dpi=72)
    assert image.mode in ("RGB", "RGBA") and min(image.size) > 100
    assert output.render(dpi=144).size[0] > output.render(dpi=72).size[0]


def test_pillow_is_imported_only_for_images():
    code = "import tensorgrad, sys; tensorgrad.ones(1, requires_grad=True).sum().render('dot'); print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


class Scaled(tensorgrad.autograd.Function):
    """A user's op."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, u):
        return u * ctx.factor, None


def second_derivative():
    x = tensorgrad.tensor([1.0, 2.0], requires_grad=True)
    (slope,) = tensorgrad.autograd.grad((Scaled.apply(x, 2.0) ** 3).sum(), x, create_graph=True)
    loss = (slope * slope).sum()
    return loss, {"x": x, "slope": slope}, {"scaled", "pow", "mul", "sum"}


def recurrent():
    cell = tensorgrad.nn.Linear(2, 2)
    state = tensorgrad.zeros(1, 2)
    for _ in range(3):
        state = cell(state).tanh()
    return state.sum(), cell, {"addmm", "tanh", "sum"}


def written_in_place():
    a = tensorgrad.rand(4, 4, requires_grad=True)
    first, second = a.chunk(2)
    copy = second.clone()
    copy[0] = 0
    copy.relu_()
    return (first.max(0).values * copy.sum(0)).sum(), {"a": a}, {"split", "max", "relu", "clone"}


def checkpointed():
    layer = tensorgrad.nn.Linear(3, 3)
    out = tensorgrad.utils.checkpoint.checkpoint(layer, tensorgrad.ones(1, 3), use_reentrant=False)
    return out.sum(), layer, {"addmm", "sum"}


@pytest.mark.parametrize("program", [second_derivative, recurrent, written_in_place, checkpointed])
def test_other_graphs(program):
    with watch() as seen:
        loss, names, titles = program()
        loss.backward()
    graph = read_graph([loss], names, seen, 100)
    assert titles <= {box.title for box in graph.boxes}
    assert all(source < target for source, target in graph.arrows)  # an order without rings
    if shutil.which("dot"):
        ElementTree.fromstring(seen.render(loss, "svg", names=names))


def test_threads_are_watched_apart():
    def work():
        x = tensorgrad.ones(2, requires_grad=True)
        with watch() as seen:
            for _ in range(50):
                x = x * 2
        counts.append(len(seen.steps))

    counts = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [50] * 4


def test_nothing_is_kept():
    """Values go with the watch that kept them, without a pass of the garbage collector."""

    def look():
        with watch(model) as seen:
            loss = model(x).relu().sum()
            loss.backward()
        seen.render(loss, "dot")
        loss.render("dot", names=model)
        model.zero_grad()

    model, x = tensorgrad.nn.Linear(300, 300), tensorgrad.rand(300, 300)
    look()
    gc.disable()
    try:
        before = tensorgrad._C.memory_stats()["allocated_bytes"]
        look()
        assert tensorgrad._C.memory_stats()["allocated_bytes"] == before
    finally:
        gc.enable()
