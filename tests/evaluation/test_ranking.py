from __future__ import annotations

import math

import numpy as np
import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st

from degen.errors import UserError
from degen.evaluation.evaluate import ranks_over_blocks, target_ranks
from degen.evaluation.ranking import discounted_gain, hit_rate, ndcg, ranking_metrics, reciprocal_rank


def ranks_of(scores, targets, dtype=torch.float32) -> list[float]:
    return target_ranks(torch.tensor(scores, dtype=dtype), torch.tensor(targets)).mean.tolist()


# Ranks


def test_ties_count_by_half():
    #          target 2 of five: 1 higher, 2 others equal  ->  1 + 1 + 2/2
    assert ranks_of([[9.0, 4.0, 4.0, 1.0, 4.0]], [2]) == [3.0]
    assert ranks_of([[9.0, 4.0, 4.0, 1.0, 0.0]], [2]) == [2.5]
    assert ranks_of([[9.0, 4.0, 4.0, 1.0, 0.0]], [0]) == [1.0]
    assert ranks_of([[9.0, 4.0, 4.0, 1.0, 0.0]], [4]) == [5.0]


def test_a_constant_scorer_over_101_items_ranks_51():
    for constant in (0.0, -3.5, 1e30):
        assert ranks_of([[constant] * 101] * 3, [0, 50, 100]) == [51.0] * 3


def test_a_constant_scorer_hits_by_chance_and_never_at_its_mean_rank():
    ranks = target_ranks(torch.zeros(4, 101), torch.arange(4))
    assert hit_rate(ranks, 10) == pytest.approx(10 / 101, rel=1e-15)
    metrics = ranking_metrics(ranks.counting("half"))
    assert metrics == dict.fromkeys(metrics, 0.0)


few_scores = st.lists(st.integers(-2, 2), min_size=1, max_size=9)


@given(few_scores, st.data())
def test_ranks_are_those_of_the_slow_loop(scores, data):
    target = data.draw(st.integers(0, len(scores) - 1))
    assert ranks_of([scores], [target]) == [float(reference.rank(scores, target))]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "n_items"), [(1, 1), (3, 7), (300, 40), (2, 5000)])
def test_large_blocks_with_many_ties(dtype, rows, n_items, rng):
    scores = rng.integers(-5, 5, size=(rows, n_items)) / 4  # quarters are exact in both precisions
    targets = rng.integers(0, n_items, size=rows)
    expected = [
        float(reference.rank(row.tolist(), target)) for row, target in zip(scores, targets, strict=True)
    ]
    ranks = target_ranks(torch.tensor(scores, dtype=dtype), torch.from_numpy(targets)).mean
    assert ranks.dtype == np.float64
    assert ranks.tolist() == expected


def test_the_ranks_of_all_items_add_up_to_those_without_ties(rng):
    # Halves share the places among equals: 1 + … + n in all, whatever the ties.
    scores = torch.from_numpy(rng.integers(0, 4, size=(1, 30)).astype(np.float32)).expand(30, 30)
    assert target_ranks(scores, torch.arange(30)).mean.sum() == 30 * 31 / 2


def test_infinite_scores_are_only_very_high_or_low():
    assert ranks_of([[math.inf, 1.0, -math.inf, -math.inf]], [1]) == [2.0]
    assert ranks_of([[math.inf, 1.0, -math.inf, -math.inf]], [3]) == [3.5]
    assert ranks_of([[math.inf, math.inf, 0.0]], [1]) == [1.5]


def test_neighbouring_numbers_are_not_ties():
    one, above = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    assert ranks_of([[one, above, one]], [0]) == [2.5]
    assert ranks_of([[0.0, -0.0]], [0]) == [1.5]


@pytest.mark.parametrize("place", [(0, 0), (1, 2), (1, 1)])
def test_nan_is_an_error_wherever_it_stands(place):
    # The target of row 1 is column 1; every comparison with NaN is false, so it would rank first.
    scores = torch.zeros(2, 3)
    scores[place] = math.nan
    with pytest.raises(UserError):
        target_ranks(scores, torch.tensor([0, 1]))


def test_scores_stay_as_they_are_and_may_be_strided(rng):
    whole = torch.from_numpy(rng.normal(size=(8, 4)))
    before, targets = whole.clone(), torch.tensor([5, 0, 7, 3])
    strided, compact = (target_ranks(scores, targets) for scores in (whole.T, whole.T.contiguous()))
    assert strided.mean.tolist() == compact.mean.tolist()
    assert torch.equal(whole, before)


def test_permuting_the_items_moves_no_rank(rng):
    scores, targets = torch.from_numpy(rng.integers(0, 9, size=(6, 20)) / 2), torch.arange(6)
    order = torch.from_numpy(rng.permutation(20))
    moved = target_ranks(scores[:, order], torch.argsort(order)[targets])
    assert moved.mean.tolist() == target_ranks(scores, targets).mean.tolist()


# In blocks of items


@pytest.mark.parametrize("block", [1, 3, 40, 41, 500])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blocks_of_items_rank_as_the_slow_loop_does_ties_included(block, dtype, rng):
    # Whole numbers, so that every product is exact and ties are many, within blocks and across them.
    h, V = (torch.tensor(rng.integers(-2, 3, size=size), dtype=dtype) for size in ((30, 3), (41, 3)))
    targets = torch.from_numpy(rng.integers(0, 41, size=30))
    scores = (h @ V.T).tolist()
    expected = [float(reference.rank(row, int(target))) for row, target in zip(scores, targets, strict=True)]
    ranks = ranks_over_blocks(h, V, targets, block).mean
    assert ranks.dtype == np.float64
    assert ranks.tolist() == expected


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_blocks_of_items_rank_real_scores_as_the_whole_does(block, rng):
    h, V = (torch.from_numpy(rng.normal(size=size)) for size in ((20, 16), (900, 16)))
    targets = torch.from_numpy(rng.integers(0, 900, size=20))
    whole = target_ranks(h @ V.T, targets)
    assert ranks_over_blocks(h, V, targets, block).mean.tolist() == whole.mean.tolist()


@pytest.mark.parametrize("block", [1, 7, 40, 41])
def test_blocks_of_items_rank_by_cosines_as_the_slow_loop_does(block, rng):
    # Rows of lengths 1 to 41, in directions whose cosines differ by far more than rounding.
    h, V = (rng.normal(size=size) for size in ((30, 3), (41, 3)))
    V *= np.arange(1, 42)[:, None]
    targets = rng.integers(0, 41, size=30)

    def slow(scores):
        return [float(reference.rank(row, target)) for row, target in zip(scores, targets, strict=True)]

    by_cosines = slow(h @ (V / np.linalg.norm(V, axis=1, keepdims=True)).T)
    given = torch.from_numpy(h), torch.from_numpy(V), torch.from_numpy(targets), block
    assert ranks_over_blocks(*given, "cosine").mean.tolist() == by_cosines
    assert ranks_over_blocks(*given, "dot").mean.tolist() == slow(h @ V.T) != by_cosines


@pytest.mark.parametrize("row", [0, 5, 8])
def test_nan_in_any_block_is_an_error(row):
    V = torch.zeros(9, 2)
    V[row] = math.nan
    with pytest.raises(UserError, match="NaN"):
        ranks_over_blocks(torch.ones(2, 2), V, torch.tensor([1, 2]), 2)


# Metrics, in fractions


RANKS = np.array([1.0, 2.0, 3.0, 10.0, 10.5, 200.0])


def test_hit_rate_counts_targets_ranked_k_or_better():
    assert hit_rate(RANKS, 1) == 1 / 6
    assert hit_rate(RANKS, 5) == 3 / 6
    assert hit_rate(RANKS, 10) == 4 / 6  # 10.5 is beyond 10
    assert hit_rate(RANKS, 11) == 5 / 6


def test_ndcg_discounts_by_the_logarithm_of_the_rank():
    at_3 = 1 / 6 * (1 / 1 + 1 / math.log2(3) + 1 / 2)  # log2(1 + 1), log2(2 + 1), log2(3 + 1)
    assert ndcg(RANKS, 3) == pytest.approx(at_3, abs=1e-15)
    assert ndcg(RANKS, 5) == pytest.approx(at_3, abs=1e-15)
    assert ndcg(RANKS, 10) == pytest.approx(at_3 + 1 / 6 / math.log2(11), abs=1e-15)
    assert ndcg(RANKS, 20) == pytest.approx(at_3 + 1 / 6 / math.log2(11) + 1 / 6 / math.log2(11.5), abs=1e-15)


def test_discounted_gain_is_that_of_each_target():
    expected = [1, 1 / math.log2(3), 1 / 2, 0, 0, 0]
    assert discounted_gain(RANKS, 5).tolist() == pytest.approx(expected, abs=1e-15)


def test_reciprocal_rank():
    assert reciprocal_rank(RANKS, 2) == pytest.approx(1 / 6 * (1 / 1 + 1 / 2), abs=1e-15)
    assert reciprocal_rank(RANKS, 10) == pytest.approx(1 / 6 * (1 / 1 + 1 / 2 + 1 / 3 + 1 / 10), abs=1e-15)
    at_20 = 1 / 6 * (1 / 1 + 1 / 2 + 1 / 3 + 1 / 10 + 2 / 21)
    assert reciprocal_rank(RANKS, 20) == pytest.approx(at_20, abs=1e-15)


def test_a_perfect_ranking_has_1_everywhere_and_metrics_are_plain_floats():
    metrics = ranking_metrics(np.ones(7))
    assert metrics == {f"{name}@{k}": 1.0 for name in ("HR", "NDCG", "MRR") for k in (5, 10, 20)}
    assert {type(value) for value in metrics.values()} == {float}


def test_the_table_of_metrics_holds_the_single_ones():
    metrics = ranking_metrics(RANKS)
    single = {"HR": hit_rate, "NDCG": ndcg, "MRR": reciprocal_rank}
    assert metrics == {
        f"{name}@{k}": measure(RANKS, k) for name, measure in single.items() for k in (5, 10, 20)
    }


@given(st.lists(st.integers(2, 60).map(lambda halves: halves / 2), min_size=1, max_size=20))
def test_mrr_is_at_most_ndcg_is_at_most_hr_and_all_grow_with_k(ranks):
    ranks = np.array(ranks)
    for k in (1, 5, 10):
        assert reciprocal_rank(ranks, k) <= ndcg(ranks, k) + 1e-12 <= hit_rate(ranks, k) + 2e-12
        for measure in (hit_rate, ndcg, reciprocal_rank):
            assert measure(ranks, k) <= measure(ranks, k + 1) + 1e-12
