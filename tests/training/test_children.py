"""Runs in child processes: the same results, and what is left when one is stopped or killed."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from multiprocessing.process import current_process

import pytest
import tiny_runs
from written import result

from degen.data.sampling.source import Source
from degen.errors import UserError
from degen.model.variants import Variant, register
from degen.runs.directory import RunDirectory
from degen.runs.lock import sole_writer
from degen.training.children import cores
from degen.training.children.child import BrokenChild
from degen.training.children.side_by_side import train_in_child
from degen.training.distributed import World
from degen.training.loop import train
from degen.training.plan import train_many
from degen.training.run import Interrupted, Progress

SEEDS = (0, 3, 5)
FOREVER = 100_000


@pytest.fixture(autouse=True)
def _many_cores(monkeypatch):
    """No test depends on the number of processors."""
    monkeypatch.setattr(cores, "available_cores", lambda: 4)


def configs(log, seeds=SEEDS, **settings):
    return [tiny_runs.tiny_config(log, seed=seed, **settings) for seed in seeds]


def places(folder, seeds=SEEDS):
    return [folder / f"s{seed}" for seed in seeds]


class Recorder(Progress):
    """Notes what a run is told, and acts after the first step of whichever run it is."""

    def __init__(self, calls, seed, act=None):
        self.calls, self.seed, self.act = calls, seed, act

    def begin(self, dataset, config, epochs_done, steps_per_epoch):
        assert config.training.seed == self.seed
        self.calls.append((self.seed, "begin", dataset.sequences.n_users, epochs_done, steps_per_epoch))

    def step(self, epoch, step, losses):
        first = not any(call[1] == "step" for call in self.calls)
        self.calls.append((self.seed, "step", epoch, step))
        if self.act and first:
            self.act()

    def epoch(self, row):
        self.calls.append((self.seed, "epoch", row["epoch"], row["loss"]))

    def end(self, test):
        self.calls.append((self.seed, "end", test))


def watch(calls, act=None):
    @contextmanager
    def watched(group):
        yield [Recorder(calls, config.training.seed, act) for config in group]

    return watched


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


def ctrl_c_twice():
    """Press twice, and see to it that the second is heard here.

    An interrupt that is first noticed in a finalizer, which a collection of garbage runs, is lost there.
    """
    gc.disable()
    try:
        ctrl_c()
        ctrl_c()
        for _ in range(2):  # Python looks for signals at the end of a round
            pass
    finally:
        gc.enable()


def is_held(run):
    """Return whether a process trains into a run directory."""
    try:
        with sole_writer(run):
            return False
    except UserError:
        return True


def test_runs_side_by_side_are_those_in_turn_to_the_bit_and_tell_the_same(log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # children know where a relative path begins
    runs, told, expected = configs(log, variant="duorec", epochs=2), [], []
    found = train_many(
        runs, places(tmp_path.relative_to(tmp_path) / "beside"), workers=2, progress=watch(told)
    )
    train_many(runs, places(tmp_path / "alone"), progress=watch(expected))
    assert [run.seed for run in found] == list(SEEDS)
    for one, other in zip(places(tmp_path / "beside"), places(tmp_path / "alone"), strict=True):
        assert result(one) == result(other)
        assert (one / "config.toml").read_text() == (other / "config.toml").read_text()
    for seed in SEEDS:
        assert [call for call in told if call[0] == seed] == [call for call in expected if call[0] == seed]
    begun = [call[0] for call in told if call[1] == "begin"]
    assert begun[-1] == 5
    assert told.index(next(c for c in told if c[:2] == (5, "begin"))) > min(
        told.index(c) for c in told if c[1] == "end"
    )


def test_one_thread_each_unless_told(log, tmp_path):
    train_many(configs(log, (0, 1), threads=None, epochs=1), places(tmp_path, (0, 1)), workers=2)
    assert [RunDirectory(out).config["training"]["threads"] for out in places(tmp_path, (0, 1))] == [1, 1]


def test_errors_come_back_as_the_same_sentence_and_the_others_are_whole(log, tmp_path):
    rates = (0.01, 1e30, 0.01)
    runs = [
        tiny_runs.tiny_config(log, seed=seed, epochs=2, learning_rate=rate, variant="ucl")
        for seed, rate in zip(SEEDS, rates, strict=True)
    ]
    said = []
    for name, workers in (("alone", 1), ("beside", 3)):
        with pytest.raises(UserError) as error:
            train_many(runs, places(tmp_path / name), workers=workers)
        said.append(str(error.value).replace(str(tmp_path / name), ""))
    assert said[0] == said[1]
    assert [RunDirectory(out).state for out in places(tmp_path / "beside")] == [
        "finished",
        "unfinished",
        "finished",
    ]


calls_of_fatal = 0


def fatal(source, rows, rng):
    """A view that kills its process at the fifth step, if it is the first to remove the file MARK."""
    global calls_of_fatal
    calls_of_fatal += 1
    if calls_of_fatal == 5 and "MARK" in os.environ:
        with suppress(FileNotFoundError):
            os.unlink(os.environ["MARK"])
            os.kill(os.getpid(), signal.SIGKILL)
    return source.history(rows, rng)


def test_a_killed_child_is_told_of_and_leaves_the_others_alone(log, tmp_path, monkeypatch):
    register(Variant("fatal", {"x": fatal, "y": Source.history}, (("x", "y"),)))
    mark = tmp_path / "mark"
    mark.touch()
    monkeypatch.setenv("MARK", str(mark))
    runs, outs = configs(log, variant="fatal"), places(tmp_path / "broken")
    with pytest.raises(UserError, match=r"1 of 3 runs failed .*killed by SIGKILL.*memory.*`resume=True`"):
        train_many(runs, outs, workers=2)
    assert sorted(RunDirectory(out).state for out in outs) == ["finished", "finished", "unfinished"]
    train_many(runs, outs, workers=2, resume=True)
    train_many(runs, places(tmp_path / "whole"))
    for one, other in zip(outs, places(tmp_path / "whole"), strict=True):
        assert result(one) == result(other)


def test_after_ctrl_c_no_run_is_started(log, tmp_path):
    outs = places(tmp_path)
    with pytest.raises(Interrupted) as stop:
        train_many(configs(log), outs, workers=2, progress=watch([], ctrl_c))
    assert stop.value.out == tmp_path
    assert not outs[2].exists()


def test_ctrl_c_lets_every_child_end_its_step_and_the_runs_go_on_to_the_same_end(log, tmp_path):
    runs, outs = configs(log, epochs=FOREVER, patience=FOREVER), places(tmp_path / "broken")
    with pytest.raises(Interrupted) as stop:
        train_many(runs, outs, workers=3, progress=watch([], ctrl_c))
    done = [len(RunDirectory(out).metrics) if out.exists() else 0 for out in outs]
    assert stop.value.epochs == min(done)
    runs = configs(log, epochs=max(done) + 1, patience=FOREVER)
    train_many(runs, outs, workers=3, resume=True)
    train_many(runs, places(tmp_path / "whole"))
    for one, other in zip(outs, places(tmp_path / "whole"), strict=True):
        assert result(one) == result(other)


def test_ctrl_c_twice_ends_the_children_at_once(log, tmp_path):
    runs, outs = configs(log, epochs=FOREVER, patience=FOREVER), places(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_many(runs, outs, workers=3, progress=watch([], ctrl_c_twice))
    assert not any(is_held(out) for out in outs)


def test_finished_runs_stay_as_they_are(log, tmp_path):
    runs, outs, calls = configs(log, epochs=1), places(tmp_path), []
    train_many(runs[:2], outs[:2])
    train_many(runs, outs, workers=3, resume=True, progress=watch(calls))
    assert {call[0] for call in calls} == {5}


# A single child


def test_a_single_child_reads_the_log_itself_and_gives_it_to_its_parent(log, tmp_path):
    (config,), told, expected = configs(log, (3,), epochs=1), [], []
    run = train_in_child(config, tmp_path / "child", progress=Recorder(told, 3))
    train(config, tmp_path / "here", progress=Recorder(expected, 3))
    assert result(run.path) == result(tmp_path / "here")
    assert told == expected
    with pytest.raises(UserError, match=r"holds a finished run; add `overwrite=True`"):
        train_in_child(config, tmp_path / "child")


def test_a_daemon_may_have_children(log, tmp_path, monkeypatch):
    monkeypatch.setitem(current_process()._config, "daemon", True)
    run = train_in_child(configs(log, (0,), epochs=1)[0], tmp_path)
    assert run.state == "finished"
    assert current_process()._config["daemon"] is True


def test_a_fault_of_degen_comes_back_with_its_traceback(log, tmp_path):
    wrong = configs(log, (0,))[0].model_copy(update={"model": None})
    with pytest.raises(BrokenChild, match=r"a fault of degen, AttributeError: .*; please report it") as error:
        train_in_child(wrong, tmp_path / "run")
    assert "Traceback" in error.value.trace


# Variants of one's own

OWN = Variant("backwards", {"x": Source.history, "y": Source.history}, (("x", "y"),))


def test_children_know_registered_variants(log, tmp_path):
    register(OWN)
    run = train_in_child(configs(log, (0,), variant="backwards", epochs=1)[0], tmp_path)
    assert run.variant == "backwards"


def test_a_variant_that_no_other_process_can_find_is_refused_before_any_starts(log, tmp_path):
    register(Variant("local", {"x": lambda source, rows, rng: source.history(rows, rng)}))
    with pytest.raises(UserError, match=r"variant 'local' cannot be sent .*`workers=1`"):
        train_many(configs(log, variant="local"), places(tmp_path), workers=2)
    assert list(tmp_path.iterdir()) == []


# The parent's end

SCRIPT = """
import sys
from pathlib import Path

sys.path.insert(0, {tests!r})
import tiny_runs

from degen.training.children import cores
from degen.training.plan import train_many
from degen.training.run import Progress

cores.available_cores = lambda: 2
print("imported", flush=True)


class Tell(Progress):
    def epoch(self, row):
        print("epoch", flush=True)


from contextlib import nullcontext

log, out = Path(sys.argv[1]), Path(sys.argv[2])
configs = [tiny_runs.tiny_config(log, seed=seed, epochs={epochs}, patience=10**6) for seed in (0, 1)]
watch = lambda group: nullcontext([Tell() for _ in group])
train_many(configs, [out / "s0", out / "s1"], workers=2, progress=watch)
print("whole", flush=True)
"""


def start(tmp_path, log, epochs):
    """Start a script that has no `if __name__ == "__main__"`."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(tiny_runs.__file__).rpartition(os.sep)[0], epochs=epochs))
    words = [sys.executable, str(script), str(log), str(tmp_path / "runs")]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_script_needs_no_guard(log, tmp_path):
    out, err = start(tmp_path, log, epochs=1).communicate(timeout=120)
    assert out.split() == ["imported", "epoch", "epoch", "whole"], err


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_children_end_with_their_parent(log, tmp_path, how):
    parent, runs = start(tmp_path, log, FOREVER), [tmp_path / "runs" / name for name in ("s0", "s1")]
    for line in parent.stdout:
        if line == "epoch\n" and all((run / "last.safetensors").exists() for run in runs):
            break
    assert all(is_held(run) for run in runs)
    parent.send_signal(getattr(signal, how))
    parent.wait(timeout=60)
    parent.stdout.close()
    parent.stderr.close()
    for _ in range(600):
        if not any(is_held(run) for run in runs):
            break
        time.sleep(0.1)
    assert not any(is_held(run) for run in runs)
    assert [RunDirectory(run).state for run in runs] == ["unfinished", "unfinished"]


# What does not go together


def test_ways_of_training_that_exclude_one_another(log, tmp_path):
    runs, outs = configs(log), places(tmp_path)
    with pytest.raises(UserError, match=r"`workers=2`.*`stack=True`.*choose one"):
        train_many(runs, outs, workers=2, stack=True)
    with pytest.raises(UserError, match=r"`workers=2`.*torchrun.*choose one"):
        train_many(runs, outs, workers=2, world=World(0, 2))
    with pytest.raises(UserError, match=r"`workers=0`: it must be 1 or more"):
        train_many(runs, outs, workers=0)
    assert list(tmp_path.iterdir()) == []


def test_more_threads_than_cores_are_refused_unless_asked_for(log):
    runs, notes = configs(log, threads=None), []
    with pytest.raises(UserError, match=r"`workers=5` is more than the 4 cores .*`workers=4`.*`threads=1`"):
        cores.share_cores(runs, 5, notes.append)
    assert [run.training.threads for run in cores.share_cores(runs, 4, notes.append)] == [1, 1, 1]
    assert notes == []
    asked = cores.share_cores(configs(log, threads=3), 2, notes.append)
    assert [run.training.threads for run in asked] == [3, 3, 3]
    assert notes == ["2 runs at once with 3 threads each, on 4 cores: they slow one another down"]


def test_workers_count_no_further_than_the_runs(log, tmp_path):
    train_many(configs(log, (0, 1), threads=None, max_steps=1), places(tmp_path, (0, 1)), workers=9)
    assert RunDirectory(tmp_path / "s0").config["training"]["threads"] == 1
