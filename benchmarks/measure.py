"""Runs the cases of one group: each library in processes of its own, in turns, and the best figure counts."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys

from .cases import GROUPS

Figures = dict[str, dict[str, float]]  # peer -> case -> seconds, or MiB where the case's name says so

PROCESS = """
import pathlib, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20
begin, before = time.perf_counter(), resident()
import {module} as torch
seconds, memory = time.perf_counter() - begin, resident() - before
model = torch.nn.Sequential(torch.nn.Linear(2, 10), torch.nn.ReLU(), torch.nn.Linear(10, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
torch.nn.functional.cross_entropy(model(torch.rand(4, 2)), torch.tensor([0, 1, 1, 0])).backward()
optimizer.step()
first = time.perf_counter() - begin
folder = pathlib.Path(torch.__file__).parent
files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc"]
print(seconds, memory, first, sum(file.stat().st_size for file in files) / 2**20)
"""
PROCESS_CASES = ("import", "import, memory in MiB", "import and the first training step", "installed, MiB")


@dataclasses.dataclass(frozen=True)
class Peer:
    """A library, and how many threads it is given; 0: as many as it takes by itself."""

    name: str
    module: str
    threads: int = 0


OURS = "tensorgrad"
THEIRS = "PyTorch"
SMALL = "magnetron"
ALONE = "tensorgrad, 1 thread"


def peers_of(group: str, threads: int, scaling: bool) -> list[Peer]:
    """Who is measured in `group`."""
    peers = [Peer(OURS, "tensorgrad", threads), Peer(THEIRS, "torch", threads)]
    if group in ("calls", "steps") and importlib.util.find_spec("magnetron"):
        peers.append(Peer(SMALL, "magnetron"))
    if scaling and group in ("layers", "kernels", "steps"):
        peers.append(Peer(ALONE, "tensorgrad", 1))
    return peers


def measure(group: str, only: str, rounds: int, threads: int, scaling: bool) -> Figures:
    """The least of all rounds."""
    peers = peers_of(group, threads, scaling)
    found: Figures = {peer.name: {} for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            for name, value in _once(peer, group, only).items():
                found[peer.name][name] = min(value, found[peer.name].get(name, value))
    return found


def _once(peer: Peer, group: str, only: str) -> dict[str, float]:
    if group == "process":
        figures = _output("-c", PROCESS.format(module=peer.module)).split()
        return dict(zip(PROCESS_CASES, map(float, figures), strict=True))
    if group == "memory":
        merged = {}
        for case in GROUPS["steps"]:
            if only in case:
                merged.update(_work(peer, group, case))
        return {f"{case}, MiB": value for case, value in merged.items()}
    return _work(peer, group, only)


def _work(peer: Peer, group: str, only: str) -> dict[str, float]:
    return json.loads(_output("-m", "benchmarks.worker", peer.module, group, str(peer.threads), only))


def _output(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
