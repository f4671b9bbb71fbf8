"""A run back in memory: measured again exactly, and against a slow evaluation that starts from the log."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
import reference
import tiny_runs
import torch
from safetensors.numpy import load_file, save_file

from degen.build import load_data, run_place
from degen.device import pick_device
from degen.errors import UserError
from degen.evaluation.export import export
from degen.evaluation.restore import restore
from degen.runs.directory import RunDirectory
from degen.training.loop import train


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> RunDirectory:
    """A finished run, whose log lies beside it."""
    folder = tmp_path_factory.mktemp("restore")
    log = tiny_runs.write_log(folder / "toy.txt")
    return train(tiny_runs.tiny_config(log, variant="ucl", epochs=4), folder / "run")


@pytest.fixture
def run(whole, tmp_path) -> RunDirectory:
    """A copy to damage."""
    shutil.copytree(whole.path, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def log_of(run: RunDirectory) -> list[list[str]]:
    """User and items of each line of the run's log."""
    with open(run.config["data"]["dataset"], encoding="utf-8") as file:
        return [line.split() for line in file]


def slow_evaluation(run: RunDirectory, held_out: int) -> tuple[np.ndarray, list[int], list[float]]:
    """From log, items.txt and weights alone: h, rows of the targets, and ranks; users as they are written."""
    row_of = {item: row for row, item in enumerate(run.items)}
    lines = [[row_of[item] for item in items] for _user, *items in log_of(run)]
    histories = [[row + 1 for row in line[:-held_out][-8:]] for line in lines]  # row 0 is padding
    targets = [line[-held_out] for line in lines]
    h = reference.Reference(load_file(run.path / "best.safetensors"), layers=2, heads=2).encode(histories)
    scores = h @ run.item_embeddings.astype(np.float64).T
    return (
        h,
        targets,
        [float(reference.rank(row, target)) for row, target in zip(scores, targets, strict=True)],
    )


# Measured again


def test_evaluating_again_gives_test_json_exactly(whole):
    assert restore(whole, "cpu").metrics("test") == whole.test


def test_validation_again_gives_the_best_epochs_line_exactly(whole):
    again = restore(whole, "cpu").metrics("valid")
    best = whole.metrics[whole.test["epoch"] - 1]
    names = [name for name in again if "@" in name]
    assert len(names) == 9
    assert {name: again[name] for name in names} == {name: best[f"valid_{name}"] for name in names}
    assert (again["split"], again["epoch"], again["users"]) == ("valid", whole.test["epoch"], 30)


@pytest.mark.parametrize(("split", "held_out"), [("test", 1), ("valid", 2)])
def test_ranks_are_those_of_a_slow_evaluation_from_the_log(whole, split, held_out):
    _, _, ranks = slow_evaluation(whole, held_out)
    assert restore(whole, "cpu").ranks(split).mean.tolist() == ranks


def test_test_json_is_what_the_ranks_say(whole):
    _, _, ranks = slow_evaluation(whole, 1)
    for k in (5, 10, 20):
        hits = [rank for rank in ranks if rank <= k]
        assert whole.test[f"HR@{k}"] == pytest.approx(len(hits) / 30, abs=1e-12)
        assert whole.test[f"NDCG@{k}"] == pytest.approx(
            sum(1 / math.log2(1 + r) for r in hits) / 30, abs=1e-12
        )
        assert whole.test[f"MRR@{k}"] == pytest.approx(sum(1 / r for r in hits) / 30, abs=1e-12)


# Handed on


def test_an_export_has_a_row_a_user(whole, tmp_path):
    written = export(restore(whole, "cpu"), "test", tmp_path / "out")
    assert sorted(written) == sorted((tmp_path / "out").glob("[!.]*"))
    h, targets, ranks = slow_evaluation(whole, 1)
    representations = np.load(tmp_path / "out" / "sequence_representations.npy", allow_pickle=False)
    assert representations.dtype == np.float32
    np.testing.assert_allclose(representations, h, rtol=0, atol=1e-5)
    exported = np.load(tmp_path / "out" / "targets.npy", allow_pickle=False)
    assert exported.dtype == np.int64
    assert exported.tolist() == targets
    assert [whole.items[row] for row in exported] == [line[-1] for line in log_of(whole)]
    users = (tmp_path / "out" / "users.txt").read_text(encoding="utf-8").splitlines()
    assert users == [line[0] for line in log_of(whole)]
    exported = np.load(tmp_path / "out" / "ranks.npy", allow_pickle=False)
    assert exported.tolist() == ranks
    assert np.mean(exported <= 5) == pytest.approx(whole.test["HR@5"], abs=1e-12)


def test_an_export_of_the_validation_split(whole, tmp_path):
    export(restore(whole, "cpu"), "valid", tmp_path)
    h, targets, ranks = slow_evaluation(whole, 2)
    np.testing.assert_allclose(np.load(tmp_path / "sequence_representations.npy"), h, rtol=0, atol=1e-5)
    assert np.load(tmp_path / "targets.npy").tolist() == targets
    assert np.load(tmp_path / "ranks.npy").tolist() == ranks


def test_the_scores_of_exported_vectors_give_the_ranks(whole, tmp_path):
    # What a reader of the files would do, with nothing but the files.
    export(restore(whole, "cpu"), "test", tmp_path)
    h, V = np.load(tmp_path / "sequence_representations.npy"), np.load(whole.path / "item_embeddings.npy")
    scores, targets = h.astype(np.float64) @ V.astype(np.float64).T, np.load(tmp_path / "targets.npy")
    higher = (scores > scores[np.arange(30), targets][:, None]).sum(1)
    assert (1 + higher).tolist() == np.load(tmp_path / "ranks.npy").tolist()


def test_an_export_of_a_cosine_variant_ranks_by_cosines(tmp_path):
    log = tiny_runs.write_log(tmp_path / "toy.txt")
    run = train(tiny_runs.tiny_config(log, variant="normalized", epochs=2), tmp_path / "run")
    export(restore(run, "cpu"), "test", tmp_path)
    h, targets, _ = slow_evaluation(run, 1)

    def ranks(V):
        rows = zip(h @ V.T, targets, strict=True)
        return [float(reference.rank(row, target)) for row, target in rows]

    V = run.item_embeddings.astype(np.float64)
    by_cosines = ranks(V / np.linalg.norm(V, axis=1, keepdims=True))
    assert np.load(tmp_path / "ranks.npy").tolist() == by_cosines
    assert ranks(V) != by_cosines


def test_an_export_into_a_file_is_one_sentence(whole, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*file/.*choose another path"):
        export(restore(whole, "cpu"), "test", tmp_path / "file")


# Damaged or changed


def test_a_run_without_a_whole_epoch_has_nothing_to_restore(run):
    for name in ("best.safetensors", "test.json"):
        (run.path / name).unlink()
    with pytest.raises(UserError, match=r"best\.safetensors does not exist yet; .*`resume=True`"):
        restore(run, "cpu")
    (run.path / "items.txt").unlink()
    with pytest.raises(UserError, match=r"items\.txt does not exist yet; .*`resume=True`"):
        restore(run, "cpu")


@pytest.mark.parametrize("damage", ["half", "empty", "text", "header"])
def test_damaged_weights_are_one_sentence(run, damage):
    path = run.path / "best.safetensors"
    content = path.read_bytes()
    half = content[: len(content) // 2]
    changed = {"half": half, "empty": b"", "text": b"x" * 500, "header": b"\xff" * 8 + content[8:]}
    path.write_bytes(changed[damage])
    with pytest.raises(UserError, match=r"best\.safetensors is damaged.*`overwrite=True`") as error:
        restore(run, "cpu")
    assert "\n" not in str(error.value)


def test_weights_of_another_model_are_one_sentence(run):
    # Runs of older versions have no manifest, and weights that do not name their run: both are named first.
    (run.path / "manifest.json").unlink()
    save_file(load_file(run.path / "best.safetensors"), run.path / "best.safetensors", {"epoch": "1"})
    text = (run.path / "config.toml").read_text(encoding="utf-8")
    (run.path / "config.toml").write_text(text.replace("\ndim = 8\n", "\ndim = 4\n"), encoding="utf-8")
    with pytest.raises(UserError, match=r"best\.safetensors .*of another model.*") as error:
        restore(run, "cpu")
    assert "\n" not in str(error.value)


def test_weights_without_their_epoch_are_one_sentence(run):
    path = run.path / "best.safetensors"
    save_file(load_file(path), path)
    with pytest.raises(UserError, match=r"best\.safetensors"):
        restore(run, "cpu")


def test_nothing_in_a_weights_file_is_unpickled(run):
    torch.save({"item_embeddings": torch.zeros(22, 8)}, run.path / "best.safetensors")
    with pytest.raises(UserError, match=r"best\.safetensors is damaged"):
        restore(run, "cpu")


def test_other_items_than_the_runs_are_one_sentence(run):
    items = run.items
    items[3], items[4] = items[4], items[3]
    (run.path / "items.txt").write_text("\n".join(items) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"not those of .*items\.txt.*has changed since"):
        restore(run, "cpu")


def test_a_log_that_is_gone_is_named(run):
    text = (run.path / "config.toml").read_text(encoding="utf-8").replace("toy.txt", "gone.txt")
    (run.path / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"gone\.txt"):
        restore(run, "cpu")


def test_an_unknown_key_in_a_runs_configuration_is_named(run):
    with (run.path / "config.toml").open("a", encoding="utf-8") as file:
        file.write("probe_sample = 3\n")
    with pytest.raises(UserError, match=r"config\.toml: .*probe_sample.*'probe_samples'"):
        restore(run, "cpu")


# Devices and places


def test_auto_takes_cuda_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == torch.device("cpu")


@pytest.mark.parametrize(("wanted", "devices"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_cuda_that_is_not_there_is_one_sentence(monkeypatch, wanted, devices):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    with pytest.raises(UserError, match=rf"`device='{wanted}'`: .* {devices} CUDA devices?.*`device='cpu'`"):
        pick_device(wanted)


def test_cuda_that_is_there_is_taken(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "", "cpu:", "xpu", "meta"])
def test_a_device_that_nobody_knows_is_one_sentence(wanted):
    with pytest.raises(UserError, match=r"`device=.*auto, cpu, cuda"):
        pick_device(wanted)


def test_where_a_run_goes(tmp_path):
    (tmp_path / "my.log.txt.gz").touch()
    config = tiny_runs.tiny_config(tmp_path / "my.log.txt.gz", variant="US_X", seed=3)
    assert str(run_place(config)) == "runs/my.log/duorec-s3"
    assert run_place(config, tmp_path) == tmp_path / "duorec-s3"
    named = tiny_runs.tiny_config(tmp_path / "my.log.txt.gz", variant="ucl_scl", name="mine")
    assert str(run_place(named)) == "runs/mine/ucl+scl-s0"
    assert str(run_place(tiny_runs.tiny_config("Synthetic", variant="SCL"))) == "runs/synthetic/scl-s0"
    with pytest.raises(UserError, match=r"'synthetik'.*'synthetic'"):
        run_place(tiny_runs.tiny_config("synthetik"))


def test_a_dataset_is_loaded_as_the_configuration_says(whole):
    log = whole.config["data"]["dataset"]
    config = tiny_runs.tiny_config(log, min_item=11, name="frequent")
    dataset = load_data(config.data)
    assert dataset.name == "frequent"
    counts = np.bincount(dataset.sequences.items)[1:]
    assert counts.min() >= 11
    assert dataset.sequences.n_items < tiny_runs.ITEMS
    assert load_data(tiny_runs.tiny_config(log).data).name == "toy"


def test_the_synthetic_dataset_has_its_size_and_seed_from_the_configuration():
    def generated(**settings):
        from degen.config.settle import by_group, settle

        return load_data(settle(options=by_group({"dataset": "synthetic", **settings})).data).sequences

    small = generated(users=40, items=60)
    assert small.n_users == 40
    assert json.dumps(small.items.tolist()) == json.dumps(generated(users=40, items=60).items.tolist())
    assert small.items.tolist() != generated(users=40, items=60, data_seed=1).items.tolist()
