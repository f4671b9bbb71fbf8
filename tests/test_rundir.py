"""Run directories: what counts as one, and the errors of damaged ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from degen.errors import UserError
from degen.files import writing
from degen.runs import directory
from degen.runs.directory import RunDirectory, find_runs, is_run, read_metrics

CONFIG = """[data]
dataset = "toy"
name = "toy"
[objective]
variant = "ucl+scl"
[training]
seed = 7
"""


@pytest.fixture
def run(tmp_path) -> RunDirectory:
    return make_run(tmp_path / "run")


def make_run(folder: Path) -> RunDirectory:
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return RunDirectory(folder)


def test_a_run_says_what_it_is(run):
    assert (run.variant, run.dataset, run.seed, run.state) == ("ucl+scl", "toy", 7, "unfinished")
    assert run.metrics == []
    (run.path / "test.json").write_text('{"HR@5": 0.25, "epoch": 3}', encoding="utf-8")
    assert run.state == "finished"
    assert run.test == {"HR@5": 0.25, "epoch": 3}


def test_a_run_gives_its_arrays_and_items(run):
    np.save(run.path / "item_embeddings.npy", np.eye(3, 2, dtype=np.float32))
    np.save(run.path / "item_frequency.npy", np.array([3, 0, 1]))
    (run.path / "items.txt").write_text("0007\nNA\nitem with spaces\n", encoding="utf-8")
    assert run.item_embeddings.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert run.item_frequency.tolist() == [3, 0, 1]
    assert run.items == ["0007", "NA", "item with spaces"]


def test_ids_with_other_line_separators_stay_one_line(run):
    ids = ["a\u2028b", "c\x0bd", "e\x85f", ""]
    writing.write_lines(run.path / "items.txt", ids)
    assert run.items == ids


@pytest.mark.parametrize("name", ["item_embeddings", "item_frequency", "items", "test"])
def test_what_is_not_there_yet_is_named_with_the_mend(run, name):
    with pytest.raises(UserError, match=rf"{name}\.\w+ does not exist yet; .*`resume=True`"):
        getattr(run, name)


def test_what_a_finished_run_lacks_was_lost(run):
    (run.path / "test.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"items\.txt is missing; put it back, or train again"):
        _ = run.items


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"hello", b"PK\x03\x04junk"])
def test_a_damaged_array_is_named(run, content):
    (run.path / "item_embeddings.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"item_embeddings\.npy is not a readable"):
        _ = run.item_embeddings


def test_a_pickled_array_is_refused(run):
    with (run.path / "item_embeddings.npy").open("wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"item_embeddings\.npy"):
        _ = run.item_embeddings


def test_a_damaged_test_json_is_named(run):
    (run.path / "test.json").write_text('{"HR@5": ', encoding="utf-8")
    with pytest.raises(UserError, match=r"test\.json cannot be read \(it is not JSON.*`overwrite=True`"):
        _ = run.test


def test_a_configuration_without_the_key_is_named(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.toml").write_text("[objective]\nrecipe = 1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.toml has no objective\.variant"):
        _ = RunDirectory(folder).variant
    with pytest.raises(UserError, match=r"config\.toml has no training\.seed"):
        _ = RunDirectory(folder).seed
    (folder / "config.toml").write_text("[objective", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.toml cannot be read as TOML"):
        _ = RunDirectory(folder).variant


def test_binary_items_are_one_sentence(run):
    (run.path / "items.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match=r"items\.txt cannot be read as text"):
        _ = run.items


# metrics.jsonl


def test_metrics_are_a_dictionary_a_line(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1}\n{"epoch": 2, "x": null}\n', encoding="utf-8")
    assert read_metrics(tmp_path) == [{"epoch": 1}, {"epoch": 2, "x": None}]


@pytest.mark.parametrize("line", ['{"epoch": 2', "", "epoch 2", "[1, 2]", "7"])
def test_a_damaged_line_is_named_by_its_number(tmp_path, line):
    (tmp_path / "metrics.jsonl").write_text(f'{{"epoch": 1}}\n{line}\n{{"epoch": 3}}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"metrics\.jsonl line 2 "):
        read_metrics(tmp_path)


def test_a_binary_metrics_file_is_one_sentence(tmp_path):
    (tmp_path / "metrics.jsonl").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match=r"metrics\.jsonl"):
        read_metrics(tmp_path)


# Finding runs


def test_runs_are_found_below_a_folder_in_order_of_their_paths(tmp_path):
    for name in ("toy/scl-s1", "toy/scl-s0", "beauty/duorec-s0"):
        make_run(tmp_path / name)
    (tmp_path / "toy" / "figures").mkdir()
    found = [str(run.path.relative_to(tmp_path)) for run in find_runs(tmp_path)]
    assert found == ["beauty/duorec-s0", "toy/scl-s0", "toy/scl-s1"]
    assert [run.path.name for run in find_runs(tmp_path / "toy" / "scl-s1")] == ["scl-s1"]


def test_a_config_of_something_else_is_no_run(tmp_path):
    make_run(tmp_path / "run")
    for name, text in (("other", "[tool]\nx = 1\n"), ("broken", "[obj"), ("binary", "\xff\x00")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_bytes(text.encode("latin-1"))
        assert not is_run(tmp_path / name)
    assert [run.path.name for run in find_runs(tmp_path)] == ["run"]


def test_a_folder_without_runs_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match=r"no run under .*degen train"):
        find_runs(tmp_path)


def test_a_path_that_is_not_there_or_a_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere does not exist; .*degen train"):
        find_runs(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file; give a run"):
        find_runs(tmp_path / "file")


def test_metrics_are_a_line_an_epoch_and_never_nan(tmp_path):
    directory.write_metrics(tmp_path, [{"epoch": 1, "alignment": None}, {"epoch": 2, "loss": 0.1}])
    lines = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"epoch": 1, "alignment": None},
        {"epoch": 2, "loss": 0.1},
    ]
    with pytest.raises(ValueError, match="JSON"):
        directory.write_metrics(tmp_path, [{"epoch": 1, "loss": float("nan")}])
    assert len((tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 2
