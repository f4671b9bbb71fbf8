"""`degen export` of several runs: a folder each, and one bad run does not lose the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
from commands import mistake, result_of, run

from degen.training.loop import train


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    log = tiny_runs.write_log(folder / "toy.txt")
    for name in ("sasrec", "scl"):
        train(tiny_runs.tiny_config(log, variant=name, epochs=1), folder / "runs" / name)
    return folder / "runs"


@pytest.fixture
def runs(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "runs"))


def test_each_run_is_exported_into_its_own_folder(runs):
    found = result_of("export", runs / "scl", runs / "sasrec")
    assert list(found["runs"]) == [str(runs / "scl"), str(runs / "sasrec")]
    assert found["failed"] == {}
    for name in ("sasrec", "scl"):
        exported, own = (np.load(runs / name / place / "ranks.npy") for place in ("export", "."))
        assert exported.tolist() == own.tolist()


def test_out_is_the_folder_above(runs, tmp_path):
    result_of("export", runs, "--to", "npy", "--out", tmp_path / "vectors")
    assert sorted(path.name for path in (tmp_path / "vectors").iterdir()) == ["sasrec", "scl"]
    V = np.load(tmp_path / "vectors" / "scl" / "item_embeddings.npy")
    assert V.tolist() == np.load(runs / "scl" / "item_embeddings.npy").tolist()


def test_runs_of_one_name_do_not_share_a_folder(runs, tmp_path):
    shutil.copytree(runs / "scl", tmp_path / "other" / "scl")
    result_of("export", runs / "scl", tmp_path / "other", "--to", "npy", "--out", tmp_path / "vectors")
    assert sorted(path.name for path in (tmp_path / "vectors").iterdir()) == ["scl", "scl-2"]


def test_a_run_that_cannot_be_exported_is_named_and_the_others_are_written(runs):
    (runs / "sasrec" / "best.safetensors").write_bytes(b"\0" * 100)
    result = run("export", runs, "--json")
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith(f"degen: {runs / 'sasrec'} is not exported: ")
    assert "--overwrite" in line
    found = json.loads(result.stdout)
    assert list(found["failed"]) == [str(runs / "sasrec")]
    assert "--overwrite" in found["failed"][str(runs / "sasrec")]
    assert (runs / "scl" / "export" / "ranks.npy").exists()
    assert not (runs / "sasrec" / "export").exists()


def test_one_run_alone_is_a_plain_mistake(runs, capfd):
    (runs / "sasrec" / "best.safetensors").write_bytes(b"\0" * 100)
    assert "best.safetensors is damaged" in mistake(capfd, "export", runs / "sasrec")


@pytest.mark.parametrize("words", [["evaluate"], ["export"], ["train", "--resume"]])
def test_an_edited_configuration_is_named(runs, words, capfd, tmp_path):
    config = runs / "scl" / "config.toml"
    text = config.read_text()
    log = runs.parent / "toy.txt"
    tiny_runs.write_log(log)
    # A log that has moved is the same log.
    config.write_text(text.replace('dataset = "', f'dataset = "{log}" # "'))
    assert run("evaluate", runs / "scl").exit_code == 0
    config.write_text(text.replace("temperature = 1.0", "temperature = 0.5"))
    place = [runs / "scl"]
    if words[0] == "train":
        place = ["--config", config, "--out", runs / "scl", "--epochs", "2"]
    told = mistake(capfd, *words, *place)
    assert f"{config} was changed since degen wrote it, and the run was trained with other settings" in told


def test_analyze_leaves_a_run_of_an_edited_configuration_out(runs):
    config = runs / "scl" / "config.toml"
    config.write_text(config.read_text().replace("temperature = 1.0", "temperature = 0.5"))
    result = run("analyze", runs, "--measures", "average_cosine")
    assert result.exit_code == 0
    assert "scl/config.toml was changed since degen wrote it" in result.stderr
    assert result_of("runs", runs)[1]["state"] == "damaged"
