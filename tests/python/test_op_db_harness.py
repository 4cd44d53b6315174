"""The op database harness itself: PyTorch against PyTorch passes whole; a faulty module is caught, fault by fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.python.harness.module import VARIABLE
from tests.python.op_db import expected

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = "add,sin,cos,floor,gather,flip,trunc,exp,tril,normal,where,nn.functional.dropout,sort,split,__getitem__,empty"


def figures(tmp_path: Path, module: str, *flags: str) -> dict:
    path = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.python.op_db", "--json", str(path), *flags]
    environment = {**os.environ, VARIABLE: module}
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, timeout=300)
    return json.loads(path.read_text())


def test_pytorch_passes_against_itself(tmp_path: Path) -> None:
    total = figures(
        tmp_path, "torch", "--only", ENTRIES, "--samples", "4", "--dtype", "float32,float64,int64,bool,errors"
    )["total"]
    assert total["samples"] > 150 and total["passed"] == total["samples"]
    assert total["errors"] >= 10 and total["errors_passed"] == total["messages"] == total["errors"]
    assert total["entries_below_95"] == 0


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict:
    flags = ["--only", ENTRIES, "--samples", "4", "--dtype", "float64,int64,errors"]
    return figures(tmp_path_factory.mktemp("broken"), "tests.python.harness.broken", *flags)["entries"]


@pytest.mark.parametrize(
    ("entry", "check", "text"),
    [
        ("sin", "function", "differ"),
        ("cos", "gradient", "differ"),
        ("floor", "function", "dtype float64 instead of int64"),
        ("gather", "error", "no "),
        ("flip", "noncontiguous", ""),
        ("trunc", "out", "not the tensor given as out"),
        ("exp", "function", "arguments afterwards"),
        ("tril", "function", "SIGSEGV"),
    ],
)
def test_fault_is_found(broken: dict, entry: str, check: str, text: str) -> None:
    assert text in broken[entry]["first"][check]


def test_sound_entries_pass_beside_faulty_ones(broken: dict) -> None:
    for entry in ("add", "normal", "where", "sort"):
        assert broken[entry]["first"] == {}, entry


def test_expected_failures_may_only_shrink(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        "# a comment\nsin float64 function  # off\nadd * method  # was absent\nfull mul int8 out  # rare\n"
    )
    lines = expected.read(path)
    records = [
        {
            "entry": "sin",
            "dtype": "float64",
            "sample": 0,
            "checks": {"function": "1 differs", "gradgrad": "ignored"},
        },
        {"entry": "add", "dtype": "int8", "sample": 0, "checks": {"method": None, "function": None}},
        {"entry": "mul", "dtype": "int8", "sample": 0, "checks": {"out": None}},
        {"entry": "cos", "dtype": "int8", "sample": 3, "checks": {"out": "no"}},
    ]
    unexpected, stale = expected.judge(records, lines, full=False)
    assert unexpected == ["cos int8 out: sample 3: no"]
    assert len(stale) == 1 and "add * method" in stale[0]
    assert len(expected.judge(records, lines, full=True)[1]) == 2
    path.write_text("sin float64 function\n")
    with pytest.raises(ValueError, match="reason"):
        expected.read(path)
