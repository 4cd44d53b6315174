"""The examples as their users run them: `python -m examples...` from the root of the repository.

TENSORGRAD_EXAMPLES_ENGINE=torch runs the same programs on PyTorch instead (see examples/swap.py).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # for `import examples`
TRAIN = ("-m", "examples.mnist.cnn.train", "--threads", "1")


class Programs:
    """Runs the examples in a folder that holds them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start `python ARGUMENTS` with its output in pipes."""
        command = [sys.executable, "-u", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, **pipes)

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess:
        """Run `python ARGUMENTS` to its end, which has to be with this exit code."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, out + err
        return subprocess.CompletedProcess(arguments, code, out, err)

    def train(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess:
        """Run the ConvNet's training program on one thread."""
        return self.run(*TRAIN, *map(str, arguments), code=code)

    def start_train(self, *arguments: object) -> subprocess.Popen:
        """Start the same without waiting for it."""
        return self.start(*TRAIN, *map(str, arguments))


def swapped(library: str, folder: Path) -> Programs:
    """The examples running on another library."""
    from examples.swap import copy_examples

    assert copy_examples(library, folder)
    return Programs(folder)


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Programs:
    """The examples on the library under test."""
    engine = os.environ.get("TENSORGRAD_EXAMPLES_ENGINE", "tensorgrad")
    return Programs(ROOT) if engine == "tensorgrad" else swapped(engine, tmp_path_factory.mktemp(engine))


@pytest.fixture(scope="session")
def on_torch(tmp_path_factory) -> Programs:
    """The examples on PyTorch."""
    pytest.importorskip("torch")
    return swapped("torch", tmp_path_factory.mktemp("torch"))
