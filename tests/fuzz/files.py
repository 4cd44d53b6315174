"""Feeds damaged .pt and .safetensors files to their readers: python -m tests.fuzz.files --count 100000 --seed 0.

A reader may give an object or raise one of the errors that it documents. Anything else is a finding: another error,
a call of what a file names, memory or time beyond a bound, or the death of the process.
"""

import argparse
import contextlib
import faulthandler
import io
import pickle
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tensorgrad.utils import safetensors

import tensorgrad
from tests.fuzz import canary
from tests.fuzz.mutate import damage_pt, damage_safetensors
from tests.fuzz.seeds import pt_files, safetensors_files

ERRORS = {
    ".pt": (pickle.UnpicklingError, RuntimeError, EOFError, ValueError),
    ".safetensors": (safetensors.SafetensorError,),
}
MOST_SECONDS = 5.0
MOST_BYTES = 256 * 2**20  # for files of some 10 kB
MOST_ELEMENTS = 10_000  # a tensor of stride 0 may have any number
HANGS_AFTER = 120
# What a reader may have the interpreter do.
HARMLESS_EVENTS = {"builtins.id", "mmap.__new__"}


class Watch:
    """Listens to what the interpreter is asked for while a file is read."""

    def __init__(self, path: Path) -> None:
        self.on = False
        self.heard: set[str] = set()
        self.path = str(path)  # the only file that may be opened
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and event not in HARMLESS_EVENTS and not (event == "open" and args[0] == self.path):
            self.heard.add(f"{event} {str(args)[:100]}" if event in ("import", "open") else event)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside the block, events are remembered."""
        self.on = True
        try:
            yield
        finally:
            self.on = False


def tensors_of(value: Any) -> Iterator[tensorgrad.Tensor]:
    """The tensors in containers, each container seen once."""
    seen: set[int] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, tensorgrad.Tensor):
            yield item
        elif isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)


def use(value: Any) -> None:
    """Reads every element that a loaded object shows."""
    for tensor in tensors_of(value):
        tensor = tensor.detach()
        if tensor.numel() <= MOST_ELEMENTS:
            tensor.tolist()
            tensor.clone().sum()
        elif tensor.dim():
            tensor[(0,) * tensor.dim()].item()
            tensor[(-1,) * tensor.dim()].item()


def read(kind: str, data: bytes, index: int, path: Path) -> Any:
    """What a program does with such a file."""
    if kind == ".safetensors":
        return safetensors.load(data)
    if index % 16 == 0:
        path.write_bytes(data)
        return tensorgrad.load(str(path), mmap=True)
    return tensorgrad.load(io.BytesIO(data), weights_only=index % 3 != 0)


class Fuzzer:
    """Makes file number `index` of a seed, reads it, and keeps count."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "file.pt"
        self.seeds = {".pt": pt_files(), ".safetensors": safetensors_files()}
        self.outcomes: Counter[str] = Counter()
        self.findings: list[tuple[int, str]] = []
        self.slowest = 0.0
        for kind, files in self.seeds.items():  # what is imported late is imported now
            for data in files:
                for index in (0, 1, 3):
                    with contextlib.suppress(*ERRORS[kind]), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        use(read(kind, data, index, self.path))
        self.watch = Watch(self.path)
        self.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def make(self, index: int) -> tuple[str, bytes]:
        """The kind and the content of a file."""
        random = Random(f"{self.seed} {index}")
        kind = ".safetensors" if index % 4 == 3 else ".pt"
        damage = damage_safetensors if kind == ".safetensors" else damage_pt
        files = self.seeds[kind]
        return kind, damage(random.choice(files), files, random)

    def run(self, index: int) -> None:
        """Reads one file."""
        kind, data = self.make(index)
        begin = time.perf_counter()
        try:
            with self.watch.listening():
                use(read(kind, data, index, self.path))
            self.outcomes[f"{kind} loaded"] += 1
        except RecursionError as error:  # is a RuntimeError
            self.findings.append((index, f"RecursionError: {error}"))
        except ERRORS[kind] as error:
            self.outcomes[f"{kind} {type(error).__name__}"] += 1
        except Exception as error:
            self.findings.append((index, f"{type(error).__name__}: {str(error)[:200]}"))
        seconds = time.perf_counter() - begin
        self.slowest = max(self.slowest, seconds)
        if seconds > MOST_SECONDS:
            self.findings.append((index, f"took {seconds:.1f} s"))
        if canary.called or self.watch.heard:
            self.findings.append((index, f"executed {canary.called} {sorted(self.watch.heard)}"))
            canary.called.clear()
            self.watch.heard.clear()

    def grown(self) -> int:
        """Bytes of memory beyond those at the start."""
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self.memory) * 1024


def fuzz(count: int, seed: int, first: int = 0, keep: Path | None = None, quiet: bool = True) -> Fuzzer:
    """Reads `count` files from number `first` on; findings are written to the folder `keep`."""
    fuzzer = Fuzzer(seed)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in range(first, first + count):
            if index % 1000 == 0 and not quiet:
                faulthandler.dump_traceback_later(HANGS_AFTER, exit=True)
                if index % 10_000 == 0 and index > first:
                    speed = (index - first) / (time.perf_counter() - begin)
                    print(
                        f"{index - first} files, {speed:.0f}/s, {len(fuzzer.findings)} findings", flush=True
                    )
            fuzzer.run(index)
            if fuzzer.grown() > MOST_BYTES:
                fuzzer.findings.append((index, f"memory grew by {fuzzer.grown() >> 20} MB"))
                fuzzer.memory += fuzzer.grown() // 1024
    if not quiet:
        faulthandler.cancel_dump_traceback_later()
    if keep is not None:
        for index, _ in fuzzer.findings:
            kind, data = fuzzer.make(index)
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{seed}-{index}{kind}").write_bytes(data)
    return fuzzer


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the damage (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first file, to repeat one")
    parser.add_argument("--keep", type=Path, help="a folder for the files that were findings")
    options = parser.parse_args()
    begin = time.perf_counter()
    fuzzer = fuzz(options.count, options.seed, options.first, options.keep, quiet=False)
    for outcome, number in sorted(fuzzer.outcomes.items()):
        print(f"{number:8} {outcome}")
    print(
        f"{options.count} files in {time.perf_counter() - begin:.0f} s, slowest {1000 * fuzzer.slowest:.0f} ms, "
        f"memory grew by {fuzzer.grown() >> 20} MB, {len(fuzzer.findings)} findings"
    )
    for index, what in fuzzer.findings[:50]:
        print(f"file {index}: {what}")
    return bool(fuzzer.findings)


if __name__ == "__main__":
    sys.exit(main())
