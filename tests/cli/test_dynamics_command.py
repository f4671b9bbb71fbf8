"""`degen dynamics` as users type it: what was recorded, what kept embeddings tell, what is missing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from run_files import epochs, write_run
from typer.testing import CliRunner, Result

from degen.cli.commands import figures
from degen.errors import UserError

app = typer.Typer()
app.command("dynamics")(figures.dynamics)


@app.callback()
def _root() -> None:
    pass


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["dynamics", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, UserError | SystemExit):
        raise result.exception
    return result


def rows(count: int, ratio: float) -> list[dict]:
    return [row | {"sigma2_ratio": ratio + row["epoch"] / 100} for row in epochs(count)]


@pytest.fixture
def runs(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Two variants of four and six epochs; of the first, embeddings of the epochs 2 and 4 are kept."""
    for variant, count, seed in [("sasrec", 4, 0), ("duorec", 6, 0), ("duorec", 5, 1)]:
        folder = tmp_path / "runs" / f"{variant}-s{seed}"
        write_run(folder, variant, seed=seed, metrics=rows(count, seed), embeddings=rng.normal(size=(9, 3)))
    kept = tmp_path / "runs" / "sasrec-s0" / "embeddings"
    kept.mkdir()
    for epoch in (2, 4):
        # σ = 5 epoch and 5: the stable rank is 1 + 1/epoch².
        np.save(kept / f"e{epoch:03d}.npy", np.diag([5.0 * epoch, 5, 0])[[0, 1, 2, 2, 2, 2, 2, 2, 2]])
    return tmp_path / "runs"


def table(runs: Path) -> list[dict[str, str]]:
    [path] = (runs / "figures").glob("dynamics-clothing*.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_the_epochs_recorded_is_drawn_and_written(runs: Path) -> None:
    result = run(runs, "--measures", "sigma2_ratio,valid_HR@5", "--json")
    found = json.loads(result.stdout)
    assert [Path(name).name for name in found["files"]] == [
        "dynamics-clothing-sigma2_ratio-valid_HR-5.pdf",
        "dynamics-clothing-sigma2_ratio-valid_HR-5.png",
        "dynamics-clothing-sigma2_ratio-valid_HR-5.csv",
    ]
    assert [(row["variant"], row["epochs"]) for row in found["panels"]] == [("sasrec", 4), ("duorec", 6)]
    assert found["panels"][1]["sigma2_ratio_first"] == 0.01
    assert found["panels"][1]["sigma2_ratio_last"] == 0.06
    assert [float(row["sigma2_ratio"]) for row in table(runs)][:4] == [0.01, 0.02, 0.03, 0.04]


def test_other_measures_come_from_the_embeddings_that_were_kept(runs: Path) -> None:
    result = run(runs, "--measures", "stable_rank,sigma2_ratio")
    assert "stable_rank: measured on the embeddings kept" in result.stderr
    measured = [(row["variant"], row["epoch"], row["stable_rank"]) for row in table(runs)]
    assert measured[:4] == [
        ("sasrec", "1", ""),
        ("sasrec", "2", "1.25"),
        ("sasrec", "3", ""),
        ("sasrec", "4", "1.0625"),
    ]
    assert all(value == "" for variant, _, value in measured if variant == "duorec")


def test_a_measure_without_a_value_leaves_a_gap(runs: Path) -> None:
    found = json.loads(run(runs, "--measures", "condition_number,decay_exponent", "--json").stdout)
    assert found["panels"][0]["condition_number_last"] is None
    assert found["panels"][0]["decay_exponent_last"] is None


def test_seeds_can_be_averaged(runs: Path) -> None:
    found = json.loads(run(runs, "--measures", "sigma2_ratio", "--aggregate", "mean", "--json").stdout)
    assert found["panels"][1]["seed"] == "mean"
    assert found["panels"][1]["sigma2_ratio_first"] == pytest.approx((0.01 + 1.01) / 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--measures", "stable_rnk"], "did you mean 'stable_rank'"),
        (["--seed", "0", "--aggregate", "mean"], "give one of the two"),
        (["--seed", "7"], "`seed` takes 0, 1"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(runs: Path, words: list[str], message: str) -> None:
    result = run(runs, *words)
    assert message in str(result.exception)
    assert not (runs / "figures").exists()


def test_what_no_run_can_tell_is_said(runs: Path) -> None:
    result = run(runs / "duorec-s0", "--measures", "stable_rank")
    assert "train with `keep_embeddings`" in str(result.exception)
    assert "is a file" in str(run(runs / "duorec-s0" / "metrics.jsonl").exception)


def test_the_default_leaves_out_what_runs_of_other_loops_lack(runs: Path) -> None:
    result = run(runs)
    assert "average_cosine" in result.stderr
    assert "left out" in result.stderr
    assert "sigma2_ratio" in table(runs)[0]
