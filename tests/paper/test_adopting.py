"""Runs of `degen train` that targets take over: what fits is copied and counts as done, the rest is named."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import tiny_fixtures
import tiny_runs
from commands import mistake, result_of, run
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import degen
from degen.config.settle import by_group
from degen.evaluation.restore import restore
from degen.paper import adopting
from degen.paper.adopting import adopt
from degen.paper.targets import target
from degen.runs.directory import RunDirectory
from degen.sweeps.claims import claim_of, take
from degen.sweeps.collect import collect
from degen.sweeps.study import Study

log = tiny_fixtures.log

SETTINGS = {**tiny_runs.SETTINGS, "epochs": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory, log):
    """Runs of SASRec with two seeds, and one with another λ."""
    out = tmp_path_factory.mktemp("made")
    degen.train_many(["sasrec"], log, out, seeds=(0, 1), **SETTINGS)
    degen.train("scl", log, out / "scl-other", lam=0.3, **SETTINGS)
    return out


@pytest.fixture
def wanted(log):
    """A target that wants two seeds of SASRec and of SCL."""
    groups = by_group({key: value for key, value in SETTINGS.items() if key != "dropout"})
    rates = dict.fromkeys(("embedding_dropout", "hidden_dropout", "attention_dropout"), SETTINGS["dropout"])
    groups["model"] = {**groups["model"], **rates}
    study = Study.of_values(
        {
            "datasets": (str(log),),
            "seeds": (0, 1),
            "base": groups,
            "axes": {"variant": {"key": "objective.variant", "values": ["sasrec", "scl"]}},
        }
    )
    return target("table2"), study


def test_runs_that_fit_are_copied_and_done_and_the_others_named(made, wanted, tmp_path):
    found = adopt([wanted], [made], tmp_path)
    assert [(method, seed) for _, method, seed in found.taken["table2"]] == [("sasrec", 0), ("sasrec", 1)]
    assert [re.sub(r"\S+/", "", note) for note in found.notes] == [
        "1 run of other settings, logs or methods than these targets: scl-other"
    ]
    results = collect(tmp_path / "table2", figures=False).results
    there = [json.loads((made / f"sasrec-s{seed}" / "test.json").read_text()) for seed in (0, 1)]
    assert results["test_HR@10"].tolist() == [values["HR@10"] for values in there]
    # Again: they are there already, and stay where they were made.
    assert adopt([wanted], [made], tmp_path).taken == found.taken
    assert RunDirectory(made / "sasrec-s0").state == "finished"


@pytest.fixture
def older(made, tmp_path):
    """A run that an older version wrote: it counts ties by half, without a key, ranks or a manifest.

    Ties are frequent, since all of its items but three have one embedding.
    """
    path = tmp_path / "older" / "sasrec-s0"
    shutil.copytree(made / "sasrec-s0", path)
    weights = load_file(path / "best.safetensors")
    weights["item_embeddings"][4:] = weights["item_embeddings"][4]
    np.save(path / "item_embeddings.npy", weights["item_embeddings"][1:21].numpy())
    with safe_open(path / "best.safetensors", "pt") as file:
        save_file(weights, path / "best.safetensors", file.metadata())
    config = path / "config.toml"
    config.write_text(config.read_text().replace('ties = "expected"\n', ""))
    for name in ("ranks.npy", "tied.npy", "users.txt", "manifest.json"):
        (path / name).unlink()
    assert RunDirectory(path).ties == "half"
    half = restore(RunDirectory(path), "cpu").metrics("test")
    (path / "test.json").write_text(json.dumps({key: half[key] for key in half if key != "ties"}))
    return RunDirectory(path)


def test_a_run_that_counted_ties_otherwise_is_counted_as_the_target_does(older, wanted, tmp_path):
    lines = (older.path / "metrics.jsonl").read_text()
    found = adopt([wanted], [older.path], tmp_path / "paper")
    results = collect(tmp_path / "paper" / "table2", figures=False).results
    expected = restore(older, "cpu").counting("expected").metrics("test")
    assert results["ties"].tolist() == ["expected"]
    assert results["test_HR@10"].tolist() == [expected["HR@10"]]
    assert abs(expected["HR@10"] - older.test["HR@10"]) > 0.01
    (told,) = found.notes
    assert told.endswith(
        "counts ties by 'half', and the target by 'expected': its test targets are ranked again; "
        "its validation and best epoch keep 'half'"
    )
    [taken] = map(RunDirectory, (tmp_path / "paper" / "cells").rglob("*-s0"))
    assert (taken.test["ties"], taken.ties) == ("expected", "expected")
    assert (taken.path / "metrics.jsonl").read_text() == lines
    (verified,) = degen.verify(taken.path)
    assert verified.whole, verified.faults
    # The run itself stays as it was, and a second time nothing is left to count.
    assert older.ties == RunDirectory(older.path).ties == "half"
    assert adopt([wanted], [older.path], tmp_path / "paper").notes == []


@pytest.mark.parametrize("lost", ["missing", "of another result"])
def test_without_its_weights_a_run_is_taken_as_it_is(older, wanted, tmp_path, lost):
    if lost == "missing":
        (older.path / "best.safetensors").unlink()
    else:
        test = older.path / "test.json"
        test.write_text(json.dumps(json.loads(test.read_text()) | {"NDCG@10": 0.999}))
    there = json.loads((older.path / "test.json").read_text())["HR@10"]
    found = adopt([wanted], [older.path], tmp_path / "paper")
    results = collect(tmp_path / "paper" / "table2", figures=False).results
    assert (results["ties"].tolist(), results["test_HR@10"].tolist()) == (["half"], [there])
    (told,) = found.notes
    assert "counts ties by 'half', and the target by 'expected': " in told
    assert ("best.safetensors is missing" if lost == "missing" else "do not give") in told


@pytest.mark.parametrize("first", ["older", "newer"])
def test_of_two_runs_of_a_cell_that_which_counts_ties_alike_is_taken(made, older, wanted, tmp_path, first):
    folders = [older.path, made / "sasrec-s0"]
    found = adopt([wanted, wanted], folders if first == "older" else folders[::-1], tmp_path / "paper")
    [taken] = map(RunDirectory, (tmp_path / "paper" / "cells").rglob("*-s0"))
    assert taken.test == RunDirectory(made / "sasrec-s0").test
    assert found.notes == [
        f"left out: {older.path} has log, settings and seed of {made / 'sasrec-s0'}, which is taken"
    ]


def test_a_copy_that_breaks_off_leaves_nothing(made, wanted, tmp_path, monkeypatch):
    def broken(source, place):
        place.mkdir(parents=True)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(adopting.shutil, "copytree", broken)
        with pytest.raises(degen.errors.UserError, match=r"No space left.*free some space"):
            adopt([wanted], [made], tmp_path)
    assert not list((tmp_path / "cells").rglob("*-s0*"))
    assert len(adopt([wanted], [made], tmp_path).taken["table2"]) == 2


def test_a_folder_without_runs_is_told(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    told = mistake(capfd, "paper", "adopt", tmp_path / "empty", "--datasets", "synthetic", "--out", tmp_path)
    assert "no run under" in told


@pytest.mark.parametrize("state", ["unfinished", "no run", "claimed", "other settings"])
def test_what_lies_at_the_place_of_a_run_is_neither_lost_nor_taken_for_it(made, wanted, tmp_path, state):
    adopt([wanted], [made / "sasrec-s0"], tmp_path)
    [place] = (tmp_path / "cells").rglob("*-s0")
    shutil.rmtree(place)
    place.mkdir()
    (place / "begun").touch()
    if state == "unfinished":
        shutil.copytree(made / "sasrec-s0", place, dirs_exist_ok=True)
        (place / "test.json").unlink()
    elif state == "other settings":
        shutil.copytree(made / "scl-other", place, dirs_exist_ok=True)
    elif state == "claimed":
        assert take(claim_of(place))
    found = adopt([wanted], [made / "sasrec-s0"], tmp_path)
    told = {
        "unfinished": "is there, unfinished; move it away, or let `degen paper run` finish it",
        "no run": "is there and is no run; move it away",
        "claimed": "is being trained; adopt again once it is finished",
        "other settings": "",
    }[state]
    assert [note for note in found.notes if note.startswith("not taken: ") and told in note]
    assert str(place) in " ".join(found.notes)
    assert found.taken == {"table2": []}
    assert (place / "begun").exists()


def test_damaged_and_unfinished_runs_are_named_and_no_target_is_planned_for_nothing(made, wanted, tmp_path):
    shutil.copytree(made / "sasrec-s0", tmp_path / "runs" / "unfinished")
    (tmp_path / "runs" / "unfinished" / "test.json").unlink()
    shutil.copytree(made / "sasrec-s0", tmp_path / "runs" / "damaged")
    (tmp_path / "runs" / "damaged" / "test.json").write_text("{")
    found = adopt([wanted], [tmp_path / "runs"], tmp_path / "out")
    assert len(found.notes) == 2
    assert {"damaged", "unfinished"} <= set(re.findall(r"runs/(\w+)", " ".join(found.notes)))
    assert not (tmp_path / "out").exists()


def test_the_command_shows_what_was_taken(made, wanted, tmp_path, monkeypatch):
    monkeypatch.setattr("degen.paper.launch.choose_targets", lambda *_: [wanted])
    assert result_of("paper", "adopt", made, "--out", tmp_path)[1]["method"] == "sasrec"
    lines = run("paper", "adopt", made, "--out", tmp_path).stdout.splitlines()
    assert [line.split()[0::2] for line in lines if line.startswith("table2")] == [["table2", "sasrec"]] * 2
    assert run("paper", "adopt", made / "scl-other", "--out", tmp_path).stdout == "no run is taken\n"
