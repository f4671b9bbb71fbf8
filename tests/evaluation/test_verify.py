"""`degen verify`: what is whole passes, and each way to damage or mix a run is named."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_runs
from commands import mistake, result_of, run
from run_files import epochs, write_run

import degen
from degen.config.settle import by_group, settle
from degen.evaluation.verify import verify
from degen.training.loop import train


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    log = tiny_runs.write_log(folder / "toy.txt")
    for variant in ("sasrec", "scl", "bpr-mf"):
        keys = {key: value for key, value in tiny_runs.SETTINGS.items() if variant != "bpr-mf" or key in USED}
        typed = {**keys, "dataset": str(log), "variant": variant, "epochs": 2, "patience": 9}
        train(settle(options=by_group(typed)), folder / variant)
    return folder


USED = ("input_format", "min_user", "min_item", "dim", "batch_size", "learning_rate", "device", "threads")


@pytest.fixture
def out(runs, tmp_path) -> Path:
    shutil.copytree(runs / "scl", tmp_path / "scl")
    return tmp_path / "scl"


def test_whole_runs_pass(runs):
    found = verify(runs)
    assert [(Path(one.run).name, one.state, one.epochs, one.faults, one.notes) for one in found] == [
        (name, "finished", 2, [], []) for name in ("bpr-mf", "sasrec", "scl")
    ]


@pytest.mark.parametrize(
    "name", ["best.safetensors", "last.safetensors", "item_embeddings.npy", "items.txt", "metrics.jsonl"]
)
def test_a_flipped_bit_is_found_quickly(out, name):
    content = bytearray((out / name).read_bytes())
    content[-3] ^= 1
    (out / name).write_bytes(content)
    (found,) = verify(out, quick=True)
    assert any(name in fault and "SHA-256" in fault for fault in found.faults)


def swapped(out, runs):
    shutil.copy(runs / "sasrec/best.safetensors", out)


def swapped_test(out, runs):
    shutil.copy(runs / "sasrec/test.json", out)


def shorter(out, runs):
    np.save(out / "item_embeddings.npy", np.load(out / "item_embeddings.npy")[:-1])


def lost_lines(out, runs):
    (out / "metrics.jsonl").write_text((out / "metrics.jsonl").read_text().splitlines()[0] + "\n")


def other_epoch(out, runs):
    test = json.loads((out / "test.json").read_text())
    (out / "test.json").write_text(json.dumps({**test, "epoch": 3 - test["epoch"]}))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (swapped, "belongs to a run of other settings"),
        (swapped_test, "is not what best.safetensors gives|is of epoch"),
        (shorter, r"shape \[19, 8\], and items.txt lists 20"),
        (lost_lines, "metrics.jsonl has 1 lines|of an epoch that metrics.jsonl lacks"),
        (other_epoch, r"best.safetensors is of epoch . and test.json of|is of epoch"),
    ],
)
def test_a_mixed_run_is_found_without_its_checksums_too(out, runs, damage, says):
    damage(out, runs)
    (with_sums,) = verify(out)
    assert not with_sums.whole
    (out / "manifest.json").unlink()
    (found,) = verify(out)
    assert "no manifest, since an older version wrote it" in found.notes[0]
    assert len(found.faults) >= 1
    assert re.search(says, " ".join(found.faults)), found.faults


def test_outputs_inside_a_run_are_compared_with_their_lists(out):
    run("export", out)
    run("export", out, "--to", "npy")
    (out / "export/mine.txt").write_text("mine", encoding="utf-8")
    (out / "export/targets.npy").unlink()
    assert verify(out)[0].whole
    (out / "export/users.txt").write_text("other\n", encoding="utf-8")
    (out / "export/npy/items.txt").write_text("other\n", encoding="utf-8")
    (found,) = verify(out)
    assert [fault.split()[0] for fault in found.faults] == [
        str(out / "export/users.txt"),
        str(out / "export/npy/items.txt"),
    ]
    assert "write it again with `force=True`" in found.faults[0]
    typed = run("verify", out).stdout
    assert "write it again with --force" in typed
    assert "`" not in typed + json.dumps(json.loads(run("verify", out, "--json").stdout)[0]["faults"])


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("item_embeddings.npy", [("analyze",), ("export", "--to", "npy"), ("plot-svd",)]),
        ("items.txt", [("export", "--to", "word2vec")]),
        ("best.safetensors", [("evaluate",), ("export",)]),
    ],
)
def test_a_damaged_file_is_named_and_not_used(out, capfd, name, commands):
    content = bytearray((out / name).read_bytes())
    content[-3] ^= 1
    (out / name).write_bytes(content)
    for command, *options in commands:
        said = mistake(capfd, command, out, *options)
        assert f"{out / name} is damaged or was changed" in said
        assert "--overwrite" in said
    assert not (out / "export").exists()


def test_edited_results_and_a_lost_configuration_are_listed_as_damaged(runs, out):
    shutil.copytree(out, out.parent / "edited")
    shutil.copytree(out, out.parent / "lost")
    test = json.loads((out / "test.json").read_text())
    (out.parent / "edited/test.json").write_text(json.dumps({**test, "HR@5": 0.9}))
    (out.parent / "lost/config.toml").unlink()
    listed = {Path(row["run"]).name: row["state"] for row in result_of("runs", out.parent)}
    assert listed == {"edited": "damaged", "lost": "damaged", "scl": "finished"}
    ended = run("verify", out.parent, "--quick")
    assert ended.exit_code == 2
    assert f"off: {out.parent / 'lost/config.toml'} is not a file" in ended.stdout
    (found,) = verify(out.parent / "lost", quick=True)
    assert not found.whole


def test_another_log_is_found_and_a_missing_one_is_a_note(tmp_path):
    log = tiny_runs.write_log(tmp_path / "toy.txt")
    train(tiny_runs.tiny_config(log, epochs=1), tmp_path / "run")
    log.write_text(log.read_text("utf-8").replace("i07", "i08"), encoding="utf-8")
    (found,) = verify(tmp_path / "run")
    assert "has changed since" in found.faults[0]
    log.unlink()
    (found,) = verify(tmp_path / "run")
    assert found.whole
    assert "is not here: test.json was not computed again" in found.notes[0]


def test_runs_of_older_versions_and_other_loops_are_read(tmp_path, rng):
    V = rng.normal(size=(5, 3))
    write_run(tmp_path / "old", embeddings=V, metrics=epochs(1))
    with degen.Monitor(tmp_path / "gru-s0", np.arange(5)) as monitor:
        monitor.record(1, V, {"NDCG@10": 0.1})
    found = {Path(one.run).name: one for one in verify(tmp_path, quick=True)}
    assert found["gru-s0"].whole
    assert found["gru-s0"].notes == []
    assert "older version" in found["old"].notes[0]


def test_the_command_has_a_line_a_run_and_exit_code_2(out, runs):
    assert run("verify", runs / "sasrec").exit_code == 0
    (out / "items.txt").write_text("mine\n")
    ended = run("verify", runs / "sasrec", out, "--quick")
    assert ended.exit_code == 2
    lines = ended.stdout.splitlines()
    assert [line for line in lines if "off: " in line and "items.txt is damaged" in line]
    json_ended = run("verify", out, "--quick", "--json")
    assert json_ended.exit_code == 2
    assert json.loads(json_ended.stdout)[0]["whole"] is False
    assert result_of("verify", runs / "sasrec", "--quick")[0]["faults"] == []
