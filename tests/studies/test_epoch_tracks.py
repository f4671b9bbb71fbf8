from __future__ import annotations

import numpy as np
import pytest
from run_files import write_run
from scipy import stats

from degen.runs.directory import RunDirectory
from degen.studies.over_epochs.tracks import SeedOptions, mean_by_epoch, track_rows, tracks_of


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


def test_a_mean_over_seeds_has_students_interval_at_each_epoch(tmp_path):
    values = {0: [0.1, 0.2, 0.4], 1: [0.3, 0.3], 2: [0.2, 0.7, 0.1]}
    runs = []
    for seed, several in values.items():
        rows = [{"epoch": epoch, "x": value, "y": None} for epoch, value in enumerate(several, start=1)]
        runs.append(RunDirectory(write_run(tmp_path / str(seed), "scl", seed=seed, metrics=rows)))
    [track] = tracks_of({"scl": runs}, SeedOptions(aggregate="mean"), ["x", "y"])
    assert [row["epoch"] for row in track.rows] == [1, 2]
    for row, seeds in zip(track.rows, ([0.1, 0.3, 0.2], [0.2, 0.3, 0.7]), strict=True):
        low, high = stats.t.interval(0.95, 2, loc=np.mean(seeds), scale=stats.sem(seeds))
        assert row["x"] == pytest.approx(np.mean(seeds))
        assert (row["x_low"], row["x_high"]) == (pytest.approx(low), pytest.approx(high))
        assert row["y"] is None
        assert "y_low" not in row
    written = track_rows([track], ["x", "y"])
    assert [row["x_low"] is None for row in written] == [True] * 8 + [False] * 2
    [alone] = tracks_of({"scl": runs[:1]}, SeedOptions(aggregate="mean"), ["x"])
    assert "x_low" not in alone.rows[0]
