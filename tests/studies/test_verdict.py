"""The verdict on two sides: clear, contradictory, within noise, equal, undefined, of other dimensions."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from degen.analysis import MEASURES, PROFILES, Analysis, Rows
from degen.analysis import core as core_module
from degen.analysis.core import CORE, ON_DIMENSIONS, scale
from degen.analysis.registry import COMPARISONS
from degen.analysis.statistics.differences import Comparison, compare_matrices, compare_seeds
from degen.analysis.statistics.jackknife import jackknife
from degen.analysis.titles import title
from degen.studies.comparing.judged import Two, judged
from degen.studies.verdict import verdict

RESULTS = Path(__file__).parents[2] / "experiments" / "results"
SIDES = Two("jan", "feb", (64, 64))

# A matrix that collapses: every measure moves to its collapsed end.
JAN = {
    "sigma2_ratio": 0.6,
    "effective_rank": 51.2,
    "participation_ratio": 30.0,
    "average_cosine": 0.7,
    "tail_average_cosine": 0.71,
    "mean_energy_share": 0.5,
    "uniformity": -2.0,
    "hubness_skewness": 1.0,
}
FEB = {
    "sigma2_ratio": 0.2,
    "effective_rank": 23.4,
    "participation_ratio": 9.0,
    "average_cosine": 0.88,
    "tail_average_cosine": 0.95,
    "mean_energy_share": 0.8,
    "uniformity": -0.5,
    "hubness_skewness": 3.0,
}


def pairs(a: dict, b: dict, half: float | None = None) -> list[Comparison]:
    """Comparisons of values, each with an interval over items of this half-width, or none."""
    found = []
    for name in a:
        difference = b[name] - a[name]
        interval = None if half is None else (difference - half, difference + half)
        noise = "seed noise unknown" if half is None else "items; seed noise unknown"
        found.append(Comparison(name, a[name], b[name], difference, interval, noise, ""))
    return found


def test_a_collapse_is_told_with_its_size_and_with_the_noise_that_is_unknown():
    found = verdict(SIDES, pairs(JAN, FEB))
    assert found.outcome == "a"
    assert found.text == (
        "feb is more collapsed than jan: average cosine 0.70 → 0.88, effective rank 51 → 23, "
        "σ₂/σ₁ 0.60 → 0.20, the rare half more so (0.71 → 0.95); all 7 judged measures agree. "
        "The noise between trainings is unknown: each side is one matrix."
    )
    assert {one.better for one in found.measures} == {"a", "unknown"}


def test_the_other_way_round_the_second_side_is_more_isotropic():
    found = verdict(SIDES, pairs(FEB, JAN))
    assert (found.outcome, found.headline) == ("b", "feb is more isotropic than jan")
    assert found.better("uniformity") == "b"


def test_hubness_favours_no_side_because_not_every_collapse_has_hubs():
    [one] = judged(SIDES, pairs({"hubness_skewness": 1.0}, {"hubness_skewness": 9.0}))
    assert (one.better, one.reason) == ("unknown", "neither end is more isotropic")
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(1500, 64))
    cone, plane = cloud + 1.0, cloud[:, :2] @ rng.normal(size=(2, 64))
    skewness, rank = MEASURES["hubness_skewness"], MEASURES["effective_rank"]
    assert rank(plane) < rank(cone) < rank(cloud)
    assert skewness(plane) < 1 < skewness(cone)


def test_measures_that_contradict_each_other_are_not_forced_to_a_verdict():
    found = verdict(SIDES, pairs(JAN, FEB | {"effective_rank": 60.0}))
    assert found.outcome == "mixed"
    assert found.headline == "The core measures disagree"
    assert "feb is more isotropic by effective rank (51 → 60)" in found.evidence
    assert "jan is more isotropic by σ₂/σ₁ (0.60 → 0.20)" in found.evidence


def test_what_lies_within_the_noise_of_items_is_neither_told_nor_called_the_same():
    moved = {name: value + 0.03 * scale(name, value, value) for name, value in JAN.items()}
    assert verdict(SIDES, pairs(JAN, moved, half=3.0)).outcome == "within noise"
    text = verdict(SIDES, pairs(JAN, moved, half=3.0)).text
    assert text.startswith("No difference between jan and feb can be told")
    assert "within the noise" not in text.partition(":")[0]
    assert "the noise of items" in text
    # The same differences beyond the noise are differences, here in both directions.
    assert verdict(SIDES, pairs(JAN, moved, half=1e-4)).outcome == "mixed"
    assert verdict(SIDES, pairs(moved, JAN, half=1e-4)).outcome == "mixed"
    assert verdict(SIDES, pairs(moved, JAN, half=3.0)).outcome == "within noise"


def test_a_difference_below_a_hundredth_of_its_scale_is_the_same_however_certain():
    names = [name for name in JAN if MEASURES[name].arrow]
    for share, expected in ((0.009, {"same"}), (0.011, {"a", "b"})):
        moved = {name: JAN[name] + share * scale(name, JAN[name], JAN[name]) for name in names}
        ours = {name: JAN[name] for name in names}
        assert {one.better for one in judged(SIDES, pairs(ours, moved, half=1e-9))} == expected


@pytest.mark.parametrize(("spread", "outcome"), [(0.001, "a"), (0.4, "within noise")])
def test_seeds_decide_by_their_noise(spread, outcome):
    def seeds(value):
        return [value - spread, value, value + spread]

    sides = Two("jan", "feb", (64, 64), (3, 3))
    compared = compare_seeds({"average_cosine": seeds(0.3)}, {"average_cosine": seeds(0.4)})
    found = verdict(sides, compared)
    assert found.outcome == outcome
    assert found.remarks == ("Noise is that between trainings: 3 of jan, 3 of feb.",)


def test_p_values_are_corrected_for_the_core_measures_alone():
    # p = 0.02 for each: of two judged measures Holm doubles it to 0.04, whatever was measured besides.
    compared = [
        Comparison(name, 0.3, 0.5, 0.2, (0.1, 0.3), "seeds", "Welch's t", 0.02, 1.0, False)
        for name in ("average_cosine", "mean_energy_share", "cosine_std", "norm_cv")
    ]
    sides = Two("jan", "feb", (64, 64), (3, 3))
    assert [one.better for one in judged(sides, compared)] == ["a", "a"]
    third = replace(compared[0], measure="tail_average_cosine")
    assert [one.better for one in judged(sides, [*compared, third])] == ["within noise"] * 3


def seeds_of(gap: float, spread: float, opposite: tuple[str, ...] = ()) -> tuple[dict, dict]:
    """Two seeds a side of six core measures, `gap` apart in their scale; one of them hardly varies."""
    a, b = {}, {}
    for name in (
        "participation_ratio",
        *(n for n in JAN if MEASURES[n].arrow and n != "participation_ratio"),
    ):
        size = scale(name, JAN[name], JAN[name])
        sign = (1 if MEASURES[name].arrow == "↑" else -1) * (-1 if name in opposite else 1)
        apart = 1e-4 * size if name == "participation_ratio" else spread * size
        a[name] = [JAN[name] - apart, JAN[name] + apart]
        b[name] = [value + sign * gap * size for value in a[name]]
    return a, b


def test_two_seeds_a_side_far_apart_are_not_called_the_same():
    # One measure is proven; each of the others has p of about 0.01, and 0.07 or more after Holm's correction.
    sides = Two("sasrec", "duorec", (64, 64), (2, 2))
    found = verdict(sides, compare_seeds(*seeds_of(0.2, 0.015)))
    assert found.outcome == "b"
    assert found.headline == "duorec is more isotropic than sasrec"
    assert found.evidence.endswith(
        "1 of 7 judged measures decides, the other 6 are within the noise of seeds and point the same way"
    )
    assert "the same." not in found.text
    assert {one.better for one in found.measures} == {"b", "within noise"}
    # Those that point the other way are counted.
    two = verdict(sides, compare_seeds(*seeds_of(0.2, 0.015, ("uniformity", "average_cosine"))))
    assert two.evidence.endswith("the noise of seeds, and 2 of them point the other way")


def test_without_any_proven_measure_no_direction_is_claimed_and_it_is_said_where_they_point():
    a, b = seeds_of(0.2, 0.015)
    for side in (a, b):
        del side["participation_ratio"]
    found = verdict(Two("sasrec", "duorec", (64, 64), (2, 2)), compare_seeds(a, b))
    assert found.outcome == "within noise"
    assert found.text.startswith(
        "No difference between sasrec and duorec can be told: every judged core measure differs by less than "
        "the noise of seeds; all 6 point to duorec as the more isotropic one."
    )


def test_measures_that_hardly_differ_are_told_from_those_within_the_noise():
    names = ("average_cosine", "mean_energy_share", "sigma2_ratio", "uniformity")
    compared = pairs({n: JAN[n] for n in names}, {n: FEB[n] for n in names}, half=0.01)
    values = {one.measure: one for one in compared}
    values["sigma2_ratio"] = replace(values["sigma2_ratio"], interval=(-1.0, 0.2))
    values["uniformity"] = replace(values["uniformity"], b=JAN["uniformity"] + 0.02, difference=0.02)
    found = verdict(SIDES, list(values.values()))
    assert found.evidence.endswith(
        "2 of 4 judged measures agree, another is within the noise of items and points the same way, "
        "1 differs by less than a hundredth of its scale"
    )
    assert [found.better(name) for name in names] == ["a", "a", "within noise", "same"]


def test_the_same_matrix_twice_is_the_same_and_needs_no_noise():
    rng = np.random.default_rng(1)
    values, frequency = rng.normal(size=(200, 8)) + 1, np.arange(200) // 9
    a = Rows(values, frequency)
    order = rng.permutation(200)
    b = Rows(values[order], frequency[order])
    names = [MEASURES[name] for name in CORE]
    first, second = Analysis.of(a, names), Analysis.of(b, names)
    found = verdict(Two("jan", "copy", (8, 8)), compare_matrices(jackknife(a, first), jackknife(b, second)))
    assert found.outcome == "same"
    assert found.text == "jan and copy are the same by all 7 judged core measures."


def test_a_side_without_a_value_is_not_judged_and_it_is_said():
    found = verdict(SIDES, pairs(JAN, FEB | {"uniformity": math.nan, "average_cosine": math.inf}))
    assert found.outcome == "a"
    assert (found.better("uniformity"), found.better("average_cosine")) == ("unknown", "unknown")
    assert "Not judged: average cosine and uniformity of items have no value on both sides." in found.remarks
    assert "average cosine, rare half 0.71 → 0.95" in found.text


def test_the_rare_half_is_not_mentioned_where_no_side_has_frequencies():
    unknown = {"tail_average_cosine": math.nan}
    found = verdict(SIDES, pairs(JAN | unknown, FEB | unknown))
    assert "rare" not in found.text
    assert "tail_average_cosine" not in [one.measure for one in found.measures]
    one_side = verdict(SIDES, pairs(JAN, FEB | unknown))
    assert "Not judged: average cosine, rare half has no value on both sides." in one_side.remarks


def test_nothing_to_judge_is_no_verdict():
    found = verdict(SIDES, pairs({"uniformity": math.nan}, {"uniformity": -1.0}))
    assert found.outcome == "unknown"
    assert found.text.startswith("No verdict: no core measure can be judged.")
    assert verdict(SIDES, []).text == "No verdict: no core measure was compared."


def test_other_dimensions_are_not_compared_by_what_depends_on_them():
    found = verdict(Two("jan", "feb", (64, 128)), pairs(JAN, FEB))
    assert {name for name in CORE if found.better(name) == "unknown"} == {*ON_DIMENSIONS, "hubness_skewness"}
    assert found.outcome == "a"
    assert (
        "Not judged: effective rank, participation ratio and uniformity of items depend on the number of "
        "dimensions (64 and 128)."
    ) in found.remarks


def test_measures_whose_range_depends_on_dimensions_are_those_listed():
    # Rows without any common direction, of 8 and of 64 dimensions: equal but for what depends on d.
    rng = np.random.default_rng(2)
    small, large = (rng.normal(size=(4000, d)) for d in (8, 64))
    for name in CORE:
        measure = MEASURES[name]
        if measure.arrow and not measure.needs:
            apart = abs(measure(small) - measure(large)) >= 0.05 * scale(name, 64, 64)
            assert apart == (name in ON_DIMENSIONS), name


def test_different_items_have_no_noise_and_a_verdict_all_the_same():
    rng = np.random.default_rng(3)
    names = ("average_cosine", "effective_rank")
    january = rng.normal(size=(90, 8))
    february = rng.normal(size=(70, 8)) + 3
    compared = compare_seeds(*({n: [MEASURES[n](side)] for n in names} for side in (january, february)))
    found = verdict(Two("jan", "feb", (8, 8)), compared)
    assert (found.outcome, found.headline) == ("a", "feb is more collapsed than jan")


def test_one_training_on_one_side_is_named():
    found = verdict(replace(SIDES, trainings=(3, 1)), pairs(JAN, FEB))
    assert found.remarks == ("The noise between trainings is unknown: feb is one matrix.",)


def test_the_core_is_registered_and_the_tail_is_the_profile_of_the_rare_half():
    assert 6 <= len(CORE) <= 8
    assert set(CORE) <= set(MEASURES)
    rng = np.random.default_rng(4)
    rows = Rows(rng.normal(size=(100, 4)) + 1, np.arange(100))
    found = Analysis.of(rows, [MEASURES["tail_average_cosine"]], [PROFILES["average_cosine"]])
    assert found.values["tail_average_cosine"] == pytest.approx(found.values["average_cosine@tail"])


def test_every_measure_has_words_of_its_own():
    names = [*MEASURES, *COMPARISONS, *(f"{name}@{part}" for name in PROFILES for part in ("tail", "7"))]
    words = [title(name) for name in names]
    assert not any("_" in text for text in words)
    # The average cosine of the rare half is registered twice: as a measure and as a profile.
    assert len(set(words)) == len(words) - 1


def test_the_orientation_is_that_of_the_recorded_results():
    rows = []
    for dataset in ("beauty", "clothing", "sports", "yelp"):
        with (RESULTS / f"{dataset}.csv").open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    rows = [row for row in rows if (row["recipe"], row["batch_by"]) == ("official", "samples")]
    for variant in ("sasrec", "duorec"):
        mine = [row for row in rows if row["variant"] == variant]
        assert [row["seed"] for row in mine] == ["0"] * 4
        for measure, name in (("average_cosine", "COSINE"), ("sigma2_ratio", "SIGMA2")):
            values = [float(row[measure]) for row in mine]
            stated = getattr(core_module, f"{variant.upper()}_{name}")
            assert stated == (round(min(values), 2), round(max(values), 2))
            assert f"{stated[0]:.2f} to {stated[1]:.2f}" in core_module.ORIENTATION


@pytest.mark.parametrize(
    ("cosine", "where"),
    [
        (0.59, "above both"),
        (0.264, "within SASRec's"),  # shown as 0.26
        (0.16, "within SASRec's"),
        (0.13, "between the two"),
        (0.10, "within DuoRec's"),
        (0.05, "within DuoRec's"),
        (0.041, "below both"),
        (-0.1, "below both"),
    ],
)
def test_a_matrix_is_placed_among_trained_ones(cosine, where):
    assert core_module.placed("jan", cosine).startswith(f"jan's {cosine:.2f} lies {where}: ")
