"""The section `analyze`: what one would write by hand finds degen's values, and points are kept."""

from __future__ import annotations

import argparse
import sys

import analyze_point
import numpy as np
import pytest
from benchlib import analyze
from benchlib.scale_figure import write_figure

import degen


def arguments(**more):
    return argparse.Namespace(
        **{"threads": 1, "memory_gb": 4.0, "time_limit": 120, "largest_rows": 10**4, **more}
    )


def test_plain_formulas_and_degen_agree(tmp_path):
    analyze_point.write(600, tmp_path / "m.npy")
    V = np.load(tmp_path / "m.npy")
    assert (V.shape, V.dtype) == ((600, 64), np.float32)
    assert 0.2 < V.mean() < 0.4
    ours = degen.analyze(V, measures=analyze.GROUPS)
    theirs = analyze_point.textbook(tmp_path / "m.npy")
    assert len(theirs) > 20
    for name, value in theirs.items():
        assert value == pytest.approx(ours[name], rel=2e-4, abs=1e-6), name
    for name, value in analyze_point.svd(tmp_path / "m.npy").items():
        assert value == pytest.approx(ours[name], rel=1e-5), name


def test_the_difference_is_the_greatest_relative_one():
    points = {
        "rows/degen/10": {"values": {"a": 2.0, "b": 10.0}},
        "rows/svd/10": {"values": {"a": 2.0, "b": 11.0}},
        "rows/textbook/10": {"not_run": "more than 1 GB"},
    }
    analyze._compare(points, 10)
    assert points["rows/svd/10"]["difference"] == pytest.approx(0.1)
    assert "difference" not in points["rows/degen/10"]
    assert "difference" not in points["rows/textbook/10"]


def test_points_that_are_there_are_not_measured_again():
    earlier = {f"{line}/10000": {"seconds": 1.0, "peak_mb": 2.0} for line in analyze.LINES}
    found = analyze.measure_analyze(arguments(), earlier, lambda points: None)
    assert found["points"] == earlier


@pytest.mark.skipif(sys.platform != "linux", reason="units of ru_maxrss")
def test_a_size_is_measured_all_ways(monkeypatch, tmp_path):
    monkeypatch.setattr(analyze, "powers", lambda first, largest: [300])
    saved: list[int] = []
    found = analyze.measure_analyze(arguments(), {}, lambda points: saved.append(len(points)))
    assert saved == [1, 2, 3]
    for line in analyze.LINES:
        point = found["points"][f"{line}/300"]
        assert point["seconds"] > 0
        assert point["peak_mb"] > 20
    assert found["points"]["rows/svd/300"]["difference"] < 1e-5
    assert found["points"]["rows/textbook/300"]["difference"] < 1e-3
    paths = write_figure(
        found["points"], found["slopes"], tmp_path / "analyze-scale", analyze.LINES, "against rows"
    )
    assert [path.suffix for path in paths] == [".pdf", ".png", ".csv", ".csv"]
    assert paths[2].read_text().splitlines()[1].startswith("rows/degen,300,")
