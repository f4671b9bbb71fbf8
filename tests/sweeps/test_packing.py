"""Stacks of runs for a GPU, and a worker that trains several runs at once."""

from __future__ import annotations

import json

import pytest
import sweep_runs
import tiny_runs

from degen.config.schema import Config
from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.runs.directory import PRETRAIN_METRICS, RunDirectory, write_metrics
from degen.runs.lock import sole_writer
from degen.runs.study import PlannedRun
from degen.sweeps import worker as worker_module
from degen.sweeps.estimate import _several_sizes
from degen.sweeps.packing import companions, run_bytes, stacks
from degen.sweeps.plan import write_plan
from degen.sweeps.run import run_study
from degen.sweeps.status import finished_epochs, read_status
from degen.sweeps.study import Study
from degen.sweeps.worker import Worker, write_done


def config(**settings):
    return settle(options=by_group(settings))


def test_runs_go_together_that_differ_in_what_a_stack_leaves_free():
    grid = [config(lam=w, dropout=p, seed=s) for w in (0, 0.1) for p in (0.1, 0.5) for s in (0, 1)]
    mixed = [
        grid[0],
        config(batch_size=128),
        *grid[1:],
        config(variant="sasrec"),
        config(batch_size=128, seed=1),
    ]
    assert stacks(mixed, 1000, 10**12) == [[0, *range(2, 9)], [1, 10], [9]]


def test_stacks_keep_to_the_memory_and_a_run_is_never_refused():
    runs = [config(seed=seed) for seed in range(7)]
    one = run_bytes(runs[0], 12_101)
    assert stacks(runs, 12_101, 3 * one) == [[0, 1, 2], [3, 4, 5], [6]]
    assert stacks(runs, 12_101, 3 * one - 1) == [[0, 1], [2, 3], [4, 5], [6]]
    assert stacks(runs, 12_101, 0) == [[number] for number in range(7)]


def test_memory_grows_with_catalogue_batch_and_dimension():
    plain = run_bytes(config(), 10_000)
    assert run_bytes(config(), 20_000) > plain
    assert run_bytes(config(batch_size=512), 10_000) > plain
    assert run_bytes(config(dim=128), 10_000) > plain


def test_an_estimate_says_in_what_runs_of_one_pace_differ():
    plain = [config(dim=64), config(dim=64, seed=1), config(variant="sasrec", dim=32)]
    assert _several_sizes(plain) == []
    assert _several_sizes([*plain, config(dim=32), config(dim=64, batch_size=64)]) == ["dim", "batch_size"]


def test_pre_training_counts_in_seconds_and_epochs(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "done").mkdir()
    write_metrics(run, [{"epoch": 1, "train_seconds": 1.5, "eval_seconds": 0.25}])
    write_metrics(run, [{"epoch": 1, "train_seconds": 4.0}] * 3, PRETRAIN_METRICS)
    planned = PlannedRun("0123456789", "toy", 0, run, {}, None, {})
    write_done(tmp_path, planned)
    assert json.loads((tmp_path / "done" / planned.name).read_text())["seconds"] == 13.75
    assert finished_epochs(planned) == 4


def test_nothing_is_stacked_on_a_cpu():
    assert companions(config(device="cpu"), [config(device="cpu", seed=1)]) == []


def study(log, **fields):
    base = by_group({**tiny_runs.SETTINGS, "epochs": 1, "device": "auto"})
    return Study.of_values({"base": base, "datasets": [str(log)], "seeds": [0, 1, 2], **fields})


def test_a_worker_trains_a_stack_with_a_claim_of_each_run(tmp_path, monkeypatch, signals):
    log = tiny_runs.write_log(tmp_path / "toy.txt")
    given = study(log)
    given = given.model_copy(
        update={"base": {**given.base, "training": {**given.base["training"], "device": "auto"}}}
    )
    out = tmp_path / "lam"
    planned = write_plan(given, out)
    started = []
    start = worker_module.child.start

    def watched(orders, errors):
        started.append(([order.run.name for order in orders], [path.stem for path in sweep_runs.claims(out)]))
        return start(orders, errors)

    monkeypatch.setattr(worker_module.child, "start", watched)
    monkeypatch.setattr(worker_module, "companions", lambda config, others: [1])
    Worker(out, threads=1).work()
    first, second, third = (run.name for run in planned)
    assert started[0] == ([first, third], sorted([first, third]))
    assert started[1][0] == [second]
    assert sorted(path.name for path in (out / "done").iterdir()) == sorted([first, second, third])
    assert not sweep_runs.claims(out)


def test_of_a_stack_the_runs_that_are_whole_count_as_done(tmp_path, monkeypatch, signals):
    log = tiny_runs.write_log(tmp_path / "toy.txt")
    given = study(log, seeds=[0, 1])
    given = given.model_copy(
        update={"base": {**given.base, "training": {**given.base["training"], "device": "auto"}}}
    )
    out = tmp_path / "lam"
    planned = write_plan(given, out)
    planned[1].run.mkdir(parents=True)
    (planned[1].run / "letter.txt").write_text("a folder that is no run")
    monkeypatch.setattr(worker_module, "companions", lambda config, others: [0] if others else [])
    Worker(out, threads=1).work()
    assert RunDirectory(planned[0].run).state == "finished"
    assert [path.name for path in (out / "done").iterdir()] == [planned[0].name]
    failed = json.loads((out / "failed" / planned[1].name).read_text())
    assert failed["tries"] == 3
    assert "letter.txt" not in failed["sentence"]
    assert "is no run" in failed["sentence"]


def test_a_run_that_another_process_trains_is_left_to_it(tmp_path, monkeypatch, signals):
    given = study(tiny_runs.write_log(tmp_path / "toy.txt"), seeds=[0])
    out = tmp_path / "lam"
    (planned,) = write_plan(given, out)
    with sole_writer(planned.run):
        assert not worker_module.is_free(out, planned)
        assert [run.name for run in read_status(out, [planned]).running] == [planned.name]
        Worker(out, threads=1).work()
        monkeypatch.setattr(worker_module, "is_held", lambda run: False)  # as if it began a moment later
        leaving, release = Worker(out, threads=1), worker_module.Claim.release

        def released(claim):
            release(claim)
            leaving.asked_to_leave = 1

        monkeypatch.setattr(worker_module.Claim, "release", released)
        leaving.work()
    assert not list((out / "done").iterdir())
    assert not list((out / "failed").iterdir())
    assert not sweep_runs.claims(out)


def test_runs_that_another_study_finished_are_done_as_they_are(tmp_path, monkeypatch, signals):
    given = study(tiny_runs.write_log(tmp_path / "toy.txt"), seeds=[0])
    (planned,) = write_plan(given, tmp_path / "lam")
    Worker(tmp_path / "lam", threads=1).work()
    before = (planned.run / "config.toml").read_bytes()
    monkeypatch.setattr(worker_module.child, "start", lambda *_: pytest.fail("trained twice"))
    other = given.model_copy(
        update={"base": {**given.base, "training": {**given.base["training"], "threads": 2}}}
    )
    write_plan(other, tmp_path / "other")
    Worker(tmp_path / "other").work()
    assert [path.name for path in (tmp_path / "other" / "done").iterdir()] == [planned.name]
    assert (planned.run / "config.toml").read_bytes() == before


def test_a_run_of_the_same_id_with_other_settings_is_refused(tmp_path, signals):
    # The id names what differs from the defaults, and those may change between versions of degen.
    given = study(tiny_runs.write_log(tmp_path / "toy.txt"), seeds=[0])
    out = tmp_path / "lam"
    (planned,) = write_plan(given, out)
    there = Config.model_validate(planned.config)
    training = there.training.model_copy(update={"patience": 99})
    planned.run.mkdir(parents=True)
    there.model_copy(update={"training": training}).write(planned.run / "config.toml")
    before = (planned.run / "config.toml").read_bytes()
    Worker(out, threads=1).work()
    failed = json.loads((out / "failed" / planned.name).read_text())
    assert "was begun with training.patience = 99, and this study has" in failed["sentence"]
    with pytest.raises(UserError, match="choose another folder of runs by `cells`"):
        run_study(given, out, workers=1)
    assert (planned.run / "config.toml").read_bytes() == before
    assert [path.name for path in planned.run.iterdir()] == ["config.toml"]


def test_runs_that_have_failed_train_alone(tmp_path, monkeypatch, signals):
    given = study(tiny_runs.write_log(tmp_path / "toy.txt"))
    given = given.model_copy(
        update={"base": {**given.base, "training": {**given.base["training"], "device": "auto"}}}
    )
    out = tmp_path / "lam"
    planned = write_plan(given, out)
    started = []

    class Dead:
        pid, exitcode = None, 1

        def is_alive(self):
            return False

    def start(orders, errors):
        started.append([order.run.name for order in orders])
        return Dead()

    monkeypatch.setattr(worker_module.child, "start", start)
    monkeypatch.setattr(worker_module, "companions", lambda config, others: list(range(len(others))))
    Worker(out, threads=1).work()
    names = [run.name for run in planned]
    assert started == [names] + [[name] for name in names] * 2
