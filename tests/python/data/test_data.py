"""utils.data: datasets, samplers, collating, the loader's order; each program runs with torch and with tensorgrad."""

import collections
import time

import numpy as np
import pytest

import tensorgrad
from tests.python.twin import twin

Pair = collections.namedtuple("Pair", "a b")


def data(torch):
    return torch.utils.data


def rows(torch):
    return data(torch).TensorDataset(torch.arange(10.0).view(5, 2), torch.arange(5))


def stream(torch, count=7):
    class Stream(data(torch).IterableDataset):
        def __iter__(self):
            return iter(range(count))

    return Stream()


@twin
def test_datasets(torch, log):
    d = data(torch)
    t = rows(torch)
    log(lambda: d.TensorDataset(torch.ones(2), torch.ones(3)), t[0], t[1:3], len(t), lambda: t[9])
    log(lambda: d.Dataset()[0], lambda: len(d.Dataset()), lambda: len(d.TensorDataset()))
    both = t + t
    log(both.cumulative_sizes, both[7], both[-1], lambda: both[-11], lambda: both[10], len(both))
    log(lambda: d.ConcatDataset([]), lambda: d.ConcatDataset([stream(torch)]))
    log(list(stream(torch) + stream(torch)), lambda: list(d.ChainDataset([t])), lambda: len(stream(torch)))
    x, y = t.tensors
    log(d.StackDataset(x, y)[0], d.StackDataset(a=x, b=y)[0], lambda: d.StackDataset())
    log(lambda: d.StackDataset(x, y[:2]), lambda: d.StackDataset(x, a=y), len(d.StackDataset(x, y)))
    log(d.StackDataset(x, y).__getitems__([1, 2]), d.StackDataset(a=x, b=y).__getitems__([1, 2]))
    s = d.Subset(t, [3, 1])
    log(s[0], s[[0, 1]], len(s), s.__getitems__([0, 1]), lambda: s[5])


@twin
@pytest.mark.parametrize(
    "lengths",
    [
        [3, 2],
        [3, 3],
        [0.5, 0.5],
        [0.5, 0.6],
        [-0.1, 1.1],
        [0.1, 0.9],
        [5, 0],
        [0.3, 0.3, 0.3],
        [0.05, 0.95],
        [1 / 3] * 3,
    ],
    ids=str,
)
def test_random_split(torch, log, lengths):
    d = data(torch)
    log(lambda: [list(part.indices) for part in d.random_split(rows(torch), lengths)])
    g = torch.Generator().manual_seed(5)
    log(lambda: [list(part.indices) for part in d.random_split(rows(torch), lengths, generator=g)])
    log(torch.rand(1))


@twin
def test_samplers(torch, log):
    d = data(torch)
    t = rows(torch)
    log(list(d.SequentialSampler(t)), len(d.SequentialSampler(t)))
    log(lambda: d.RandomSampler(t, replacement=1), lambda: d.RandomSampler([]), lambda: list(d.Sampler()))
    for count in (0, 2.5, True, -1):
        log(lambda: d.RandomSampler(t, num_samples=count))
    for options in (
        {},
        {"replacement": True},
        {"replacement": True, "num_samples": 70},
        {"num_samples": 7},
        {"num_samples": 10},
        {"num_samples": 3},
        {"replacement": True, "num_samples": 64},
    ):
        log(list(d.RandomSampler(t, **options)), len(d.RandomSampler(t, **options)), torch.rand(1))
        g = torch.Generator().manual_seed(3)
        log(list(d.RandomSampler(t, generator=g, **options)), torch.rand(1, generator=g), torch.rand(1))
    log(list(d.SubsetRandomSampler([5, 6, 7])), torch.rand(1), len(d.SubsetRandomSampler([5, 6])))
    log(list(d.WeightedRandomSampler([0.1, 0.9, 0.3], 5)), torch.rand(1))
    log(list(d.WeightedRandomSampler([0.1, 0.9, 0.3], 2, replacement=False)), torch.rand(1))
    for args in (([0.1], 0), ([0.1], 1, 3), ([[0.1]], 1), ([0.1], True)):
        log(lambda: d.WeightedRandomSampler(*args))
    log(lambda: list(d.WeightedRandomSampler([0.1, 0.2], 3, False)))
    for drop in (False, True):
        log(list(d.BatchSampler(range(7), 3, drop)), len(d.BatchSampler(range(7), 3, drop)))
    for args in ((0, False), (1.5, False), (True, False), (3, 1)):
        log(lambda: d.BatchSampler(range(7), *args))


@twin
def test_collate(torch, log):
    d = data(torch)
    x = torch.arange(10.0).view(5, 2)
    for batch in (
        [1, 2],
        [1.5, 2],
        ["a", "b"],
        [b"a", b"c"],
        [{"a": 1, "b": x[0]}, {"a": 2, "b": x[1]}],
        [(1, 2), (3, 4)],
        [[1, 2], [3, 4]],
        [Pair(1, 2.0), Pair(3, 4.0)],
        [np.ones(2), np.zeros(2)],
        [np.float64(1), np.float64(2)],
        [np.float32(1)],
        [np.int8(1)],
        [None],
        [object],
        [(1,), (2, 3)],
        [x[0], x[1]],
        [np.array(["a"])],
        [True, False],
        [collections.OrderedDict(a=1)],
        [{1}],
        [],
        [collections.defaultdict(int, a=1)],
        [np.array(1.0)],
        [2 + 3j],
        [((1, 2.0), {"a": [3]}), ((4, 5.0), {"a": [6]})],
        [np.ones(2, dtype=np.int32)],
    ):
        log(lambda: d.default_collate(batch))
    log(lambda: d.default_collate([x[0], x[0][:1]]))
    for value in (
        1,
        1.5,
        "a",
        {"a": np.ones(1)},
        (1, np.ones(2)),
        [1, np.float32(2)],
        Pair(np.ones(1), 2),
        None,
        x[0],
    ):
        log(lambda: d.default_convert(value))


@twin
def test_loader_arguments(torch, log):
    d = data(torch)
    t = rows(torch)
    for options in (
        {"batch_size": 0},
        {"batch_size": -1},
        {"batch_size": 2, "sampler": [1], "shuffle": True},
        {"batch_sampler": [[1]], "batch_size": 2},
        {"batch_sampler": [[1]], "shuffle": True},
        {"batch_sampler": [[1]], "drop_last": True},
        {"batch_sampler": [[1]], "sampler": [1]},
        {"batch_size": None, "drop_last": True},
        {"batch_size": None, "shuffle": True},
        {"num_workers": -1},
        {"timeout": -1},
        {"timeout": 3},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"multiprocessing_context": "fork"},
        {"pin_memory": True},
        {"batch_size": 2.5},
        {"in_order": False},
        {"shuffle": "a"},
        {"batch_sampler": [[0, 1], [4]]},
        {"sampler": [3, 1], "batch_size": 2},
        {"foo": 1},
    ):
        log(lambda: list(d.DataLoader(t, **options)))
    s = stream(torch)
    log(
        lambda: d.DataLoader(s, shuffle=True),
        lambda: d.DataLoader(s, sampler=[1]),
        lambda: d.DataLoader(s, batch_sampler=[1]),
    )
    log(list(d.DataLoader(s, batch_size=3)), list(d.DataLoader(s, batch_size=3, drop_last=True)))
    log(list(d.DataLoader(s, batch_size=None)), lambda: len(d.DataLoader(s)))
    loader = d.DataLoader(t, batch_size=2)
    log(
        lambda: setattr(loader, "batch_size", 3),
        len(loader),
        len(d.DataLoader(t, batch_size=2, drop_last=True)),
    )
    log(
        len(d.DataLoader(t, batch_size=None)),
        type(loader.sampler).__name__,
        next(iter(loader)),
        d.get_worker_info(),
    )
    log(len(iter(loader)), lambda: d.DataLoader[int])


@twin
def test_loader_order(torch, log):
    d = data(torch)
    t = rows(torch)
    part = d.Subset(t, [4, 0, 2])
    for dataset in (t, part, d.ConcatDataset([t, part]), d.StackDataset(*t.tensors)):
        for options in (
            {"batch_size": 2, "shuffle": True},
            {"batch_size": 2, "shuffle": True, "drop_last": True},
            {"batch_size": 2},
            {"shuffle": True},
            {"batch_size": 9},
            {"batch_size": 9, "drop_last": True},
        ):
            loader = d.DataLoader(dataset, **options)
            log(list(loader), list(loader), torch.rand(1))
            g = torch.Generator().manual_seed(1)
            log(
                list(d.DataLoader(dataset, generator=g, **options)), torch.rand(1, generator=g), torch.rand(1)
            )
    for sampler in (
        d.RandomSampler(t, replacement=True, num_samples=70),
        d.RandomSampler(t, num_samples=12),
        d.SubsetRandomSampler([1, 2]),
        d.WeightedRandomSampler([1, 2, 3, 4, 5], 4),
    ):
        log(list(d.DataLoader(t, sampler=sampler, batch_size=3)), torch.rand(1))
    it = iter(d.DataLoader(t, shuffle=True))
    log(torch.rand(1), next(it), torch.rand(1))
    log(list(d.DataLoader(t, batch_size=2, collate_fn=lambda batch: [len(batch)])))
    log(list(d.DataLoader(t, batch_size=None, shuffle=True)))


def test_batches_are_copies():
    t = rows(tensorgrad)
    for shuffle in (False, True):
        for x, _ in data(tensorgrad).DataLoader(t, batch_size=2, shuffle=shuffle):
            x.zero_()
    assert t.tensors[0].sum().item() == 45


def test_workers_do_their_work_here():
    t = rows(tensorgrad)
    tensorgrad.manual_seed(0)
    here = [y.tolist() for _, y in data(tensorgrad).DataLoader(t, batch_size=2, shuffle=True)]
    tensorgrad.manual_seed(0)
    loader = data(tensorgrad).DataLoader(
        t, batch_size=2, shuffle=True, num_workers=2, persistent_workers=True
    )
    assert here == [y.tolist() for _, y in loader]


def test_gathering_is_fast():
    """60,000 rows in batches of 64: PyTorch needs a few hundred milliseconds, one gather per batch a few."""
    t = data(tensorgrad).TensorDataset(
        tensorgrad.zeros(60000, 8), tensorgrad.zeros(60000, dtype=tensorgrad.int64)
    )
    loader = data(tensorgrad).DataLoader(t, batch_size=64, shuffle=True)
    start = time.perf_counter()
    count = sum(len(y) for _, y in loader)
    assert count == 60000
    assert time.perf_counter() - start < 0.3
