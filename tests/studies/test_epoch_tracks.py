from __future__ import annotations

import pytest

from degen.studies.over_epochs.tracks import mean_by_epoch


def test_means_by_hand_over_the_epochs_that_all_runs_have() -> None:
    runs = [
        [{"epoch": 1, "a": 1.0, "b": 4}, {"epoch": 2, "a": 2.0, "b": 5}, {"epoch": 3, "a": 9.0, "b": 9}],
        [{"epoch": 1, "a": 2.0, "b": 0}, {"epoch": 2, "a": 4.0, "b": 0}],
        [{"epoch": 2, "a": 9.0, "b": 1}, {"epoch": 1, "a": 6.0, "b": 2}],
    ]
    assert mean_by_epoch(runs, ["a", "b"]) == [
        {"epoch": 1, "a": pytest.approx(9 / 3), "b": pytest.approx(6 / 3)},
        {"epoch": 2, "a": pytest.approx(15 / 3), "b": pytest.approx(6 / 3)},
    ]


def test_nothing_is_averaged_over_what_is_missing() -> None:
    runs = [[{"epoch": 1, "a": None, "b": 1.0}], [{"epoch": 1, "a": 3.0}]]
    assert mean_by_epoch(runs, ["a", "b"]) == [{"epoch": 1, "a": None, "b": None}]


def test_one_run_is_its_own_mean() -> None:
    rows = [{"epoch": 1, "a": 0.5}, {"epoch": 2, "a": 0.25}]
    assert mean_by_epoch([rows], ["a"]) == rows


def test_runs_without_a_common_epoch_have_no_mean() -> None:
    assert mean_by_epoch([[{"epoch": 1, "a": 1.0}], []], ["a"]) == []
