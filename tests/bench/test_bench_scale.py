"""The scale section: sizes, limits, going on where it stopped, slopes of known powers, the figure's lines."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

import pytest
import scale_point
from benchlib import scale
from benchlib.scale import Guard, attempt, interactions, items, powers, series, slopes
from benchlib.scale_figure import write_figure
from benchlib.turns import Failure

GENEROUS = Guard(120, 8_000_000_000, {})


def failing(reason):
    def measured():
        raise Failure(reason)

    return measured


def test_sizes_are_powers_of_ten_up_to_the_largest():
    assert powers(10**4, 10**7) == [10**4, 10**5, 10**6, 10**7]
    assert powers(10**4, 999_999) == [10**4, 10**5]
    assert powers(10**4, 5_000) == []


def test_slopes_of_known_powers_over_the_last_three_sizes():
    points = {f"items/ce/{n}": {"seconds": 3 * n, "peak_mb": 5 * n**0.5} for n in (10**5, 10**6, 10**7)}
    points["items/ce/10000"] = {"seconds": 1e9, "peak_mb": 1e9}
    points["items/sampled/10000"] = {"seconds": 1.0, "peak_mb": 1.0}
    assert slopes(points) == {
        "items/ce": {"seconds": pytest.approx(1.0), "peak_mb": pytest.approx(0.5)},
    }


def test_a_point_that_is_there_is_not_measured_again():
    points = {"items/ce/10000": {"seconds": 1.0, "peak_mb": 1.0}}
    attempt(points, "items/ce", 10**4, failing("measured again"))
    assert points == {"items/ce/10000": {"seconds": 1.0, "peak_mb": 1.0}}


def test_a_point_over_its_limits_is_reported_and_larger_ones_are_not_tried():
    points: scale.Points = {}
    attempt(points, "items/ce", 10**4, failing("more than 2.0 GB"))
    attempt(points, "items/ce", 10**5, failing("tried"))
    attempt(points, "items/sampled", 10**5, lambda: {"seconds": 1.0, "peak_mb": 2.0})
    assert points == {
        "items/ce/10000": {"not_run": "more than 2.0 GB"},
        "items/ce/100000": {"not_run": "10,000 did not run"},
        "items/sampled/100000": {"seconds": 1.0, "peak_mb": 2.0},
    }
    assert series(points, "items/ce") == []
    assert [size for size, _ in series(points, "items/ce", run=False)] == [10**4, 10**5]


def test_every_point_is_saved_and_those_that_did_not_run_are_tried_again(monkeypatch):
    monkeypatch.setattr(scale, "items", lambda size, loss, guard: {"seconds": float(size), "peak_mb": 1.0})
    arguments = argparse.Namespace(
        threads=1, memory_gb=1.0, time_limit=1, largest_items=10**5, largest_interactions=100
    )
    saved: list[int] = []
    earlier = {
        "items/ce/10000": {"seconds": 7.0, "peak_mb": 7.0},
        "items/sampled/10000": {"not_run": "killed"},
    }
    found = scale.measure_scale(arguments, earlier, lambda points: saved.append(len(points)))
    assert found["points"]["items/ce/10000"]["seconds"] == 7.0
    assert found["points"]["items/sampled/10000"]["seconds"] == 10_000.0
    assert len(found["points"]) == 4
    assert saved == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("guard", "script", "reason"),
    [
        (Guard(0.3, 2**33, {}), "import time; time.sleep(60)", "more than 0.3 s"),
        (Guard(60, 300_000_000, {}), "bytearray(2 * 10**9)", "more than 0.3 GB"),
        (Guard(60, 2**33, {}), "raise ValueError('wrong')", "ValueError: wrong"),
    ],
)
def test_a_guard_says_why_it_stopped(guard, script, reason):
    with pytest.raises(Failure, match=reason):
        guard.run([sys.executable, "-c", script])


@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss")
def test_a_guard_measures_time_and_memory():
    # In a process of its own: the system counts what a parent held before its child began.
    script = "import time; held = bytearray(200_000_000); time.sleep(0.2); print('done')"
    outer = "import json, sys; from benchlib.scale import Guard; "
    outer += "print(json.dumps(Guard(60, 2**33, {}).run([sys.executable, '-c', sys.argv[1]])))"
    ran = subprocess.run(
        [sys.executable, "-c", outer, script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    printed, used = json.loads(ran.stdout)
    assert printed == "done\n"
    assert used["seconds"] >= 0.2
    assert 200 < used["peak_mb"] < 400


def test_a_catalogue_of_items_trains(monkeypatch):
    monkeypatch.setattr(scale_point, "STEPS", 2)
    monkeypatch.setattr(scale_point, "USERS", 100)
    point = scale_point.steps(scale_point.catalogue(3_000), "bpr")
    assert (point["items"], point["interactions"], point["steps"]) == (3_000, 100 * 12, 2)
    assert 0 < point["seconds"] < point["preparation_seconds"] + 60


@pytest.mark.slow
def test_a_point_of_the_items_is_a_process():
    point = items(10_000, "ce", GENEROUS)
    assert point["items"] == 10_000
    assert point["peak_mb"] > 50


@pytest.mark.slow
def test_a_log_is_generated_prepared_and_trained_on(tmp_path):
    pytest.importorskip("pyarrow")
    guard = Guard(120, 8_000_000_000, {"DEGEN_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"})
    log = tmp_path / "log.csv"
    prepare, step = interactions(10_000, log, guard)
    assert prepare()["seconds"] > 0
    lines = log.read_text().splitlines()
    assert lines[0] == '"user","item","time"'
    assert len(lines) == 10_001
    point = step()
    assert 5_000 < point["interactions"] <= 10_000
    assert list(tmp_path.glob("*.gz")) == []


def test_the_figure_has_a_line_for_each_series_and_its_numbers_beside_it(tmp_path):
    points = {
        f"{line}/{n}": {"seconds": n / 1e5, "peak_mb": 300.0 + n / 1e4}
        for line in scale.LINES
        for n in (10**4, 10**5, 10**6)
    }
    points["items/ce/10000000"] = {"not_run": "more than 2.0 GB"}
    paths = write_figure(points, scale.slopes(points), tmp_path / "scale", scale.LINES, "seconds and memory")
    assert [path.suffix for path in paths] == [".pdf", ".png", ".csv", ".csv"]
    rows = paths[2].read_text().splitlines()
    assert rows[0] == "line,size,seconds,peak_mb"
    assert rows[1] == "items/ce,10000,0.1,301"
    assert len(rows) == 1 + 4 * 3
    assert all(path.stat().st_size > 0 for path in paths)
    # Seconds are the size times a constant.
    assert paths[3].read_text().splitlines()[1].startswith("items/ce,1,")
