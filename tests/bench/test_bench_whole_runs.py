"""The whole runs of the GPU call, and what it says where a part of it fails."""

from __future__ import annotations

import itertools
import math

import gpu
import tiny_runs
from benchlib.whole_runs import PLAN, SPARE, Runs, train_plan

SECTIONS = ("exactness", "steps", "evaluation", "epoch", "stack", "laboratory")


def test_the_plan_names_each_of_its_runs_once_and_keeps_precisions_apart():
    names = [runs.name for runs in PLAN]
    assert len(set(names)) == len(names)
    assert len({(runs.folder, runs.variant) for runs in PLAN}) == 6 * 4 + 1


def test_time_that_is_up_ends_a_stack_between_steps_and_another_call_goes_on(tmp_path, capsys):
    log = tiny_runs.write_log(tmp_path / "toy.txt")

    def configure(dataset, **groups):
        keys = {key: value for group in groups.values() for key, value in group.items()}
        return tiny_runs.tiny_config(log, **keys)

    plan = [Runs("toy", "scl", seeds=3)]
    readings = itertools.count()  # a second passes from one look at the clock to the next
    stopped = train_plan(plan, set(), configure, tmp_path, 2, SPARE + 4.5, lambda: float(next(readings)))
    assert list(stopped) == []
    assert next(readings) == 6  # before the stack, at its start, after each run's step until the time is up
    assert "the time is up; --runs goes on with toy/scl" in capsys.readouterr().out
    ((name, found),) = train_plan(plan, set(), configure, tmp_path, 2, math.inf)
    assert name == "toy/scl"
    assert found["seeds"] == [0, 1, 2]
    assert found["mean"]["HR@10"] == round(sum(test["HR@10"] for test in found["tests"]) / 3, 4)
    assert list(train_plan(plan, {"toy/scl"}, configure, tmp_path, 2, math.inf)) == []


def test_a_section_that_fails_is_told_of_in_the_table_and_by_the_exit(capsys):
    def broken():
        raise RuntimeError("no kernel image")

    result = {
        "conditions": {"device": "mine"},
        **{name: {"failed": "x"} for name in SECTIONS},
        "repetition": gpu.attempt(broken),
        "runs": {},
        "training": {},
    }
    assert "no kernel image" in capsys.readouterr().err
    lines = gpu.table(result).splitlines()
    assert lines[0].split() == ["device", "mine"]
    assert [line for line in lines if line.startswith("repetition")] == [
        "repetition  FAILED: RuntimeError: no kernel image"
    ]
    assert gpu.verdict(result).endswith("repetition failed")


def test_what_is_not_exact_is_named():
    good = {
        "exactness": {"exact": True},
        "laboratory": {"measures": {"exact": True}},
        "repetition": {"same": True},
    }
    assert gpu.verdict(good) == ""
    assert gpu.verdict(good | {"repetition": {"same": False}}).endswith("repetition")
