"""Bounds of a curve's range without the noise of seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from degen.analysis.statistics.flatness import flatness, pooled_deviation
from degen.analysis.values import Undefined


def test_the_pooled_deviation_is_that_of_an_analysis_of_variance():
    samples = [[1.0, 2.0, 4.0], [7.0], [3.0, 3.5], [0.0, 1.0, 0.5, 2.0]]
    inner = sum(np.var(sample) * len(sample) for sample in samples)
    assert pooled_deviation(samples) == (pytest.approx(math.sqrt(inner / 6)), 6)


def test_one_seed_each_tells_nothing():
    with pytest.raises(Undefined, match="no cell has two seeds"):
        pooled_deviation([[1.0], [2.0]])
    with pytest.raises(Undefined, match="no cell has two seeds"):
        flatness([[1.0], [2.0]])
    with pytest.raises(Undefined, match="at least two cells, there is 1"):
        flatness([[1.0, 2.0]])


def test_bounds_are_those_of_tukey_and_kramer():
    cells = [[0.0, 2.0], [1.0, 3.0], [0.5, 2.5]]
    found = flatness(cells)
    # q(0.95; 3, 3) = 5.910 in printed tables; σ = √2, and two seeds each
    assert found.range == pytest.approx(1.0)
    assert found.upper == pytest.approx(1.0 + 5.910 * math.sqrt(2) / math.sqrt(2), abs=1e-3)
    assert found.lower == 0
    # Cells of 2 and of 3 seeds, and another between them that is known less well: σ = 1 of 3 degrees.
    found = flatness([[0.0, math.sqrt(2)], [4.0, 5.0, 6.0], [2.0]])
    q = stats.studentized_range.ppf(0.95, 3, 3)
    assert found.range == pytest.approx(5 - math.sqrt(2) / 2)
    assert found.upper == pytest.approx(found.range + q * math.sqrt((1 / 2 + 1 / 3) / 2), rel=1e-6)
    assert found.lower == pytest.approx(found.range - q * math.sqrt((1 / 2 + 1 / 3) / 2), rel=1e-6)
    assert found.lower > 0


@pytest.mark.parametrize("truth", [[0, 0, 0, 0, 0], [0, 3, 0, 3, 0], [0, 1, 2, 3, 4]])
def test_the_bounds_hold_the_true_range_as_often_as_the_level_says(truth):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 5, 3)) + np.array(truth)[:, None]
    held = sum(found.lower <= np.ptp(truth) <= found.upper for found in map(flatness, values.tolist()))
    assert held >= 367  # 95 % of 400, less three standard deviations


def test_noise_alone_has_no_lower_bound_as_often_as_the_level_says():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 5, 3))
    flat = sum(flatness(study).lower == 0 for study in values.tolist())
    assert 367 <= flat <= 393  # 95 % of 400, give or take three standard deviations
