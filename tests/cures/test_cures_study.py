"""The study of cures: what is planned and measured, the page and the figure; and all of it once, small."""

from __future__ import annotations

import csv
import math
import runpy
import subprocess
import sys
from pathlib import Path
from unittest import mock

import drawn
import numpy as np
import pytest
from cureslib.figure import accuracy_figure
from cureslib.measure import VALUES, over_seeds
from cureslib.methods import KIND_OF, KINDS, METHODS, planned
from cureslib.page import page

from degen.analysis import average_cosine, effective_rank
from degen.errors import UserError
from degen.model.variants import MITIGATIONS
from degen.plots.style import figure_style, figure_width
from degen.runs.directory import RunDirectory, find_runs

STUDY = Path(__file__).parents[2] / "experiments" / "cures"


# What is planned


def test_every_cure_is_trained_beside_sasrec_and_duorec():
    assert set(METHODS) == {"sasrec", "duorec", "sgd", "eps-1e-4", *MITIGATIONS}


def test_all_methods_have_one_budget(tmp_path):
    configs = {
        place.name: config.model_dump()
        for config, place in planned("beauty", list(METHODS), [0, 1], tmp_path, {})
    }
    assert len(configs) == 2 * len(METHODS)
    for name, config in configs.items():
        assert config["training"].pop("item_optimizer") == ("sgd" if name.startswith("sgd") else "adam")
        assert config["training"].pop("adam_eps") == (1e-4 if name.startswith("eps") else 1e-8)
        assert config["training"].pop("seed") == int(name[-1])
        assert config["objective"].pop("variant") in (name[:-3], "sasrec")
    first, *others = configs.values()
    assert all(config == first for config in others)
    assert first["training"]["epochs"] == 30


def test_an_unknown_method_gets_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"'cosregg'.*did you mean 'cosreg'"):
        list(planned("beauty", ["cosregg"], [0], tmp_path, {}))


# Over seeds


def row(method: str, seed: int = 0, **values: float) -> dict[str, object]:
    fixed = {"dataset": "toy", "method": method, "seed": seed, "state": "finished"}
    more = {"best_epoch": 3, "difference_se": 0.001, "epoch_seconds": 2.0}
    return {**fixed, **more, **dict.fromkeys(VALUES, 0.5), **values}


def test_intervals_are_students():
    (summary,) = over_seeds([row("gating", seed, effective_rank=float(seed)) for seed in (1, 2, 3)])
    assert summary["seeds"] == 3
    assert summary["effective_rank"] == 2
    assert summary["effective_rank_half"] == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert summary["average_cosine_half"] == 0


def test_a_single_seed_has_no_interval_and_the_page_says_so():
    rows = [row("sasrec"), row("gating", difference=-0.01, **{"NDCG@10_tail": None})]
    summaries = over_seeds(rows)
    assert summaries[1]["effective_rank_half"] is None
    text = page(summaries, rows)
    assert "the noise of seeds is unknown" in text
    assert "-0.0100 ± 0.0020" in text
    assert "| – |" in text


def test_the_page_begins_with_the_methods_that_differ_by_more_than_their_error():
    rows = [row("sasrec", difference=0.0, difference_se=0.0)]
    rows += [row("gating", difference=-0.01), row("sgd", difference=0.0021), row("cosreg", difference=0.0019)]
    rows += [row("directau", difference=None, average_cosine=-0.001), row("spectrum", difference=-1e-5)]
    text = page(over_seeds(rows), rows)
    title, _, answer = text.splitlines()[:3]
    assert title.endswith("cost accuracy?")
    assert answer == "In one seed on Toy, NDCG@10 is above SASRec's with sgd. It is below with gating."
    assert "-0.00 |" not in text
    assert "-0.0000" not in text


# The figure


def summaries(seed: int) -> list[dict[str, object]]:
    """Many methods near one another, of three seeds each."""
    rng = np.random.default_rng(seed)
    rows = []
    for method in KIND_OF:
        near = {
            "average_cosine": 0.3 * rng.random() ** 3,
            **{f"NDCG@10_{p}": rng.normal(0.04, 0.003) for p in ("all", "head", "tail")},
        }
        rows += [
            row(method, each, **{k: v + 0.001 * rng.normal() for k, v in near.items()}) for each in range(3)
        ]
    return over_seeds(rows)


@pytest.mark.parametrize("seed", range(3))
def test_every_method_is_named_once_and_drawn_where_its_numbers_are(seed):
    given = summaries(seed)
    with figure_style("paper"):
        figure = accuracy_figure(given, "average_cosine", width=figure_width("text"))
        assert drawn.overlaps(figure) == []
        assert drawn.outside(figure) == []
    [legend] = figure.legends
    names = [text.get_text() for text in legend.get_texts() if text.get_text().strip()]
    assert len(names) == len(set(names)) == len(KIND_OF) + len(KINDS)
    assert "cure" not in " ".join(drawn.texts(figure))
    looks = [(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in legend.get_lines()]
    assert len({look for look in looks if look[1] not in ("", "None")}) == len(KIND_OF)
    for axes, part in zip(figure.axes, ("all", "head", "tail"), strict=True):
        points = {tuple(point) for line in axes.lines for point in line.get_xydata()}
        assert {(one["average_cosine"], one[f"NDCG@10_{part}"]) for one in given} <= points


def test_one_seed_has_the_error_over_users_of_all_targets():
    known = {"average_cosine": 0.1, "NDCG@10_all": 0.04, "NDCG@10_head": 0.07, "NDCG@10_tail": 0.02}
    rows = over_seeds(
        [row("sasrec", **known, difference_se=0.0), row("cosreg", **known, difference_se=0.0005)]
    )
    with figure_style("paper"):
        figure = accuracy_figure(rows, "average_cosine", width=figure_width("text"))
    bars = [[bar.get_segments()[0][:, 1].tolist() for bar in axes.collections] for axes in figure.axes]
    assert bars == [[pytest.approx([0.039, 0.041])], [], []]
    assert "two standard errors" in " ".join(drawn.texts(figure))


# All of it, small

SMALL = {"data.users": 60, "data.items": 40, "model.dim": 8, "training.epochs": 1, "training.batch_size": 64}
SET = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]


def process(name: str, *words: object) -> None:
    """Run a script in a process of its own."""
    done = subprocess.run(
        [sys.executable, STUDY / name, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def script(name: str, *words: object) -> None:
    """Run a script in this process, which has imported already what it takes seconds to import."""
    with mock.patch.object(sys, "argv", [name, *map(str, words)]):
        runpy.run_path(str(STUDY / name), run_name="__main__")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    words = [
        "--datasets",
        "synthetic",
        "--methods",
        "sasrec,cosreg",
        "--seeds",
        "0-1",
        "--out",
        folder / "runs",
    ]
    process("run.py", *words, *SET, "--quiet")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("test.json")}
    script("run.py", *words, *SET, "--quiet")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("test.json")} == before  # nothing anew
    script("collect.py", folder / "runs", "--out", folder, "--figures", folder / "figures")
    return folder


def test_the_rows_are_those_of_the_runs(study):
    with (study / "cures.csv").open(newline="") as file:
        rows = {(one["method"], one["seed"]): one for one in csv.DictReader(file)}
    methods = ("sasrec", "cosreg", "all-but-the-top", "whitening")
    assert set(rows) == {(method, seed) for method in methods for seed in "01"}
    for run in find_runs(study / "runs"):
        found = rows[run.path.name.split("-")[0], str(run.seed)]
        assert float(found["NDCG@10_all"]) == pytest.approx(run.test["NDCG@10"], rel=1e-8)
        assert float(found["average_cosine"]) == pytest.approx(average_cosine(run.item_embeddings), rel=1e-6)
        assert float(found["effective_rank"]) == pytest.approx(effective_rank(run.item_embeddings), rel=1e-6)
    plain = RunDirectory(study / "runs" / "synthetic" / "sasrec-s0")
    for method in ("cosreg", "all-but-the-top", "whitening"):
        found = rows[method, "0"]
        difference = float(found["NDCG@10_all"]) - plain.test["NDCG@10"]
        assert float(found["difference"]) == pytest.approx(difference, abs=1e-8)
    assert float(rows["whitening", "0"]["average_cosine"]) == pytest.approx(-1 / 40, abs=0.02)


def test_the_page_and_the_figure_are_there(study):
    text = (study / "cures.md").read_text(encoding="utf-8")
    assert "Means over seeds" in text
    assert text.count("| cosreg |") == 1
    assert {path.suffix for path in (study / "figures").glob("[!.]*")} == {".csv", ".pdf", ".png"}
