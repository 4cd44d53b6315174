"""The README's Python examples run."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


# A block goes on where the one before ended; pictures need a program that may be missing.
DRAWS = [block for block in BLOCKS if ".render(" in block]


def run(blocks, tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_example_learns(tmp_path):
    loss, predictions = run(BLOCKS[:1], tmp_path).strip().split(maxsplit=1)
    assert float(loss) < 0.1
    assert predictions == "tensor([1, 0, 0, 1])"


@pytest.mark.skipif(DRAWS and shutil.which("dot") is None, reason="the program graphviz is not installed")
def test_all_blocks_run(tmp_path):
    code = [*BLOCKS, "assert min(picture.size) > 300"] if DRAWS else BLOCKS
    assert run(code, tmp_path)
