from __future__ import annotations

import numpy as np
import pytest

from degen.analysis.sample import sample_by_frequency


@pytest.mark.parametrize("most", [50, 51, 1000])
def test_all_are_taken_where_they_are_few_enough(most):
    np.testing.assert_array_equal(sample_by_frequency(np.arange(50), most), np.arange(50))


@pytest.mark.parametrize("seed", range(5))
def test_every_stretch_of_the_order_by_frequency_keeps_its_share(rng, seed):
    frequency = rng.zipf(1.5, size=1003)
    taken = sample_by_frequency(frequency, 97, seed)
    assert len(np.unique(taken)) == len(taken) == 97
    assert (np.diff(taken) > 0).all()
    for limit in np.unique(frequency):
        share = (frequency <= limit).sum() * 97 / 1003
        assert abs((frequency[taken] <= limit).sum() - share) < 1


def test_of_equals_others_are_taken_with_another_seed_and_none_is_preferred():
    frequency = np.ones(40, dtype=np.int64)
    taken = [sample_by_frequency(frequency, 10, seed) for seed in range(400)]
    counts = np.bincount(np.concatenate(taken), minlength=40)
    assert counts.sum() == 4000
    assert abs(counts - 100).max() < 5 * np.sqrt(400 * 0.25 * 0.75)
    assert any({0, 1} <= set(rows.tolist()) for rows in taken)  # their order in the file ties nothing
    assert (sample_by_frequency(frequency, 10, 3) == sample_by_frequency(frequency, 10, 3)).all()
