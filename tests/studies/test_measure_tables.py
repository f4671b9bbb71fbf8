"""Tables of measures: footnotes, CSV, LaTeX, and the page of measures."""

from __future__ import annotations

import csv
import math
import re

import numpy as np

from degen.analysis import Rows, chosen_measures, chosen_profiles
from degen.analysis.result import Analysis
from degen.studies.measure_tables import (
    bucket_lines,
    measures_table,
    page,
    write_csv,
    write_latex,
)

V = np.random.default_rng(0).normal(size=(30, 4)) + 0.5


def analysis(name="a_b & c", **more):
    plain = {"standard_errors": {}, "samples": {}, "reasons": {}, **more}
    values = plain.pop("values", {"average_cosine": -0.25, "condition_number": math.inf})
    return Analysis(name, 30, 4, values, **plain)


def test_equal_notes_are_one_and_numbered_in_the_order_of_the_table():
    one = analysis(reasons={"norm_cv": "too few", "isoscore": "flat", "vmf_kappa": "flat"})
    sampled = analysis(standard_errors={"average_cosine": 0.01}, samples={"average_cosine": "9 of 99 pairs"})
    table = measures_table([one, sampled])
    assert table.footnotes == ["± standard error; 9 of 99 pairs", "flat", "too few"]
    cells = {key.text: [(cell.text, cell.footnote) for cell in row] for key, *row in table.rows}
    assert cells["average_cosine"] == [("-0.2500", 0), ("-0.250 ± 0.010", 1)]
    assert cells["vmf_kappa"] == [("–", 2), ("", 0)]
    assert cells["norm_cv"] == [("–", 3), ("", 0)]
    assert list(table.rows_by_section()) == ["Spectrum", "Isotropy", "Health"]


def test_buckets_are_described_once_for_matrices_cut_alike():
    frequency = np.array([0] + [1] * 15 + [5] * 9 + [50] * 5)
    one, same = (Analysis.of(Rows(V, frequency), [], chosen_profiles(), name=name) for name in "ab")
    text = (
        "unseen: 1 item that never occurs; tail: 15 items that occur once, 5% of all actions; "
        "mid: 9 items that occur 5 times, 15% of all actions; head: 5 items that occur 50 times, "
        "81% of all actions"
    )
    assert bucket_lines([one, same]) == [text]
    other = Analysis.of(Rows(V, 2 * frequency), [], chosen_profiles(), name="c")
    assert bucket_lines([one, other, same])[0] == f"a, b: {text}"
    assert bucket_lines([one, other])[1].startswith("c: unseen: 1 item that never occurs; tail: 15 items")
    assert bucket_lines([Analysis.of(Rows(V), [], chosen_profiles())]) == []
    never = Analysis.of(Rows(V, 0 * frequency), [], chosen_profiles())
    assert bucket_lines([never]) == ["unseen: 30 items that never occur"]


def test_csv_holds_numbers_in_full(tmp_path):
    third = analysis(values={"norm_mean": 1 / 3})
    interval = analysis("d", values={"norm_mean": 0.1}, intervals={"norm_mean": (0.0, 0.2)})
    with write_csv(tmp_path / "a.csv", [third, interval]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["value"]) == 1 / 3
    assert (rows[0]["name"], rows[0]["rows"], rows[0]["low"]) == ("a_b & c", "30", "")
    assert (float(rows[1]["low"]), float(rows[1]["high"])) == (0.0, 0.2)


def test_latex_has_a_cell_for_each_column_and_no_bare_special_character(tmp_path):
    measured = Analysis.of(Rows(V), chosen_measures(), name="v_1 & 50 %")
    found = write_latex(tmp_path / "a.tex", [measured, analysis()]).read_text()
    lines = found.splitlines()
    assert lines[0].startswith("%")
    assert r"\usepackage{booktabs}" in lines[0]
    assert lines[1] == r"\begin{tabular}{lrr}"
    body = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    assert all(len(re.findall(r"(?<!\\)&", line)) == 2 for line in body)
    assert body[0] == r" & v\_1 \& 50 \% & a\_b \& c \\"
    assert any(
        line.startswith(r"\texttt{average\_cosine} $\downarrow$ & ") and line.endswith(r"& $-$0.2500 \\")
        for line in body
    )
    assert any(
        line.startswith(r"\texttt{condition\_number} $\downarrow$") and line.endswith(r"& $\infty$ \\")
        for line in body
    )
    assert r"\multicolumn{3}{l}{\emph{Spectrum}} \\" in lines
    notes = [line for line in lines if line.startswith(r"\par\footnotesize")]
    assert [re.search(r"\{(\d+)\}", line)[1] for line in notes] == [str(k + 1) for k in range(len(notes))]
    assert any(line.endswith("needs how often each item occurs") for line in notes)
    assert found.count("{") == found.count("}")
    assert not re.search(r"(?<!\\)[_#]", re.sub(r"\$[^$]*\$", "", found))


def test_the_page_has_a_line_a_function_and_every_name():
    text = page(chosen_measures(), chosen_profiles())
    for own in [*chosen_measures(), *chosen_profiles()]:
        assert f"`{own.name}`" in text
    names = [
        "`effective_rank` ↑",
        "`effective_rank_centered`: center=True",
        "`effective_rank_lambda`: p='lambda'",
    ]
    assert f"| {'<br>'.join(names)} |" in text
