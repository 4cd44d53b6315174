"""A short run of the fuzzer, and that it finds what it is there to find; `make test-all` has the long one."""

import pytest

import tensorgrad
from tests.fuzz import canary, files


def test_damaged_files():
    fuzzer = files.fuzz(600, seed=1)
    assert fuzzer.findings == []
    assert sum(fuzzer.outcomes.values()) == 600
    for outcome in (".pt loaded", ".pt UnpicklingError", ".pt RuntimeError", ".safetensors SafetensorError"):
        assert fuzzer.outcomes[outcome] > 5


def test_the_same_number_is_the_same_file():
    assert files.Fuzzer(1).make(17) == files.Fuzzer(1).make(17) != files.Fuzzer(2).make(17)


def test_execution_is_found():
    with tensorgrad.serialization.safe_globals([canary.sing, canary.Bird]):
        found = files.fuzz(1000, seed=1).findings
    assert any("executed" in what for _, what in found)


def test_imports_are_found(monkeypatch):
    from tensorgrad.serialization._globals import Globals

    def find(self, module, name):
        return getattr(__import__(module, fromlist=["x"]), name)

    monkeypatch.setattr(Globals, "find", find)
    assert any("import" in what for _, what in files.fuzz(300, seed=1).findings)


def test_other_errors_are_found(monkeypatch):
    def load(*args, **options):
        raise KeyError("of the reader's own")

    monkeypatch.setattr(tensorgrad, "load", load)
    with pytest.raises(KeyError):
        files.Fuzzer(1)
    monkeypatch.undo()
    fuzzer = files.Fuzzer(1)
    monkeypatch.setattr(tensorgrad, "load", load)
    fuzzer.run(1)
    assert fuzzer.findings == [(1, 'KeyError: "of the reader\'s own"')]
