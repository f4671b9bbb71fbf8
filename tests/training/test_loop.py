"""Whole runs: what they write, how they end, and that stopping, killing and resuming change nothing."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import kill_runs
import numpy as np
import pytest
import tiny_runs
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors import safe_open
from written import TIMES, contents, result

from degen.config.settle import by_group, settle
from degen.errors import UserError
from degen.evaluation.restore import restore
from degen.files.outputs import output_path
from degen.runs.best import best_epoch, best_row
from degen.runs.directory import RunDirectory, write_metrics
from degen.training import checkpoint, loop
from degen.training import run as run_module
from degen.training.loop import train
from degen.training.resumption import has_ended
from degen.training.run import Interrupted, Progress

RANKING = {f"{name}@{k}" for name in ("HR", "NDCG", "MRR") for k in (5, 10, 20)}
SIX = ("sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec")


def tiny_train(log, out, *, resume=False, overwrite=False, progress=None, **settings) -> RunDirectory:
    config = tiny_runs.tiny_config(log, **settings)
    return train(config, out, resume=resume, overwrite=overwrite, progress=progress)


def epoch_of(path: Path) -> int:
    with safe_open(path, framework="np") as file:
        return int(file.metadata()["epoch"])


class Recorder(Progress):
    """Counts what it is told."""

    def __init__(self):
        self.calls = []

    def begin(self, dataset, config, epochs_done, steps_per_epoch):
        self.calls.append(("begin", dataset.name, epochs_done, steps_per_epoch))

    def step(self, epoch, step, losses):
        self.calls.append(("step", epoch, step))

    def epoch(self, row):
        self.calls.append(("epoch", row["epoch"]))

    def end(self, test):
        self.calls.append(("end", test["epoch"]))


class CtrlC(Progress):
    """Presses Ctrl-C after a step, or after an epoch where `step` is None."""

    def __init__(self, epoch: int, step: int | None = None, times: int = 1):
        self.when, self.times = (epoch, step), times

    def step(self, epoch, step, losses):
        if (epoch, step) == self.when:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def epoch(self, row):
        self.step(row["epoch"], None, {})


# What a run writes


@pytest.fixture(scope="module")
def duorec(log, tmp_path_factory) -> RunDirectory:
    """A whole run of three epochs."""
    out = tmp_path_factory.mktemp("duorec") / "run"
    return tiny_train(log, out, keep_embeddings=2)


def test_the_files_of_a_run(duorec):
    assert sorted(str(path.relative_to(duorec.path)) for path in duorec.path.rglob("*")) == [
        "best.safetensors",
        "config.toml",
        "embeddings",
        "embeddings/e002.npy",
        "environment.json",
        "item_embeddings.npy",
        "item_frequency.npy",
        "items.txt",
        "last.safetensors",
        "manifest.json",
        "metrics.jsonl",
        "ranks.npy",
        "test.json",
        "tied.npy",
        "users.txt",
    ]


def test_the_keys_of_an_epochs_line(duorec):
    expected = {
        "epoch",
        "loss",
        "recommendation_loss",
        "contrastive_loss",
        *(f"valid_{name}" for name in RANKING),
        "uniformity",
        "alignment",
        "alignment_dropout",
        "alignment_same_target",
        "sigma2_ratio",
        "effective_rank",
        "average_cosine",
        *TIMES,
    }
    rows = duorec.metrics
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert set(row) == expected
        assert all(np.isfinite(value) for value in row.values())


def test_the_keys_of_test_json(duorec):
    test = duorec.test
    assert set(test) == RANKING | {"epoch", "split", "users", "ties"}
    assert (test["split"], test["users"]) == ("test", tiny_runs.USERS)
    assert all(0 <= test[name] <= 1 for name in RANKING)
    assert test["HR@20"] == 1.0  # there are 20 items


def test_the_configuration_repeats_the_run(duorec, tmp_path):
    from degen.config.settle import settle

    again = train(settle(duorec.path / "config.toml"), tmp_path / "again")
    assert result(again.path) == result(duorec.path)
    assert (again.path / "config.toml").read_text() == (duorec.path / "config.toml").read_text()


def test_the_environment_says_what_else_a_result_depends_on(duorec):
    environment = json.loads((duorec.path / "environment.json").read_text())
    assert environment["device"] == "cpu"
    assert environment["threads"] == 1
    assert environment["python"] == sys.version.split()[0]
    assert {"degen", "torch", "numpy", "platform", "commit"} <= set(environment)


def test_rows_belong_to_the_lines_of_items_txt(duorec, log):
    trained = Counter()
    for line in log.read_text().splitlines():
        trained.update(line.split()[1:-2])  # without the user, the validation and the test target
    assert sorted(duorec.items) == [f"i{number:02d}" for number in range(tiny_runs.ITEMS)]
    assert duorec.item_frequency.dtype == np.int64
    assert duorec.item_frequency.tolist() == [trained[item] for item in duorec.items]
    assert duorec.item_embeddings.shape == (tiny_runs.ITEMS, 8)


def test_the_embeddings_are_the_best_epochs_without_padding_and_mask(duorec):
    with safe_open(duorec.path / "best.safetensors", framework="np") as file:
        weights = file.get_tensor("item_embeddings")
        assert int(file.metadata()["epoch"]) == duorec.test["epoch"]
    assert weights.shape == (tiny_runs.ITEMS + 2, 8)
    assert duorec.item_embeddings.dtype == np.float32
    assert duorec.item_embeddings.tobytes() == weights[1:-1].tobytes()


def test_the_best_epoch_has_the_best_validation_result(duorec):
    values = [row["valid_NDCG@10"] for row in duorec.metrics]
    assert duorec.test["epoch"] == 1 + values.index(max(values))


def test_sasrec_has_no_alignment_and_no_contrast(log, tmp_path):
    run = tiny_train(log, tmp_path / "run", variant="sasrec", epochs=2)
    for row in run.metrics:
        assert row["alignment"] is None
        assert row["contrastive_loss"] == 0
        assert row["loss"] == row["recommendation_loss"]
        assert 0 < row["alignment_dropout"] < 4
    assert '"alignment": null' in (run.path / "metrics.jsonl").read_text()


@pytest.mark.parametrize("settings", [{"recipe": "official"}, {"rec_loss": "bpr"}, {"engine": "plain"}])
@pytest.mark.parametrize("variant", ["scl", "cl4srec"])
def test_other_settings_make_whole_runs_too(log, tmp_path, variant, settings):
    run = tiny_train(log, tmp_path / "run", variant=variant, epochs=1, **settings)
    assert run.state == "finished"
    assert run.test["epoch"] == 1
    assert run.variant == variant


def test_aliases_are_written_by_their_canonical_name(log, tmp_path):
    assert tiny_train(log, tmp_path / "run", variant="US_X", max_steps=1).variant == "duorec"


def test_a_name_of_ones_own_for_the_dataset(log, tmp_path):
    assert tiny_train(log, tmp_path / "run", name="mine", max_steps=1).dataset == "mine"
    assert tiny_train(log, tmp_path / "other", max_steps=1).dataset == "toy"


def test_few_items_and_one_dimension_are_no_obstacle(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("u1 a b a b a\nu2 b a b b b a b\n", encoding="utf-8")
    wide = tiny_train(path, tmp_path / "wide", dim=8, max_steps=2, variant="ucl+scl")
    assert wide.item_embeddings.shape == (2, 8)
    narrow = tiny_train(path, tmp_path / "narrow", dim=1, heads=1, max_steps=2)
    assert narrow.item_embeddings.shape == (2, 1)
    assert narrow.state == "finished"


# Seeds


@pytest.mark.parametrize("variant", ["cl4srec", "ucl+scl"])
def test_the_same_seed_gives_the_same_run(log, tmp_path, variant):
    first = tiny_train(log, tmp_path / "first", variant=variant, epochs=2, seed=5)
    second = tiny_train(log, tmp_path / "second", variant=variant, epochs=2, seed=5)
    other = tiny_train(log, tmp_path / "other", variant=variant, epochs=2, seed=6)
    assert result(first.path) == result(second.path)
    assert first.metrics[0]["loss"] != other.metrics[0]["loss"]
    assert not np.array_equal(first.item_embeddings, other.item_embeddings)


def test_the_callers_generators_decide_nothing(log, tmp_path, duorec):
    import torch

    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    run = tiny_train(log, tmp_path / "run", keep_embeddings=2)
    assert result(run.path) == result(duorec.path)


@pytest.fixture
def deterministic_off(monkeypatch):
    """Undo what `deterministic` sets for the whole process."""
    import torch

    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that the variable is restored
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    yield
    torch.use_deterministic_algorithms(False)


def test_deterministic_algorithms_give_the_same_run_on_the_cpu(log, tmp_path, duorec, deterministic_off):
    import torch

    seen = []

    class Look(Progress):
        def step(self, epoch, step, losses):
            seen.append(torch.are_deterministic_algorithms_enabled())

    run = tiny_train(log, tmp_path / "run", keep_embeddings=2, deterministic=True, progress=Look())
    assert result(run.path) == result(duorec.path)
    assert all(seen)
    assert not torch.are_deterministic_algorithms_enabled()  # for that run only
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"  # which CUDA's products need


def test_a_process_that_only_warns_of_other_algorithms_goes_on_to_warn(log, tmp_path, deterministic_off):
    import torch

    seen = []

    class Look(Progress):
        def step(self, epoch, step, losses):
            seen.append(torch.is_deterministic_algorithms_warn_only_enabled())

    torch.use_deterministic_algorithms(True, warn_only=True)
    tiny_train(log, tmp_path / "run", max_steps=1, progress=Look())
    assert seen == [True]
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_the_probe_does_not_depend_on_seed_or_variant(log, tmp_path):
    from degen.build import load_data
    from degen.training.run import Run
    from degen.training.trainer import Trainer

    runs = []
    for variant, seed in (("sasrec", 0), ("duorec", 1)):
        config = tiny_runs.tiny_config(log, variant=variant, seed=seed, probe_samples=50)
        dataset = load_data(config.data)
        runs.append(Run(Trainer(config, dataset, loop.pick_device("cpu")), dataset, tmp_path, Progress()))
    first, second = (run.probe for run in runs)
    assert len(first.rows) == 50
    assert first.rows.tolist() == second.rows.tolist()
    assert first.seed == second.seed == 0


# Progress


def test_progress_is_told_of_everything_in_order(log, tmp_path):
    recorder = Recorder()
    tiny_train(log, tmp_path / "run", epochs=2, steps_per_epoch=2, progress=recorder)
    (best,) = [call[1] for call in recorder.calls if call[0] == "end"]
    assert recorder.calls == [
        ("begin", "toy", 0, 2),
        ("step", 1, 1),
        ("step", 1, 2),
        ("epoch", 1),
        ("step", 2, 1),
        ("step", 2, 2),
        ("epoch", 2),
        ("end", best),
    ]


# How a run ends


def test_max_steps_counts_in_all_and_the_run_ends_whole(log, tmp_path):
    recorder = Recorder()
    run = tiny_train(log, tmp_path / "run", max_steps=5, steps_per_epoch=3, epochs=9, progress=recorder)
    steps = [call[1:] for call in recorder.calls if call[0] == "step"]
    assert steps == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    assert [row["epoch"] for row in run.metrics] == [1, 2]
    assert run.state == "finished"
    assert run.item_embeddings.shape == (tiny_runs.ITEMS, 8)


def test_an_epoch_that_max_steps_cut_short_is_not_taken_for_a_whole_one(log, tmp_path):
    run = tiny_train(log, tmp_path / "run", max_steps=5, steps_per_epoch=3, epochs=9)
    (run.path / "test.json").unlink()  # as if it had been killed before
    with pytest.raises(UserError, match="cut short by `max_steps`"):
        tiny_train(log, run.path, max_steps=7, steps_per_epoch=3, epochs=9, resume=True)
    again = tiny_train(log, run.path, max_steps=5, steps_per_epoch=3, epochs=9, resume=True)
    assert again.state == "finished"
    assert len(again.metrics) == 2


def test_max_steps_at_the_end_of_an_epoch_adds_no_empty_one(log, tmp_path):
    run = tiny_train(log, tmp_path / "run", max_steps=4, steps_per_epoch=2, epochs=9)
    assert len(run.metrics) == 2
    assert tiny_train(log, tmp_path / "one", max_steps=1).test["epoch"] == 1


def test_steps_per_epoch_cuts_every_epoch(log, tmp_path):
    recorder = Recorder()
    run = tiny_train(log, tmp_path / "run", epochs=3, steps_per_epoch=2, progress=recorder)
    assert Counter(call[0] for call in recorder.calls) == {"begin": 1, "step": 6, "epoch": 3, "end": 1}
    assert run.state == "finished"


@pytest.fixture
def scripted(monkeypatch):
    """Let validation results follow a script: a value of NDCG@10 an epoch."""

    def script(*values, name="NDCG@10"):
        left = list(values)
        flat = dict.fromkeys(RANKING, 0.5)
        monkeypatch.setattr(run_module, "ranking_metrics", lambda _ranks: flat | {name: left.pop(0)})

    return script


@pytest.mark.parametrize(
    ("patience", "values", "best", "epochs"),
    [
        (1, [0.1, 0.2, 0.2], 2, 3),
        (2, [0.1, 0.3, 0.3, 0.2], 2, 4),
        (2, [0.3, 0.2, 0.4, 0.1, 0.1], 3, 5),
        (3, [0.0, 0.0, 0.0, 0.0], 1, 4),
        (9, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6, 6),  # the epochs run out first
    ],
)
def test_patience_and_the_earliest_best_of_equals(log, tmp_path, scripted, patience, values, best, epochs):
    scripted(*values)
    settings = {"epochs": 6, "patience": patience, "keep_embeddings": 1, "steps_per_epoch": 1}
    run = tiny_train(log, tmp_path / "run", **settings)
    assert [row["epoch"] for row in run.metrics] == list(range(1, epochs + 1))
    assert run.test["epoch"] == epoch_of(run.path / "best.safetensors") == best
    assert epoch_of(run.path / "last.safetensors") == epochs
    kept = np.load(run.path / "embeddings" / f"e{best:03d}.npy")
    assert run.item_embeddings.tobytes() == kept.tobytes()
    others = [np.load(run.path / "embeddings" / f"e{e:03d}.npy") for e in range(1, epochs + 1) if e != best]
    assert all(other.tobytes() != kept.tobytes() for other in others)


@pytest.mark.parametrize(
    ("settings", "values", "best", "epochs"),
    [
        ({"min_epochs": 5, "patience": 1}, [0.1, 0.2, 0.2, 0.1, 0.1, 0.1], 2, 5),
        ({"min_epochs": 3, "patience": 1}, [0.1, 0.0, 0.3, 0.4, 0.4, 0.5], 4, 5),  # waits on, as always
        ({"min_epochs": 2, "patience": 4}, [0.3, 0.2, 0.1, 0.1, 0.1, 0.1], 1, 5),  # patience ends later
        ({"min_epochs": 99, "patience": 1}, [0.3, 0.2, 0.1, 0.1, 0.1, 0.1], 1, 6),  # the epochs run out first
    ],
    ids=["ends at once", "still waits", "patience is longer", "more than epochs"],
)
def test_patience_ends_no_run_before_min_epochs(log, tmp_path, scripted, settings, values, best, epochs):
    scripted(*values)
    run = tiny_train(log, tmp_path / "run", epochs=6, steps_per_epoch=1, **settings)
    assert len(run.metrics) == epochs
    assert run.test["epoch"] == best


def test_a_run_that_patience_ended_goes_on_to_min_epochs(log, tmp_path, scripted):
    scripted(0.5, 0.1, 0.2, 0.7, 0.1)
    settings = {"epochs": 9, "patience": 1, "steps_per_epoch": 1}
    out = tiny_train(log, tmp_path / "run", **settings).path
    assert len(RunDirectory(out).metrics) == 2
    run = tiny_train(log, out, resume=True, min_epochs=4, **settings)
    assert (len(run.metrics), run.test["epoch"]) == (5, 4)
    before = result(out)
    tiny_train(log, out, resume=True, min_epochs=2, **settings)  # nothing is left to do
    assert result(out) == before


def stop_of_the_released_code(values: list[float]) -> tuple[int, int]:
    """Best epoch and last epoch as the authors' trainer decides them: rounded to 4 decimals, strictly better
    only, and it ends once more than 10 validations in a row have not been better.
    """
    best, best_epoch, waited = -math.inf, 0, 0
    for epoch, value in enumerate(values, start=1):
        if round(value, 4) > best:
            best, best_epoch, waited = round(value, 4), epoch, 0
        else:
            waited += 1
            if waited > 10:
                return best_epoch, epoch
    return best_epoch, len(values)


@given(st.lists(st.integers(0, 120), min_size=1, max_size=50))
@example([100] * 20)  # equal for ever: the first is the best, and the twelfth epoch is the last
@example([1, 2, 3] + [4] * 40)  # better by less than half of the fourth decimal is not better
def test_recipe_official_stops_as_the_released_code_does(steps):
    values = [step * 2e-5 for step in steps]
    training = settle(options=by_group({"recipe": "official"})).training
    rows: list[dict[str, float]] = []
    while not has_ended(training, rows) and len(rows) < len(values):
        rows.append({"epoch": len(rows) + 1, "valid_MRR@10": values[len(rows)]})
    best = best_row(rows, training.stop_on, training.stop_decimals)["epoch"]
    assert (best, len(rows)) == stop_of_the_released_code(values)


def test_rounding_decides_the_best_epoch_and_the_one_that_is_kept(log, tmp_path, scripted):
    scripted(0.10001, 0.10004, 0.1002, 0.10024)
    run = tiny_train(log, tmp_path / "run", epochs=4, stop_decimals=4, steps_per_epoch=1, keep_embeddings=1)
    assert run.test["epoch"] == epoch_of(run.path / "best.safetensors") == 3
    assert run.item_embeddings.tobytes() == np.load(run.path / "embeddings" / "e003.npy").tobytes()


@pytest.mark.parametrize("name", ["MRR@10", "HR@5"])
def test_the_metric_to_stop_on_is_a_setting(log, tmp_path, scripted, name):
    scripted(0.1, 0.9, 0.2, name=name)
    run = tiny_train(log, tmp_path / "run", epochs=3, stop_on=name, steps_per_epoch=1)
    assert run.test["epoch"] == 2


def test_embeddings_are_kept_every_so_many_epochs(log, tmp_path):
    run = tiny_train(log, tmp_path / "run", epochs=5, keep_embeddings=2, steps_per_epoch=1)
    assert sorted(path.name for path in (run.path / "embeddings").iterdir()) == ["e002.npy", "e004.npy"]


@pytest.mark.parametrize("learning_rate", [1e6, 1e30])
def test_divergence_is_a_mistake_that_can_be_mended(log, tmp_path, learning_rate):
    # The loss, the scores or the embeddings stop being finite, whichever is looked at first.
    with pytest.raises(UserError) as error:
        tiny_train(log, tmp_path / "run", learning_rate=learning_rate, epochs=50, patience=50)
    assert "\n" not in str(error.value)
    run = RunDirectory(tmp_path / "run")
    assert run.state == "unfinished"
    assert all(np.isfinite(row["loss"]) for row in run.metrics)


# Stopped by Ctrl-C


@pytest.mark.parametrize(
    ("epoch", "step", "whole"),
    [(1, 1, 0), (1, 5, 0), (1, 6, 1), (2, 3, 1), (1, None, 1), (2, None, 2), (3, None, 3)],
)
def test_a_stopped_run_goes_on_to_the_same_end(log, tmp_path, duorec, epoch, step, whole):
    out = tmp_path / "run"
    with pytest.raises(Interrupted) as stop:
        tiny_train(log, out, keep_embeddings=2, progress=CtrlC(epoch, step))
    assert (stop.value.epochs, stop.value.out) == (whole, out)
    assert RunDirectory(out).state == "unfinished"
    assert [row["epoch"] for row in RunDirectory(out).metrics] == list(range(1, whole + 1))
    recorder = Recorder()
    tiny_train(log, out, keep_embeddings=2, resume=True, progress=recorder)
    assert recorder.calls[0][2] == whole
    assert result(out) == result(duorec.path)


def test_a_run_stopped_at_every_epoch_ends_the_same(log, tmp_path, duorec):
    out = tmp_path / "run"
    for epoch, step in ((1, 2), (1, None), (2, None), (3, 1), (3, None)):
        with pytest.raises(Interrupted):
            tiny_train(log, out, keep_embeddings=2, resume=True, progress=CtrlC(epoch, step))
    tiny_train(log, out, keep_embeddings=2, resume=True)
    assert result(out) == result(duorec.path)


def test_a_stopped_run_finishes_its_step(log, tmp_path):
    class Last(CtrlC):
        def step(self, epoch, step, losses):
            self.last = (epoch, step)
            super().step(epoch, step, losses)

    progress = Last(2, 3)
    with pytest.raises(Interrupted, match="after 1 whole epoch"):
        tiny_train(log, tmp_path / "run", progress=progress)
    assert progress.last == (2, 3)


def test_the_callers_own_handling_of_ctrl_c_comes_back(log, tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted):
        tiny_train(log, tmp_path / "run", progress=CtrlC(1, 1))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_stops_at_once(log, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tiny_train(log, tmp_path / "run", progress=CtrlC(1, 1, times=2))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_in_another_thread_leaves_signals_alone(log, tmp_path, duorec):
    failures = []

    def work():
        try:
            tiny_train(log, tmp_path / "run", keep_embeddings=2)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
    assert result(tmp_path / "run") == result(duorec.path)


# Killed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_run_killed_at_any_write_goes_on_to_the_same_end(log, tmp_path):
    command = [sys.executable, kill_runs.__file__, str(log), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *killed, whole = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(killed) > 10
    expected = result(whole)
    assert "test.json" in expected
    for out in killed[:-1]:
        leftovers = [path for path in out.rglob(".partial-*") if path.is_file()]
        assert len(leftovers) <= 2  # the second one where the manifest was on its way
        assert not (out / "test.json").exists()
        # A run killed before its configuration was there has nothing to resume: it starts.
        tiny_train(log, out, resume=True, **kill_runs.SETTINGS)
        assert result(out) == expected, f"killed at write {out.name}"
    # Nothing but the last manifest was still to come: the run is whole, and left as it is.
    tiny_train(log, killed[-1], resume=True, **kill_runs.SETTINGS)
    found = result(killed[-1]).items()
    assert {name: content for name, content in found if not name.startswith(".partial-")} == expected


# Going on, starting anew, refusing


def test_a_finished_run_is_resumed_at_once(duorec, log, monkeypatch):
    before = result(duorec.path)
    monkeypatch.setattr(loop, "Trainer", None)
    recorder = Recorder()
    assert tiny_train(log, duorec.path, resume=True, progress=recorder, keep_embeddings=2).path == duorec.path
    assert recorder.calls == []
    assert result(duorec.path) == before


def test_a_finished_run_goes_on_to_more_epochs_as_if_it_had_never_ended(log, tmp_path):
    settings = {"variant": "duorec", "patience": 99}
    out = tiny_train(log, tmp_path / "run", epochs=2, **settings).path
    run, whole = (
        tiny_train(log, place, epochs=4, resume=True, **settings) for place in (out, tmp_path / "whole")
    )
    assert [row["epoch"] for row in run.metrics] == [1, 2, 3, 4]
    assert result(out) == result(whole.path)


def test_a_finished_run_stays_whole_until_the_longer_one_is(log, tmp_path):
    settings = {"variant": "duorec", "patience": 99}
    out = tiny_train(log, tmp_path / "run", epochs=1, **settings).path
    kept = ("test.json", "best.safetensors", "item_embeddings.npy", "ranks.npy", "tied.npy")
    before = {name: contents(out / name) for name in kept}
    with pytest.raises(Interrupted):
        tiny_train(log, out, epochs=4, resume=True, progress=CtrlC(4, 1), **settings)
    run = RunDirectory(out)
    assert (run.state, run.extending, len(run.metrics)) == ("finished", True, 3)
    assert best_epoch(run) == 1
    assert {name: contents(out / name) for name in kept} == before
    restored = restore(run, "cpu")
    assert restored.metrics("test") == run.test
    with pytest.raises(UserError, match=r"has 3 epochs already, and `epochs` is 1"):
        tiny_train(log, out, epochs=1, resume=True, **settings)
    tiny_train(log, out, epochs=4, resume=True, **settings)
    assert not RunDirectory(out).extending
    assert result(out) == result(tiny_train(log, tmp_path / "whole", epochs=4, **settings).path)


@pytest.mark.parametrize("reason", ["patience", "fewer epochs", "max_steps then", "max_steps now"])
def test_a_finished_run_that_cannot_go_on_stays_as_it_is(log, tmp_path, reason):
    first, then = {"epochs": 3, "patience": 99}, {"epochs": 9, "patience": 99}
    if reason == "patience":
        first = then = {"epochs": 99, "patience": 1}
    if reason == "fewer epochs":
        then["epochs"] = 2
    if reason.startswith("max_steps"):
        (first if reason.endswith("then") else then)["max_steps"] = 5
    out = tiny_train(log, tmp_path / "run", **first).path
    before = result(out)
    assert tiny_train(log, out, resume=True, **then).state == "finished"
    assert result(out) == before


def test_resume_starts_where_there_is_nothing(log, tmp_path):
    assert tiny_train(log, tmp_path / "new", resume=True, max_steps=1).state == "finished"
    (tmp_path / "empty").mkdir()
    assert tiny_train(log, tmp_path / "empty", resume=True, max_steps=1).state == "finished"


def test_overwrite_starts_anew_and_leaves_nothing_of_the_old_run(log, tmp_path, duorec):
    out = tmp_path / "run"
    tiny_train(log, out, epochs=4, keep_embeddings=1, seed=9)
    with output_path(out / "figures" / "svd.pdf") as file:
        file.write_text("%PDF", encoding="utf-8")
    tiny_train(log, out, overwrite=True, keep_embeddings=2)
    assert result(out) == result(duorec.path)


def test_overwrite_leaves_what_the_user_put_into_the_run(log, tmp_path):
    out = tiny_train(log, tmp_path / "run", epochs=1).path
    users = ("figures/my-own.pdf", "export/my.csv", "notes.md", ".partial-x/draft.txt", "figures/edited.pdf")
    with output_path(out / "figures" / "edited.pdf") as file:
        file.write_text("by degen", encoding="utf-8")
    for name in users:
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine", encoding="utf-8")
    tiny_train(log, out, epochs=1, overwrite=True)
    assert {name: (out / name).read_text(encoding="utf-8") for name in users} == dict.fromkeys(users, "mine")


@pytest.mark.parametrize("text", ["[objective]\n", '[objective]\nvariant = "scl"\n', "whole"])
def test_a_folder_with_a_configuration_of_the_users_is_no_run(log, tmp_path, duorec, text):
    out = tmp_path / "project"
    (out / "figures").mkdir(parents=True)
    (out / "figures" / "my-own.pdf").write_text("mine", encoding="utf-8")
    text = (duorec.path / "config.toml").read_text("utf-8") if text == "whole" else text
    (out / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"is not empty and is no run; name another folder"):
        tiny_train(log, out, overwrite=True)
    assert (out / "config.toml").read_text("utf-8") == text
    assert (out / "figures" / "my-own.pdf").read_text("utf-8") == "mine"


def test_overwrite_of_a_stopped_run_starts_anew(log, tmp_path, duorec):
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny_train(log, out, keep_embeddings=1, progress=CtrlC(2))
    tiny_train(log, out, overwrite=True, keep_embeddings=2)
    assert result(out) == result(duorec.path)


def test_more_epochs_may_be_asked_for_when_going_on(log, tmp_path, duorec):
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny_train(log, out, epochs=2, keep_embeddings=2, progress=CtrlC(2, 1))
    run = tiny_train(log, out, epochs=3, keep_embeddings=2, resume=True)
    assert result(out) == result(duorec.path)
    assert run.config["training"]["epochs"] == 3


def test_a_finished_run_is_never_overwritten_by_accident(log, duorec):
    before = result(duorec.path)
    with pytest.raises(UserError, match=r"holds a finished run; add `overwrite=True`"):
        tiny_train(log, duorec.path)
    assert result(duorec.path) == before


def test_an_unfinished_run_needs_a_decision(log, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny_train(log, out, progress=CtrlC(1))
    before = result(out)
    with pytest.raises(UserError, match=r"unfinished run; add `resume=True` .* `overwrite=True`"):
        tiny_train(log, out)
    assert result(out) == before


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"seed": 1}, "training.seed = 0, not 1"),
        ({"variant": "scl"}, "objective.variant = 'duorec', not 'scl'"),
        ({"dim": 4}, "model.dim = 8, not 4"),
        ({"lam": 0.2}, "objective.lambda = 0.1, not 0.2"),
        ({"steps_per_epoch": 2}, "training.steps_per_epoch = None, not 2"),
    ],
)
def test_a_run_goes_on_only_with_its_own_settings(log, tmp_path, changed, says):
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny_train(log, out, progress=CtrlC(1))
    before = result(out)
    with pytest.raises(UserError) as error:
        tiny_train(log, out, resume=True, **changed)
    assert says in str(error.value)
    assert "`overwrite=True`" in str(error.value)
    assert result(out) == before


def test_resume_and_overwrite_exclude_one_another(log, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny_train(log, out, progress=CtrlC(1))
    before = result(out)
    with pytest.raises(UserError, match=r"`resume=True` .*`overwrite=True`"):
        tiny_train(log, out, resume=True, overwrite=True)
    assert result(out) == before


def test_a_run_does_not_go_on_with_another_log(log, tmp_path):
    # The file has changed under its name: the rows of the weights would be other items'.
    changing = tmp_path / "changing.txt"
    shutil.copy(log, changing)
    with pytest.raises(Interrupted):
        tiny_train(changing, tmp_path / "run", progress=CtrlC(1))
    first, *others = log.read_text().splitlines()
    swapped = first.split()
    swapped[-1], swapped[-2] = swapped[-2], swapped[-1]  # the same items in another order of time
    for lines in ([first, *others][::-1], ["u a b c d e", "v b c x a b d"], [" ".join(swapped), *others]):
        changing.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"log has changed since .* `overwrite=True`"):
            tiny_train(changing, tmp_path / "run", resume=True)


def test_a_finished_run_is_not_evaluated_on_another_log(log, tmp_path):
    changing = tmp_path / "changing.txt"
    shutil.copy(log, changing)
    run = tiny_train(changing, tmp_path / "run")
    first, *others = log.read_text().splitlines()
    swapped = first.split()
    swapped[-1], swapped[-2] = swapped[-2], swapped[-1]
    changing.write_text("\n".join([" ".join(swapped), *others]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="has changed since this run was started"):
        restore(run, "cpu")


def test_a_best_epoch_that_a_kill_left_unwritten_is_written_from_the_last(log, tmp_path, monkeypatch):
    save_best = checkpoint.save_best

    def killed(encoder, out, epoch):
        raise InterruptedError

    monkeypatch.setattr(checkpoint, "save_best", killed)
    with pytest.raises(InterruptedError):
        tiny_train(log, tmp_path / "run", epochs=3)
    monkeypatch.setattr(checkpoint, "save_best", save_best)
    run = tiny_train(log, tmp_path / "run", epochs=1, resume=True)
    assert run.test["epoch"] == 1 == len(run.metrics)
    whole = tiny_train(log, tmp_path / "whole", epochs=1)
    assert run.item_embeddings.tobytes() == whole.item_embeddings.tobytes()


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
def test_a_folder_with_other_things_is_left_alone(log, tmp_path, flags):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match=r"is not empty and is no run; name another"):
        tiny_train(log, tmp_path, **flags)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
def test_a_file_is_no_place_for_a_run(log, tmp_path, flags):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"`out` .*file is a file; name a folder"):
        tiny_train(log, tmp_path / "file", **flags)


@pytest.mark.parametrize(
    ("name", "says"),
    [("a" * 300, "has a name of 300 bytes"), ("caf\udce9", "is no text in UTF-8"), ("a\0b", "zero byte")],
)
def test_a_place_that_cannot_be_named_is_refused_before_training(log, tmp_path, name, says):
    with pytest.raises(UserError, match=says):
        tiny_train(log, tmp_path / name, progress=CtrlC(1, 1))
    with pytest.raises(UserError, match=says):
        tiny_train(log, tmp_path / name / "run", progress=CtrlC(1, 1))
    assert list(tmp_path.iterdir()) == []


def test_a_place_below_a_file_is_one_sentence(log, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*`out`"):
        tiny_train(log, tmp_path / "file" / "run")


def test_a_wrong_variant_or_device_touches_nothing(log, tmp_path):
    with pytest.raises(UserError, match=r"'duorex'.*'duorec'"):
        tiny_train(log, tmp_path / "run", variant="duorex")
    with pytest.raises(UserError, match=r"`device='cuda:99'`"):
        tiny_train(log, tmp_path / "run", device="cuda:99")
    with pytest.raises(UserError, match=r"none\.txt does not exist"):
        tiny_train(tmp_path / "none.txt", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


# Damaged


def stopped(log, out) -> None:
    with pytest.raises(Interrupted):
        tiny_train(log, out, progress=CtrlC(2))


@pytest.mark.parametrize("damage", ["half", "empty", "text"])
def test_a_damaged_checkpoint_is_one_sentence(log, tmp_path, damage):
    out = tmp_path / "run"
    stopped(log, out)
    path = out / "last.safetensors"
    content = path.read_bytes()
    path.write_bytes({"half": content[: len(content) // 2], "empty": b"", "text": b"hello" * 99}[damage])
    with pytest.raises(UserError, match=r"last\.safetensors is damaged; .*`overwrite=True`") as error:
        tiny_train(log, out, resume=True)
    assert "\n" not in str(error.value)


def all_bytes(folder) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def everything(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors", "test.json", "item_embeddings.npy"])
def test_one_flipped_bit_is_named_and_the_finished_run_stays(log, tmp_path, name):
    out = tiny_train(log, tmp_path / "run", epochs=2, patience=99).path
    content = bytearray((out / name).read_bytes())
    content[-20] ^= 1
    (out / name).write_bytes(content)
    before = everything(out)
    with pytest.raises(UserError, match=rf"{name} is damaged or was changed: its SHA-256 .*`overwrite=True`"):
        tiny_train(log, out, epochs=4, patience=99, resume=True)
    assert everything(out) == before


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors"])
@pytest.mark.parametrize("manifest", [True, False])
def test_a_checkpoint_of_another_run_is_named_and_not_used(log, tmp_path, name, manifest):
    out, other = (
        tiny_train(log, tmp_path / variant, variant=variant, epochs=2, patience=99).path
        for variant in ("sasrec", "scl")
    )
    shutil.copy(other / name, out / name)
    if not manifest:  # as after a copy of the weights alone
        (out / "manifest.json").unlink()
    before = everything(out)
    says = "SHA-256|bytes and was written" if manifest else "belongs to a run of other settings, seed or log"
    with pytest.raises(UserError, match=rf"{name} .*({says}).*`overwrite=True`"):
        tiny_train(log, out, variant="sasrec", epochs=4, patience=99, resume=True)
    assert everything(out) == before
    if name == "best.safetensors":
        with pytest.raises(UserError, match=rf"{name} .*({says})"):
            restore(RunDirectory(out), "cpu")


def test_a_refused_resume_leaves_the_configuration(log, tmp_path):
    out = tiny_train(log, tmp_path / "run", epochs=3, max_steps=8).path
    (out / "test.json").unlink()  # as if it had been killed before the test
    before = everything(out)
    with pytest.raises(UserError, match="cut short by `max_steps`"):
        tiny_train(log, out, epochs=5, max_steps=20, resume=True)
    assert everything(out) == before


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors"])
def test_a_lost_checkpoint_is_named_and_the_rest_left_as_it_is(log, tmp_path, name):
    out = tmp_path / "run"
    rows = tiny_train(log, out, epochs=3).metrics
    rows[0]["valid_MRR@10"] = 1.0  # so that the best epoch is not the last, whose weights are at hand
    write_metrics(out, rows)
    (out / name).unlink()
    before = all_bytes(out)
    with pytest.raises(
        UserError, match=rf"{name} is missing.*put it back, or train anew with `overwrite=True`"
    ):
        tiny_train(log, out, epochs=4, resume=True)
    assert all_bytes(out) == before
    tiny_train(log, out, epochs=3, resume=True)  # there is nothing to do
    (out / "test.json").unlink()
    with pytest.raises(UserError, match=rf"{name} is missing"):
        tiny_train(log, out, epochs=3, resume=True)


def test_a_run_is_not_ended_by_fewer_epochs_than_it_has(log, tmp_path):
    out = tmp_path / "run"
    stopped(log, out)
    before = all_bytes(out)
    with pytest.raises(UserError, match=r"has 2 epochs already, and `epochs` is 1; give 2 to end it"):
        tiny_train(log, out, epochs=1, resume=True)
    assert all_bytes(out) == before
    assert len(tiny_train(log, out, epochs=2, resume=True).metrics) == 2


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
def test_a_lost_configuration_is_named(log, tmp_path, flags):
    out = tmp_path / "run"
    stopped(log, out)
    (out / "config.toml").write_text("[objective", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.toml is missing or damaged; put it back"):
        tiny_train(log, out, **flags)
    (out / "config.toml").unlink()
    with pytest.raises(UserError, match=r"config\.toml is missing or damaged; put it back"):
        tiny_train(log, out, **flags)


def test_lost_metrics_are_one_sentence(log, tmp_path):
    out = tmp_path / "run"
    stopped(log, out)
    first = (out / "metrics.jsonl").read_text().splitlines()[0]
    (out / "metrics.jsonl").write_text(first + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"metrics\.jsonl .*`overwrite=True`"):
        tiny_train(log, out, resume=True)
    (out / "metrics.jsonl").unlink()
    with pytest.raises(UserError, match=r"metrics\.jsonl .*`overwrite=True`"):
        tiny_train(log, out, resume=True)


def test_a_damaged_metrics_line_is_named(log, tmp_path):
    out = tmp_path / "run"
    stopped(log, out)
    lines = (out / "metrics.jsonl").read_text().splitlines()
    (out / "metrics.jsonl").write_text(f"{lines[0]}\n{lines[1][:30]}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"metrics\.jsonl line 2"):
        tiny_train(log, out, resume=True)


def test_a_full_disk_in_the_middle_leaves_whole_epochs(log, tmp_path, duorec, monkeypatch):
    out = tmp_path / "run"
    replace, writes = Path.replace, []

    def full(temporary, target):
        if out in Path(target).parents:
            writes.append(target)
            if len(writes) == 11:
                raise OSError(28, "No space left on device")
        return replace(temporary, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(UserError, match=r"cannot write .*No space left on device"):
            tiny_train(log, out, keep_embeddings=2)
    assert not list(out.rglob(".partial-*"))
    tiny_train(log, out, keep_embeddings=2, resume=True)
    assert result(out) == result(duorec.path)


def test_two_processes_do_not_train_into_one_folder(log, tmp_path):
    config, out = tiny_runs.tiny_config(log, epochs=1), tmp_path / "run"
    holder = "import sys, time; from pathlib import Path; from degen.runs.lock import sole_writer\n"
    holder += f"with sole_writer(Path({str(out)!r})): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another process trains into"):
            train(config, out)
        assert [path.name for path in out.iterdir()] == [".training"]
        other.kill()
    assert train(config, out).state == "finished"  # a dead process holds nothing
    assert not (out / ".training").exists()
