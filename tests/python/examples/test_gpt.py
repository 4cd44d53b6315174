"""The character model's program, run as its users run it; above all, killed and started again."""

import json
import os
import re

import numpy as np
import pytest

GPT = ("-m", "examples.gpt.train", "--threads", "1")
SMALL = ("--width", "32", "--heads", "2", "--layers", "2", "--context", "16", "--batch_size", "8")
SHORT = (*SMALL, "--steps", "60", "--log_every", "1", "--eval_every", "20", "--checkpoint_every", "7")
DROPPING = (*SHORT, "--dropout", "0.2", "--sample", "40")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    random = np.random.RandomState(0)
    words = ["to", "be", "or", "not", "that", "is", "the", "question", "whether", "tis", "nobler"]
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text(" ".join(random.choice(words, 3000)) + "\n")
    return str(path)


def history_of(folder):
    return json.loads((folder / "history.json").read_text())


def sample_in(printed):
    return re.search(r".*(?:validation loss|after step) \S+\n(.*)\nwrote ", printed, re.S).group(1)


def test_learns(programs, text, tmp_path):
    printed = programs.run(*GPT, *SMALL, "--data", text, "--steps", "300", "--out", str(tmp_path)).stdout
    losses = history_of(tmp_path)["steps"]
    assert len(losses) == 300 and losses[0] > 2.7 and np.mean(losses[-20:]) < 1.2
    assert history_of(tmp_path)["validation"][-1][1] < 1.2
    assert re.search(r"^going on", printed, re.M) is None


@pytest.mark.parametrize("steps", [5, 23, 41])  # before the first checkpoint, and between two others
def test_killed_and_started_again_gives_the_same_bits(programs, text, tmp_path, steps):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    expected = programs.run(*GPT, *DROPPING, "--data", text, "--out", str(whole)).stdout
    process = programs.start(*GPT, *DROPPING, "--data", text, "--out", str(cut))
    for line in process.stdout:
        if line.startswith(f"step {steps} "):
            break
    process.kill()
    process.communicate()
    assert process.returncode == -9
    printed = programs.run(*GPT, *DROPPING, "--data", text, "--out", str(cut)).stdout
    going_on = re.match(r"going on after step (\d+)\n", printed)
    assert (going_on is None) if steps < 7 else int(going_on.group(1)) in (steps // 7 * 7, steps // 7 * 7 + 7)
    assert history_of(cut) == history_of(whole)
    assert sample_in(printed) == sample_in(expected)
    assert sorted(os.listdir(cut)) == ["checkpoint.pt", "history.json"]


def test_a_finished_run_only_writes_its_sample(programs, text, tmp_path):
    first = programs.run(*GPT, *DROPPING, "--data", text, "--out", str(tmp_path))
    second = programs.run(*GPT, *DROPPING, "--data", text, "--out", str(tmp_path))
    assert second.stdout.startswith("going on after step 60\n")
    assert sample_in(second.stdout) == sample_in(first.stdout)


def test_other_settings_are_refused(programs, text, tmp_path):
    programs.run(*GPT, *SHORT, "--data", text, "--out", str(tmp_path))
    done = programs.run(*GPT, *SHORT, "--data", text, "--out", str(tmp_path), "--lr", "0.1", code=1)
    assert done.stderr == (
        f"error: {tmp_path}/checkpoint.pt belongs to a run with lr 0.002, not 0.1: "
        "choose another --out, or begin anew with --restart\n"
    )
    arguments = (*SHORT, "--data", text, "--out", str(tmp_path), "--lr", "0.1", "--restart")
    assert "going on" not in programs.run(*GPT, *arguments).stdout


def test_losses_and_sample_are_pytorchs(programs, on_torch, text, tmp_path):
    outcomes = []
    for name, side in (("ours", programs), ("theirs", on_torch)):
        printed = side.run(*GPT, *DROPPING, "--data", text, "--steps", "100", "--out", str(tmp_path / name))
        outcomes.append((history_of(tmp_path / name), sample_in(printed.stdout)))
    (ours, our_sample), (theirs, their_sample) = outcomes
    np.testing.assert_allclose(ours["steps"], theirs["steps"], rtol=5e-5)
    np.testing.assert_allclose(ours["validation"], theirs["validation"], rtol=5e-5)
    assert our_sample == their_sample


def test_default_corpus(programs, tmp_path):
    printed = programs.run(
        *GPT, *SMALL, "--steps", "2", "--eval_every", "1000", "--out", str(tmp_path)
    ).stdout
    assert re.search(r"^900,000 characters to train on, \d\d different ones", printed)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--data", "nowhere.txt"), "[Errno 2] No such file or directory: 'nowhere.txt'"),
        (("--context", "600000"), "a text of 1,000,000 characters is too short for a context of 600000"),
        (("--heads", "3"), "3 heads do not cut a width of 128 evenly"),
        (("--prompt", "\u20ac"), "the training text has no '\u20ac'"),
    ],
)
def test_errors(programs, tmp_path, flags, text):
    assert programs.run(*GPT, *flags, "--out", str(tmp_path), code=1).stderr == f"error: {text}\n"
