"""Hooks of modules: forward, backward, global; each program runs with torch and with tensorgrad."""

import copy
import pickle

from tests.python.twin import twin


def scaler(torch):
    class Scale(torch.nn.Module):
        def forward(self, x, k=1):
            return x * k

    return Scale()


@twin
def test_forward_hooks(torch, log):
    m = scaler(torch)
    x = torch.ones(2)
    h = m.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
    log(lambda: m(x))
    h.remove()
    h = m.register_forward_pre_hook(lambda m, a: a[0] * 2)
    log(m(x))
    h2 = m.register_forward_pre_hook(lambda m, a: (a[0] + 1,), prepend=True)
    log(m(x))
    h.remove(), h2.remove(), h.remove()
    with m.register_forward_pre_hook(lambda m, a, k: (a, {"k": 5}), with_kwargs=True):
        log(m(x), list(m._forward_pre_hooks_with_kwargs.values()))
    log(m(x), m._forward_pre_hooks_with_kwargs, m._forward_pre_hooks)
    h = m.register_forward_hook(lambda m, a, r: r * 2)
    h2 = m.register_forward_hook(lambda m, a, k, r: r + len(k), with_kwargs=True, prepend=True)
    log(m(x), m(x, k=3))
    h.remove(), h2.remove()
    log(m._forward_hooks, m._forward_hooks_with_kwargs, m._forward_hooks_always_called)


@twin(check_warnings=False)
def test_always_call(torch, log):
    m = scaler(torch)
    seen = []
    m.register_forward_hook(lambda m, a, r: seen.append(r), always_call=True)
    log(lambda: m(torch.ones(2), object()), seen)
    log(m(torch.ones(2)), seen)

    def bad(module, args, result):
        raise ValueError("bad hook")

    h = m.register_forward_hook(bad, always_call=True)
    log(lambda: m(torch.ones(2), object()), lambda: m(torch.ones(2)), seen)
    h.remove()
    m.register_forward_pre_hook(bad)
    log(lambda: m(torch.ones(2)), seen)


@twin(check_warnings=False)
def test_full_backward_hooks(torch, log):
    m = scaler(torch)
    x = torch.ones(2, requires_grad=True)

    def gradient(call=lambda: m(x)):
        x.grad = None
        call().sum().backward()
        return x.grad

    h = m.register_full_backward_hook(lambda m, gi, go: log(gi, go))
    log(gradient, lambda: m(x.detach()).requires_grad)
    h2 = m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,), prepend=True)
    log(gradient)
    h.remove(), h2.remove()
    for hook in (lambda m, gi, go: (gi[0] * 10,), lambda m, gi, go: gi[0] * 10, lambda m, gi, go: (1, 2)):
        with m.register_full_backward_hook(hook):
            log(gradient)
    for hook in (lambda m, go: (go[0] * 3,), lambda m, go: go[0] * 3, lambda m, go: (1, 2)):
        with m.register_full_backward_pre_hook(hook):
            log(gradient)
    with m.register_full_backward_pre_hook(lambda m, go: (go[0] * 3,)):
        with m.register_full_backward_hook(lambda m, gi, go: log(gi, go)):
            log(gradient)
    w = torch.nn.Linear(2, 2)
    w.register_full_backward_hook(lambda m, gi, go: log(gi, go))
    w(torch.ones(2)).sum().backward()
    w(x).sum().backward()
    log(lambda: w.register_backward_hook(lambda *a: 1))


@twin(check_warnings=False)
def test_backward_hooks_of_several_tensors(torch, log):
    class Two(torch.nn.Module):
        def forward(self, x, y):
            return x * 2, y * 3

    class Named(torch.nn.Module):
        def forward(self, x):
            return {"a": x * 2}

    x = torch.ones(2, requires_grad=True)
    m = Two()
    m.register_full_backward_hook(lambda m, gi, go: log(gi, go))
    m.register_full_backward_pre_hook(lambda m, go: log(go))
    a, b = m(x, x * 2)
    log(type(a.grad_fn).__name__ == type(b.grad_fn).__name__)
    a.sum().backward()
    log(x.grad)
    a, b = m(x, torch.zeros(2))
    (a.sum() + b.sum()).backward()
    log(x.grad)
    n = Named()
    n.register_full_backward_hook(lambda m, gi, go: log("never"))
    log(n(x)["a"])


@twin
def test_global_hooks(torch, log):
    from importlib import import_module

    module = import_module(torch.nn.Module.__module__)
    m = torch.nn.Sequential(torch.nn.Identity(), torch.nn.ReLU())
    seen = []
    handles = [
        module.register_module_forward_pre_hook(lambda m, a: seen.append(("pre", type(m).__name__))),
        module.register_module_forward_hook(lambda m, a, r: seen.append(("post", type(m).__name__))),
    ]
    m(torch.ones(1))
    for handle in handles:
        handle.remove()
    m(torch.ones(1))
    log(seen)


@twin
def test_handles(torch, log):
    m = scaler(torch)
    first = m.register_forward_hook(lambda m, a, r: None)
    second = m.register_forward_hook(lambda m, a, r: r * 3)
    log(second.id - first.id, first.id in m._forward_hooks)
    restored = pickle.loads(pickle.dumps(m.register_forward_pre_hook(print)))
    log(restored.id - second.id, restored.extra_dict_ref == ())
    c = copy.deepcopy(m)
    first.remove(), second.remove()
    log(len(m._forward_hooks), len(c._forward_hooks), c(torch.ones(1)) if False else None)


@twin
def test_registration_hooks(torch, log):
    from importlib import import_module

    module = import_module(torch.nn.Module.__module__)
    seen = []

    def note(kind):
        return lambda m, name, value: seen.append((kind, type(m).__name__, name, type(value).__name__))

    handles = [
        module.register_module_parameter_registration_hook(note("parameter")),
        module.register_module_buffer_registration_hook(note("buffer")),
        module.register_module_module_registration_hook(note("module")),
    ]
    m = torch.nn.BatchNorm1d(2)
    s = torch.nn.Sequential(m, torch.nn.Linear(2, 1, bias=False))
    s.extra = torch.nn.ReLU()
    s.extra = None
    s.weight = torch.nn.Parameter(torch.ones(1))
    s.register_buffer("scale", torch.ones(1))
    s.scale = torch.zeros(1)
    s.add_module("last", torch.nn.Identity())
    for handle in handles:
        handle.remove()
    s.weight = torch.nn.Parameter(torch.zeros(1))
    log(seen)
    with module.register_module_parameter_registration_hook(
        lambda m, name, p: None if p is None else torch.nn.Parameter(p * 2)
    ):
        s.weight = torch.nn.Parameter(torch.ones(1))
    with module.register_module_buffer_registration_hook(lambda m, name, b: b + 5):
        s.register_buffer("other", torch.ones(1))
        s.scale = torch.ones(1)
    with module.register_module_module_registration_hook(lambda m, name, child: torch.nn.Tanh()):
        s.last = torch.nn.ReLU()
    log(s.weight, s.other, s.scale, s)


class _Fork:
    """Outputs of different nodes, and an output that is no tensor."""

    def __new__(cls, torch):
        class Fork(torch.nn.Module):
            def forward(self, x, kind):
                if kind == "two":
                    return x * 2, x.exp()
                if kind == "dict":
                    return {"a": x * 2}
                return (x * 2).exp() if kind == "deep" else x * 2

        return Fork()


@twin
def test_old_hooks_say_what_they_miss(torch, log):
    m = _Fork(torch)
    seen = []
    with m.register_backward_hook(lambda m, gi, go: seen.append((len(gi), len(go)))):
        for kind in ("two", "dict", "deep", "plain"):
            x = torch.ones(2, requires_grad=True)
            y = m(x, kind)
            y = y["a"] if kind == "dict" else y[0] if kind == "two" else y
            y.sum().backward()
    m = torch.nn.ReLU()
    with m.register_backward_hook(lambda m, gi, go: (gi[0] * 3,)):
        m(x).sum().backward()
    log(seen, x.grad)


@twin
def test_global_backward_hooks(torch, log):
    from importlib import import_module

    module = import_module(torch.nn.Module.__module__)
    flags = (
        module
        if hasattr(module, "_global_is_full_backward_hook")
        else import_module("tensorgrad.nn.modules._hooks")
    )
    m = torch.nn.Sequential(torch.nn.LeakyReLU(0.5), torch.nn.ReLU())
    seen = []
    try:
        with module.register_module_backward_hook(lambda m, gi, go: seen.append((type(m).__name__, len(gi)))):
            x = torch.ones(2, requires_grad=True)
            m(x).sum().backward()
        log(seen, x.grad)
        log(lambda: module.register_module_full_backward_hook(print))
        flags._global_is_full_backward_hook = None
        with module.register_module_full_backward_hook(lambda m, gi, go: (gi[0] * 2,)):
            m(x).sum().backward()
        log(x.grad, lambda: module.register_module_backward_hook(print))
        with module.register_module_full_backward_pre_hook(lambda m, go: (go[0] * 2,)):
            m(x).sum().backward()
        log(x.grad)
    finally:
        flags._global_is_full_backward_hook = None
