"""Claims: one worker alone has a run, and those of workers that are gone are taken over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from degen.errors import UserError
from degen.runs import lock
from degen.runs.directory import LOCK
from degen.runs.lock import is_held, sole_writer
from degen.runs.study import DONE, FAILED, PlannedRun
from degen.sweeps import claims
from degen.sweeps.claims import STALE_AFTER, Owner, claim_of, drop_left, is_live, read_owner, take
from degen.sweeps.run import _tended
from degen.sweeps.worker import is_free

RACE = """
import sys, time
from pathlib import Path
from degen.sweeps import claims
from degen.sweeps.claims import take
folder, start = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while not start.exists():
    pass
won = [path.name for path in sorted(folder.glob("[!.]*")) if take(path)]
print(" ".join(won), flush=True)
sys.stdin.read()
"""


def write(path, owner, age=0.0):
    path.write_text(json.dumps(owner.__dict__))
    os.utime(path, (time.time() - age, time.time() - age))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "0123456789-s0"


@pytest.fixture
def dead():
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(Owner.this_process(), pid=process.pid)


def test_a_claim_is_had_once_and_again_after_its_release(path):
    claim = take(path)
    assert claim is not None
    assert is_live(path)
    assert take(path) is None
    claim.release()
    assert not path.exists()
    assert take(path) is not None
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_the_claim_of_a_process_that_is_gone_is_taken_over_at_once(path, dead):
    write(path, dead)
    assert not is_live(path)
    assert take(path) is not None
    assert read_owner(path).pid == os.getpid()


def test_what_a_killed_worker_left_is_removed_and_a_claim_at_work_stays(path, dead):
    write(path, dead)
    drop_left(path)
    assert not list(path.parent.iterdir())
    claim = take(path)
    drop_left(path)
    assert read_owner(path) == claim.owner


@dataclass
class KilledAfterItsRun:
    """An engine whose one worker finishes a run and is killed before it gives up its claim."""

    out: Path
    planned: PlannedRun
    dead: Owner
    running: int = 0

    def tend(self, free):
        write(claim_of(self.planned.run), self.dead)
        (self.out / DONE / self.planned.name).touch()

    def close(self):
        pass


def test_a_study_leaves_no_claim_of_a_worker_that_was_killed_after_its_last_run(tmp_path, dead):
    planned = PlannedRun("0123456789", "log", 0, tmp_path / "0123456789-s0", {}, None, {})
    for name in (DONE, FAILED):
        (tmp_path / name).mkdir()
    status = _tended(KilledAfterItsRun(tmp_path, planned, dead), tmp_path, [planned], lambda status: None)
    assert status.done == [planned]
    assert not claim_of(planned.run).exists()


def test_a_process_that_has_the_number_of_an_earlier_one_is_another(path):
    write(path, replace(Owner.this_process(), started="earlier"))
    assert not is_live(path)


def test_the_claim_of_another_machine_is_taken_over_when_it_is_not_renewed(path):
    write(path, replace(Owner.this_process(), host="elsewhere", pid=1))
    written = path.stat().st_mtime
    assert is_live(path, written + STALE_AFTER - 1)
    assert take(path, written + STALE_AFTER - 1) is None
    assert not is_live(path, written + STALE_AFTER + 1)
    assert take(path, written + STALE_AFTER + 1) is not None


def test_renewal_touches_the_claim_and_notices_that_it_is_lost(path, dead):
    claim = take(path)
    os.utime(path, (1, 1))
    assert claim.renew()
    assert path.stat().st_mtime > 1
    write(path, dead)
    assert not claim.renew()
    claim.release()  # another's claim stays
    assert read_owner(path) == dead


def test_a_claim_that_cannot_be_read_is_live_until_it_is_old(path):
    path.write_text("{")
    assert is_live(path)
    assert not is_live(path, path.stat().st_mtime + STALE_AFTER + 1)


def test_a_folder_that_cannot_be_written_is_told_of(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        take(tmp_path / "file" / "claim")


def test_studies_that_share_a_run_see_each_others_claims(tmp_path):
    run = tmp_path / "cells" / "toy" / "duorec" / "0123456789-s0"
    planned = PlannedRun("0123456789", "toy", 0, run, {}, None, {})
    mine, others = tmp_path / "mine", tmp_path / "others"
    assert is_free(mine, planned)
    claim = take(claim_of(run))
    assert not is_free(others, planned)
    claim.release()
    assert is_free(others, planned)


def test_a_look_at_a_lock_changes_nothing(tmp_path):
    run = tmp_path / "run"
    assert not is_held(run)
    assert not run.exists()
    with sole_writer(run):
        assert is_held(run)
    (run / LOCK).touch()  # left by a process that was killed
    left = (run / LOCK).stat()
    assert not is_held(run)
    assert (run / LOCK).stat() == left


def test_a_lock_on_a_file_that_was_removed_is_none(tmp_path, monkeypatch):
    # One process opens the file just before another, which holds it, removes it: both would have a lock.
    holder, opened = ExitStack(), lock._opened
    holder.enter_context(sole_writer(tmp_path))

    def late(folder):
        file = opened(folder)
        holder.close()
        return file

    monkeypatch.setattr(lock, "_opened", late)
    with sole_writer(tmp_path):
        assert is_held(tmp_path)


def test_who_comes_late_to_a_claim_that_was_taken_over_leaves_it(path, dead):
    write(path, dead)
    first = take(path)
    # Another worker that read the dead owner before `first` took over goes on from there.
    assert not claims._take_away(path, dead)
    assert first.renew()
    assert take(path) is None
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_of_many_processes_one_takes_over_each_claim(tmp_path, dead):
    folder, start = tmp_path / "claims", tmp_path / "start"
    folder.mkdir()
    names = [f"{number:03d}" for number in range(50)]
    for name in names:
        write(folder / name, dead)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(folder), str(start)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 4
    start.touch()
    won = [name for racer in racers for name in racer.stdout.readline().split()]
    for racer in racers:
        racer.communicate()
    assert sorted(won) == names
