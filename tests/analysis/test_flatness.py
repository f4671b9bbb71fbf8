"""A curve is flat where noise of seeds explains its range."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from degen.analysis.statistics.flatness import flatness, pooled_deviation, tukey_factor
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


def test_two_known_means_need_no_factor():
    assert tukey_factor(2, math.inf) == pytest.approx(1, abs=1e-6)
    found = flatness([[0.0], [1.0]], deviation=(0.5, math.inf))
    assert found.threshold == pytest.approx(2 * math.sqrt(2) * 0.5, rel=1e-6)
    assert (found.range, found.flat) == (1.0, True)
    assert not flatness([[0.0], [1.5]], deviation=(0.5, math.inf)).flat


def test_the_factor_is_the_ratio_of_quantiles_of_the_studentized_range():
    # q(0.95; 5, 10) = 4.654 and q(0.95; 2, ∞) = 2.772 in printed tables
    assert tukey_factor(5, 10) == pytest.approx(4.654 / 2.772, abs=1e-3)
    assert tukey_factor(5, 4) > tukey_factor(5, 10) > tukey_factor(4, 10)


def test_seeds_narrow_the_threshold():
    cells = [[0.0, 2.0], [1.0, 3.0], [0.5, 2.5]]
    found = flatness(cells)
    assert (found.deviation, found.degrees, found.cells, found.seeds) == (
        pytest.approx(math.sqrt(2)),
        3,
        3,
        2,
    )
    assert found.range == pytest.approx(1.0)
    factor = stats.studentized_range.ppf(0.95, 3, 3) / (math.sqrt(2) * stats.norm.ppf(0.975))
    assert found.threshold == pytest.approx(2 * math.sqrt(2) * math.sqrt(2) * factor / math.sqrt(2), rel=1e-6)
    assert flatness([[0.0], [0.0, 1.0, 2.0]], deviation=(1.0, 5.0)).seeds == pytest.approx(1.5)


def test_noise_alone_is_called_flat_as_often_as_the_level_says():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 5, 3))
    flat = sum(flatness(list(study)).flat for study in values)
    # 2 stands for 1.96, so a little more than 95 % of 400
    assert 370 <= flat <= 396
