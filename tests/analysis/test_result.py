"""What `Analysis` keeps of values, errors and reasons, and how measures are chosen by name."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from degen.analysis import MEASURES, Estimate, Rows, Undefined, measure
from degen.analysis.listing import GROUPS, chosen_measures, chosen_profiles, in_order, line
from degen.analysis.passes.buckets import DECILES
from degen.analysis.result import Analysis
from degen.errors import UserError

V = np.random.default_rng(0).normal(size=(30, 4)) + 0.5


@pytest.fixture
def own():
    """Measures of a user: one sampled, one without a value."""

    @measure("mine", range=(0, 9), meaning="", source="here", cost="O(1)")
    def guessed(V: Rows) -> float:
        """Return 2, more or less."""
        return Estimate(2.0, 0.25, "3 of 30 rows")

    @measure("mine", range=(0, 9), meaning="", source="here", cost="O(1)")
    def missing(V: Rows) -> float:
        """Return nothing."""
        raise Undefined("missing needs more")

    yield
    del MEASURES["guessed"], MEASURES["missing"]


def test_groups_stand_in_their_order_and_those_of_users_after_them():
    order = [measure.group for measure in chosen_measures()]
    known = [group for group in GROUPS if group in order]
    assert list(dict.fromkeys(order)) == known
    assert sorted(measure.name for measure in chosen_measures()) == sorted(MEASURES)


def test_lines_are_ordered_whatever_the_order_of_their_names():
    names = [own.name for own in chosen_measures()]
    mixed = ["HR@10@tail", "norm_mean@tail", *reversed(names)]
    popularity = [name for name in names if line(name).group == "popularity"]
    expected = [*names[: names.index(popularity[-1]) + 1], "norm_mean@tail"]
    assert [own.name for own in in_order(mixed)] == [*expected, "HR@10@tail"]


@pytest.mark.usefixtures("own")
def test_a_users_group_comes_last():
    assert [measure.name for measure in chosen_measures()][-2:] == ["guessed", "missing"]
    assert [measure.name for measure in chosen_measures("mine,stable_rank")] == [
        "stable_rank",
        "guessed",
        "missing",
    ]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ("efective_rank", "did you mean 'effective_rank'"),
        ("spektrum", "did you mean 'spectrum'"),
        ("stable_rank,,isoscore", "empty"),
        ("", "empty"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(names, says):
    with pytest.raises(UserError, match=says):
        chosen_measures(names)


def test_a_group_and_a_name_choose_each_once():
    names = [measure.name for measure in chosen_measures(["health", "norm_cv", "average_cosine"])]
    assert names[0] == "average_cosine"
    assert names.count("norm_cv") == 1
    assert {MEASURES[name].group for name in names[1:]} == {"health"}


@pytest.mark.usefixtures("own")
def test_values_errors_and_reasons():
    found = Analysis.of(Rows(V), chosen_measures("mine,norm_mean"), name="v")
    assert (found.name, found.rows, found.dimensions) == ("v", 30, 4)
    assert found.values == {"guessed": 2.0, "norm_mean": pytest.approx(np.linalg.norm(V, axis=1).mean())}
    assert type(found.values["guessed"]) is float
    assert found.standard_errors == {"guessed": 0.25}
    assert found.samples == {"guessed": "3 of 30 rows"}
    assert found.reasons == {"missing": "needs more"}
    assert found.measures == ["norm_mean", "guessed", "missing"]
    assert found["guessed"] == 2
    with pytest.raises(Undefined, match="missing: needs more"):
        found["missing"]
    with pytest.raises(KeyError):
        found["isoscore"]


@pytest.mark.usefixtures("own")
def test_flat_is_json_and_names_what_was_sampled_or_is_missing():
    rank_one = np.outer(np.arange(1.0, 6), [1.0, 2.0])
    flat = Analysis.of(Rows(rank_one), chosen_measures("condition_number,mine"), name="line").flat()
    assert json.loads(json.dumps(flat, allow_nan=False)) == {
        "name": "line",
        "rows": 5,
        "dimensions": 2,
        "condition_number": None,
        "condition_number_reason": "infinite",
        "guessed": 2.0,
        "guessed_standard_error": 0.25,
        "guessed_sample": "3 of 30 rows",
        "missing": None,
        "missing_reason": "needs more",
    }


@pytest.mark.usefixtures("own")
def test_a_frame_has_a_row_a_measure():
    frame = Analysis.of(Rows(V), chosen_measures("mine,norm_mean"), name="v").to_frame()
    assert list(frame.index) == ["norm_mean", "guessed", "missing"]
    assert frame.loc["guessed", "standard_error"] == 0.25
    assert math.isnan(frame.loc["missing", "value"])
    assert list(frame["group"]) == ["health", "mine", "mine"]


@pytest.mark.usefixtures("own")
def test_values_are_seen_where_a_result_is_printed():
    found = Analysis.of(Rows(V), chosen_measures("mine,norm_mean"), name="v")
    head, *lines = str(found).splitlines()
    assert head == f"v: {len(V)} × {V.shape[1]}"
    assert lines[0].split() == ["norm_mean", f"{np.linalg.norm(V, axis=1).mean():.4g}"]
    assert lines[2].split()[:1] == ["missing"]
    assert lines[2].removeprefix("missing").strip() == found.reasons["missing"]
    assert found.to_frame().columns[0] == "value"


def test_arrows_are_what_the_words_say():
    assert MEASURES["stable_rank"].arrow == MEASURES["cone_angle_median"].arrow == "↑"
    assert MEASURES["average_cosine"].arrow == MEASURES["condition_number"].arrow == "↓"
    assert MEASURES["zero_rows"].arrow == ""


def test_an_arrow_points_where_an_isotropic_cloud_lies():
    cloud = np.random.default_rng(1).normal(size=(500, 6))
    squeezed = cloud * [3, 1, 1, 1, 1, 0.3] + [9, 0, 0, 0, 0, 0]
    isotropic, cone = (Analysis.of(Rows(V), chosen_measures()) for V in (cloud, squeezed))
    for name in isotropic.values.keys() & cone.values.keys():
        rise = isotropic.values[name] - cone.values[name]
        assert {"↑": rise > 0, "↓": rise < 0, "": True}[MEASURES[name].arrow], name


def test_a_formula_is_the_docstrings_with_the_settings():
    assert MEASURES["stable_rank"].formula == "‖V‖_F² / σ₁² = Σλ / λ₁; 0 for a zero matrix"
    assert MEASURES["explained_variance_3"].formula.endswith("; with k=3")


def test_profiles_have_a_value_a_bucket_and_a_reason_where_there_is_none():
    frequency = np.array([0] + [1] * 15 + [5] * 9 + [50] * 5)
    profiles = chosen_profiles("first_direction_share,popularity")
    found = Analysis.of(Rows(V, frequency), [], profiles)
    norms = np.linalg.norm(V, axis=1)
    assert found["norm_mean@head"] == pytest.approx(norms[25:].mean())
    assert found["norm_mean@cold"] == pytest.approx(norms[0])
    assert found.reasons["average_cosine@cold"] == "no item of the bucket has a value"
    assert "average_cosine@cold" not in found.values
    assert line("norm_mean@tail").group == "popularity"
    assert not line("norm_mean@tail").detail
    assert line("norm_mean@10").detail
    assert not line("HR@10@tail").detail
    assert Analysis.of(Rows(V), [], profiles).measures == []


def test_what_the_buckets_hold_stands_beside_their_values():
    frequency = np.array([0] + [1] * 8 + [2] * 7 + [5] * 9 + [50] * 5)
    found = Analysis.of(Rows(V, frequency), [], chosen_profiles())
    assert found.buckets["cold"] == (0, 0, 1, 0)
    assert found.buckets["tail"] == (1, 2, 15, 8 + 14)
    assert found.buckets["mid"] == (5, 5, 9, 45)
    assert found.buckets["head"] == (50, 50, 5, 250)
    deciles = [found.buckets[name] for name in DECILES if name in found.buckets]
    assert sum(bucket.items for bucket in deciles) == 29
    assert sum(bucket.actions for bucket in deciles) == frequency.sum()
    flat = found.flat()
    assert (flat["items@tail"], flat["actions@tail"]) == (15, 22)
    assert (flat["frequency_low@tail"], flat["frequency_high@tail"]) == (1, 2)
    assert not Analysis.of(Rows(V, frequency), chosen_measures("health")).buckets
    assert not Analysis.of(Rows(V), [], chosen_profiles()).buckets


def test_profiles_are_chosen_with_their_group_or_by_a_name_of_their_own():
    assert [own.name for own in chosen_profiles("first_direction_share")] == ["first_direction_share"]
    assert chosen_profiles("norm_mean") == []
    assert chosen_measures("first_direction_share") == []
    assert len(chosen_profiles("popularity")) == len(chosen_profiles()) > 5


def test_further_values_take_the_place_of_those_that_are_there():
    found = Analysis.of(Rows(V), chosen_measures("health")).with_values(
        {"zero_rows": 4, "HR@10@tail": math.nan}
    )
    assert found["zero_rows"] == 4
    assert found.measures[-1] == "HR@10@tail"
    with pytest.raises(Undefined, match="no item of the bucket"):
        found["HR@10@tail"]
