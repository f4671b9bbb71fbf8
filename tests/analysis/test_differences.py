"""Intervals and tests over seeds, users and items, against SciPy, textbook values and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from degen.analysis import (
    MEASURES,
    Analysis,
    Rows,
    Undefined,
    compare_matrices,
    compare_seeds,
    compare_users,
    jackknife,
    over_seeds,
)
from degen.analysis.statistics.significance import bootstrap_contrast, holm, t_contrast
from degen.errors import UserError

# --------------------------------------------------------------------------------------------- seeds


def test_few_seeds_have_student_s_interval():
    values = [0.31, 0.35, 0.30, 0.36]
    found = over_seeds(values)
    error = np.std(values, ddof=1) / 2
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=error)
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert found.standard_error == pytest.approx(error)
    assert (found.noise, found.method) == ("seeds", "Student's t")


def test_one_seed_has_no_interval():
    with pytest.raises(Undefined, match="seed noise unknown"):
        over_seeds([0.3])
    with pytest.raises(Undefined, match="finite"):
        over_seeds([0.3, math.inf])


def test_many_seeds_are_drawn_again_and_again(rng):
    values = rng.normal(size=30)
    found = over_seeds(values)
    assert found.method == "bootstrap of t"
    assert found == over_seeds(values)
    low, high = stats.t.interval(0.95, 29, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(30))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05)
    narrow = over_seeds(values, level=0.5)
    assert narrow.high - narrow.low < (found.high - found.low) / 2


def test_two_variants_are_compared_by_welch_s_test():
    a, b = [0.10, 0.12, 0.11], [0.20, 0.18, 0.25, 0.21]
    (found,) = compare_seeds({"isoscore": a, "only here": a}, {"isoscore": b})
    welch = stats.ttest_ind(b, a, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert found.measure == "isoscore"
    assert (found.a, found.b) == pytest.approx((np.mean(a), np.mean(b)))
    assert found.difference == pytest.approx(np.mean(b) - np.mean(a))
    assert found.interval == pytest.approx((low, high))
    assert (found.p, found.adjusted_p) == pytest.approx((welch.pvalue, welch.pvalue))
    assert (found.noise, found.method, found.marked) == ("seeds", "Welch's t", True)


def test_marks_are_of_p_values_that_holm_corrected():
    names = "abcdefgh"  # each of them beyond 0.05 alone, not all eight together; the ninth is clear
    a = {name: [0.0, 1.0, 2.0] for name in names} | {"rank": [4, 4, 4], "clear": [0.0, 0.1, 0.2]}
    b = {name: [4.0, 4.3, 4.1] for name in names} | {"rank": [4, 4, 4], "clear": [9.0, 9.1, 9.3]}
    found = {one.measure: one for one in compare_seeds(a, b)}
    raw = found["a"].p
    assert 0.01 < raw < 0.05
    assert found["a"].adjusted_p == pytest.approx(8 * raw)
    assert found["clear"].adjusted_p == pytest.approx(9 * found["clear"].p)
    assert (found["rank"].p, found["rank"].adjusted_p) == (None, None)
    assert [name for name, one in found.items() if one.marked] == ["clear"]


def test_holm_is_the_step_down_of_1979():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@pytest.mark.parametrize(("a", "b"), [([0.1], [0.9]), ([0.1], [0.9, 0.91, 0.92]), ([0.1, 0.1], [0.9])])
def test_with_one_seed_a_side_nothing_is_marked(a, b):
    (found,) = compare_seeds({"x": a}, {"x": b})
    assert found.difference == pytest.approx(np.mean(b) - 0.1)
    assert (found.interval, found.p, found.adjusted_p) == (None, None, None)
    assert (found.noise, found.marked) == ("seed noise unknown", False)


def test_seeds_that_do_not_differ_or_have_no_value_are_not_judged():
    same, missing, infinite = compare_seeds(
        {"rank": [64, 64], "decay": [1.0, None], "condition": [math.inf, 3.0]},
        {"rank": [63, 63], "decay": [1.0, 2.0], "condition": [1.0, 3.0]},
    )
    assert (same.difference, same.p, same.noise) == (-1, None, "seeds; they do not differ")
    assert (missing.p, infinite.p) == (None, None)
    assert missing.noise == infinite.noise == "no finite value for each seed"


@pytest.mark.parametrize("sizes", [(3, 3), (4, 8), (12, 15)])
def test_intervals_over_seeds_hold_the_truth_as_often_as_they_say(sizes):
    rng = np.random.default_rng(7)
    held, false = 0, 0
    for _ in range(200):
        a, b = rng.gumbel(0, 1, size=sizes[0]), rng.gumbel(0, 1, size=sizes[1])
        judge = t_contrast if min(sizes) <= 10 else bootstrap_contrast
        found = judge([a, b], [-1.0, 1.0])
        held += found.interval[0] <= 0 <= found.interval[1]
        false += found.p <= 0.05
    assert 0.91 <= held / 200 <= 0.99
    assert false == 200 - held  # p and interval say the same


# --------------------------------------------------------------------------------------------- users


def test_users_are_paired(rng):
    a = rng.random(500)
    b = a + 0.01 + 0.05 * rng.normal(size=500)
    (found,) = compare_users({"NDCG@10": a}, {"NDCG@10": b})
    paired = stats.ttest_rel(b, a)
    assert found.p == pytest.approx(paired.pvalue)
    assert found.interval == pytest.approx(tuple(paired.confidence_interval(0.95)))
    assert found.p < 0.01 < stats.ttest_ind(b, a).pvalue
    assert (found.noise, found.method) == ("users; seed noise unknown", "paired t")
    assert not found.marked


def test_the_same_lists_for_all_users_have_no_test():
    (found,) = compare_users({"HR@10": np.ones(9)}, {"HR@10": np.ones(9)})
    assert (found.difference, found.interval, found.p) == (0, None, None)
    with pytest.raises(UserError, match="9 users and 8"):
        compare_users({"HR@10": np.ones(9)}, {"HR@10": np.ones(8)})


# --------------------------------------------------------------------------------------------- items


def test_two_matrices_over_the_same_items_are_paired():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(400, 5)) + 1
    B = A + 0.05 * rng.normal(size=(400, 5)) + 0.02
    measures = [MEASURES["average_cosine"], MEASURES["norm_mean"]]
    judged = [jackknife(Rows(V), Analysis.of(Rows(V), measures)) for V in (A, B)]
    cosine, norm = compare_matrices(*judged)
    apart = np.linalg.norm(B, axis=1) - np.linalg.norm(A, axis=1)
    half = (norm.interval[1] - norm.interval[0]) / 2
    assert norm.difference == pytest.approx(apart.mean())
    assert half == pytest.approx(stats.t.ppf(0.975, 19) * apart.std(ddof=1) / 20, rel=0.5)
    assert half < 0.3 * np.linalg.norm(A, axis=1).std() / 20  # far less than the noise of unpaired items
    for one in (cosine, norm):
        assert one.noise == "items; seed noise unknown"
        assert one.method == "paired jackknife over 20 groups of items"
        assert (one.p, one.adjusted_p, one.marked) == (None, None, False)


def test_what_the_jackknife_does_not_judge_is_a_difference_alone():
    rng = np.random.default_rng(0)
    sides = [Rows(rng.normal(size=(50, 3))) for _ in range(2)]
    analyses = [Analysis.of(rows, [MEASURES["zero_rows"], MEASURES["isoscore"]]) for rows in sides]
    found = {
        one.measure: one
        for one in compare_matrices(*(jackknife(r, a) for r, a in zip(sides, analyses, strict=True)))
    }
    assert found["zero_rows"].difference == 0
    assert (found["zero_rows"].interval, found["zero_rows"].noise) == (None, "seed noise unknown")
    assert found["isoscore"].interval is not None
    few = jackknife(sides[0], analyses[0], groups=5)
    with pytest.raises(UserError, match="5 groups of items, the other 20"):
        compare_matrices(few, jackknife(sides[1], analyses[1]))
