"""nn.Module: registration, look-up, iteration, casts, repr, copies; each program runs with torch and with tensorgrad."""

import copy
import gc
import inspect
import pickle
import weakref

import pytest

import tensorgrad
from tests.python.twin import twin


def make(torch):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 3)
            self.block = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
            self.register_buffer("mean", torch.zeros(2))
            self.register_buffer("nothing", None)
            self.register_buffer("scratch", torch.ones(1), persistent=False)
            self.scale = nn.Parameter(torch.full((2,), 3.0))
            self.register_parameter("missing", None)

        def forward(self, x, factor=1):
            return self.block(self.linear(x)) * factor

    return Net()


@twin
def test_assignment_before_init(torch, log):
    nn = torch.nn

    class A(nn.Module):
        def __init__(self, what):
            what(self)

    log(lambda: A(lambda s: setattr(s, "l", nn.Linear(2, 3))))
    log(lambda: A(lambda s: setattr(s, "l", nn.Parameter(torch.zeros(1)))))
    log(lambda: A(lambda s: setattr(s, "l", torch.zeros(1))).l)
    log(lambda: A(lambda s: s.x))
    log(lambda: A(lambda s: s.register_buffer("q", None)))
    log(lambda: A(lambda s: s.register_parameter("q", None)))
    log(lambda: A(lambda s: setattr(s, "x", 3)).x)
    log(lambda: A(lambda s: None)(1))
    log(lambda: nn.Module(3), lambda: nn.Module(foo=3), lambda: nn.Module(3, 4))

    class B(nn.Module):
        call_super_init = True

        def __init__(self):
            super().__init__()

    log(B())


@twin
def test_attributes(torch, log):
    nn = torch.nn
    m = make(torch)
    log(lambda: m.foo, lambda: delattr(m, "foo"), lambda: m.nothing, lambda: m.missing)
    log(list(m.__dict__))

    def assign(name, value):
        def f():
            setattr(m, name, value)
            return getattr(m, name)

        return f

    log(
        assign("linear", 3),
        assign("linear", torch.zeros(1)),
        assign("linear", None),
        assign("linear", nn.Linear(1, 1)),
    )
    log(assign("mean", 3), assign("mean", None), assign("mean", torch.ones(2)))
    log(assign("mean", nn.Parameter(torch.zeros(2))), m._buffers, m._parameters)
    log(
        assign("scale", 3),
        assign("scale", torch.zeros(1)),
        assign("scale", None),
        assign("scale", nn.Linear(1, 1)),
    )
    log(list(m._modules), list(m._parameters), list(m._buffers))
    log(assign("scratch", nn.Linear(1, 1)), m._buffers, m._non_persistent_buffers_set)
    log(assign("linear", nn.Parameter(torch.ones(1))), list(m._modules))
    log(assign("plain", 5), assign("plain", nn.Parameter(torch.ones(1))), "plain" in m.__dict__)
    log(assign("b", nn.Buffer(torch.ones(2))), assign("b", nn.Buffer(torch.ones(3), persistent=False)))
    log(m._buffers, m._non_persistent_buffers_set)
    for name in ("plain", "b", "block"):
        delattr(m, name)
    log(list(m._modules), list(m._parameters), list(m._buffers), m._non_persistent_buffers_set)
    names = dir(make(torch))
    log([name for name in ("linear", "mean", "nothing", "scale", "training", "forward") if name in names])
    log(sorted(names) == names, hasattr(m, "scale"), getattr(m, "none", 7))


@twin
def test_registration_errors(torch, log):
    nn = torch.nn
    m = make(torch)
    p = nn.Parameter(torch.zeros(1))
    for name in (3, "a.b", "", "train", None):
        log(lambda: m.register_parameter(name, None))
        log(lambda: m.register_buffer(name, None))
        log(lambda: m.add_module(name, None))
    log(lambda: m.register_parameter("z", torch.zeros(1)), lambda: m.register_parameter("z", 3))
    log(lambda: m.register_parameter("z", p * 2))
    log(
        lambda: m.register_buffer("z", 3), lambda: m.add_module("z", 3), lambda: m.register_module("zz", None)
    )
    log(lambda: m.register_buffer("linear", None), lambda: m.register_parameter("mean", None))
    log(lambda: m.add_module("scale", None), lambda: m.zz, lambda: m.train(3), lambda: m(1))
    log(lambda: m.register_buffer("mean", torch.ones(3), persistent=False), m._non_persistent_buffers_set)
    log(lambda: m.register_buffer("mean", torch.ones(3)), m._non_persistent_buffers_set)
    log(lambda: nn.Module()(1), lambda: m.get_extra_state(), lambda: m.set_extra_state(1))


@twin
def test_iteration(torch, log):
    nn = torch.nn
    m = make(torch)
    m.again = m.linear
    m.tied = nn.Linear(2, 3)
    m.tied.weight = m.linear.weight
    m.list = nn.ModuleList([m.block, nn.Tanh()])
    for recurse in (True, False):
        log([name for name, _ in m.named_parameters("p", recurse)], [x.shape for x in m.parameters(recurse)])
        log([name for name, _ in m.named_buffers("p", recurse)], [x.shape for x in m.buffers(recurse)])
    log([name for name, _ in m.named_parameters(remove_duplicate=False)])
    log([name for name, _ in m.named_buffers(remove_duplicate=False)])
    log(
        list(m.named_modules()),
        list(m.named_modules(remove_duplicate=False)),
        list(m.named_modules(prefix="x")),
    )
    log(list(m.named_children()), list(m.children()), list(m.modules()))
    seen = []
    log(m.apply(lambda module: seen.append(type(module).__name__)) is m, seen)


@twin
def test_paths(torch, log):
    nn = torch.nn
    m = make(torch)
    for path in ("", "block", "block.0", "block.9", "a.b", "train", "scale", "linear.weight"):
        log(lambda: m.get_submodule(path))
    for path in ("scale", "mean", "block.0.weight", "block.0.foo", "block.q.w", "missing", "linear"):
        log(lambda: m.get_parameter(path), lambda: m.get_buffer(path))
    log(lambda: m.set_submodule("linear", nn.Identity()), lambda: m.set_submodule("", nn.Identity()))
    log(lambda: m.set_submodule("block.0", nn.Tanh()), lambda: m.set_submodule("foo.x.y", nn.Tanh()))
    log(lambda: m.set_submodule("foo", nn.Tanh()), lambda: m.set_submodule("foo2", nn.Tanh(), True), m)


@twin
def test_modes_and_casts(torch, log):
    m = make(torch)
    log(m.eval() is m, [x.training for x in m.modules()], m.train().block.training)
    log(m.requires_grad_(False) is m, [p.requires_grad for p in m.parameters()])
    m.requires_grad_()
    m.register_buffer("count", torch.zeros(1, dtype=torch.int64))
    weight = m.linear.weight
    weight.grad = torch.ones(3, 2)
    grad = weight.grad
    for cast in ("double", "float", "half", "bfloat16", "float"):
        log(getattr(m, cast)() is m, [(k, str(v.dtype)) for k, v in m.state_dict().items()])
        log(m.linear.weight is weight, weight.grad is grad, str(grad.dtype))
    log(m.to(torch.float64).scale, m.to(torch.zeros(1, dtype=torch.float32)).scale, m.to("cpu").scale)
    log(m.to("cpu", torch.float64).scale, m.to(dtype=torch.float32, device="cpu").scale, m.cpu() is m)
    log(m.to() is m, m.to(torch.device("cpu"), None, True).scale, m.type(torch.float64).scale)
    for args, kwargs in (
        ((torch.int64,), {}),
        ((), {"foo": 1}),
        (("cpu", 3), {}),
        (("foo",), {}),
        (("cpu", torch.int32), {}),
    ):
        log(lambda: m.to(*args, **kwargs))
    m = make(torch)
    m(torch.ones(1, 2)).sum().backward()
    m.zero_grad(set_to_none=False)
    log([p.grad for p in m.parameters()])
    m.zero_grad()
    log([p.grad for p in m.parameters()])
    log(m.to_empty(device="cpu").scale.shape)


@twin
def test_repr(torch, log):
    nn = torch.nn

    class Extra(nn.Module):
        def extra_repr(self):
            return "one\ntwo"

    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Sequential(nn.Linear(1, 2), Extra())
            self.none = None
            self.add_module("empty", None)

        def extra_repr(self):
            return "single"

    log(make(torch), Extra(), Both(), nn.Module(), nn.Sequential(), nn.Sequential(Both(), Both()))


@twin(rtol=1e-12)
def test_copies(torch, log):
    m = make(torch)
    m.name = "net"
    m.tied = m.linear
    c = copy.deepcopy(m)
    log(
        c,
        c.tied is c.linear,
        c.linear.weight is m.linear.weight,
        c.state_dict(),
        c.name,
        type(c.scale).__name__,
    )
    log(c.linear.weight.data_ptr() == m.linear.weight.data_ptr())
    s = copy.copy(m)
    log(s.linear is m.linear, s.__dict__ is m.__dict__, s._parameters is m._parameters)
    n = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh()).double()
    p = pickle.loads(pickle.dumps(n))
    log(p, p.state_dict(), p(torch.ones(1, 2, dtype=torch.float64)))


@twin
def test_getattr_protocol(torch, log):
    nn = torch.nn

    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.asked = 0

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                if name == "inner":
                    raise
                return getattr(self.inner, name)

        @property
        def broken(self):
            return self.nowhere

        def forward(self, x):
            return self.inner(x)

    w = Wrapper(nn.Linear(2, 2))
    log(w.weight, w.in_features, lambda: w.nothing, lambda: w.broken, w(torch.ones(2)))

    class Deep(nn.Module):
        def __getattribute__(self, name):
            return super().__getattribute__(name)

        @property
        def broken(self):
            return self.nowhere

    d = Deep()
    d.p = nn.Parameter(torch.ones(1))
    log(d.p, lambda: d.q, lambda: d.broken)

    class Plain(nn.Module):
        @property
        def broken(self):
            return self.nowhere

        @property
        def fine(self):
            return self.p

    log(
        str(inspect.signature(Plain())),
        list(inspect.signature(nn.Linear).parameters),
    )
    x = Plain()
    x.p = nn.Parameter(torch.ones(1))
    x.forward = lambda y: y + 1
    log(x(1))
    Plain.__call__ = lambda self, y: "called"
    log(x(1))


@twin
def test_parameter(torch, log):
    nn = torch.nn
    p = nn.Parameter(torch.zeros(2))
    log(
        p,
        nn.Parameter(),
        nn.Parameter(torch.zeros(2), False),
        repr(p),
        p.detach(),
        p.data,
        p * 2,
        isinstance(p, torch.Tensor),
    )
    log(
        lambda: nn.Parameter(torch.zeros(1, dtype=torch.int64)),
        nn.Parameter(torch.zeros(1, dtype=torch.int64), False),
    )
    log(lambda: nn.Parameter(torch.zeros(2), foo=3), lambda: nn.Parameter([1]), lambda: nn.Parameter(3))
    q = nn.Parameter(p)
    log(q is p, q.data_ptr() == p.data_ptr(), p.is_leaf)
    c = copy.deepcopy(p)
    log(
        c,
        c is p,
        c.data_ptr() == p.data_ptr(),
        pickle.loads(pickle.dumps(nn.Parameter(torch.ones(2), False))),
    )
    p.note = "kept"
    log(pickle.loads(pickle.dumps(p)).note)
    b = nn.Buffer(torch.zeros(2))
    log(
        b,
        isinstance(b, nn.Buffer),
        isinstance(torch.zeros(1), nn.Buffer),
        isinstance(p, nn.Buffer),
        b.persistent,
    )


def test_module_is_collected():
    nn = tensorgrad.nn
    m = nn.Sequential(nn.Linear(2, 2))
    m.itself = [m]
    gone = weakref.ref(m)
    del m
    gc.collect()
    assert gone() is None


def test_failure_names_the_module():
    nn = tensorgrad.nn
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(3, 4)))
    with pytest.raises(RuntimeError) as caught:
        net(tensorgrad.ones(1, 2))
    assert "in 1.1: Linear(in_features=3, out_features=4, bias=True)" in caught.value.__notes__


def test_subclass_of_two_bases():
    class Mixin:
        def hello(self):
            return "hello"

    class Net(Mixin, tensorgrad.nn.Module):
        __slots__ = ("slot",)

        def forward(self):
            return self.hello()

    net = Net()
    net.__dict__["slot2"] = 1
    assert net() == "hello" and net.slot2 == 1
