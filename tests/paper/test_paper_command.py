"""`degen paper` as users type it: lists, runs, budgets, tables with the published values, and mistakes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import mistake, result_of, run

from degen.paper import targets as package
from degen.paper.launch import Budget, parse_budget
from degen.paper.targets import NAMES, target


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Targets whose runs on the generated log take a second: 120 users, two epochs, two values of λ."""
    folder = tmp_path / "targets"
    folder.mkdir()
    for name in NAMES:
        text = (Path(package.__file__).parent / f"{name}.toml").read_text(encoding="utf-8")
        for old, new in (
            ("[per_dataset.synthetic]", "[per_dataset.synthetic]\ndata = {users = 120, items = 60}"),
            ("epochs = 3, min_epochs = 2", "epochs = 2, min_epochs = 1"),
            ("values = [0.1, 0.2, 0.3, 0.4, 0.5]", "values = [0.1, 0.5]"),
            ("values = [0.1, 0.3, 0.6, 1, 3, 6]", "values = [1, 6]"),
        ):
            text = text.replace(old, new)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(package, "_file", lambda name: folder / f"{name}.toml")
    return tmp_path / "paper"


ON_TWO_SEEDS = ("--datasets", "synthetic", "--seeds", "0-1", "--workers", "2", "--oversubscribe", "--quiet")


def test_list_of_an_empty_folder_has_every_target_and_no_pytorch(tmp_path):
    words = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "degen",
        "paper",
        "list",
        "--json",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    rows = json.loads(done.stdout)
    assert {row["target"] for row in rows} == set(NAMES)
    fig7 = [row for row in rows if row["target"] == "fig7"]
    assert [row["dataset"] for row in fig7] == ["beauty", "clothing", "sports", "ml-1m", "yelp"]
    assert {(row["runs"], row["done"], row["missing"], row["hours"]) for row in fig7} == {(18, 0, 18, None)}
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "degen" in imported
    assert not imported & {"torch", "pandas", "matplotlib", "scipy", "sklearn", "seaborn"}


@pytest.mark.slow
def test_fig7_has_figure_table_and_verdict_and_its_runs_count_for_fig14(small):
    found = result_of("paper", "run", "fig7", *ON_TWO_SEEDS, "--out", small)
    names = {Path(path).name for path in found["files"]}
    assert {"fig7.csv", "fig7.tex", "verdicts.md", "fig7-synthetic.pdf", "fig7-synthetic.png"} <= names
    with (small / "results" / "fig7.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["variant"], row["lambda"], row["seed"]) for row in rows) == [
        ("duorec", "0.1", "0"),
        ("duorec", "0.1", "1"),
        ("duorec", "0.5", "0"),
        ("duorec", "0.5", "1"),
        ("sasrec", "", "0"),
        ("sasrec", "", "1"),
    ]
    (verdict,) = found["verdicts"]
    assert verdict["claim"] == "duorec's accuracy does not depend on λ"
    assert (verdict["seeds"], verdict["dataset"]) == (2, "synthetic")
    assert verdict["verdict"] in ("holds", "does not hold")
    assert "n = 2 seeds" in verdict["measured"]
    assert verdict["measured"] in (small / "verdicts.md").read_text(encoding="utf-8")

    standing = [row for row in result_of("paper", "list", "--out", small) if row["dataset"] == "synthetic"]
    assert [(row["target"], row["runs"], row["done"]) for row in standing] == [("fig7", 6, 6)]
    dry = result_of("paper", "run", "fig14", *ON_TWO_SEEDS[:4], "--dry-run", "--out", small)
    assert dry["targets"] == [
        {"target": "fig14", "dataset": "synthetic", "cells": 3, "runs": 6, "done": 4, "new": 2}
    ]


@pytest.mark.slow
def test_one_seed_is_not_judged_and_table2_shows_published_values(small):
    found = result_of("paper", "run", "table2", "fig5", *ON_TWO_SEEDS, "--seeds", "0", "--out", small)
    assert {verdict["verdict"] for verdict in found["verdicts"]} == {"not judged"}
    assert all(verdict["measured"].startswith("one seed: not judged") for verdict in found["verdicts"])
    assert {verdict["target"] for verdict in found["verdicts"]} == {"table2", "fig5"}
    assert {"fig5-synthetic.pdf", "table2.tex"} <= {Path(path).name for path in found["files"]}


@pytest.mark.parametrize(
    ("text", "seconds"), [("20h", 72000), ("90m", 5400), ("45s", 45), ("1h30m", 5400), ("0.5H", 1800)]
)
def test_budgets_are_lengths_of_time(text, seconds):
    assert parse_budget(text) == seconds


def test_a_spent_budget_stops_as_ctrl_c_does_and_only_once():
    budget = Budget(1e-9)
    while not budget.spent:
        pass
    with pytest.raises(KeyboardInterrupt):
        budget.stop_once()
    budget.stop_once()
    Budget().stop_once()
    assert not Budget().spent


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "fgi7"], "the paper has no target 'fgi7'; did you mean 'fig7'?"),
        (["run", "fig7", "--datasets", "beuty"], "unknown dataset 'beuty'; did you mean 'beauty'?"),
        (["run", "fig7", "--datasets", "yelp"], "yelp is not here; download yelp_academic"),
        (["run", "fig7", "--datasets", ","], "--datasets is empty; name datasets, separated by commas"),
        (["run", "fig7", "--budget", "20x"], "--budget '20x' is no length of time; write it as 20h, 90m or"),
        (["run", "fig7", "--budget", ""], "--budget '' is no length of time"),
        (["run", "fig7", "--budget", "0h"], "--budget '0h' is no length of time"),
        (
            ["run", "fig7", "--datasets", "synthetic", "--seeds", "2-0"],
            "--seeds 2-0: the range 2-0 goes down",
        ),
        (["run", "fig7", "--datasets", "synthetic", "--engine", "dusk"], "did you mean 'dask'?"),
        (
            ["run", "fig7", "--datasets", "synthetic", "--workers", "0"],
            "--workers is 0; it must be 1 or more",
        ),
        (["collect"], "no target has been run in"),
        (["collect", "fig77"], "the paper has no target 'fig77'; did you mean 'fig7'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_sentence_and_write_nothing(words, sentence, capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("DEGEN_DATA", str(tmp_path))
    out = tmp_path / "paper"
    assert sentence in mistake(capfd, "paper", *words, "--out", out)
    assert not out.exists()


def test_help_names_the_commands():
    shown = run("paper", "--help").stdout
    assert all(name in shown for name in ("list", "run", "all", "collect", "check-table2"))
    assert target("fig7").source == "Fig. 7"
