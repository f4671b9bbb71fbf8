"""Verdicts over seeds, against textbook intervals, exact permutations, and cases that must go either way."""

from __future__ import annotations

import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from degen.paper.judging.causes import causes
from degen.paper.judging.intervals import adjusted, interval, over_seeds, p_of_all
from degen.paper.judging.sensitivity import flat_curves, hidden_against_embedding
from degen.paper.measured import Measured
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
        ([0.010, 0.010, 0.010], "holds"),  # nothing varies
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
    verdict, words, seeds, p, _ = over_seeds({"HR@5": [0.5, 0.6], "NDCG@5": [0.3]})
    assert (verdict, seeds, p) == ("not judged", 1, None)
    assert words.startswith("one seed: not judged")
    assert over_seeds({})[:4] == ("not judged", "not measured", 0, None)
    assert flat_curves({"HR@5": [[0.1], [0.2]]})[:1] == ("not judged",)
    assert hidden_against_embedding(np.tile(RATES, (5, 1)), seeds=1)[0] == "not judged"


def test_the_weakest_of_several_metrics_counts():
    good, bad = [0.010, 0.011, 0.012], [-0.010, -0.011, -0.012]
    assert over_seeds({"HR@5": good, "NDCG@5": bad})[0] == "does not hold"
    assert over_seeds({"HR@5": good, "NDCG@5": [0.01, -0.01, 0.0]})[0] == "within noise"


def test_a_curve_is_flat_only_within_the_noise_of_its_seeds():
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.001, size=(5, 3))
    flat = (0.04 + noise).tolist()
    slope = (0.04 + 0.1 * RATES[:, None] + noise).tolist()
    assert flat_curves({"HR@5": flat})[0] == "holds"
    verdict, words, seeds, *_ = flat_curves({"HR@5": flat, "NDCG@5": slope})
    assert (verdict, seeds) == ("does not hold", 3)
    assert "n = 3 seeds, 5 values" in words
    assert flat_curves({"HR@5": [[0.1, 0.2]]})[0] == "not judged"


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
    assert [one.verdict for one in found] == ["holds", "not judged", "holds", "within noise"]
    assert f"p = {alone.p:.2g}, {2 * alone.p:.2g} for 3 claims (Holm)" in found[0].measured
    many = adjusted([alone, *[other] * 5])
    assert (many[0].verdict, many[0].p) == ("within noise", pytest.approx(6 * alone.p))


# Causes of the cone


def written(method, seed, **values):
    """A run of a study that is only a row."""
    planned = PlannedRun("0" * 10, "beauty", seed, Path("run"), {}, method, {})
    return Measured(planned, {name: str(value) for name, value in values.items()})


def cones(**by_method):
    return [
        written(method, seed, best_average_cosine=cosine, best_sigma2_ratio=ratio)
        for method, pairs in by_method.items()
        for seed, (cosine, ratio) in enumerate(pairs)
    ]


def test_a_cone_is_weaker_where_its_cosine_falls_and_its_second_value_rises():
    rows = cones(
        sasrec=[(0.160, 0.37), (0.165, 0.38), (0.170, 0.36)],
        **{
            "sasrec-sgd": [(0.001, 0.85), (0.002, 0.86), (0.012, 0.83)],
            # Another cosine, and a spectrum that is steeper than before.
            "sasrec-sampled": [(0.100, 0.30), (0.102, 0.31), (0.112, 0.29)],
        },
    )
    found = dict(causes(rows))
    weaker = found["sasrec-sgd's cone is weaker than sasrec's"]
    assert weaker.verdict == "holds"
    assert weaker.measured.startswith("fall of the average cosine +0.1600 ± ")
    assert "rise of σ₂/σ₁ +0.4767 ± " in weaker.measured
    assert found["sasrec-sampled's cone is weaker than sasrec's"].verdict == "does not hold"
    gru4rec = found["gru4rec-sgd's cone is weaker than gru4rec's"]
    assert gru4rec.measured == "not trained: gru4rec, gru4rec-sgd"
