"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict; each program runs with torch and with tensorgrad."""

from collections import OrderedDict

from tests.python.twin import twin


def deleted(container, key):
    def f():
        del container[key]
        return container

    return f


def assigned(container, key, value):
    def f():
        container[key] = value
        return container

    return f


@twin
def test_sequential(torch, log):
    nn = torch.nn
    log(
        lambda: nn.Sequential(nn.ReLU(), 3),
        lambda: nn.Sequential({"a": nn.ReLU()}),
        nn.Sequential(),
        nn.Sequential()(5),
    )
    s = nn.Sequential(OrderedDict(a=nn.Linear(2, 3), b=nn.ReLU()))
    log(s, s[0], lambda: s["a"], s[:1], lambda: s[5], s[-1], lambda: s[-3], s + s, s * 2, 2 * s, s.a, len(s))
    log(lambda: s * 0, lambda: s * 1.5, lambda: s + 3, lambda: s + [nn.ReLU()], type(s[:1]).__name__)
    log(
        s.append(nn.Tanh()),
        s.extend([nn.ReLU()]),
        lambda: s.insert(1, nn.Tanh()),
        lambda: s.insert(9, nn.Tanh()),
    )
    log(lambda: s.insert(1, 3), s.pop(0), s, lambda: s.pop(-1), s, lambda: s.pop(9))
    s = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Tanh())
    log(s.insert(1, nn.SiLU()), s.insert(-1, nn.GELU()), s.insert(5, nn.ELU()), s.insert(0, nn.Identity()))
    log(deleted(s, 1), deleted(s, slice(0, 2)), deleted(s, -1), deleted(s, 9))
    log(assigned(s, 0, nn.ReLU()), assigned(s, -1, nn.SELU()), assigned(s, 9, nn.ReLU()), assigned(s, 0, 3))
    s += nn.Sequential(nn.ReLU6())
    log(s)
    s *= 2
    log(s, len(s), list(s), lambda: s.extend(3), lambda: s.append(3), list(reversed(s)))
    log(
        lambda: nn.Sequential(nn.Linear(2, 2))(torch.ones(1), 2),
        "0" in dir(s),
        nn.Sequential(nn.ReLU())(-torch.ones(2)),
    )

    class Mine(nn.Sequential):
        pass

    m = Mine(nn.ReLU(), nn.Tanh())
    log(m[:1], m + m, type(m * 2).__name__)


@twin
def test_module_list(torch, log):
    nn = torch.nn
    items = nn.ModuleList([nn.Linear(2, 2) for _ in range(4)] + [nn.ReLU()])
    log(
        items,
        items[1:3],
        lambda: items[9],
        items[-1],
        items + [nn.Tanh()],
        items.pop(0),
        items.insert(0, nn.ReLU()),
        items,
    )
    log(lambda: items.append(3), lambda: items.extend(3), lambda: items.extend(nn.ReLU()), lambda: items(3))
    log(
        lambda: nn.ModuleList([1]),
        nn.ModuleList(),
        deleted(items, slice(1, 3)),
        deleted(items, 0),
        deleted(items, 9),
    )
    log(
        assigned(items, 0, nn.Tanh()),
        assigned(items, -1, nn.SiLU()),
        assigned(items, 7, nn.Tanh()),
        "0" in dir(items),
    )
    items += [nn.SiLU()]
    log(items, len(items), list(items), items.append(nn.ReLU()), lambda: items["0"])
    log(nn.ModuleList([nn.Linear(2, 2)] * 3 + [nn.Linear(2, 2)] * 2))
    log(nn.ModuleList([nn.Sequential(nn.ReLU(), nn.Tanh()) for _ in range(2)]))
    log(list(items.state_dict()), list(dict(items.named_modules())))


@twin
def test_module_dict(torch, log):
    nn = torch.nn
    d = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    log(
        d,
        lambda: d["c"],
        "a" in d,
        "z" in d,
        list(d),
        d.pop("a"),
        d.items(),
        d.update([("x", nn.ReLU()), ("y", nn.SiLU())]),
    )
    for bad in (3, [3], [(1, 2, 3)], {"q": 3}, {3: nn.ReLU()}, {"a.b": nn.ReLU()}, {"keys": nn.ReLU()}):
        log(lambda: d.update(bad))
    log(
        d.keys(),
        d.values(),
        lambda: d(3),
        len(d),
        deleted(d, "x"),
        deleted(d, "nope"),
        assigned(d, "b", nn.ELU()),
    )
    log(
        d.update(OrderedDict(z=nn.Linear(1, 1))),
        d,
        d.update(nn.ModuleDict({"w": nn.ReLU()})),
        d,
        d.clear(),
        d,
        len(d),
    )


@twin
def test_parameter_list(torch, log):
    nn = torch.nn
    p = nn.ParameterList([nn.Parameter(torch.ones(2)), torch.ones(3, 2), 3])
    log(
        p,
        p[0],
        p[1:],
        p.append(torch.zeros(1)),
        p.state_dict(),
        lambda: p[9],
        lambda: p(3),
        list(p),
        lambda: p.extend(3),
    )
    log(
        len(p),
        lambda: nn.ParameterList(3),
        p[-1],
        p.extend(p),
        p.extra_repr(),
        nn.ParameterList(),
        "0" in dir(p),
    )
    log(
        assigned(p, 0, torch.zeros(5)),
        assigned(p, 99, torch.zeros(5)),
        [name for name, _ in p.named_parameters()],
    )
    p += [torch.ones(1)]
    log(len(p), p)


@twin
def test_parameter_dict(torch, log):
    nn = torch.nn
    p = nn.ParameterDict({"a": torch.ones(2), "b": nn.Parameter(torch.ones(1)), "c": 3})
    log(
        p,
        p.a,
        lambda: p["z"],
        p | {"q": torch.ones(1)},
        p.pop("a"),
        p.popitem(),
        p.get("zz", 4),
        p.setdefault("w", torch.ones(1)),
    )
    log(p.fromkeys(["a", "b"], 3), p.copy(), p.keys(), p.items(), p.values(), list(reversed(p)), lambda: p(3))
    for bad in (3, [3], [(1, 2, 3)]):
        log(lambda: p.update(bad))
    log(p.state_dict(), "b" in p, len(p), list(p), deleted(p, "b"), deleted(p, "nope"))
    p |= {"n": torch.zeros(1)}
    log(p, p.clear(), p, p.setdefault("n"), p, assigned(p, 3, torch.ones(1)))
