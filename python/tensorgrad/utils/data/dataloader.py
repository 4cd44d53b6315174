"""DataLoader: batches of a dataset, made in this process."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import tensorgrad
from tensorgrad.utils.data._collate import default_collate, default_convert
from tensorgrad.utils.data.dataset import IterableDataset, Subset, TensorDataset
from tensorgrad.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)


class _InfiniteSampler:
    """Endless Nones: what a stream of samples is asked with."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class _DatasetKind:
    Map = 0
    Iterable = 1


def get_worker_info() -> None:
    """What a worker process knows of itself: nothing, since batches are made in the main process."""
    return None


class DataLoader(Generic[T_co]):
    """Batches of a dataset, in an order that is PyTorch's for the same seed.

    Batches of a TensorDataset (or a Subset of one) in sequential or random order and with the default
    collate are gathered in one call per tensor.

    Args:
        dataset: a map-style or iterable dataset.
        batch_size: samples in a batch; None for samples alone.
        shuffle: random order, new in each pass.
        sampler: an iterable of indices in place of the order.
        batch_sampler: an iterable of lists of indices.
        num_workers: accepted for compatibility: batches are made in this process, in the same order, and
            `worker_init_fn`, `prefetch_factor`, `persistent_workers` and `multiprocessing_context` have no
            effect.
        collate_fn: makes a batch out of a list of samples.
        pin_memory: has no effect without a GPU.
        drop_last: leave the last batch out if it is short.
        timeout: for workers.
        generator: where the order's random numbers come from.

    Raises:
        ValueError: arguments that exclude each other.
    """

    dataset: Any
    batch_size: int | None
    num_workers: int
    sampler: Any
    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_worker_arguments(
            num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context
        )
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order

        streams = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if streams else _DatasetKind.Map
        if streams:
            for name, value, given in (
                ("shuffle", shuffle, bool(shuffle)),
                ("sampler", sampler, sampler is not None),
                ("batch_sampler", batch_sampler, batch_sampler is not None),
            ):
                if given:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but "
                        f"got {name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                    "and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if streams:
                sampler = _InfiniteSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)

        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in (
            "batch_size",
            "batch_sampler",
            "sampler",
            "drop_last",
            "dataset",
            "persistent_workers",
        ):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[Any]:
        return _SingleProcessDataLoaderIter(self)

    def __len__(self) -> int:
        if self._dataset_kind == _DatasetKind.Iterable:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        return len(self._index_sampler)


class _SingleProcessDataLoaderIter:
    """One pass over a loader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        if loader.pin_memory and not _has_accelerator():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device "
                "pinned memory won't "
                "be used.",
                stacklevel=3,
            )
        self._loader = loader
        self._base_seed = draw_seed(loader.generator)  # drawn in each pass, as PyTorch does for its workers
        if loader.num_workers == 0 and loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._num_yielded = 0
        self._batches = _batches(loader)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch = next(self._batches)
        self._num_yielded += 1
        return batch

    def __len__(self) -> int:
        return len(self._loader._index_sampler)


def _has_accelerator() -> bool:
    try:
        return bool(tensorgrad.cuda.is_available())
    except (ImportError, AttributeError):  # built without it
        return False


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    if loader._dataset_kind == _DatasetKind.Iterable:
        return _stream_batches(loader)
    gather = _gatherer(loader)
    if gather is not None:
        return gather
    return _mapped_batches(loader)


def _mapped_batches(loader: DataLoader[Any]) -> Iterator[Any]:
    dataset, collate = loader.dataset, loader.collate_fn
    if not loader._auto_collation:
        for index in loader.sampler:
            yield collate(dataset[index])
        return
    many = getattr(dataset, "__getitems__", None)
    for indices in loader.batch_sampler:  # type: ignore[union-attr]
        yield collate(many(indices) if many else [dataset[index] for index in indices])


def _stream_batches(loader: DataLoader[Any]) -> Iterator[Any]:
    samples, collate = iter(loader.dataset), loader.collate_fn
    if not loader._auto_collation:
        for sample in samples:
            yield collate(sample)
        return
    batch = []
    for sample in samples:
        batch.append(sample)
        if len(batch) == loader.batch_size:
            yield collate(batch)
            batch = []
    if batch and not loader.drop_last:
        yield collate(batch)


def _gatherer(loader: DataLoader[Any]) -> Iterator[Any] | None:
    """Batches gathered tensor by tensor, where that is the same as collating samples; else None."""
    dataset: Any = loader.dataset
    rows: Any = None
    if type(dataset) is Subset:
        dataset, rows = dataset.dataset, dataset.indices
    batches: Any = loader.batch_sampler
    sampler: Any = loader.sampler
    if (
        type(dataset) is not TensorDataset
        or loader.collate_fn is not default_collate
        or type(batches) is not BatchSampler
        or sampler is not batches.sampler
        or type(sampler) not in (SequentialSampler, RandomSampler)
        or getattr(sampler, "data_source", None) is not loader.dataset
    ):
        return None
    if rows is not None:
        try:
            rows = tensorgrad.as_tensor(rows, dtype=tensorgrad.int64)
        except (TypeError, ValueError, RuntimeError):
            return None  # indices that are no list of integers
        if rows.dim() != 1:
            return None
    return _gathered_batches(dataset.tensors, rows, sampler, batches.batch_size, batches.drop_last)


def _gathered_batches(
    tensors: tuple[Any, ...], rows: Any, sampler: Any, size: int, drop_last: bool
) -> Iterator[Any]:
    count = len(sampler)
    ends = range(size, count + 1, size)
    last = ends[-1] if len(ends) else 0
    spans = [(end - size, end) for end in ends]
    if last < count and not drop_last:
        spans.append((last, count))
    if type(sampler) is SequentialSampler and rows is None:
        for start, end in spans:
            yield [tensor[start:end].clone() for tensor in tensors]
        return
    if type(sampler) is SequentialSampler:
        order = rows
    else:
        chunks = list(sampler.chunks())
        order = chunks[0] if len(chunks) == 1 else tensorgrad.cat(chunks)
        if rows is not None:
            order = rows[order]
    for start, end in spans:
        picked = order[start:end]
        yield [tensor.index_select(0, picked) for tensor in tensors]


def _check_worker_arguments(
    num_workers: int,
    timeout: float,
    prefetch_factor: int | None,
    persistent_workers: bool,
    multiprocessing_context: Any,
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if num_workers == 0 and multiprocessing_context is not None:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
