"""The autograd API: backward, grad, hooks, graph objects, modes, errors. Each program runs with PyTorch too."""

from __future__ import annotations

import pytest

from tests.python.harness.module import under_test
from tests.python.harness.twin import check

X = "x = torch.tensor([1., 2., 3.], requires_grad=True); w = torch.tensor([0.5, -1., 2.], requires_grad=True)\n"

PROGRAMS = """
y = (x * w).sum(); y.backward(); x.grad; w.grad; y.grad_fn is not None; x.grad_fn is None
y = x * w; y.backward(torch.tensor([1., 10., 100.])); x.grad; w.grad
y = x * w; y.backward(gradient=torch.ones(3), retain_graph=True); y.backward(torch.ones(3)); x.grad
y = (x * w).sum(); y.backward(inputs=[w]); w.grad; x.grad
y = (x * w).sum(); y.backward(inputs=w); w.grad; x.grad
y = (x * w).sum(); y.backward(inputs=[])
y = (x * w).sum(); y.backward(); y.backward()
y = x * w; y.backward()
y = x.detach(); y.sum().backward()
torch.tensor(1.).backward()
y = (x * 2).sum(); y.backward(torch.ones(2))
y = (x * 2); y.backward(torch.ones(3, dtype=torch.float64)); x.grad
y = (x * 2); y.backward(torch.ones(3, dtype=torch.int64)); x.grad
y = (x * 2); y.backward(torch.ones(3, 1))
y = (x * 2); y.backward(5)
y = x.sum(); y.backward(torch.tensor(3.)); x.grad; y = x.sum(); y.backward(); x.grad
y = x.sum(); y.backward(create_graph=True); x.grad; x.grad.requires_grad
y = (x ** 3).sum(); y.backward(create_graph=True); x.grad.requires_grad; x.grad.sum().backward(); x.grad.detach()
torch.autograd.backward([(x * w).sum(), x.sum()]); x.grad; w.grad
torch.autograd.backward([x * w, x], [torch.ones(3), torch.ones(3) * 2]); x.grad
torch.autograd.backward([x * w, x.sum()], [torch.ones(3), None]); x.grad
torch.autograd.backward([x * w, x], [torch.ones(3)])
torch.autograd.backward((x * w).sum(), inputs=[x]); x.grad; w.grad
torch.autograd.backward(x * w, torch.ones(3)); x.grad
torch.autograd.grad((x * w).sum(), x)
torch.autograd.grad((x * w).sum(), [x, w])
torch.autograd.grad((x * w).sum(), (x, w))
torch.autograd.grad(x * w, [x, w], torch.tensor([1., 2., 3.])); x.grad is None
torch.autograd.grad([x * w, x * 2], [x], [torch.ones(3), torch.ones(3)])
torch.autograd.grad(x * w, [x])
torch.autograd.grad(x.sum(), [w])
torch.autograd.grad(x.sum(), [w], allow_unused=True)
torch.autograd.grad(x.sum(), [x, w], allow_unused=True)
torch.autograd.grad(x.sum(), [x, w], materialize_grads=True)
torch.autograd.grad(x.sum(), [x, w], allow_unused=False, materialize_grads=True)
torch.autograd.grad(x.sum(), [])
torch.autograd.grad((x * x).sum(), torch.ones(3))
g, = torch.autograd.grad((x ** 3).sum(), x, create_graph=True); g; torch.autograd.grad(g.sum(), x, create_graph=True)[0]
g, = torch.autograd.grad((x ** 3).sum(), x); g.requires_grad; g.sum().backward()
y = (x * w).sum(); torch.autograd.grad(y, x, retain_graph=True); torch.autograd.grad(y, x); torch.autograd.grad(y, x)
y = (x + w).sum(); torch.autograd.grad(y, x); torch.autograd.grad(y, x)
z = x * w; y = z * z; torch.autograd.grad(y.sum(), z); torch.autograd.grad((z * 2).sum(), [z, x])
z = x * w; torch.autograd.grad(z.sum(), [z])
z = x.exp(); g, = torch.autograd.grad(z.sum(), x, create_graph=True); gg, = torch.autograd.grad(g.sum(), x, create_graph=True); ggg, = torch.autograd.grad(gg.sum(), x); ggg
g, = torch.autograd.grad((x * w).sin().sum(), x, create_graph=True); (g * g).sum().backward(); x.grad; w.grad
y = x * w; y.retain_grad(); y.sum().backward(); y.grad; y.retains_grad; x.retains_grad
x.retain_grad(); x.retains_grad
x.detach().retain_grad()
y = x * w; y.sum().backward(); y.grad
h = x.register_hook(lambda g: g * 2); (x * w).sum().backward(); x.grad; h.remove(); (x * w).sum().backward(); x.grad
seen = []; y = x * w; y.register_hook(lambda g: seen.append(g)); (y * 3).sum().backward(); seen; x.grad
y = x * w; y.register_hook(lambda g: g * 10); y.register_hook(lambda g: g + 1); y.sum().backward(); x.grad
y = x * w; y.retain_grad(); y.register_hook(lambda g: g * 10); y.sum().backward(); y.grad; x.grad
y = x * w; y.register_hook(lambda g: None); y.sum().backward(); x.grad
y = x * w; y.register_hook(lambda g: torch.ones(5)); y.sum().backward()
y = x * w; y.register_hook(lambda g: 'no'); y.sum().backward()
y = x * w; y.register_hook(lambda g: 1 / 0); y.sum().backward()
x.detach().register_hook(lambda g: g)
x.register_hook(5); x.sum().backward()
seen = []; h = x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.clone())); (x * 2).sum().backward(); seen; h.remove(); (x * 2).sum().backward(); len(seen)
(x * 2).register_post_accumulate_grad_hook(lambda p: None)
y = x * w; y.grad_fn.name(); [n is None or n[0].name() for n in y.grad_fn.next_functions]; [n[1] for n in y.grad_fn.next_functions]
y = (x * 2).sum(); y.grad_fn.next_functions[0][0].next_functions[0][0].variable is x; y.grad_fn.next_functions[0][0].name()
y = x.detach() * w; y.grad_fn.next_functions[0]; y.grad_fn.next_functions[1][0].name(); len(y.grad_fn.next_functions)
y = x * w; z = y + y; z.grad_fn.next_functions[0][0] is z.grad_fn.next_functions[1][0]; z.grad_fn.next_functions[0][0] is y.grad_fn; y.grad_fn is y.grad_fn
type(x.exp().grad_fn).__name__; x.exp().grad_fn.name(); str(x.exp().grad_fn).split(' ')[0]; hash(x.exp().grad_fn) != 0
y = x * w; seen = []; h = y.grad_fn.register_hook(lambda gi, go: seen.append((len(gi), go[0]))); y.sum().backward(); seen
y = x * w; seen = []; h = y.grad_fn.register_prehook(lambda go: seen.append(go[0])); y.sum().backward(); seen
y = x * w; h = y.grad_fn.register_hook(lambda gi, go: (gi[0] * 2, gi[1])); y.sum().backward(); x.grad; w.grad
y = x.unbind(0); [t.grad_fn.name() for t in y]; y[0].grad_fn is y[1].grad_fn; [t.output_nr for t in y]
a, b = x.max(0); a.grad_fn.name(); b.grad_fn; b.requires_grad; a.backward(); x.grad
torch.is_grad_enabled(); f = torch.no_grad(); f.__enter__(); torch.is_grad_enabled(); f.__exit__(None, None, None); torch.is_grad_enabled()
with torch.no_grad(): y = x * 2; z = torch.is_grad_enabled(); y.requires_grad; z; torch.is_grad_enabled()
with torch.no_grad(): y = x * 2; y.requires_grad; y.is_leaf
with torch.enable_grad(): y = x * 2; y.requires_grad
torch.set_grad_enabled(False); (x * 2).requires_grad; torch.set_grad_enabled(True); (x * 2).requires_grad
with torch.set_grad_enabled(False): y = x * 2; y.requires_grad; torch.is_grad_enabled()
f = torch.no_grad()(lambda a: a * 2); f(x).requires_grad
f = torch.enable_grad()(lambda a: a * 2); f(x).requires_grad
f = torch.no_grad(lambda a: a * 2); f(x).requires_grad
f = torch.set_grad_enabled(False)(lambda a: a * 2); torch.is_grad_enabled(); f(x).requires_grad
f = torch.inference_mode()(lambda a: a * 2); f(x).requires_grad; f(x).is_inference()
f = torch.inference_mode(lambda a: a * 2); f(x).is_inference()
f = torch.inference_mode(False)(lambda a: a * 2); f(x).requires_grad
torch.is_inference_mode_enabled(); f = torch.inference_mode(); f.__enter__(); torch.is_inference_mode_enabled(); torch.is_grad_enabled(); f.__exit__(None, None, None); torch.is_inference_mode_enabled()
with torch.inference_mode(): y = torch.ones(3); y.is_inference(); (y * x).sum().backward()
with torch.inference_mode(): y = torch.ones(3); y.add_(1)
with torch.inference_mode(): y = torch.ones(3); y.requires_grad_()
with torch.inference_mode(): y = x * 2; y.is_inference(); y._version
with torch.inference_mode(): y = x * 2; y.clone().is_inference(); y.clone().mul_(x)
with torch.inference_mode(mode=False): y = x * 2; y.requires_grad
y = x * 2; y.requires_grad_(); y.is_leaf; y.requires_grad_(False)
y = x.detach(); y.requires_grad; y.requires_grad_().requires_grad; y.is_leaf; y._is_view(); x.detach()._is_view()
y = x.detach().clone().requires_grad_(); y.is_leaf; (y * 2).sum().backward(); y.grad; x.grad
y = x * 1; y.detach().mul_(5); y.sum().backward(); y; x.grad
x.grad = torch.ones(3); (x * 2).sum().backward(); x.grad; g = x.grad; (x * 2).sum().backward(); g is x.grad; g
(x * 2).sum().backward(); g = x.grad; x.grad = None; (x * 2).sum().backward(); g is x.grad; g
(x[0] * x[1]).backward(); x.grad; (x.view(3, 1) @ w.view(1, 3)).sum().backward(); x.grad
y = x.expand(4, 3) * w; y.sum().backward(); x.grad; w.grad
y = x.view(3, 1) * w.view(1, 3) * torch.ones(2, 1, 1); y.sum().backward(); x.grad; w.grad
y = torch.tensor(2., requires_grad=True); z = (y * x).sum(); z.backward(); y.grad; y.grad.shape
y = torch.tensor(2., dtype=torch.float64, requires_grad=True); z = (y * x); z.dtype; z.sum().backward(); y.grad; x.grad
y = x.double() * 2; y.sum().backward(); x.grad; x.half().sum().backward(); x.grad; x.to(torch.bfloat16).sum().backward(); x.grad
y = x.long(); y.requires_grad; (x > 2).requires_grad; x.argmax().requires_grad; x.round().requires_grad
y = x * 0; (x / y).sum().backward(); x.grad
y = (x - 2).abs(); y.sum().backward(); x.grad; z = (x - 2).relu(); x.grad = None; z.sum().backward(); x.grad
y = torch.where(x > 2, x, w); y.sum().backward(); x.grad; w.grad
y = x.clamp(1.5, 2.5); y.sum().backward(); x.grad; y = x.clamp(min=w); x.grad = None; y.sum().backward(); x.grad; w.grad
y = torch.maximum(x, x.detach()); y.sum().backward(); x.grad
y = torch.stack([x, w, x]); y.sum(0).prod().backward(); x.grad; w.grad
y = torch.cat([x, w]); (y * y).sum().backward(); x.grad; w.grad
y = x.repeat(2, 2); y.sum().backward(); x.grad; a, b, c = x; (a * b).backward(); x.grad
y = x.sort(descending=True); y.values[0].backward(); x.grad; y = x.topk(2); x.grad = None; y[0].sum().backward(); x.grad
y = x.cumsum(0); y[1].backward(); x.grad; x.grad = None; x.prod().backward(); x.grad; x.grad = None; x.std().backward(); x.grad
x.requires_grad; x.is_leaf; x.grad; x.output_nr; (x * 2).output_nr; x._version; x.requires_grad_() is x
x.grad_fn = 5
x.is_leaf = False
float(x.sum()); x.sum().item(); x.tolist()
x.numpy()
np.asarray(x)
x.detach().numpy()
torch.tensor(x).requires_grad; torch.tensor(x).is_leaf; torch.as_tensor(x) is x; torch.as_tensor(x).requires_grad
bool(x.sum() > 2); int(x[0]); x[1].item() + 1; f'{x[0].item():.2f}'
y = x * 2; del x; y.sum().backward(); w.grad
y = x; z = x * y; del y; n = gc.collect(); z.sum().backward(); x.grad
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_program(program: str) -> None:
    check(X + (with_block(program) if program.startswith("with ") else program))


def with_block(program: str) -> str:
    """`with mode: a = 1; b` -> the assignments inside the block, the rest after it."""
    head, _, body = program.partition(": ")
    parts = body.split("; ")
    inside = [part for part in parts if " = " in part] or parts[:1]
    after = [part for part in parts if part not in inside]
    return f"{head}:\n    " + "\n    ".join(inside) + "\n" + "\n".join(after)


@pytest.mark.parametrize("flag", ["no_grad", "enable_grad", "inference_mode"])
def test_decorated_function_keeps_its_name_and_state(flag: str) -> None:
    check(
        f"@torch.{flag}()\ndef f(a, *, b=2):\n    'doc'\n    return a * b, torch.is_grad_enabled()\n"
        + X
        + "f.__name__; f.__doc__; f(x)[1]; f(x, b=3)[0].requires_grad; torch.is_grad_enabled()\n"
        + f"@torch.{flag}()\ndef g():\n    yield torch.is_grad_enabled()\n    yield torch.is_grad_enabled()\n"
        + "s = []\nfor v in g(): s.append((v, torch.is_grad_enabled()))\ns"
    )


def test_mode_is_restored_after_an_exception() -> None:
    check(
        "try:\n    with torch.no_grad():\n        1 / 0\nexcept ZeroDivisionError: pass\ntorch.is_grad_enabled()\n"
        "@torch.no_grad()\ndef f(): raise KeyError('k')\ntry: f()\nexcept KeyError: pass\ntorch.is_grad_enabled()"
    )


def test_mode_belongs_to_the_thread() -> None:
    check(
        "import threading; seen = []\n"
        "with torch.no_grad():\n    t = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled())); t.start(); t.join()\n"
        "seen; torch.is_grad_enabled()"
    )


GRAD_NAMES = """
x + w | x - w | x * w | x / w | -x | x ** 2 | x ** w | 2 ** x | x @ w | x.exp() | x.log() | x.sqrt() | x.sin() | x.cos() | x.tanh() | x.sigmoid() | x.relu() | x.abs() | x.sum() | x.sum(0) | x.mean() | x.mean(0)
x.prod() | x.max() | x.min() | x.amax() | x.var() | x.std() | x.cumsum(0) | x.view(3, 1) | x.reshape(3, 1) | x.unsqueeze(0) | x.squeeze() | x.expand(2, 3) | x.t() | m.t() | m.T | m.transpose(0, 1) | m.permute(1, 0)
m @ m.t() | m.mm(m.t()) | m.mv(w) | x.dot(w) | x[0] | x[1:] | x[:] | x[None] | x[[0, 1]] | x[x > 1] | x.clone() | x.contiguous() | m.t().contiguous() | x.double() | x.flip(0) | x.repeat(2) | torch.cat([x, w]) | torch.stack([x, w])
torch.where(x > 1, x, w) | x.clamp(0, 1) | x.clamp(min=0) | torch.maximum(x, w) | x.softmax(0) | x.log_softmax(0) | x.logsumexp(0) | x.square() | x.reciprocal() | x.rsqrt() | x.floor() | x.sign() | x.round() | x.erf()
x.gather(0, i) | x.index_select(0, i) | x.masked_fill(x > 1, 0) | x.masked_select(x > 1) | x.scatter(0, i, w) | x.scatter_add(0, i, w) | x.index_add(0, i, w) | x.sort()[0] | x.topk(2)[0] | x.norm() | m.tril() | m.triu() | m.split(1)[0] | m.chunk(2)[0] | m.unbind()[0] | m.flatten() | x.unflatten(0, (3, 1)) | x.narrow(0, 0, 2) | x.select(0, 1) | x.lerp(w, 0.5) | x.log1p()
F.linear(m, m) | F.linear(m, m, v) | F.gelu(x) | F.mse_loss(x, w) | F.l1_loss(x, w) | F.cross_entropy(m, j) | F.nll_loss(m, j) | F.layer_norm(m, (3,)) | F.embedding(j, m) | F.pad(x, (1, 1)) | F.conv2d(c, c) | F.max_pool2d(c, 2) | F.avg_pool2d(c, 2) | F.adaptive_avg_pool2d(c, 1) | F.adaptive_avg_pool2d(c, 2) | F.binary_cross_entropy(x.sigmoid(), w.detach().sigmoid()) | F.binary_cross_entropy_with_logits(x, w.detach().sigmoid()) | F.dropout(x, 0.5) | F.batch_norm(m, None, None, training=True)
x.add_(0) | y.add_(1) | y.mul_(2) | y.copy_(w) | y.zero_() | y.relu_() | y.clamp_(0, 1) | y.div_(2) | y[0:2].mul_(2) | y.fill_(2) | y.masked_fill_(x > 1, 0) | y.index_add_(0, i, w) | y.exp_() | y.neg_() | y.t_() | y.unsqueeze_(0)
"""


@pytest.mark.parametrize(
    "expression", [case for line in GRAD_NAMES.strip().splitlines() for case in line.split(" | ")]
)
def test_name_of_node(expression: str) -> None:
    setup = (
        X
        + "m = torch.ones(2, 3, requires_grad=True); v = torch.ones(2, requires_grad=True); i = torch.tensor([0, 2]); j = torch.tensor([0, 1])\n"
        "c = torch.ones(1, 1, 4, 4, requires_grad=True); y = x * 1; w2 = w[:2]\n"
    )
    expression = expression.replace("i, w)", "i, w2)")
    check(
        f"{setup}r = {expression}\nr.grad_fn.name(); type(r.grad_fn).__name__; len(r.grad_fn.next_functions)"
    )


def test_chain_of_100_000_operations() -> None:
    """Neither backward nor the freeing of the graph may recurse."""
    torch = under_test()
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    z = x
    for _ in range(100_000):
        z = z * 1
    del z


def test_many_consumers_of_one_tensor() -> None:
    torch = under_test()
    x = torch.ones(2, requires_grad=True)
    total = sum((x * i for i in range(2000)), torch.zeros(2))
    total.sum().backward()
    assert x.grad.tolist() == [1999000.0, 1999000.0]


def test_leaves_and_graph_are_freed() -> None:
    check(
        X
        + "import weakref\ny = x * w; r = weakref.ref(y); z = (y * y).sum(); del y; n = gc.collect(); r() is None\n"
        "z.backward(); x.grad\nk = weakref.ref(w); del w, z; n = gc.collect(); k() is None"
    )


def test_tensor_keeps_identity_and_attributes_through_the_graph() -> None:
    check(
        X
        + "x.tag = 'mine'; y = x * 2; v = y.grad_fn.next_functions[0][0].variable; v is x; del x; n = gc.collect(); v.tag"
    )


CUSTOM = """
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, k):
        ctx.save_for_backward(a); ctx.k = k
        return a * k
    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        return g * ctx.k, None
"""


@pytest.mark.parametrize(
    "program",
    [
        "y = Double.apply(x, 3.); y; y.grad_fn.name(); y.sum().backward(); x.grad",
        "y = Double.apply(x.detach(), 3.); y.requires_grad",
        "y = Double.apply(x, 3.).sum(); y.backward(); y.backward()",
    ],
)
def test_custom_function(program: str) -> None:
    check(CUSTOM + X + program)
