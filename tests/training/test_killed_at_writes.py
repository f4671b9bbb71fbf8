"""Runs that are killed at each of their writes in turn, and resumed: nothing is lost, and nothing differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
from written import Stack, result

import degen
from degen.runs.directory import RunDirectory
from degen.runs.manifest import Manifest
from degen.training.plan import train_many

TINY = {"epochs": 2, "steps_per_epoch": 2, "patience": 99}


class Kill(BaseException):
    """The end of the process, which nothing catches."""


@pytest.fixture
def killed_at(monkeypatch) -> Callable[[int, Callable[[], object]], bool]:
    """Call a function until its write number `k`, from 0, and return whether it came so far.

    After it nothing reaches the disk any more, as after a SIGKILL.
    """
    replace, unlink = Path.replace, Path.unlink
    left = [0]

    def counted(self, target):
        if left[0] <= 0:
            raise Kill
        left[0] -= 1
        return replace(self, target)

    def alive(self, missing_ok=False):
        if left[0] <= 0:
            raise Kill
        return unlink(self, missing_ok)

    def call(k, function):
        left[0] = k
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", counted)
            patch.setattr(Path, "unlink", alive)
            try:
                function()
            except Kill:
                return True
            return False

    return call


def every(killed_at, begin, resume, step):
    """Kill a run at every `step`-th write, and yield the number of each write after resuming."""
    k, going = 0, True
    while going:
        going = killed_at(k, lambda k=k: begin(k))
        resume(k)
        yield k
        k += step


def faults(out: Path) -> list[str]:
    """Names of files that are not as the manifest has them, or are still under way in it."""
    manifest = Manifest.read(out)
    return [name for name in manifest.names if name in manifest.under_way or manifest.fault(name)]


# All writes of two runs, some of three: the work grows with the square of their number.
@pytest.mark.parametrize(("step", "seeds"), [(29, 3), pytest.param(1, 2, marks=pytest.mark.slow)])
def test_a_stack_goes_on_to_the_same_bits_wherever_the_kill_falls(log, tmp_path, killed_at, step, seeds):
    stack = Stack(log, tmp_path, seeds, **TINY)
    stack.train("whole")
    expected = stack.results("whole")
    resumed = every(killed_at, stack.train, lambda k: stack.train(k, resume=True), step)
    for k in resumed:
        assert stack.results(k) == expected, f"killed at write {k}"
        assert [faults(out) for out in stack.outs(k)] == [[]] * seeds
    assert k > 80 * seeds / 3


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_finished_run_that_goes_on_is_whole_wherever_the_kill_falls(log, tmp_path, killed_at, step):
    settings = {"variant": "sasrec", "seed": 3, **TINY}

    def go(out, epochs, **flags):
        return train_many([tiny_runs.tiny_config(log, **{**settings, "epochs": epochs})], [out], **flags)

    def begin(k):
        old = go(tmp_path / str(k), 1)[0].test
        assert old["epoch"] == 1
        return lambda: go(tmp_path / str(k), 3, resume=True)

    go(tmp_path / "whole", 3)
    expected, k, going = result(tmp_path / "whole"), 0, True
    while going:
        extended, run = begin(k), RunDirectory(tmp_path / str(k))
        before = run.test
        going = killed_at(k, extended)
        now = RunDirectory(run.path)
        assert now.state == "finished"
        assert now.test in (before, RunDirectory(tmp_path / "whole").test)
        go(run.path, 3, resume=True)
        assert result(run.path) == expected, f"killed at write {k}"
        assert faults(run.path) == []
        k += step
    assert k > 20


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_recorded_run_goes_on_wherever_the_kill_falls(tmp_path, killed_at, rng, step):
    V, frequency = rng.normal(size=(20, 4)), np.arange(20)

    def record(out, epochs):
        with degen.Monitor(out, frequency, keep_embeddings=2, resume=True) as monitor:
            for epoch in epochs:
                monitor.record(epoch, epoch * V, {"NDCG@10": epoch / 10})
                if epoch == 2:
                    monitor.finish({"HR@10": 0.5})

    def content(out):
        names = (
            "test.json",
            "items.txt",
            "item_embeddings.npy",
            "embeddings/e002.npy",
            "embeddings/e004.npy",
        )
        return {name: (out / name).read_bytes() for name in names}

    record(tmp_path / "whole", range(1, 5))
    k, going = 0, True
    while going:
        out = tmp_path / str(k)
        going = killed_at(k, lambda out=out: record(out, range(1, 5)))
        degen.Monitor._open.clear()  # that of the killed process
        done = [row["epoch"] for row in RunDirectory(out).metrics] if out.exists() else []
        if len(done) > 2:  # the result of epoch 2 stays until that of epoch 4 is there
            assert RunDirectory(out).test.get("HR@10") == 0.5 or len(done) == 4
        record(out, range(len(done) + 1, 5))
        assert content(out) == content(tmp_path / "whole"), f"killed at write {k}"
        assert faults(out) == []
        k += step
    assert k > 20
