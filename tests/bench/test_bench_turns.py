"""Participants that take turns: fake ones, each a tiny script that speaks the protocol or fails to."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from benchlib.turns import Failure, Outcome, Worker, interleave

WORKERS = Path(__file__).parents[2] / "experiments" / "bench" / "workers"

COUNTING = """
    from turns import Turns, serve

    def step():
        with open({log!r}, "a") as file:
            file.write({name!r})
        print("a library's chatter")
        return 10

    serve(Turns(), {{"name": {name!r}}}, step, lambda: 1000)
"""
DIES_AT_THE_SECOND_STEP = """
    from turns import Turns, serve

    steps = []

    def step():
        steps.append(1)
        if len(steps) == 2:
            raise ValueError("no more of this")
        return 1

    serve(Turns(), {}, step)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Make a worker from the text of its script."""
    monkeypatch.setenv("PYTHONPATH", str(WORKERS))

    def make(name: str, script: str, patience: float = 60.0, **values: str) -> Worker:
        path = tmp_path / f"{name}.py"
        path.write_text(
            textwrap.dedent(script).format(name=name, **values) if values else textwrap.dedent(script)
        )
        return Worker(name, [sys.executable, path], patience=patience)

    return make


def test_windows_of_a_round_stand_side_by_side_and_the_first_takes_turns(worker, tmp_path):
    log = tmp_path / "log"
    group = [worker(name, COUNTING, log=str(log)) for name in "abc"]
    outcomes = interleave(group, {"steps": 2}, 3)
    assert log.read_text() == "aabbcc" + "bbccaa" + "ccaabb"
    assert [outcome.facts for outcome in outcomes.values()] == [{"name": name} for name in "abc"]
    for outcome in outcomes.values():
        assert [window["steps"] for window in outcome.windows] == [2, 2, 2]
        assert [window["samples"] for window in outcome.windows] == [20, 20, 20]
        assert all(window["seconds"] > 0 and window["peak_mb"] > 1 for window in outcome.windows)


def test_the_warm_up_is_not_counted(worker, tmp_path):
    log = tmp_path / "log"
    outcomes = interleave([worker("a", COUNTING, log=str(log))], {"steps": 2}, 1, warm_up={"steps": 5})
    assert log.read_text() == "a" * 7
    assert len(outcomes["a"].windows) == 1


def test_a_window_lasts_as_long_as_asked_for(worker, tmp_path):
    outcomes = interleave([worker("a", COUNTING, log=str(tmp_path / "log"))], {"seconds": 0.2}, 1)
    [window] = outcomes["a"].windows
    assert window["seconds"] >= 0.2
    assert window["samples"] == 10 * window["steps"]


def test_an_evaluation_is_one_step(worker, tmp_path):
    outcomes = interleave([worker("a", COUNTING, log=str(tmp_path / "log"))], {"evaluate": True}, 2)
    assert [window["samples"] for window in outcomes["a"].windows] == [1000, 1000]
    assert not (tmp_path / "log").exists()


def test_who_fails_is_out_with_its_reason_and_the_others_go_on(worker, tmp_path):
    group = [
        worker("dies", DIES_AT_THE_SECOND_STEP),
        worker("absent", "import no_such_library"),
        worker("lives", COUNTING, log=str(tmp_path / "log")),
    ]
    told: list[str] = []
    outcomes = interleave(group, {"steps": 1}, 3, note=told.append)
    assert outcomes["dies"].failure == "ended with exit code 1: ValueError: no more of this"
    assert outcomes["absent"].failure is not None
    assert "No module named 'no_such_library'" in outcomes["absent"].failure
    assert outcomes["absent"].windows == []
    assert outcomes["lives"].failure is None
    assert len(outcomes["lives"].windows) == 3
    assert sum("failed" in text for text in told) == 2


def test_who_does_not_answer_is_out(worker):
    outcomes = interleave([worker("sleeps", "import time; time.sleep(60)", patience=0.2)], {"steps": 1}, 1)
    assert outcomes == {"sleeps": Outcome(failure="no answer within 0.2 seconds")}


def test_processes_end_also_when_the_bench_does(worker, tmp_path):
    started = worker("a", COUNTING, log=str(tmp_path / "log"))

    class Stops:
        name = "stops"

        def start(self):
            raise KeyboardInterrupt

        def turn(self, order):
            raise Failure("never")

        def stop(self):
            pass

    with pytest.raises(KeyboardInterrupt):
        interleave([started, Stops()], {"steps": 1}, 1)
    assert started._process.returncode == 0
