"""Verdicts over seeds, against textbook intervals, exact permutations, and cases that must go either way."""

from __future__ import annotations

import math
import re
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from degen.paper.judging.causes import causes
from degen.paper.judging.intervals import adjusted, interval, over_seeds, p_of_all
from degen.paper.judging.sensitivity import falls, flat, flat_curves, hidden_against_embedding
from degen.paper.measured import Measured
from degen.paper.targets import target
from degen.runs.study import PlannedRun

T_2 = 4.302652729911275
"""97.5 % quantile of Student's t with two degrees of freedom, from tables."""

RATES = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def test_interval_is_students():
    numbers = [0.010, 0.014, 0.015]
    mean, half = interval(numbers)
    assert mean == pytest.approx(0.013)
    deviation = math.sqrt(sum((x - 0.013) ** 2 for x in numbers) / 2)
    assert half == pytest.approx(T_2 * deviation / math.sqrt(3), rel=1e-9)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0.010, 0.011, 0.012], "holds"),
        ([-0.010, -0.011, -0.012], "does not hold"),
        ([0.010, -0.011, 0.012], "within noise"),
        ([0.010, 0.010, 0.010], "within noise"),  # nothing varies: Student's t is not defined
        ([0.000, 0.000, 0.000], "within noise"),
    ],
    ids=["above", "below", "around", "constant", "zero"],
)
def test_verdict_is_where_the_interval_lies(numbers, expected):
    verdict, words, seeds, *_ = over_seeds({"HR@5": numbers})
    assert verdict == expected
    assert seeds == 3
    assert "95 % interval, n = 3 seeds" in words


def test_one_run_is_never_judged():
    verdict, words, seeds, p, *_ = over_seeds({"HR@5": [0.5, 0.6], "NDCG@5": [0.3]})
    assert (verdict, seeds, p) == ("not judged", 1, None)
    assert words.startswith("one seed: not judged")
    assert over_seeds({})[:4] == ("not judged", "not measured", 0, None)
    assert flat_curves({"HR@5": [[0.1], [0.2]]})[:1] == ("not judged",)
    assert hidden_against_embedding(np.tile(RATES, (5, 1)), seeds=1)[0] == "not judged"


def test_the_weakest_of_several_metrics_counts():
    good, bad = [0.010, 0.011, 0.012], [-0.010, -0.011, -0.012]
    assert over_seeds({"HR@5": good, "NDCG@5": bad})[0] == "does not hold"
    assert over_seeds({"HR@5": good, "NDCG@5": [0.01, -0.01, 0.0]})[0] == "within noise"


def test_a_curve_is_flat_where_its_range_is_shown_to_be_small():
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.0002, size=(5, 3))
    flat = (0.04 + noise).tolist()
    slope = (0.04 + 0.1 * RATES[:, None] + noise).tolist()
    found = flat_curves({"HR@5": flat})
    assert found[0] == "holds"
    means = np.mean(flat, axis=1)
    upper = float(re.search(r"without noise 0.0000 to (\S+), against", found.measured)[1])
    assert np.ptp(means) < upper < 0.05 * 0.04
    assert f"against {0.05 * means.mean():.4f}, 5% of the mean" in found.measured
    verdict, words, seeds, *_ = flat_curves({"HR@5": flat, "NDCG@5": slope})
    assert (verdict, seeds) == ("does not hold", 3)
    assert "n = 3 seeds, 5 values" in words
    assert flat_curves({"HR@5": [[0.1, 0.2]]})[0] == "not judged"


def test_noise_is_no_evidence_of_a_flat_curve():
    """The same means with more noise cannot be told, and a small range beyond noise is still flat."""
    means, spread = np.array([0.0400, 0.0405, 0.0402]), np.array([-1.0, 0.0, 1.0])

    def verdict(noise, scale=1.0):
        return flat_curves({"HR@5": (0.04 + scale * (means[:, None] - 0.04) + noise * spread).tolist()})[0]

    assert verdict(0.00001) == "holds"
    assert verdict(0.005) == "within noise"
    assert verdict(0.00001, scale=6) == "does not hold"
    two = [[0.04, 0.05], [0.05, 0.04], [0.045, 0.045]]
    assert flat_curves({"HR@5": two})[0] == "within noise"
    # The range of 0.0012 is beyond noise (0.0002 to 0.0022), and may be above the margin of 0.0020.
    assert verdict(0.0004, scale=2.4) == "within noise"
    quiet, loud = (0.04 + np.outer([1, 1], noise * spread) for noise in (0.0001, 0.01))
    assert flat_curves({"HR@5": quiet.tolist(), "NDCG@5": loud.tolist()})[0] == "within noise"


def swept(rates, seeds, lost=0.1, dataset="ml-1m", control=None):
    return [
        Measured(
            PlannedRun("0" * 10, dataset, seed, Path("run"), {"dropout": rate}, control, {}),
            {"test_HR@5": str(0.3 - lost * rate + 0.001 * seed * rate)},
        )
        for seed in seeds
        for rate in rates
    ]


def test_a_slope_needs_all_rates_of_the_target():
    rates = RATES.tolist()
    ((_, found),) = falls(swept(rates, (0, 1, 2)), ["HR@5"], rates)
    assert (found.verdict, found.seeds) == ("holds", 3)
    assert found.measured.startswith("HR@5 +0.0099 ± ")
    # A seed with two of the five rates is left out, whatever its slope is.
    more = [*swept(rates, (0, 1, 2)), *swept(rates[:2], (3,), lost=-5)]
    assert falls(more, ["HR@5"], rates)[0][1] == found
    ((_, few),) = falls(swept(rates[:2], (0, 1, 2)), ["HR@5"], rates)
    assert (few.verdict, few.measured) == ("not judged", "no seed has all 5 rates of dropout")
    assert target("fig6").study().axes["dropout"].values == tuple(rates)
    assert falls(swept(rates, (0, 1), dataset="beauty"), ["HR@5"], rates) == []


def test_a_flat_curve_needs_all_values_of_the_target():
    axes = target("fig7").study().axes
    values = axes["lambda"].values

    def cells(values):
        return [
            Measured(
                PlannedRun("0" * 10, "beauty", seed, Path("run"), {"objective.lambda": value}, None, {}),
                {"test_HR@5": str(0.05 + 1e-6 * seed)},
            )
            for seed in (0, 1)
            for value in values
        ]

    ((claim, found),) = flat(cells(values), ["HR@5"], axes)
    assert (claim, found.verdict) == ("duorec's accuracy does not depend on λ", "holds")
    ((_, some),) = flat(cells(values[:2]), ["HR@5"], axes)
    assert (some.verdict, some.measured) == ("not judged", "2 of 5 values are done")


def test_unequal_numbers_of_seeds_are_told():
    found = over_seeds({"HR@5": [0.010, 0.011, 0.012], "NDCG@5": [0.010, 0.011]})
    assert found.measured.startswith("HR@5 +0.0110 ± 0.0025 (n = 3), NDCG@5 +0.0105 ± 0.0064 (n = 2) (95 %")
    assert found.measured.endswith("n = 2 to 3 seeds)")
    assert found.seeds == 2
    one = over_seeds({"HR@5": [0.5, 0.6], "NDCG@5": [0.3]})
    assert one.measured == "one seed: not judged; HR@5 +0.5500 (n = 2), NDCG@5 +0.3000 (n = 1)"


@pytest.mark.parametrize("transposed", [False, True], ids=["hidden", "embedding"])
def test_the_axis_that_matters_is_told_from_the_one_that_does_not(transposed):
    noise = np.random.default_rng(1).normal(scale=0.0005, size=(5, 5))
    grid = np.tile(0.05 - 0.02 * RATES, (5, 1)) + noise  # rows: embedding, columns: hidden
    verdict, words, *_ = hidden_against_embedding(grid.T if transposed else grid, seeds=3)
    assert verdict == ("does not hold" if transposed else "holds")
    assert "n = 3 seeds per cell" in words


def test_two_axes_that_matter_alike_are_within_noise():
    grid = -0.02 * (RATES[:, None] + RATES[None, :])
    assert hidden_against_embedding(grid, seeds=3)[0] == "within noise"


def test_a_heat_map_with_holes_is_not_judged():
    grid = np.tile(RATES, (5, 1))
    grid[2, 3] = np.nan
    assert hidden_against_embedding(grid, seeds=3)[:2] == ("not judged", "24 of 25 cells are done")


def test_random_arrangements_give_the_exact_p():
    grid = np.array([[0.1, 0.25, 0.4], [0.12, 0.22, 0.41]])

    def contrast(values):
        table = np.reshape(values, (2, 3))
        return np.var(table.mean(axis=0), ddof=1) - np.var(table.mean(axis=1), ddof=1)

    exact = np.mean([contrast(order) >= contrast(grid) - 1e-15 for order in permutations(grid.ravel())])
    _, words, *_ = hidden_against_embedding(grid, seeds=2)
    p = float(words.partition("p = ")[2].split()[0])
    assert p == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 9999))


# Several claims at once


def test_p_values_are_students_and_those_of_several_margins_count_as_the_weakest():
    numbers = [0.010, 0.014, 0.015]
    deviation = math.sqrt(sum((x - 0.013) ** 2 for x in numbers) / 2)
    t = 0.013 / (deviation / math.sqrt(3))
    # With two degrees of freedom Student's distribution has a closed form.
    p = 1 - t / math.sqrt(t**2 + 2)
    assert over_seeds({"HR@5": numbers}).p == pytest.approx(p, rel=1e-9)
    # It holds where all are positive beyond chance: the largest p. One negative margin of two: twice its p.
    assert p_of_all([(0.1, 0.03), (0.2, 0.01)]) == 0.03
    assert p_of_all([(-0.1, 0.03), (0.2, 0.9)]) == 0.06
    assert p_of_all([(-0.1, 0.03), (-0.2, 0.01), (0.1, 0.0)]) == pytest.approx(0.03)
    assert p_of_all([(-0.1, 0.8), (0.2, 0.01)]) == 1


def test_a_claim_that_holds_alone_may_not_hold_among_many():
    alone = over_seeds({"HR@5": [0.010, 0.014, 0.015]})
    clear = over_seeds({"HR@5": [0.0100, 0.0101, 0.0102]})
    other = over_seeds({"HR@5": [0.010, -0.011, 0.012]})
    unjudged = over_seeds({"HR@5": [0.01]})
    assert alone.verdict == clear.verdict == "holds"
    (kept,) = adjusted([alone])
    assert (kept.verdict, kept.p) == ("holds", alone.p)
    found = adjusted([alone, unjudged, clear, other])
    # Holm: the smallest p times 3, the next times 2; what was not tested is no claim among them.
    assert [one.p for one in found] == [2 * alone.p, None, 3 * clear.p, pytest.approx(other.p)]
    assert [one.alone for one in found] == [alone.p, None, clear.p, other.p]
    assert [one.verdict for one in found] == ["holds", "not judged", "holds", "within noise"]
    assert f"p = {alone.p:.2g}, {2 * alone.p:.2g} for 3 claims (Holm)" in found[0].measured
    many = adjusted([alone, *[other] * 5])
    assert (many[0].verdict, many[0].p) == ("within noise", pytest.approx(6 * alone.p))


# Causes of the cone


def written(method, seed, **values):
    """A run of a study that is only a row."""
    planned = PlannedRun("0" * 10, "beauty", seed, Path("run"), {}, method, {})
    return Measured(planned, {name: str(value) for name, value in values.items()})


def cones(*moments, **by_method):
    """Runs with average cosine, that of the tail, and σ₂/σ₁ at the best epoch, or at each of `moments`."""
    columns = ("average_cosine", "tail_average_cosine", "sigma2_ratio")
    names = [f"{moment}_{column}" for moment in moments or ("best",) for column in columns]
    return [
        written(method, seed, **dict(zip(names, values, strict=False)))
        for method, runs in by_method.items()
        for seed, values in enumerate(runs)
    ]


def test_a_cone_is_weaker_where_both_cosines_fall_and_the_second_value_rises():
    rows = cones(
        sasrec=[(0.160, 0.40, 0.37), (0.165, 0.41, 0.38), (0.170, 0.42, 0.36)],
        **{
            "sasrec-sgd": [(0.001, 0.05, 0.85), (0.002, 0.06, 0.86), (0.012, 0.08, 0.83)],
            # Another cosine, and a spectrum that is steeper than before.
            "sasrec-sampled": [(0.100, 0.30, 0.30), (0.102, 0.31, 0.31), (0.112, 0.32, 0.28)],
            # Two opposite cones: their mean is zero, and rare items share a direction all the more.
            "sasrec-coupled-adam": [(0.001, 0.60, 0.85), (0.002, 0.62, 0.86), (0.012, 0.61, 0.83)],
        },
    )
    found = dict(causes(rows))
    weaker = found["sasrec-sgd's cone is weaker than sasrec's"]
    assert weaker.verdict == "holds"
    assert weaker.measured.startswith("fall of the average cosine +0.1600 ± ")
    assert "fall of the tail's average cosine +0.3467 ± " in weaker.measured
    assert "rise of σ₂/σ₁ +0.4767 ± " in weaker.measured
    assert found["sasrec-coupled-adam's cone is weaker than sasrec's"].verdict == "does not hold"
    assert found["sasrec-sampled's cone is weaker than sasrec's"].verdict == "does not hold"
    gru4rec = found["gru4rec-sgd's cone is weaker than gru4rec's"]
    assert gru4rec.measured == "not trained: gru4rec, gru4rec-sgd"


def test_a_cone_must_be_weaker_at_the_common_epoch_too():
    before, after = (0.16, 0.40, 0.37), (0.01, 0.05, 0.85)
    sasrec = [(*before, *before), (0.17, 0.41, 0.38, 0.17, 0.41, 0.38)]
    claim = "sasrec-sgd's cone is weaker than sasrec's"

    def judged(*sgd):
        return dict(causes(cones("best", "common", sasrec=sasrec, **{"sasrec-sgd": sgd})))[claim]

    weaker = judged((*after, *after), (0.021, 0.061, 0.861, 0.021, 0.061, 0.861))
    assert weaker.verdict == "holds"
    assert "rise of σ₂/σ₁ at the common epoch +0.4805 ± " in weaker.measured
    assert judged((*after, 0.3, 0.6, 0.2), (*after, 0.31, 0.62, 0.21)).verdict == "does not hold"
    # A run that ended before the common epoch leaves the best ones to decide.
    short = judged((*after, *after), (0.021, 0.061, 0.861))
    assert (short.verdict, short.seeds, "common" in short.measured) == ("holds", 2, False)
    # A measure that a run lacks at its best epoch is not passed over.
    lacking = cones("best", "common", sasrec=sasrec, **{"sasrec-sgd": [(*after, *after), (0.021,)]})
    assert dict(causes(lacking))[claim].seeds == 1


def test_another_encoder_has_the_cone_where_both_its_cosines_are_above_zero():
    claim = "gru4rec's items lie in a cone, as sasrec's do"
    sasrec = [(0.160, 0.40, 0.37), (0.165, 0.41, 0.38)]
    found = dict(causes(cones(sasrec=sasrec, gru4rec=[(0.20, 0.50, 0.3), (0.21, 0.51, 0.3)])))[claim]
    assert (found.verdict, found.seeds) == ("holds", 2)
    assert "tail's average cosine of gru4rec +0.5050 ± " in found.measured
    around = dict(causes(cones(sasrec=sasrec, gru4rec=[(0.20, 0.01, 0.9), (0.21, -0.02, 0.9)])))[claim]
    assert around.verdict == "within noise"
    assert dict(causes(cones(sasrec=sasrec)))[claim].measured == "not trained: gru4rec"
