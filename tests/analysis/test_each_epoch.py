"""The three numbers of an epoch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from degen.analysis import average_cosine, effective_rank, sigma2_ratio, summarize
from degen.errors import UserError


def test_by_hand():
    # Columns of lengths 2 and 1, so p = 2/3, 1/3; rows at 0°, 0°, 90°: cosines 1, 0, 0.
    V = np.array([[math.sqrt(2), 0.0], [math.sqrt(2), 0.0], [0.0, 1.0]])
    rank = math.exp(-(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)))
    expected = {"sigma2_ratio": 1 / 2, "effective_rank": rank, "average_cosine": 1 / 3}
    assert summarize(V) == pytest.approx(expected)
    assert all(type(value) is float for value in summarize(V).values())  # JSON takes no NumPy scalars


def test_is_what_the_single_measures_say(rng):
    V = rng.normal(size=(1500, 8)).astype(np.float32) + 1
    single = {
        "sigma2_ratio": sigma2_ratio(V),
        "effective_rank": effective_rank(V),
        "average_cosine": average_cosine(V),
    }
    assert summarize(V) == single
    assert summarize(torch.from_numpy(V)) == pytest.approx(single, rel=1e-12)


def test_a_tensor_is_factored_by_torch_whose_threads_an_option_governs(rng, monkeypatch):
    V = rng.normal(size=(1500, 8))
    expected = summarize(V)

    def refuse(*_arguments, **_settings):
        raise AssertionError("NumPy's BLAS has threads of its own")

    monkeypatch.setattr(np.linalg, "qr", refuse)
    assert summarize(torch.from_numpy(V)) == pytest.approx(expected, rel=1e-12)


def test_a_diverged_training_is_named():
    V = np.ones((4, 2))
    V[3] = np.nan
    with pytest.raises(UserError, match=r"row 3 .*smaller learning rate"):
        summarize(V)
