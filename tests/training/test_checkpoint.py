"""The files of a run one by one; whole runs are in test_loop.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
import torch
from safetensors.numpy import load_file

from degen.config.schema import Config
from degen.errors import UserError
from degen.runs import environment
from degen.runs.directory import RunDirectory
from degen.runs.manifest import keeping
from degen.training import checkpoint, resumption
from degen.training.trainer import Trainer


@pytest.fixture
def trained(log, dataset) -> Trainer:
    """A trainer after three steps."""
    return make_trainer(log, dataset, steps=3)


def make_trainer(log, dataset, steps=0, **settings) -> Trainer:
    trainer = Trainer(tiny_runs.tiny_config(log, **settings), dataset, torch.device("cpu"))
    epoch = trainer.epoch(1)
    for _ in range(steps):
        epoch.step()
    return trainer


def moments(trainer: Trainer) -> list[dict[str, bytes]]:
    state = trainer.optimizer.state_dict()["state"]
    return [
        {name: value.numpy().tobytes() for name, value in state[index].items()} for index in sorted(state)
    ]


def weights(trainer: Trainer) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in trainer.encoder.state_dict().items()}


# last.safetensors, best.safetensors, embeddings


def test_weights_and_moments_come_back_to_the_bit(log, dataset, trained, tmp_path):
    checkpoint.save_last(trained.encoder, trained.optimizer, tmp_path, 4, 31)
    other = make_trainer(log, dataset, seed=9)
    assert weights(other) != weights(trained)
    assert checkpoint.load_last(other.encoder, other.optimizer, tmp_path) == (4, 31)
    assert weights(other) == weights(trained)
    assert moments(other) == moments(trained)
    assert len(moments(other)) == len(list(trained.encoder.parameters()))
    for trainer in (trained, other):
        epoch = trainer.epoch(2)
        epoch.rng = np.random.default_rng(0)  # the seeds differ, the steps shall not
        epoch.dropout = type(epoch.dropout)(0)
        epoch.batches = iter([np.arange(20)])
        epoch.step()
    assert weights(other) == weights(trained)


def test_there_is_nothing_to_load_before_the_first_epoch(log, dataset, tmp_path):
    trainer = make_trainer(log, dataset)
    before = weights(trainer)
    assert checkpoint.load_last(trainer.encoder, trainer.optimizer, tmp_path) == (0, 0)
    assert weights(trainer) == before


def test_the_optimisers_settings_are_the_commands_not_the_checkpoints(log, dataset, trained, tmp_path):
    checkpoint.save_last(trained.encoder, trained.optimizer, tmp_path, 1, 3)
    other = make_trainer(log, dataset, learning_rate=0.5)
    checkpoint.load_last(other.encoder, other.optimizer, tmp_path)
    assert other.optimizer.param_groups[0]["lr"] == 0.5


def test_a_checkpoint_of_another_model_is_refused(log, dataset, trained, tmp_path):
    checkpoint.save_last(trained.encoder, trained.optimizer, tmp_path, 1, 3)
    for settings in ({"dim": 4}, {"layers": 1}, {"layers": 3}):
        other = make_trainer(log, dataset, **settings)
        with pytest.raises(UserError, match=r"last\.safetensors is damaged; .*`overwrite=True`"):
            checkpoint.load_last(other.encoder, other.optimizer, tmp_path)


def test_the_best_weights_and_their_embeddings(trained, tmp_path):
    checkpoint.save_best(trained.encoder, tmp_path, 7)
    stored = load_file(tmp_path / "best.safetensors")
    assert {name: value.tobytes() for name, value in stored.items()} == weights(trained)
    V = np.load(tmp_path / "item_embeddings.npy", allow_pickle=False)
    assert V.dtype == np.float32
    assert V.tobytes() == stored["item_embeddings"][1:-1].tobytes()


# Making a place ready


def made_ready(config: Config, out: Path, *, stacked: bool = False, **flags: bool) -> None:
    """What a run does before its first step."""
    with keeping(out):
        checkpoint.prepare(config, out, **{"resume": False, "overwrite": False, **flags})
        checkpoint.describe(config, out, stacked=stacked)


def test_refusing_touches_nothing(log, tmp_path):
    out = tmp_path / "new"
    resumption.refuse(tiny_runs.tiny_config(log, name="toy"), out, resume=False, overwrite=False)
    assert not out.exists()


def test_overwriting_keeps_what_a_run_does_not_write(log, tmp_path):
    config = tiny_runs.tiny_config(log, name="toy")
    made_ready(config, tmp_path / "run")
    (tmp_path / "run" / "notes.md").write_text("mine", encoding="utf-8")
    (tmp_path / "run" / "test.json").write_text("{}", encoding="utf-8")
    made_ready(config, tmp_path / "run", overwrite=True)
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["config.toml", "environment.json", "manifest.json", "notes.md"]


def test_what_may_change_when_going_on_are_keys():
    keys = {key for group in Config().model_dump().values() for key in group}
    assert keys >= resumption.FREE_TO_CHANGE


def test_each_free_key_may_change_and_every_other_may_not(log, tmp_path):
    # Any second value that is valid will do: free keys pass, all others are refused by name.
    old = tiny_runs.tiny_config(log, name="toy")
    made_ready(old, tmp_path / "run")
    others = {
        "epochs": 9,
        "patience": 3,
        "max_steps": 5,
        "threads": 2,
        "keep_embeddings": 3,
        "score_block": 7,
    }
    for key, value in others.items():
        new = tiny_runs.tiny_config(log, **{key: value})
        resumption.refuse(new, tmp_path / "run", resume=True, overwrite=False)
    for key, value in {"batch_size": 9, "users": 50, "definition": "official", "crop_rate": 0.5}.items():
        new = tiny_runs.tiny_config(log, **{key: value})
        with pytest.raises(UserError, match=rf"\.{key} = .*, not "):
            resumption.refuse(new, tmp_path / "run", resume=True, overwrite=False)


# environment.json


def test_a_resumed_run_keeps_the_environments_of_its_earlier_epochs(log, dataset, trained, tmp_path):
    config, out = tiny_runs.tiny_config(log, name="toy"), tmp_path / "run"
    made_ready(config, out)
    first = RunDirectory(out).environment
    assert first["stacked"] is False
    assert "earlier" not in first
    made_ready(config, out, resume=True, stacked=True)
    assert RunDirectory(out).environment == {**first, "stacked": True}  # no epoch was trained in the first
    checkpoint.save_last(trained.encoder, trained.optimizer, out, 2, 31)
    checkpoint.save_best(trained.encoder, out, 2)
    for _ in range(2):  # the second time nothing is different
        made_ready(config, out, resume=True)
        expected = {**first, "earlier": [{"epochs": 2, **first, "stacked": True}]}
        assert RunDirectory(out).environment == expected


def test_the_commit_is_that_of_the_source_and_none_without_git(monkeypatch, tmp_path):
    source = Path(environment.__file__).parents[2]
    if (source / ".git").exists():
        said = subprocess.run(["git", "-C", source, "rev-parse", "HEAD"], capture_output=True, text=True)
        assert environment.environment(Config())["commit"] == (said.stdout.strip() or None)
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "site-packages" / "degen" / "runs" / "x.py"))
    assert environment.environment(Config())["commit"] is None
    # A folder that only looks like a checkout is no reason to fail either.
    (tmp_path / "site-packages" / ".git").mkdir(parents=True)
    assert environment.environment(Config())["commit"] is None
