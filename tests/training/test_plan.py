"""Several runs to the end, stacked and in turn: what they write, how they stop, fail and go on."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager

import numpy as np
import pytest
import tiny_runs

from degen.errors import UserError
from degen.runs.directory import RunDirectory
from degen.runs.lock import sole_writer
from degen.training import loop, plan
from degen.training import run as run_module
from degen.training.distributed import World
from degen.training.plan import train_many
from degen.training.run import Interrupted, Progress

SEEDS = (0, 3, 5)
TIMES = {"train_seconds", "eval_seconds", "samples_per_second"}
STILL = {"dropout": 0.0, "adam_eps": 1e-3, "initializer_range": 0.1}
"""Without dropout, whose masks the two engines draw in other shapes; and Adam blind to rounding."""


def configs(log, seeds=SEEDS, **settings):
    return [tiny_runs.tiny_config(log, seed=seed, **settings) for seed in seeds]


def places(folder, seeds=SEEDS):
    return [folder / f"s{seed}" for seed in seeds]


class Recorder(Progress):
    """Notes what each run is told."""

    def __init__(self, calls, seed):
        self.calls, self.seed = calls, seed

    def begin(self, dataset, config, epochs_done, steps_per_epoch):
        assert config.training.seed == self.seed
        self.calls.append((self.seed, "begin", epochs_done))

    def step(self, epoch, step, losses):
        self.calls.append((self.seed, "step", epoch, step))

    def epoch(self, row):
        self.calls.append((self.seed, "epoch", row["epoch"]))

    def end(self, test):
        self.calls.append((self.seed, "end", test["epoch"]))


def watch(calls, kind=Recorder):
    @contextmanager
    def watched(group):
        yield [kind(calls, config.training.seed) for config in group]

    return watched


def rows(out):
    return [{key: row[key] for key in row if key not in TIMES} for row in RunDirectory(out).metrics]


def assert_same_runs(stacked, alone, tolerance=1e-4):
    for one, other in zip(stacked, alone, strict=True):
        files = [sorted(p.name for p in out.rglob("*")) for out in (one, other)]
        assert files[0] == files[1]
        assert (one / "config.toml").read_text() == (other / "config.toml").read_text()
        mine, theirs = rows(one), rows(other)
        assert len(mine) == len(theirs)
        for row, expected in zip(mine, theirs, strict=True):
            assert row == {key: pytest.approx(value, rel=tolerance) for key, value in expected.items()}
        assert RunDirectory(one).test == RunDirectory(other).test
        np.testing.assert_allclose(
            RunDirectory(one).item_embeddings, RunDirectory(other).item_embeddings, rtol=0, atol=tolerance
        )


@pytest.mark.parametrize("variant", ["duorec", "cl4srec"])
def test_stacked_runs_write_what_runs_in_turn_write(log, tmp_path, variant):
    runs = configs(log, variant=variant, epochs=2, keep_embeddings=2, **STILL)
    stacked = train_many(runs, places(tmp_path / "stacked"), stack=True)
    alone = train_many(runs, places(tmp_path / "alone"), stack=False)
    assert [run.seed for run in stacked] == list(SEEDS)
    assert_same_runs(places(tmp_path / "stacked"), places(tmp_path / "alone"))
    losses = [run.metrics[0]["loss"] for run in stacked]
    assert len(set(losses)) == 3
    assert [run.seed for run in alone] == list(SEEDS)


def test_runs_that_differ_in_all_they_may(log, tmp_path):
    own = [{"lambda": 0.0}, {"temperature": 0.5}, {"learning_rate": 0.001}]
    runs = [tiny_runs.tiny_config(log, epochs=2, **(STILL | one)) for one in own]
    for stack in (True, False):
        train_many(runs, places(tmp_path / str(stack)), stack=stack)
    assert_same_runs(places(tmp_path / "True"), places(tmp_path / "False"))


def test_with_dropout_a_stack_trains_whole_runs_and_the_same_ones_again(log, tmp_path):
    runs = configs(log, epochs=2, dropout=0.5)
    first, second = (train_many(runs, places(tmp_path / name), stack=True) for name in ("one", "two"))
    for one, other in zip(first, second, strict=True):
        assert one.state == "finished"
        assert one.item_embeddings.tobytes() == other.item_embeddings.tobytes()
        assert rows(one.path) == rows(other.path)


def test_on_the_cpu_runs_are_taken_in_turn_unless_a_stack_is_asked_for(log, tmp_path, monkeypatch):
    def refuse(*_given, **_named):
        raise AssertionError("stacked")

    monkeypatch.setattr(plan, "Stack", refuse)
    calls = []
    train_many(configs(log, epochs=1), places(tmp_path), progress=watch(calls))
    assert [call[:2] for call in calls if call[1] != "step"] == [
        (seed, word) for seed in SEEDS for word in ("begin", "epoch", "end")
    ]


def test_the_log_is_loaded_once(log, tmp_path, monkeypatch):
    loads, load = [], plan.load_data
    monkeypatch.setattr(plan, "load_data", lambda data: loads.append(data) or load(data))
    monkeypatch.setattr(loop, "load_data", lambda data: pytest.fail("loaded again"))
    train_many(configs(log, epochs=1, max_steps=1), places(tmp_path))
    assert len(loads) == 1


def test_runs_of_several_shapes_are_several_stacks(log, tmp_path):
    calls = []
    runs = [
        tiny_runs.tiny_config(log, variant=variant, seed=seed, max_steps=1)
        for variant in ("sasrec", "ucl")
        for seed in (0, 1)
    ]
    found = train_many(runs, places(tmp_path, range(4)), stack=True, progress=watch(calls))
    assert [run.variant for run in found] == ["sasrec", "sasrec", "ucl", "ucl"]
    assert [call[0] for call in calls if call[1] == "begin"] == [0, 1, 0, 1]


# Early stops


@pytest.fixture
def script(monkeypatch):
    """The validation results to come of each run, by the name of its folder."""
    values: dict[str, list[float]] = {}
    measure = run_module.Run.close_epoch

    def close(self, *given):
        flat = {f"{name}@{k}": 0.5 for name in ("HR", "NDCG", "MRR") for k in (5, 10, 20)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                run_module, "ranking_metrics", lambda _ranks: flat | {"NDCG@10": values[self.out.name].pop(0)}
            )
            measure(self, *given)

    monkeypatch.setattr(run_module.Run, "close_epoch", close)
    return values


def test_a_run_that_stops_early_leaves_and_the_others_go_on(log, tmp_path, script):
    runs, calls = configs(log, epochs=4, patience=1, **STILL), []
    results = {"s0": [0.1, 0.2, 0.3, 0.4], "s3": [0.5, 0.1], "s5": [0.1, 0.6, 0.2]}
    script.update({name: list(values) for name, values in results.items()})
    found = train_many(runs, places(tmp_path / "stacked"), stack=True, progress=watch(calls))
    assert [len(run.metrics) for run in found] == [4, 2, 3]
    assert [run.test["epoch"] for run in found] == [4, 1, 2]
    assert [call[0] for call in calls if call[1] == "end"] == [3, 5, 0]
    assert calls.index((3, "end", 1)) < calls.index((0, "step", 3, 1))
    script.update({name: list(values) for name, values in results.items()})
    alone = train_many(runs, places(tmp_path / "alone"), stack=False)
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_allclose(one.item_embeddings, other.item_embeddings, rtol=0, atol=1e-4)


def test_patience_ends_no_run_of_a_stack_before_min_epochs(log, tmp_path, script):
    runs = configs(log, epochs=4, patience=1, min_epochs=3, **STILL)
    script.update({"s0": [0.5, 0.1, 0.1], "s3": [0.5, 0.1, 0.6, 0.1], "s5": [0.1, 0.6, 0.2]})
    found = train_many(runs, places(tmp_path / "stacked"), stack=True)
    assert [len(run.metrics) for run in found] == [3, 4, 3]
    assert [run.test["epoch"] for run in found] == [1, 3, 2]


# Ctrl-C and going on


class CtrlC(Recorder):
    """Presses Ctrl-C after a step of seed 3."""

    when = (2, 2)

    def step(self, epoch, step, losses):
        super().step(epoch, step, losses)
        if self.seed == 3 and (epoch, step) == self.when:
            signal.raise_signal(signal.SIGINT)


def test_stopped_stacks_go_on_to_the_same_end(log, tmp_path):
    runs, whole, broken = configs(log, epochs=3), places(tmp_path / "whole"), places(tmp_path / "broken")
    train_many(runs, whole, stack=True)
    with pytest.raises(Interrupted) as stop:
        train_many(runs, broken, stack=True, progress=watch([], CtrlC))
    assert (stop.value.epochs, stop.value.out) == (1, tmp_path / "broken")
    calls = []
    train_many(runs, broken, stack=True, resume=True, progress=watch(calls))
    assert [call for call in calls if call[1] == "begin"] == [(seed, "begin", 1) for seed in SEEDS]
    for one, other in zip(broken, whole, strict=True):
        assert rows(one) == rows(other)
        assert RunDirectory(one).item_embeddings.tobytes() == RunDirectory(other).item_embeddings.tobytes()


def test_runs_at_other_epochs_catch_up_first(log, tmp_path):
    runs, outs = configs(log, epochs=3, **STILL), places(tmp_path)
    first = [
        run.model_copy(update={"training": run.training.model_copy(update={"epochs": 2})}) for run in runs
    ]
    train_many(first[:1], outs[:1], stack=True)  # seed 0 has two epochs, and the others none
    (outs[0] / "test.json").unlink()
    calls = []
    train_many(runs, outs, stack=True, resume=True, progress=watch(calls))
    epochs = [call[::2] for call in calls if call[1] == "epoch"]
    assert epochs == [(3, 1), (5, 1), (3, 2), (5, 2), (0, 3), (3, 3), (5, 3)]
    train_many(runs, places(tmp_path / "alone"), stack=False)
    for one, other in zip(outs, places(tmp_path / "alone"), strict=True):
        np.testing.assert_allclose(
            RunDirectory(one).item_embeddings, RunDirectory(other).item_embeddings, atol=1e-4
        )


def test_finished_runs_stay_as_they_are(log, tmp_path):
    runs, outs = configs(log, epochs=1), places(tmp_path)
    train_many(runs[:2], outs[:2], stack=True)
    before = [(out / "test.json").stat().st_mtime_ns for out in outs[:2]]
    calls = []
    train_many(runs, outs, stack=True, resume=True, progress=watch(calls))
    assert [(out / "test.json").stat().st_mtime_ns for out in outs[:2]] == before
    assert {call[0] for call in calls} == {5}


def test_finished_runs_of_a_stack_go_on_to_more_epochs(log, tmp_path):
    outs = places(tmp_path)
    train_many(configs(log, epochs=1, patience=9), outs, stack=True)
    calls = []
    train_many(configs(log, epochs=2, patience=9), outs, stack=True, resume=True, progress=watch(calls))
    assert {call[1:] for call in calls if call[1] == "epoch"} == {("epoch", 2)}
    assert [len(RunDirectory(out).metrics) for out in outs] == [2, 2, 2]


# Failures


@pytest.mark.parametrize("stack", [True, False])
def test_one_run_that_diverges_does_not_keep_the_others_from_their_end(log, tmp_path, stack):
    rates = (0.01, 1e30, 0.01)
    runs = [
        tiny_runs.tiny_config(log, seed=seed, epochs=2, learning_rate=rate, variant="ucl")
        for seed, rate in zip(SEEDS, rates, strict=True)
    ]
    outs = places(tmp_path)
    with pytest.raises(
        UserError, match=r"1 of 3 runs failed \(.*s3: .*`learning_rate`.*\); the others are whole"
    ):
        train_many(runs, outs, stack=stack)
    assert [RunDirectory(out).state for out in outs] == ["finished", "unfinished", "finished"]
    (alone,) = train_many(runs[:1], [tmp_path / "alone"], stack=stack)
    beside = RunDirectory(outs[0])  # in the company of one that diverged
    np.testing.assert_allclose(beside.item_embeddings, alone.item_embeddings, rtol=0, atol=1e-3)


@pytest.mark.parametrize("stack", [True, False])
def test_what_is_wrong_with_every_run_is_said_once(log, tmp_path, stack):
    with pytest.raises(UserError) as error:
        train_many(configs(log, learning_rate=1e30, epochs=9), places(tmp_path), stack=stack)
    assert str(error.value).count("`learning_rate`") == 1


def test_what_cannot_be_stacked_is_refused_before_anything_is_written(log, tmp_path):
    with pytest.raises(UserError, match=r"`batch_by='users'`.*`stack=False`"):
        train_many(configs(log, batch_by="users"), places(tmp_path), stack=True)
    with pytest.raises(UserError, match=r"`stack=True`.*torchrun"):
        train_many(configs(log), places(tmp_path), stack=True, world=World(0, 2))
    with pytest.raises(UserError, match=r"`precision='tf32'`.*fp32"):
        train_many(configs(log, precision="tf32"), places(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_where_one_folder_is_being_written_no_other_run_is_removed(log, tmp_path):
    runs, outs = configs(log, epochs=1), places(tmp_path)
    train_many(runs[:2], outs[:2])
    with sole_writer(outs[1]), pytest.raises(UserError, match="another process"):
        train_many(runs[:2], outs[:2], stack=True, overwrite=True)
    assert [RunDirectory(out).state for out in outs[:2]] == ["finished", "finished"]


def test_a_stack_that_is_refused_leaves_the_other_runs_to_train(log, tmp_path):
    outs = places(tmp_path)
    other = tiny_runs.tiny_config(log, epochs=1, variant="sasrec")
    with sole_writer(outs[0]), pytest.raises(UserError, match="another process"):
        train_many([*configs(log, epochs=1)[:2], other], outs, stack=True)
    assert [out.exists() and RunDirectory(out).state for out in outs[1:]] == [False, "finished"]


def test_a_folder_that_holds_a_run_is_refused_before_any_run_starts(log, tmp_path):
    runs, outs = configs(log, epochs=1), places(tmp_path)
    train_many(runs[2:], outs[2:])
    with pytest.raises(UserError, match=r"s5 holds a finished run"):
        train_many(runs, outs, stack=True)
    assert not outs[0].exists()
    assert json.loads((outs[2] / "test.json").read_text())["epoch"] == 1
