"""The programs, run as their users run them."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

from examples.curves import write_curves
from examples.files import write_whole
from examples.progress import ProgressBar
from tests.python.examples.conftest import Programs

ROOT = Path(__file__).resolve().parents[3]
SHORT = ("--truncate_train", 64, "--truncate_test", 40)


def history_of(folder):
    return json.loads((folder / "history.json").read_text())


def test_xor(programs):
    lines = programs.run("-m", "examples.xor").stdout.splitlines()
    assert lines[:3] == ["targets: [1 0 0 1]", "prediction: [1 0 0 1]", "softmax:"]
    softmax = np.array([[float(v) for v in re.findall(r"[\d.e+-]+", line)] for line in lines[3:]])
    np.testing.assert_allclose(softmax.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(softmax.argmax(1), [1, 0, 0, 1])


@pytest.mark.skipif(shutil.which("dot") is None, reason="the program graphviz is not installed")
@pytest.mark.parametrize("model", ["xor", "convnet"])
def test_graph(model, tmp_path):
    """The pictures that the README shows are what the program draws."""
    ours = Programs(ROOT)
    path = tmp_path / "new" / "picture.png"
    assert ours.run("-m", "examples.graph", "--model", model, "--out", path).stdout == f"wrote {path}\n"
    drawn, shown = Image.open(path), Image.open(ROOT / "docs" / "images" / f"{model}.png")
    assert min(drawn.size) > 500
    assert all(abs(a - b) < 0.2 * b for a, b in zip(drawn.size, shown.size, strict=True))  # fonts differ
    text = tmp_path / "graph.dot"
    ours.run("-m", "examples.graph", "--model", model, "--out", text)
    assert "CrossEntropyLoss" in text.read_text()


def test_xor_gives_pytorchs_losses(programs, on_torch):
    arguments = ("-m", "examples.xor", "--seed", "3", "--steps", "300", "--log_every", "1")
    ours, theirs = (
        [float(value) for value in re.findall(r"loss (\S+)", side.run(*arguments).stdout)]
        for side in (programs, on_torch)
    )
    assert len(ours) == 300
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_train_on_digits_reaches_98_percent(programs, tmp_path):
    out = programs.train("--out", tmp_path).stdout
    assert (
        len(re.findall(r"^epoch +\d+/20  train loss [\d.]+  test accuracy +[\d.]+ %  [\d.]+ s$", out, re.M))
        == 20
    )
    history = history_of(tmp_path)
    assert len(history["epochs"]) == 20 and len(history["steps"]) == 20 * 45
    assert history["epochs"][-1]["test_accuracy"] >= 0.98
    assert re.search(r"^total +(0\.9[89]|1\.00)", out, re.M)
    assert not history["interrupted"]
    assert sorted(os.listdir(tmp_path)) == ["curves.png", "history.json", "model.safetensors"]
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 200
        assert len(picture.convert("L").getcolors()) > 50
    weights = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    assert weights["head.weight"].shape == (10, 256) and weights["head.weight"].dtype == np.float32
    assert weights["backbone.0.bn.num_batches_tracked"] == 900


def test_losses_are_pytorchs_to_4_digits(programs, on_torch, tmp_path):
    losses = []
    for name, side in (("ours", programs), ("theirs", on_torch)):
        side.train("--epochs", 3, "--out", tmp_path / name)
        losses.append(history_of(tmp_path / name)["steps"][:100])
    np.testing.assert_allclose(*losses, rtol=5e-5)


def test_same_seed_same_run(programs, tmp_path):
    runs = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        printed = programs.train(
            *SHORT, "--epochs", 2, "--seed", seed, "--log_steps", 3, "--out", tmp_path / name
        ).stdout
        history = history_of(tmp_path / name)
        assert re.findall(r"^step (\d) loss (\S+)$", printed, re.M) == [
            (str(step), f"{history['steps'][step - 1]:#.4g}") for step in (1, 2, 3)
        ]
        weights = (tmp_path / name / "model.safetensors").read_bytes()
        runs.append((history["steps"], weights))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]


def test_mnist_files(programs, tmp_path):
    random = np.random.RandomState(0)
    labels = random.randint(0, 10, 40).astype(np.uint8)
    images = np.repeat(labels * 25, 784).astype(np.uint8).reshape(40, 28, 28)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (tmp_path / f"t10k-{name}-ubyte").write_bytes(header + array.tobytes())
    arguments = ("--dataset", "mnist", "--data", tmp_path, "--epochs", 1, "--out", tmp_path / "out")
    out = programs.train(*arguments).stdout
    assert "the 40 t10k images are split in file order, the first 34 to train, the last 6 to test" in out
    assert history_of(tmp_path / "out")["epochs"][0]["images"] == 34

    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\3")
    done = programs.train(*arguments, code=1)
    assert done.stderr == (
        f"error: {tmp_path}/t10k-images-idx3-ubyte: expected a header of 16 bytes, found 4 bytes in all\n"
    )


@pytest.mark.parametrize(
    "arguments", [["--epochs", "0"], ["--batch_size", "-1"], ["--data", "x"], ["--dataset", "y"]]
)
def test_wrong_arguments(programs, arguments):
    assert "error: " in programs.train(*arguments, code=2).stderr


def test_folder_that_cannot_be_made(programs, tmp_path):
    (tmp_path / "file").write_text("")
    assert programs.train("--out", tmp_path / "file" / "out", code=1).stderr.startswith("error: ")


def test_interrupt_keeps_what_is_trained(programs, tmp_path):
    process = programs.start_train("--epochs", 100000, "--out", tmp_path)
    try:
        for line in process.stdout:
            if line.startswith("epoch"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "interrupted; kept model.safetensors, history.json, curves.png" in out and err == ""
    history = history_of(tmp_path)
    assert history["interrupted"]
    assert history["epochs"][-1]["last_step"] == len(history["steps"]) >= 45
    assert sorted(os.listdir(tmp_path)) == ["curves.png", "history.json", "model.safetensors"]
    weights = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    assert weights["backbone.0.bn.num_batches_tracked"] == len(history["steps"])


def test_second_interrupt_ends_at_once(programs):
    code = """
import os, signal
from examples.harness import StopRequest
before = signal.getsignal(signal.SIGINT)
stop = StopRequest()
with stop.listening():
    os.kill(os.getpid(), signal.SIGINT)
    print(stop.wanted)
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted")
print(signal.getsignal(signal.SIGINT) is before)
"""
    assert programs.run("-c", code).stdout == "True\ninterrupted\nTrue\n"


def test_swap_changes_one_line_per_file(tmp_path):
    command = [sys.executable, "-m", "examples.swap", "torch", str(tmp_path)]
    done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    assert str(tmp_path / "examples" / "xor.py") in done.stdout
    text = (tmp_path / "examples" / "xor.py").read_text()
    assert "\nimport torch as tensorgrad\n" in text and "\nimport tensorgrad\n" not in text


def test_curves_of_any_history(tmp_path):
    cut = {"epoch": 1, "last_step": 1, "train_loss": 0.0, "test_accuracy": None}
    for history in ({"steps": [], "epochs": []}, {"steps": [0.0], "epochs": [cut]}):
        write_curves(tmp_path / "curves.png", history)
        with Image.open(tmp_path / "curves.png") as picture:
            picture.load()


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            with pytest.raises(OSError, match="No space left"):
                write_whole(path, b"new")
        assert os.listdir(tmp_path) == ["file"] and path.read_bytes() == b"old"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_progress_bar():
    stream = io.StringIO()
    bar = ProgressBar("job", 200, stream, terminal=True)
    bar.update(50, "loss 1.5")
    bar.update(51, "too soon to draw")
    bar.clear()
    drawn = stream.getvalue()
    assert drawn.startswith("\r\x1b[Kjob [=") and "50/200  loss 1.5" in drawn and "too soon" not in drawn
    assert drawn.endswith("\r\x1b[K") and "\n" not in drawn

    stream = io.StringIO()
    bar = ProgressBar("job", 200, stream, plain_interval=0.0)
    bar.update(50, "loss 1.5")
    bar.clear()
    assert stream.getvalue() == "job 25 %  loss 1.5\n"
