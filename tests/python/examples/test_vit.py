"""The vision transformer's program, run as its users run it."""

import json

import numpy as np
import pytest

VIT = ("-m", "examples.mnist.vit.train", "--threads", "1")


def history_of(folder):
    return json.loads((folder / "history.json").read_text())


def test_digits_reach_92_percent(programs, tmp_path):
    programs.run(*VIT, "--epochs", "14", "--out", str(tmp_path))
    assert history_of(tmp_path)["epochs"][-1]["test_accuracy"] >= 0.92


@pytest.mark.parametrize(
    "flags", [(), ("--patch_size", "4", "--embed", "24", "--num_heads", "3", "--num_layers", "2")]
)
def test_losses_are_pytorchs_to_4_digits(programs, on_torch, tmp_path, flags):
    losses = []
    for name, side in (("ours", programs), ("theirs", on_torch)):
        side.run(*VIT, *flags, "--epochs", "3", "--out", str(tmp_path / name))
        losses.append(history_of(tmp_path / name)["steps"][:100])
    np.testing.assert_allclose(*losses, rtol=5e-5)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--patch_size", "3"), "patches of side 3 do not cut images of side 8 evenly"),
        (("--num_heads", "7"), "7 heads do not cut a width of 64 evenly"),
    ],
)
def test_sizes_that_do_not_divide(programs, tmp_path, flags, text):
    done = programs.run(*VIT, *flags, "--out", str(tmp_path), code=1)
    assert done.stderr == f"error: {text}\n"
