"""PyTorch's databases of modules and optimizers: an entry a test, some inputs here, all of them under `-m slow`."""

from __future__ import annotations

import pytest
from torch.testing._internal.common_optimizers import optim_db

import tensorgrad
from tests.python.module_db import modules, optimizers
from tests.python.module_db.__main__ import EXPECTED
from tests.python.op_db import expected

MODULES = [name for name in modules.entries() if modules.present(name, tensorgrad)]
OPTIMIZERS = [info.name for info in optim_db if optimizers.present(info.name, tensorgrad)]
BOUNDED = 2  # inputs per entry and dtype


def judge(report: object, name: str, full: bool) -> None:
    lines = [line for line in expected.read(EXPECTED) if line.entry == name]
    unexpected, stale = expected.judge(report.records, lines, full)  # type: ignore[attr-defined]
    assert not unexpected and not stale
    assert any(record.get("checks") for record in report.records)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", MODULES)
def test_module(name: str) -> None:
    judge(modules.run(tensorgrad, {name}, BOUNDED), name, full=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_module_with_every_input(name: str) -> None:
    judge(modules.run(tensorgrad, {name}, None), name, full=True)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name: str) -> None:
    judge(optimizers.run(tensorgrad, {name}), f"optim.{name}", full=True)


def test_faults_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness fails where a module or an optimizer computes something else."""
    forward, step = tensorgrad.nn.Linear.forward, tensorgrad.optim.SGD.step
    monkeypatch.setattr(tensorgrad.nn.Linear, "forward", lambda self, x: forward(self, x) * 1.001)
    records = modules.run(tensorgrad, {"nn.Linear"}, 1).records
    assert all(record["checks"]["forward"] for record in records)
    monkeypatch.undo()

    def half(self, closure=None):
        step(self, closure)
        return step(self, closure)

    monkeypatch.setattr(tensorgrad.optim.SGD, "step", half)
    records = optimizers.run(tensorgrad, {"SGD"}).records
    assert all(
        any(r["checks"].values()) for r in records if r["dtype"] != "errors" and "steps" in r["checks"]
    )
