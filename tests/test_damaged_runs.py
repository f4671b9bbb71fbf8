"""Damaged files of runs: one sentence each, and one bad run does not hide the others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import mistake, result_of
from run_files import epochs, trace, write_run

from degen.cli.app import app
from degen.errors import UserError
from degen.runs.best import best_row

DEEP = "[" * 5000 + "]" * 5000

DAMAGE = {
    "test one": ("test.json", "1"),
    "test list": ("test.json", "[[1]]"),
    "test deep": ("test.json", '{"HR@5": ' + DEEP + "}"),
    "test nan": ("test.json", '{"HR@5": NaN}'),
    "test word list": ("test.json", '{"HR@5": [1]}'),
    "environment one": ("environment.json", "1"),
    "environment nan": ("environment.json", '{"x": NaN}'),
    "metrics deep": ("metrics.jsonl", DEEP + "\n"),
    "metrics list": ("metrics.jsonl", '{"epoch": 1, "valid_HR@5": [1]}\n'),
    "metrics word": ("metrics.jsonl", '{"epoch": 1, "uniformity": "x"}\n'),
    "metrics no epoch": ("metrics.jsonl", '{"valid_HR@5": 0.1}\n'),
    "metrics latin": ("metrics.jsonl", b"\xff\xfe"),
    "trace empty": ("trace.jsonl", '{"epoch": 1}\n'),
    "trace bucket": (
        "trace.jsonl",
        '{"epoch": 1, "context_concentration": 1, "step_energy": 1, "step_effective_rank": 1, '
        '"buckets": [{}]}',
    ),
    "config list": ("config.toml", "objective = []\n[data]\nname = 'x'\n[training]\nseed = 1\n"),
    "config seed": (
        "config.toml",
        "[objective]\nvariant = 'scl'\n[data]\nname = 'x'\n[training]\nseed = 'x'\n",
    ),
    "config toml": ("config.toml", "[objective"),
    "config deep": ("config.toml", f"x = {DEEP}"),
    "test folder": ("test.json", None),
    "metrics folder": ("metrics.jsonl", None),
    "config folder": ("config.toml", None),
    "environment folder": ("environment.json", None),
    "items folder": ("items.txt", None),
    "trace folder": ("trace.jsonl", None),
}


@pytest.fixture
def folder(tmp_path, rng) -> Path:
    for variant in ("duorec", "sasrec"):
        V = rng.normal(size=(12, 4))
        run = write_run(tmp_path / "runs" / variant, variant, embeddings=V, metrics=epochs(2), trace=trace(2))
        (run / "environment.json").write_text("{}", encoding="utf-8")
    return tmp_path / "runs"


def damage(run: Path, name: str, content: str | bytes | None) -> None:
    (run / name).unlink()
    if content is None:
        (run / name).mkdir()
    else:
        (run / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("name", DAMAGE)
def test_one_bad_run_is_a_line_of_the_list_and_not_its_end(folder, capfd, name):
    damage(folder / "sasrec", *DAMAGE[name])
    rows = result_of("runs", folder)
    assert [Path(row["run"]).name for row in rows] == ["duorec", "sasrec"]
    assert rows[0]["state"] == "finished"
    if name not in ("environment one", "environment nan", "environment folder", "items folder") and not (
        name.startswith("trace")
    ):
        assert rows[1]["state"] == "damaged"


@pytest.mark.parametrize("command", ["dynamics", "uniformity", "mechanism", "plot-svd", "compare"])
@pytest.mark.parametrize("name", ["test one", "metrics deep", "trace bucket", "config seed", "config folder"])
def test_one_bad_run_is_left_out_with_a_note_or_told_of(folder, tmp_path, capfd, command, name):
    from typer.testing import CliRunner

    damage(folder / "sasrec", *DAMAGE[name])
    words = [command, str(folder), "--out", str(tmp_path / "out"), *(["--format", "png"])]
    ended = CliRunner().invoke(app, words)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        assert isinstance(ended.exception, UserError), ended.exception
        assert command == "compare"  # one run is left, which has nothing to be compared with
    else:
        assert ended.exit_code == 0
    if command in ("dynamics", "uniformity", "mechanism"):
        assert "left out: " in ended.stderr
    bad = str(folder / "sasrec")
    if command in ("dynamics", "uniformity", "mechanism"):
        assert bad in mistake(capfd, command, bad, "--out", tmp_path / "out")


def test_the_line_without_the_metric_is_named():
    rows = [{"epoch": 1, "valid_NDCG@10": 0.1}, {"epoch": 2}]
    with pytest.raises(UserError, match=r"epoch 2 in metrics\.jsonl lacks valid_NDCG@10"):
        best_row(rows, "NDCG@10")


def test_a_damaged_run_does_not_end_the_collecting_of_a_study(tmp_path, monkeypatch):
    pytest.importorskip("pandas", reason="needs pandas")
    from degen.runs.directory import RunDirectory
    from degen.sweeps.collect import collect

    out = tmp_path / "study"
    (out / "done").mkdir(parents=True)
    (out / "study.toml").write_text("[study]\ndatasets = ['clothing']\n", encoding="utf-8")
    lines = []
    for seed in range(3):
        run = write_run(
            tmp_path / f"cells/s{seed}",
            seed=seed,
            embeddings=np.eye(4),
            metrics=[{**row, "valid_NDCG@10": 0.1} for row in epochs(2)],
        )
        config = {
            "objective": {"variant": "duorec"},
            "data": {"name": "clothing"},
            "training": {"seed": seed},
        }
        line = {"id": "a" * 10, "dataset": "clothing", "seed": seed, "run": f"../cells/s{seed}", "axes": {}}
        lines.append(json.dumps({**line, "control": None, "config": config}))
        (out / "done" / f"{'a' * 10}-s{seed}").write_text("{}", encoding="utf-8")
        assert RunDirectory(run).state == "finished"
    (out / "plan.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "cells/s1/test.json").write_text("[[1]]", encoding="utf-8")
    (out / "done" / f"{'a' * 10}-s2").write_text("[" * 9999, encoding="utf-8")
    found = collect(out, figures=False)
    assert found.results["seed"].tolist() == [0, 2]
    assert [note for note in found.notes if "-s1 is left out: " in note and "test.json" in note]
