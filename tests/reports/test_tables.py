"""The report's tables: which values are best, what is left out where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from degen.analysis.core import CORE
from degen.analysis.result import Analysis
from degen.reports.contents import Group, Report, Subject
from degen.reports.measure_rows import core_first, core_table, measures_table
from degen.reports.tables import (
    accuracy_table,
    claims_table,
    lines_table,
    runs_table,
    seeds_table,
    versions_table,
)
from degen.studies.claims import Claim


def subject(name: str, **more: object) -> Subject:
    return replace(Subject(name, name.lower(), Path(name), name, {"state": "finished"}), **more)


def measured(name: str, **values: float) -> Subject:
    return subject(name, analysis=Analysis(name, 10, 4, values, {"isoscore": 0.0123}, {}, {}))


def test_runs_that_have_no_test_metrics_are_not_compared() -> None:
    table = accuracy_table(
        Group("g", "paper", [subject("A", test={"HR@5": 0.05, "NDCG@10": 0.1}), subject("B")])
    )
    assert table is not None
    assert [column.title for column in table.columns] == ["run", "HR@5", "NDCG@10"]
    assert [[cell.text for cell in row] for row in table.rows] == [["A", "0.0500", "0.1000"]]
    assert accuracy_table(Group("g", "paper", [subject("B")])) is None


def test_seeds_of_a_series_are_one_row_with_students_interval() -> None:
    def run(name: str, seed: int, **more: object) -> Subject:
        values = {"sigma2_ratio": 0.5 + 0.1 * seed, "average_cosine": 0.2}
        analysis = Analysis(name, 10, 4, values, {}, {}, {})
        return replace(
            subject(f"{name} {seed}", test={"HR@5": 0.01 * seed}), variant=name, analysis=analysis, **more
        )

    runs = [run("duorec λ 0.02", seed) for seed in (1, 2, 4)]
    group = Group("g", "paper", [*runs, run("sasrec", 3), run("duorec λ 0.02", 9, finished=False)])
    table = seeds_table(group)
    assert table is not None
    duorec, sasrec = ([cell.text for cell in row] for row in table.rows)
    half = stats.t.ppf(0.975, 2) * stats.sem([0.01, 0.02, 0.04])
    assert duorec[:3] == ["DuoRec λ 0.02", "3", f"{0.07 / 3:.3f} ± {half:.3f}"]
    assert sasrec[:3] == ["SASRec", "1", "0.03000"]
    assert duorec[3] == sasrec[3] == "–"
    assert "±" in duorec[6]
    assert "±" not in duorec[7]  # average cosine does not vary
    assert seeds_table(Group("g", "paper", [runs[0], run("sasrec", 3)])) is None


def test_measures_mark_the_most_isotropic_whichever_way_that_is() -> None:
    one = measured("A", sigma2_ratio=0.4, condition_number=9.0, norm_mean=1.0)
    other = measured("B", sigma2_ratio=0.8, condition_number=12.0, norm_mean=2.0)
    table = measures_table(Group("g", None, [one, other, subject("C")]))
    assert table is not None
    assert [column.title for column in table.columns] == ["measure", "name", "A", "B", "isotropic is"]
    marks = {row[1].text: [cell.mark for cell in row[2:4]] for row in table.rows}
    assert marks == {
        "sigma2_ratio": ["", "best"],
        "condition_number": ["best", ""],
        "norm_mean": ["", ""],
    }
    assert {row[1].text: row[4].text for row in table.rows} == {
        "sigma2_ratio": "higher",
        "condition_number": "lower",
        "norm_mean": "–",
    }
    assert measures_table(Group("g", None, [subject("C")])) is None


def test_an_unfinished_run_is_never_the_best_and_the_table_says_so() -> None:
    runs = [measured("A", rankme=3.0), measured("B", rankme=4.0)]
    ahead = replace(measured("C", rankme=9.0), finished=False)
    table = measures_table(Group("g", None, [*runs, ahead]))
    assert table is not None
    assert [(cell.text, cell.mark) for cell in table.rows[0][2:5]] == [("3", ""), ("4", "best"), ("9", "")]
    assert table.note == "Unfinished and so not compared: C."
    done = measures_table(Group("g", None, runs))
    assert done is not None
    assert done.note == ""


def test_a_measure_that_one_run_lacks_is_a_dash() -> None:
    table = measures_table(Group("g", None, [measured("A", rankme=3.0), measured("B", isoscore=0.5)]))
    assert table is not None
    assert {row[1].text: [cell.text for cell in row[2:4]] for row in table.rows} == {
        "rankme": ["3", "–"],
        # Sampled: with its standard error.
        "isoscore": ["–", "0.500 ± 0.012"],
    }


def test_profiles_of_head_mid_tail_are_listed_and_those_of_tenths_drawn() -> None:
    one = measured("A", **{"average_cosine@tail": 0.5, "average_cosine@3": 0.4, "average_cosine@cold": 1.0})
    table = measures_table(Group("g", None, [one]))
    assert table is not None
    assert sorted(row[1].text for row in table.rows) == ["average_cosine@cold", "average_cosine@tail"]


def test_columns_without_any_value_are_left_out_of_the_runs() -> None:
    about = {"seed": 2026, "commit": None, "λ": 0.1, "items": 12101, "device": "cpu"}
    report = Report([Path("r")], [Group("g", None, [subject("A", about=about)])])
    table = runs_table(report)
    assert [(column.title, column.kind) for column in table.columns] == [
        ("run", "text"),
        ("seed", "number"),
        ("λ", "number"),
        ("items", "number"),
        ("device", "text"),
    ]
    assert [cell.text for cell in table.rows[0]] == ["A", "2026", "0.1", "12101", "cpu"]


def test_settings_that_all_share_are_said_once_and_take_no_column() -> None:
    runs = [
        subject(name, about={"seed": seed, "recipe": "paper", "λ": weight})
        for name, seed, weight in (("A", 0, None), ("B", 1, 0.1))
    ]
    table = runs_table(Report([Path("r")], [Group("g", None, runs)]))
    assert [column.title for column in table.columns] == ["run", "seed", "λ"]
    assert [[cell.text for cell in row] for row in table.rows] == [["A", "0", "–"], ["B", "1", "0.1"]]
    assert table.note == "The same for all: recipe paper."


def test_versions_are_a_table_of_their_own_where_there_are_runs() -> None:
    run = subject("A", environment={"degen": "0.1.0", "commit": None})
    table = versions_table(Report([Path("r")], [Group("g", None, [run, subject("jan.npy")])]))
    assert table is not None
    assert [column.title for column in table.columns] == ["run", "degen"]
    assert [[cell.text for cell in row] for row in table.rows] == [["A", "0.1.0"]]
    assert versions_table(Report([Path("r")], [Group("g", None, [subject("jan.npy")])])) is None


def test_versions_that_all_share_are_one_row() -> None:
    runs = [subject(name, environment={"degen": "0.1.0", "device": "cpu"}) for name in "AB"]
    table = versions_table(Report([Path("r")], [Group("g", None, runs)]))
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [["all 2", "0.1.0", "cpu"]]
    assert table.note == ""


def test_the_core_is_in_words_and_first_and_said_once() -> None:
    values = {"rankme": 3.0, "uniformity": -2.0, "sigma2_ratio": 0.5, "average_cosine": 0.2}
    group = Group("g", None, [measured("A", **values), measured("B", **values)])
    core, every = core_table(group, with_reasons=True), measures_table(group)
    assert core is not None
    assert every is not None
    assert [row[0].text for row in core.rows] == ["σ₂/σ₁", "average cosine", "uniformity of items"]
    assert core.rows[0][-1].text == CORE["sigma2_ratio"]
    first = core_first(every)
    assert {heading: [row[1].text for row in rows] for heading, rows in first.rows_by_section().items()} == {
        "Core": ["sigma2_ratio", "average_cosine", "uniformity"],
        "Spectrum": ["rankme"],
    }
    assert core_table(Group("g", None, [measured("A", rankme=3.0)])) is None


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [("holds", "holds"), ("does not hold", "fails"), ("within noise", "open"), ("not judged", "open")],
)
def test_claims_are_set_off_by_their_verdicts(verdict: str, mark: str) -> None:
    table = claims_table(Group("g", None, [], [Claim("x beats y", verdict, "by .1", {})]))  # type: ignore[arg-type]
    assert table is not None
    assert [(cell.text, cell.mark) for cell in table.rows[0]] == [
        ("x beats y", ""),
        (verdict, mark),
        ("by .1", ""),
    ]


def test_the_numbers_behind_lines_stand_side_by_side() -> None:
    table = lines_table("loss", "epoch", {"A": {1.0: 0.5, 3.0: 0.25}, "B": {2.0: 7.0}}, {1.0: "first"})
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["first", "0.5000", "–"],
        ["2", "–", "7"],
        ["3", "0.2500", "–"],
    ]
