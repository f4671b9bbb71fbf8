from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chisquare

from degen.model.encoders.dropout import FedDropout, RandomDropout

LIKE = torch.zeros(1)
RATES = [0.1, 0.3, 0.5, 0.9]


def draw(source: RandomDropout, rate: float, shape=(200, 50), like=LIKE) -> torch.Tensor:
    return source.mask("embedding", shape, rate, None, like)


@pytest.mark.parametrize("rate", RATES)
def test_entries_are_kept_at_the_rate_and_scaled_so_that_the_mean_is_unbiased(rate):
    mask = draw(RandomDropout(3), rate, like=LIKE.double())
    kept = mask != 0
    assert mask.shape == (200, 50)
    assert binomtest(int(kept.sum()), kept.numel(), 1 - rate).pvalue > 1e-3
    (scale,) = set(mask[kept].tolist())
    assert scale == pytest.approx(1 / (1 - rate), rel=2**-14 / (1 - rate))  # a rate is kept to 16 bits
    assert mask.mean().item() == pytest.approx(1, abs=4 * math.sqrt(rate / (1 - rate) / kept.numel()))


@pytest.mark.parametrize("rate", RATES)
def test_neighbours_are_independent_in_both_directions(rate):
    # The four combinations of two neighbouring entries, along a row, along a column, and 8 and 64 bits apart.
    kept = (draw(RandomDropout(5), rate, (128, 128)) != 0).numpy()
    flat = kept.ravel()
    neighbours = [
        (kept[:, :-1], kept[:, 1:]),
        (kept[:-1], kept[1:]),
        (flat[:-8], flat[8:]),
        (flat[:-64], flat[64:]),
    ]
    p = 1 - rate
    for left, right in neighbours:
        counts = np.bincount((2 * left.astype(int) + right).ravel(), minlength=4)
        expected = counts.sum() * np.array([(1 - p) ** 2, p * (1 - p), p * (1 - p), p**2])
        assert chisquare(counts, expected).pvalue > 1e-4


@pytest.mark.parametrize("rate", RATES)
def test_every_place_of_a_mask_is_kept_equally_often(rate):
    source = RandomDropout(11)
    kept = sum((draw(source, rate, (5, 13)) != 0).int() for _ in range(400)).ravel().tolist()
    variance = 400 * rate * (1 - rate)
    statistic = sum((count - 400 * (1 - rate)) ** 2 / variance for count in kept)
    assert 25 < statistic < 120  # χ² with 65 degrees of freedom has mean 65, deviation 11.4


@pytest.mark.parametrize("rate", RATES)
def test_a_seed_fixes_the_masks_and_successive_masks_differ(rate):
    one, same, other = RandomDropout(1), RandomDropout(1), RandomDropout(2)
    first, second = draw(one, rate), draw(one, rate)
    assert not torch.equal(first, second)
    assert torch.equal(first, draw(same, rate))
    assert torch.equal(second, draw(same, rate))
    assert not torch.equal(first, draw(other, rate))


@pytest.mark.parametrize("rate", [0.99999, 0.9999999])
def test_a_rate_just_below_1_gives_finite_masks(rate):
    assert draw(RandomDropout(0), rate).isfinite().all()


def test_the_global_seeds_play_no_part():
    torch.manual_seed(0)
    first = draw(RandomDropout(1), 0.3)
    torch.manual_seed(1)
    assert torch.equal(first, draw(RandomDropout(1), 0.3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_masks_have_the_dtype_of_what_they_multiply(dtype):
    like = torch.zeros(1, dtype=dtype)
    assert draw(RandomDropout(1), 0.5, like=like).dtype == dtype
    assert draw(RandomDropout(1), 0.3, like=like).dtype == dtype


def test_a_fed_mask_is_cut_and_scaled():
    stated = torch.tensor([[True, False], [False, True], [True, True]])
    fed = FedDropout({"layer0.attention": stated}.__getitem__)
    mask = fed.mask("layer0.attention", (2, 2), 0.2, lambda whole: whole[1:], LIKE)
    assert mask.tolist() == pytest.approx(np.array([[0, 1.25], [1.25, 1.25]]))
