"""`degen paper` as users type it: lists, runs, budgets, tables with the published values, and mistakes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import mistake, result_of, run

from degen.errors import UserError
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
    told = r"range of \S+ ([\d.]+), without noise ([\d.]+) to ([\d.]+), against ([\d.]+)"
    numbers = [tuple(map(float, found)) for found in re.findall(told, verdict["measured"])]
    assert len(numbers) == 4
    flat = all(upper < margin for _, _, upper, margin in numbers)
    apart = any(lower > margin for _, lower, _, margin in numbers)
    assert verdict["verdict"] == ("holds" if flat else "does not hold" if apart else "cannot be told")
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
    assert {verdict["verdict"] for verdict in found["verdicts"]} == {"cannot be told"}
    assert all(verdict["measured"].startswith("one seed: not judged") for verdict in found["verdicts"])
    assert {verdict["target"] for verdict in found["verdicts"]} == {"table2", "fig5"}
    assert {"fig5-synthetic.pdf", "table2.tex"} <= {Path(path).name for path in found["files"]}


@pytest.mark.parametrize(
    ("text", "seconds"), [("20h", 72000), ("90m", 5400), ("45s", 45), ("1h30m", 5400), ("0.5H", 1800)]
)
def test_budgets_are_lengths_of_time(text, seconds):
    assert parse_budget(text) == seconds


def spent_budget():
    budget = Budget(1e-9)
    while not budget.spent:
        pass
    return budget


def test_a_spent_budget_interrupts_each_study_once():
    budget = spent_budget()
    for _ in range(2):
        interrupt = budget.interrupt()
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        assert interrupt()
    assert not Budget().interrupt()()
    assert not Budget().spent


def test_no_target_is_trained_after_the_budget_is_spent(small, monkeypatch):
    from degen.cli import paper_runs
    from degen.paper import launch
    from degen.sweeps.run import StudyRun
    from degen.sweeps.status import Status

    trained = []

    def run_target(target, study, out, how, budget, *_):
        trained.append(target.name)
        while not budget.spent:
            pass
        return StudyRun(Status([], [], [], []), None)

    monkeypatch.setattr(launch, "run_target", run_target)
    monkeypatch.setattr(paper_runs, "print_collection", lambda *a, **k: None)
    told = run(
        "paper", "run", "fig7", "fig14", "--datasets", "synthetic", "--budget", "0.01s", "--out", small
    )
    assert trained == ["fig7"]
    assert "the budget is spent before fig14; continue with the same command" in told.stderr


def test_a_budget_that_is_spent_before_the_first_worker_ends_in_order(small):
    words = ("--datasets", "synthetic", "--budget", "0.001s", "--workers", "1", "--out", small)
    told = run("paper", "run", "fig7", *words)
    assert "the budget is spent; 0 of 9 runs of fig7 done; continue with the same command" in told.stderr
    assert (small / "fig7" / "plan.jsonl").exists()


def test_a_log_that_is_named_by_its_path_has_cells_in_a_dry_run(tmp_path, monkeypatch):
    from degen.sweeps import estimate

    monkeypatch.setattr(estimate, "estimate", lambda *a: estimate.Estimate(0.0, False, 0, []))
    log = tmp_path / "my.txt"
    log.write_text("".join(f"u{user} a b c d e f\n" for user in range(8)), encoding="utf-8")
    found = result_of("paper", "run", "fig5", "--datasets", log, "--dry-run", "--out", tmp_path / "paper")
    assert found["targets"] == [
        {"target": "fig5", "dataset": "my", "cells": 2, "runs": 6, "done": 0, "new": 6}
    ]


def test_options_of_slurm_and_of_collecting_are_passed_on(small, monkeypatch):
    from degen.sweeps import run as sweeps_run

    words = ("fig5", "--datasets", "synthetic", "--workers", "3", "--out", small)
    found = result_of("paper", "run", *words, "--engine", "slurm", "--sbatch", "--time=1:00:00", "--print")
    assert "#SBATCH --time=1:00:00" in found[0]["script"]
    assert "#SBATCH --array=1-3" in found[0]["script"]
    assert (small / "fig5" / "plan.jsonl").exists()
    given = {}

    def run_study(study, folder, **options):
        given.update(options)
        raise UserError("enough")

    monkeypatch.setattr(sweeps_run, "run_study", run_study)
    with pytest.raises(UserError, match="enough"):
        run("paper", "run", *words, "--accept-versions", "--sbatch", "--time=2:00:00")
    assert given["accept_versions"] is True
    assert given["sbatch"] == "--time=2:00:00"


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
