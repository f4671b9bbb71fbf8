"""Warnings about the course of a run: each rule on made sequences of metrics, and when they are told."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tiny_runs
from commands import result_of, run
from run_files import write_run

import degen
from degen.bars import Showing
from degen.cli.wording import as_typed
from degen.data.load import DataOptions, load_dataset
from degen.errors import DegenWarning
from degen.files.writing import write_json
from degen.runs.course import (
    collapsed,
    disagreeing,
    filtered,
    still_improving,
    told,
    warnings_about,
    warnings_of,
)
from degen.runs.directory import RunDirectory
from degen.training.plan import train_many
from degen.training.run import Progress

KEY = "NDCG@10"


def lines(scores, losses=None, uniformity=-2.0):
    losses = losses or [6 - 0.1 * epoch for epoch in range(len(scores))]
    return [
        {"epoch": epoch, "recommendation_loss": loss, f"valid_{KEY}": score, "uniformity": uniformity}
        for epoch, (score, loss) in enumerate(zip(scores, losses, strict=True), start=1)
    ]


def best(rows):
    return max(rows, key=lambda row: row[f"valid_{KEY}"])


@pytest.mark.parametrize(
    ("uniformity", "definition", "warned"),
    [
        (-0.19, "paper", True),
        (-0.2, "paper", False),  # all cosines are 0.95
        (-3.9, "paper", False),
        (None, "paper", False),
        (-0.01, "official", False),  # of raw vectors, which have another scale
    ],
)
def test_collapse_is_told_by_the_papers_uniformity_alone(uniformity, definition, warned):
    told = collapsed({"epoch": 7, "uniformity": uniformity}, definition)
    assert (told is not None) == warned
    if told:
        assert "-0.190 at the best epoch, 7" in told


@pytest.mark.parametrize(
    ("scores", "settings", "warned"),
    [
        ([0.1, 0.2, 0.3], {"epochs": 3}, True),
        ([0.1, 0.3, 0.2], {"epochs": 3}, False),  # the best one is earlier
        ([0.1, 0.2, 0.3], {"epochs": 3, "max_steps": 40}, False),  # a trial
        ([0.1, 0.2, 0.3], {"epochs": 9}, False),  # something else ended it
        ([0.1], {"epochs": 1}, False),  # one epoch says nothing of improving
        ([0.1, 0.2, 0.3], {}, False),  # recorded from another loop, whose length is not known
    ],
)
def test_a_best_epoch_that_is_the_last_is_told_where_epochs_ended_the_run(scores, settings, warned):
    rows = lines(scores)
    assert (still_improving(rows, best(rows), settings) is not None) == warned


FALLING = [0.30, 0.32, *[0.29, 0.27, 0.26, 0.25, 0.24, 0.24]]


@pytest.mark.parametrize(
    ("scores", "losses", "warned"),
    [
        (FALLING, None, True),
        (FALLING[:6], None, False),  # four epochs after the best are too few
        (FALLING, [6.0, 5.9, 5.9, 5.9, 5.95, 6.0, 6.1, 6.2], False),  # the loss rises too: it diverges
        ([0.30, 0.32, *[0.315] * 10], None, False),  # as in most runs that stop early
        ([0.30, 0.32, 0.2, 0.32, 0.31, 0.1, 0.31, 0.31], None, False),  # single low values
        ([0.30, 0.32, *[0.289] * 5], None, False),  # a little less than a tenth
        ([0.30, 0.32, *[0.287] * 5], None, True),
    ],
)
def test_training_and_validation_disagree_where_one_falls_and_the_other_falls_far(scores, losses, warned):
    rows = lines(scores, losses)
    told = disagreeing(rows, best(rows), KEY)
    assert (told is not None) == warned
    if told:
        assert f"from epoch 2 to {len(scores)}" in told


@pytest.mark.parametrize(
    ("read", "left", "warned"),
    [(100, 49, True), (100, 50, False), (100, 100, False), (None, 1, False), (0, 0, False)],
)
def test_a_core_that_takes_more_than_half_is_told(read, left, warned):
    assert (filtered(read, left) is not None) == warned
    assert "51% of the actions (49 of 100 are left)" in filtered(100, 49)


def test_all_rules_together_and_lines_that_do_not_tell():
    rows = lines([0.1, 0.2], uniformity=-0.05)
    assert len(warnings_about(rows, {"epochs": 2, "stop_on": KEY}, "paper")) == 2
    assert warnings_about([], {"epochs": 2}, "paper") == []
    bare = [{"epoch": 1}, {"epoch": 2}]
    assert warnings_about(bare, {}, "paper", bare[0]) == []


class Heard(Progress):
    """Remembers what it is warned of."""

    def __init__(self):
        self.warnings = []

    def warn(self, sentence):
        self.warnings.append(sentence)


@pytest.fixture
def thin(tmp_path):
    """A log of which a core of 5 keeps less than half: many users have four actions."""
    users = [f"k{user} " + " ".join(f"i{(user + step) % 10}" for step in range(6)) for user in range(10)]
    users += [f"s{user} a b c d" for user in range(40)]
    (tmp_path / "thin.txt").write_text("\n".join(users) + "\n", encoding="utf-8")
    return tmp_path / "thin.txt"


def test_the_dataset_knows_how_much_was_read_also_from_the_cache(thin):
    options = DataOptions(input_format="sequences")
    for _ in range(2):
        dataset = load_dataset(str(thin), options)
        assert (dataset.actions_read, len(dataset.sequences.items)) == (220, 60)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_run_tells_its_own_warnings_once(thin, tmp_path, workers, monkeypatch):
    monkeypatch.setattr("degen.training.children.cores.available_cores", lambda: 2)
    settings = {"min_user": None, "min_item": None, "epochs": 2, "patience": 9, "learning_rate": 1e-5}
    names = ["sasrec", "scl"]
    configs = [tiny_runs.tiny_config(thin, variant=name, **settings) for name in names]
    heard = [Heard(), Heard()]
    places = {name: own for name, own in zip(names, heard, strict=True)}

    from contextlib import nullcontext

    runs = train_many(
        configs,
        [tmp_path / name for name in names],
        workers=workers,
        progress=lambda group: nullcontext([places[config.objective.variant] for config in group]),
    )
    for own, trained in zip(heard, runs, strict=True):
        assert [text for text in own.warnings if "core filter" in text] == own.warnings[-1:]
        assert own.warnings[:-1] == warnings_of(trained)


def test_python_warns_and_the_command_prints(log, tmp_path):
    settings = {**tiny_runs.SETTINGS, "epochs": 2, "patience": 9, "learning_rate": 1e-3}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained = degen.train("sasrec", log, tmp_path / "run", **settings)
    told = warnings_of(trained)
    assert [str(one.message) for one in caught if one.category is DegenWarning] == told
    assert told  # h of so short a run lies in one place, or its last epoch is the best
    words = tiny_runs.options(log, epochs=2, patience=9, learning_rate=1e-3)
    printed = run("train", *words, "--variant", "sasrec", "--out", tmp_path / "again").stderr
    assert printed.count("warning: ") == len(told)
    assert "`" not in printed
    [found] = result_of("runs", tmp_path / "again")
    assert found["warnings"] == [as_typed(sentence) for sentence in told]


def test_a_warning_about_the_log_is_printed_once_and_one_about_a_run_for_each(capsys):
    from degen.bars import Bar

    first = Bar(Showing())
    for bar in (first, Bar(first.showing, beside=first, label="seed 1")):
        bar.warn(filtered(100, 40))
        bar.warn("the best epoch is the last one (2)")
    told = capsys.readouterr().err
    assert (told.count("core filter"), told.count("the best epoch is the last one")) == (1, 2)


def test_an_unfinished_run_has_no_warnings(tmp_path):
    assert warnings_of(RunDirectory(tmp_path)) == []


def test_the_mend_of_a_collapse_is_more_steps_and_names_no_variant():
    rows = lines([0.1, 0.3, 0.2, 0.2], uniformity=-0.05)
    [warning] = warnings_about(rows, {"epochs": 90}, "paper")
    assert "a smaller `batch_size`, or longer training" in warning
    assert "uniformity of h" in warning
    assert not {"scl", "duorec", "ucl", "sasrec"} & set(warning.replace("`", " ").split())


def test_warnings_of_many_runs_are_counted():
    warned = {f"r{place}": ["a", "b"] for place in range(3)}
    assert told(warned | {"quiet": []}) == [f"r{place}: {one}" for place in range(3) for one in "ab"]
    [counted] = told(warned | {"r3": ["a"], "quiet": []})
    assert counted.startswith("4 of these runs have warnings")


def test_analyze_and_report_repeat_what_training_warned_of(tmp_path):
    rng = np.random.default_rng(0)
    for name, uniformity in (("sasrec", -0.05), ("scl", -2.0)):
        metrics = [{"epoch": 1, "uniformity": uniformity, "valid_NDCG@10": 0.1, "valid_HR@5": 0.1}]
        path = tmp_path / "runs" / f"{name}-s0"
        write_run(path, name, metrics=metrics, embeddings=rng.normal(size=(80, 4)))
        write_json(path / "test.json", {"NDCG@10": 0.1, "HR@5": 0.1, "epoch": 1})
    runs = tmp_path / "runs"
    shown = run("analyze", runs).stdout
    assert shown.count("Warning:") == 1
    assert "sasrec-s0: h has collapsed: uniformity of h" in " ".join(shown.split())
    assert shown.index("uniformity of items") < shown.index("Warning:")
    one, other = result_of("analyze", runs)
    assert (len(one["warnings"]), other["warnings"]) == (1, [])
    assert "--batch-size" in one["warnings"][0]
    together = result_of("analyze", runs, "--seeds")
    assert [one["warnings"] for one in together] == [one["warnings"], []]
    found = result_of("report", runs)
    page = (runs / "report.html").read_text()
    assert "h has collapsed" in found["warnings"][0]
    assert page.index("<strong>Warning:</strong> SASRec: h has collapsed") < page.index("Core measures")
