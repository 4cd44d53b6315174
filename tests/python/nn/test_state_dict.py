"""state_dict and load_state_dict; each program runs with torch and with tensorgrad."""

from collections import OrderedDict

from tests.python.nn.test_module import make
from tests.python.twin import twin


@twin
def test_save(torch, log):
    m = make(torch)
    state = m.state_dict()
    log(state, state._metadata, type(state).__name__, m.state_dict(prefix="x.").keys())
    log({k: v.requires_grad for k, v in m.state_dict(keep_vars=True).items()})
    log(state["scale"].data_ptr() == m.scale.data_ptr(), type(state["scale"]).__name__)
    log(m.state_dict({}), m.state_dict(None, "y.").keys(), m.state_dict(destination=OrderedDict(a=1)).keys())
    log(torch.nn.BatchNorm1d(2).state_dict()._metadata)


@twin
def test_load(torch, log):
    m, n = make(torch), make(torch)
    state = n.state_dict()
    log(lambda: m.load_state_dict(state), m.state_dict())
    log(lambda: m.load_state_dict({}), lambda: m.load_state_dict({"x": 1}), lambda: m.load_state_dict(3))
    log(
        lambda: str(m.load_state_dict({}, strict=False)),
        lambda: m.load_state_dict({"q": 1, "block.z.a": 1}, strict=False),
    )

    def changed(**values):
        def load():
            other = dict(n.state_dict(), **values)
            try:
                return m.load_state_dict(other)
            except RuntimeError as error:
                return str(error)

        return load

    log(
        changed(mean=torch.zeros(3)),
        changed(mean=3),
        changed(mean=torch.zeros(())),
        changed(scratch=torch.zeros(1)),
    )
    log(changed(**{"linear.weight.foo": 3, "linear.q": 1, "mean": torch.zeros(4), "scale": 2}))
    log(changed(mean=torch.zeros(2, dtype=torch.float64)), m.mean)

    def partly():
        broken = dict(n.state_dict(), mean=torch.zeros(3))
        del broken["block.0.bias"]
        return m.load_state_dict(broken, strict=False)

    log(partly)
    scalar = torch.nn.Module()
    scalar.register_buffer("s", torch.tensor(1.0))
    log(scalar.load_state_dict({"s": torch.tensor([5.0])}), scalar.s)
    weight = m.linear.weight
    m.load_state_dict(state, assign=True)
    log(
        m.linear.weight is weight,
        m.linear.weight.data_ptr() == state["linear.weight"].data_ptr(),
        m.linear.weight,
    )
    log(m.mean is state["mean"])


@twin
def test_old_batch_norm(torch, log):
    b = torch.nn.BatchNorm2d(4)
    b.num_batches_tracked.add_(3)
    old = {k: v for k, v in b.state_dict().items() if "num" not in k}
    log(b.load_state_dict(old), b.num_batches_tracked)
    state = OrderedDict(old)
    state._metadata = OrderedDict({"": {"version": 2}})
    log(lambda: b.load_state_dict(state))


@twin
def test_hooks(torch, log):
    m = make(torch)
    for hook in (lambda *a: 3, lambda *a: log(a[2], a[3])):
        with m.register_state_dict_post_hook(hook):
            log(lambda: list(m.state_dict(prefix="q.")))
    with m._register_state_dict_hook(lambda *a: {"z": 1}):
        log(lambda: m.state_dict())
    with m.register_state_dict_pre_hook(lambda *a: log(a[1:])):
        log(lambda: list(m.state_dict()))
    for hook in (lambda *a: log(a[1]), lambda *a: 3, lambda m, keys: keys.missing_keys.clear()):
        with m.register_load_state_dict_post_hook(hook):
            log(lambda: m.load_state_dict({"q": 1}, strict=False))
    with m.register_load_state_dict_pre_hook(lambda *a: log(len(a), a[1:])):
        log(lambda: m.load_state_dict({"q": 1}, strict=False))
    with m._register_load_state_dict_pre_hook(lambda *a: log(len(a), a)):
        log(lambda: m.load_state_dict({"q": 1}, strict=False))

    def twice(*args):
        return None

    with m.register_state_dict_post_hook(twice):
        log(lambda: m._register_state_dict_hook(twice))


@twin
def test_extra_state(torch, log):
    class Extra(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.extra = 1

        def get_extra_state(self):
            return {"extra": self.extra}

        def set_extra_state(self, state):
            self.extra = state["extra"]

    m = torch.nn.Sequential(Extra(), torch.nn.Linear(1, 1))
    m[0].extra = 7
    state = m.state_dict()
    n = torch.nn.Sequential(Extra(), torch.nn.Linear(1, 1))
    log(list(state), n.load_state_dict(state), n[0].extra)
    del state["0._extra_state"]
    log(lambda: n.load_state_dict(state))
    log(lambda: torch.nn.Linear(1, 1).load_state_dict({"_extra_state": 1}, strict=False))
    log(lambda: torch.nn.Linear(1, 1).load_state_dict({"_extra_state": 1}))
