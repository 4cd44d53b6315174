"""Functions that write into their argument and are no method of it, and pooling that returns its indices."""

import numpy
import pytest
import torch

import tensorgrad

VALUES = numpy.random.default_rng(0).standard_normal((4, 3, 6, 6)).astype("float32")


def both(function, values=VALUES):
    """The function on a tensor of each library, both seeded alike."""
    results = []
    for library in (torch, tensorgrad):
        library.manual_seed(3)
        results.append(function(library, library.tensor(values)))
    return results


@pytest.mark.parametrize("name", ["selu_", "celu_"])
@pytest.mark.parametrize("functional", [False, True])
def test_activations_in_place(name, functional):
    def run(library, x):
        home = library.nn.functional if functional else library
        result = getattr(home, name)(x)
        assert result is x
        return result.numpy()

    theirs, ours = both(run)
    numpy.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["dropout_", "feature_dropout_", "alpha_dropout_", "feature_alpha_dropout_"])
@pytest.mark.parametrize("train", [False, True])
def test_dropout_in_place(name, train):
    def run(library, x):
        result = getattr(library, name)(x, 0.4, train)
        assert result is x
        return result.numpy()

    theirs, ours = both(run)
    numpy.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    assert (ours != VALUES).any() == train


def test_max_pool2d_with_indices():
    def run(library, x):
        values, indices = library.nn.functional.max_pool2d_with_indices(x, 3, stride=2, padding=1)
        return values.numpy(), indices.numpy()

    (their_values, their_indices), (values, indices) = both(run)
    numpy.testing.assert_array_equal(values, their_values)
    numpy.testing.assert_array_equal(indices, their_indices)
