"""Medians and ratios against values by hand, and how the prototype's printed line is read."""

from __future__ import annotations

import pytest
from benchlib.prototype import Prototype, read_figures
from benchlib.summary import compare, rates, ratios, spread
from benchlib.turns import Failure, Outcome


def windows(*pairs):
    return [{"samples": samples, "seconds": seconds} for samples, seconds in pairs]


def test_spread():
    assert spread([4.0, 1.0, 10.0]) == {"median": 4.0, "lowest": 1.0, "highest": 10.0, "windows": 3}
    assert spread([1.0, 3.0])["median"] == 2.0


def test_rates_divide_by_each_windows_own_seconds():
    assert rates(windows((100, 2.0), (300, 4.0))) == [50.0, 75.0]


def test_a_ratio_is_of_windows_of_one_round():
    # The second round is slow for both: the ratio does not move, though that of the medians would.
    assert ratios([100.0, 10.0, 90.0], [50.0, 5.0, 30.0]) == {
        "median": 2.0,
        "lowest": 2.0,
        "highest": 3.0,
        "windows": 3,
    }


def test_compare_leaves_out_who_failed_and_says_why():
    outcomes = {
        "ours": Outcome({"degen": "1"}, windows((400, 1.0), (600, 1.0))),
        "theirs": Outcome({}, windows((100, 1.0), (100, 1.0))),
        "gone": Outcome({}, windows((100, 1.0)), failure="broken"),
    }
    found = compare(outcomes, {"theirs": ["ours"], "gone": ["ours"]})
    assert set(found["rates"]) == {"ours", "theirs"}
    assert found["ratios"] == {
        "theirs": {"ours": {"median": 5.0, "lowest": 4.0, "highest": 6.0, "windows": 2}}
    }
    assert found["failures"] == {"gone": "broken"}
    assert found["facts"]["ours"] == {"degen": "1"}
    assert found["evaluation_seconds"] == {}


def test_evaluations_that_windows_tell_are_kept():
    told = [window | {"evaluation_seconds": seconds} for seconds in (2, 4) for window in windows((1, 1))]
    found = compare({"theirs": Outcome({}, told)}, {})
    assert found["evaluation_seconds"]["theirs"]["median"] == 3


def test_without_ours_there_is_no_ratio():
    found = compare({"theirs": Outcome({}, windows((1, 1.0)))}, {"theirs": ["ours"]})
    assert found["ratios"] == {"theirs": {}}


def test_the_prototypes_line_is_read():
    line = "duorec 0 loss 9.4 step 153ms 1670 samples/s {'HR@5': 0.002} eval s 3.0 ([0.1], 48.7, 0.4)\n"
    answer = read_figures(line, "")
    assert answer["samples"] / answer["seconds"] == 1670
    assert answer["evaluation_seconds"] == 3.0


def test_a_prototype_that_prints_no_figure_is_a_failure_with_its_last_words():
    with pytest.raises(Failure, match="KeyError: 'x'"):
        read_figures("items 5\n", "Traceback\nKeyError: 'x'\n\n")


def test_a_prototype_runs_whole_in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "open('written', 'w').close()\n"
        "print(sys.argv[1], open(sys.argv[2]).read(), os.environ['MB'], '50.5 samples/s')\n"
    )
    (tmp_path / "log.txt").write_text("1 2 3")
    prototype = Prototype("prototype", script, "duorec", tmp_path / "log.txt")
    prototype.start()
    assert prototype.turn({"seconds": 3}) == {"samples": 50.5, "seconds": 1.0, "steps": 60}
    assert not (tmp_path / "written").exists()
    script.unlink()
    assert prototype.turn({"seconds": 1, "warm_up": True}) == {}
    with pytest.raises(Failure, match=r"script\.py"):
        prototype.start()
