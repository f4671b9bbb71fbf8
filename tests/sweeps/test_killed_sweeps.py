"""Sweeps of which workers, or all processes, are killed: the same command goes on to the same results."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
import sweep_runs
from sweep_runs import TWELVE

pytestmark = pytest.mark.slow

KILLS = 20


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "lam"
    sweep_runs.ended(sweep_runs.start(out, *TWELVE, "--workers", "2"))
    return out


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_twenty_kills_of_two_workers_change_nothing(undisturbed, tmp_path):
    out, rng = tmp_path / "lam", random.Random(12)
    sweep = sweep_runs.start(out, *TWELVE, "--workers", "2")
    killed, seen, due = 0, set(), 1
    while sweep.poll() is None and killed < KILLS:
        new = sweep_runs.events(out) - seen
        seen |= new
        due -= len(new)
        victims = [worker for worker in sweep_runs.workers(out) if alive(worker)]
        if due <= 0 and victims:
            victim = rng.choice(victims)
            os.kill(victim, signal.SIGKILL)
            killed, due = killed + 1, rng.randint(1, 2)
        time.sleep(0.01)
    assert killed == KILLS
    sweep_runs.ended(sweep)
    assert not list((out / "failed").iterdir())
    assert not sweep_runs.claims(out)
    assert sweep_runs.results(out) == sweep_runs.results(undisturbed)
    assert sweep_runs.table(out) == sweep_runs.table(undisturbed)


@pytest.mark.parametrize("victims", ["parent", "all"])
def test_the_same_command_goes_on_after_a_kill(undisturbed, tmp_path, victims):
    out = tmp_path / "lam"
    sweep = sweep_runs.start(out, *TWELVE, "--workers", "2")
    while sweep.poll() is None and len(list((out / "done").glob("*"))) < 3:
        time.sleep(0.01)
    workers = sweep_runs.workers(out)
    sweep.kill()
    for worker in workers if victims == "all" else []:
        os.kill(worker, signal.SIGKILL)
    sweep.communicate()
    ended = time.monotonic() + 60
    while any(map(alive, workers)):
        assert time.monotonic() < ended, "workers outlive their parent"
        time.sleep(0.05)
    assert len(list((out / "done").glob("*"))) < 12
    sweep_runs.ended(sweep_runs.start(out, *TWELVE, "--workers", "2"))
    assert sweep_runs.table(out) == sweep_runs.table(undisturbed)
