"""The two stages of S3Rec: what they write, how they follow one another, and resuming in either."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
from pathlib import Path

import commands
import kill_runs
import numpy as np
import pytest
import tiny_runs
import torch
from baseline_runs import TIMES, baseline_config
from safetensors.numpy import load_file

from degen.errors import UserError
from degen.runs import directory
from degen.runs.directory import RunDirectory
from degen.studies.figure_files import FigureOptions
from degen.studies.over_epochs.dynamics import DynamicsOptions, draw_dynamics
from degen.sweeps.child import Order, _progress
from degen.training.children.side_by_side import train_in_child
from degen.training.loop import train
from degen.training.run import Interrupted, Progress
from degen.training.trainer import Trainer

SETTINGS = {"epochs": 2, "pretrain_epochs": 4, "pretrain_every": 2, "dropout": 0.2}
CPU = torch.device("cpu")


class Killed(BaseException):
    """The end of a process, which nothing catches."""


class KilledAfter(Progress):
    """Ends training after a pass of pre-training, or after an epoch."""

    def __init__(self, passes=0, epochs=0):
        self.passes, self.epochs = passes, epochs

    def pretrain(self, row):
        if row["epoch"] == self.passes:
            raise Killed

    def epoch(self, row):
        if row["epoch"] == self.epochs:
            raise Killed


def s3rec(log, **settings):
    return baseline_config(log, "s3rec-mip", **(SETTINGS | settings))


def lines(out: Path, name: str):
    found = directory.read_metrics(out, name)
    return [{key: value for key, value in row.items() if key not in TIMES} for row in found]


def result(out: Path) -> dict[str, object]:
    """All that a run of two stages determines, to the bit."""
    run = RunDirectory(out)
    weights = {
        f"{name}:{key}": value.tobytes()
        for name in (directory.PRETRAIN, directory.BEST, directory.LAST)
        for key, value in load_file(out / name).items()
    }
    arrays = (directory.INITIAL_EMBEDDINGS, directory.PRETRAIN_EMBEDDINGS, directory.ITEM_EMBEDDINGS)
    weights |= {name: np.load(out / name).tobytes() for name in arrays}
    logs = {name: lines(out, name) for name in (directory.METRICS, directory.PRETRAIN_METRICS)}
    return {**weights, **logs, "test": run.test}


@pytest.fixture(scope="module")
def whole(log, tmp_path_factory) -> RunDirectory:
    return train(s3rec(log), tmp_path_factory.mktemp("whole") / "s3rec-mip-s0")


def test_a_line_of_each_pass_has_the_loss_and_the_spectrum(whole):
    rows = lines(whole.path, directory.PRETRAIN_METRICS)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["masked_item_loss"] < rows[0]["masked_item_loss"] < 0.8
    assert all(0 < row["sigma2_ratio"] < 1 and row["effective_rank"] > 1 for row in rows)
    prefixes = 250
    assert all(row["targets"] > prefixes for row in rows)
    assert [row["epoch"] for row in whole.metrics] == [1, 2]


def test_three_matrices_tell_the_stages_apart(whole, log, dataset):
    V = whole.item_embeddings
    initial, middle = (
        np.load(whole.path / name) for name in (directory.INITIAL_EMBEDDINGS, directory.PRETRAIN_EMBEDDINGS)
    )
    assert initial.shape == middle.shape == V.shape == (tiny_runs.ITEMS, 8)
    first = Trainer(s3rec(log), dataset, CPU).encoder.real_item_embeddings().detach().numpy()
    np.testing.assert_array_equal(initial, first)
    assert not np.allclose(initial, middle, atol=1e-3)
    assert not np.allclose(middle, V, atol=1e-3)
    stored = load_file(whole.path / directory.PRETRAIN)["model.item_embeddings"]
    np.testing.assert_array_equal(stored[1:-1], middle)  # rows 0 and n + 1 are padding and mask


def test_fine_tuning_starts_from_the_weights_of_pre_training_with_fresh_moments(whole, log, dataset):
    trainer = Trainer(s3rec(log), dataset, CPU)
    pretrained = load_file(whole.path / directory.PRETRAIN)
    weights = {name: torch.from_numpy(pretrained[f"model.{name}"]) for name in trainer.encoder.state_dict()}
    trainer.encoder.load_state_dict(weights)
    for number in (1, 2):
        epoch = trainer.epoch(number)
        for _ in range(trainer.steps_per_epoch):
            epoch.step()
    last = load_file(whole.path / directory.LAST)
    for name, value in trainer.encoder.state_dict().items():
        np.testing.assert_array_equal(last[f"model.{name}"], value.numpy(), err_msg=name)
    steps = {float(value) for name, value in last.items() if name.endswith(".step")}
    assert steps == {2.0 * trainer.steps_per_epoch}


def test_the_mask_is_trained_in_the_first_stage_and_left_alone_in_the_second(whole, log, dataset):
    first = Trainer(s3rec(log), dataset, CPU).encoder
    pretrained, last = (load_file(whole.path / name) for name in (directory.PRETRAIN, directory.LAST))
    table = "model.item_embeddings"
    assert not np.allclose(pretrained[table][-1], first.item_embeddings[-1].detach().numpy(), atol=1e-3)
    np.testing.assert_array_equal(last[table][-1], pretrained[table][-1])
    np.testing.assert_array_equal(last[table][0], first.item_embeddings[0].detach().numpy())
    name = "model.masked_item.weight"  # a layer of the first stage only
    assert not np.allclose(pretrained[name], first.masked_item.weight.detach().numpy(), atol=1e-3)
    np.testing.assert_array_equal(last[name], pretrained[name])


def test_the_passes_are_the_same_however_many_follow(whole, log, tmp_path):
    out = train(s3rec(log, pretrain_epochs=2, epochs=1), tmp_path / "run").path
    assert lines(out, directory.PRETRAIN_METRICS) == lines(whole.path, directory.PRETRAIN_METRICS)[:2]


@pytest.mark.parametrize(
    "killed", [{"passes": n} for n in (1, 2, 3, 4)] + [{"epochs": 1}, {"epochs": 2}], ids=str
)
def test_a_run_killed_in_either_stage_goes_on_to_the_same_end(whole, log, tmp_path, killed):
    out = tmp_path / "run"
    with pytest.raises(Killed):
        train(s3rec(log), out, progress=KilledAfter(**killed))
    assert RunDirectory(out).state == "unfinished"
    seen = []

    class Seen(Progress):
        def pretrain(self, row):
            seen.append(row["epoch"])

    train(s3rec(log), out, resume=True, progress=Seen())
    assert result(out) == result(whole.path)
    assert seen == list(range(killed.get("passes", 4) // 2 * 2 + 1, 5))


def test_a_sweep_that_asks_to_stop_in_pre_training_loses_no_pass(whole, log, tmp_path):
    out, stop, seen = tmp_path / "run", threading.Event(), []
    config = s3rec(log, pretrain_every=50)

    class Seen(type(_progress(Order(config, out), stop))):
        def pretrain(self, row):
            seen.append(row["epoch"])
            if row["epoch"] == 3:
                stop.set()
            super().pretrain(row)

    with pytest.raises(Interrupted):
        train(config, out, progress=Seen())
    stop.clear()
    train(config, out, resume=True, progress=Seen())
    assert seen == [1, 2, 3, 4]
    assert result(out) == result(whole.path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_run_killed_at_any_write_goes_on_to_the_same_end(log, tmp_path):
    command = [sys.executable, kill_runs.__file__, str(log), str(tmp_path), "s3rec-mip"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *killed, last = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(killed) > 12
    expected = result(last)
    for out in killed:
        train(kill_runs.config(log, "s3rec-mip"), out, resume=True)
        assert result(out) == expected, f"killed at write {out.name}"


def test_ctrl_c_ends_pre_training_at_once(log, tmp_path, monkeypatch):
    class CtrlC(Progress):
        def pretrain(self, row):
            if row["epoch"] == 3:
                raise_interrupt()

    def raise_interrupt():
        import signal

        signal.raise_signal(signal.SIGINT)

    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(s3rec(log), out, progress=CtrlC())
    assert len(lines(out, directory.PRETRAIN_METRICS)) == 3


def test_overwriting_pre_trains_anew(whole, log, tmp_path):
    out = tmp_path / "run"
    train(s3rec(log, mask_fraction=0.6, epochs=1), out)
    train(s3rec(log), out, overwrite=True)
    assert result(out) == result(whole.path)


def test_more_epochs_do_not_pre_train_again(whole, log, tmp_path):
    out = tmp_path / "run"
    train(s3rec(log, epochs=1), out)
    before = (out / directory.PRETRAIN).stat().st_mtime_ns
    train(s3rec(log), out, resume=True)
    assert (out / directory.PRETRAIN).stat().st_mtime_ns == before
    assert result(out) == result(whole.path)


def test_it_is_resumed_with_the_same_passes_only(whole, log):
    with pytest.raises(UserError, match=r"baseline\.pretrain_epochs = 4, not 5"):
        train(s3rec(log, pretrain_epochs=5), whole.path, resume=True)


def test_a_damaged_checkpoint_of_the_first_stage_is_told_of(log, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Killed):
        train(s3rec(log), out, progress=KilledAfter(passes=3))
    path = out / directory.PRETRAIN
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"pretrain\.safetensors is damaged"):
        train(s3rec(log), out, resume=True)
    path.write_bytes(whole)
    (out / directory.PRETRAIN_METRICS).unlink()
    with pytest.raises(UserError, match=r"pretrain\.jsonl lacks lines of epochs 1 to 2"):
        train(s3rec(log), out, resume=True)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--variant", "s3rec-mip", "--pretrain-epochs", "0"], "--pretrain-epochs"),
        (["--variant", "s3rec-mip", "--output-bias"], "--output-bias"),
        (["--variant", "bert4rec", "--pretrain-epochs", "3"], "--pretrain-epochs"),
        (["--variant", "bert4rec", "--rec-loss", "bce"], "--rec-loss"),
        (["--variant", "bert4rec", "--batch-by", "users"], "--batch-by"),
        (["--variant", "bert4rec", "--mask-fraction", "1"], "--mask-fraction"),
        (["--variant", "duorec", "--mask-fraction", "0.5"], "--mask-fraction"),
    ],
    ids=" ".join,
)
def test_what_has_no_use_or_no_value_is_refused(words, option, capfd, tmp_path):
    message = commands.mistake(capfd, "train", *words, "--out", tmp_path / "run")
    assert option in message
    assert not (tmp_path / "run").exists()


def test_what_a_recipe_turns_on_can_be_turned_off():
    words = ("train", "--variant", "bert4rec", "--print-config")
    given = [commands.result_of(*words, *more) for more in ([], ["--no-output-bias"], ["--output-bias"])]
    assert [config["baseline"]["output_bias"] for config in given] == [True, False, True]


# What other commands make of two stages


def test_runs_are_listed_with_their_epochs_of_pre_training(whole):
    (row,) = commands.result_of("runs", whole.path)
    assert (row["epochs"], row["pretrain_epochs"]) == (2, 4)


def test_dynamics_draw_both_stages(whole, tmp_path):
    measures = ("sigma2_ratio", "valid_NDCG@10")
    draw_dynamics([whole.path], DynamicsOptions(measures=measures), FigureOptions(out=tmp_path))
    (table,) = tmp_path.glob("*.csv")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [-3, -2, -1, 0, 1, 2]
    expected = [row["sigma2_ratio"] for row in (*whole.pretraining, *whole.metrics)]
    assert [float(row["sigma2_ratio"]) for row in rows] == pytest.approx(expected, rel=1e-6)
    assert [bool(row["valid_NDCG@10"]) for row in rows] == [False] * 4 + [True] * 2


def test_a_child_process_tells_of_pre_training(log, tmp_path):
    seen = []

    class Seen(Progress):
        def pretrain(self, row):
            seen.append(row["epoch"])

    train_in_child(s3rec(log, epochs=1), tmp_path / "run", progress=Seen())
    assert seen == [1, 2, 3, 4]
