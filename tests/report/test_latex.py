r"""LaTeX by hand: there is no TeX here, so its rules are checked one by one.

Braces and environments close, every row has as many cells as its table, special characters are commands, and
what is taken in lies where it is looked for.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import finish
from hypothesis import given
from hypothesis import strategies as st
from run_files import write_run

from degen.analysis import MEASURES
from degen.report.gather import gather
from degen.report.latex import by_kind, tabular, write_latex
from degen.report.tables import Cell, Column, Table, measures_table
from degen.tables.latex_text import escape


def check(text: str) -> None:
    """Raise where TeX would stop: braces, environments, mathematics, or characters that are commands."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    bare = code.replace("\\\\", "\n")
    plain = re.sub(r"\\[{}$%&#_]", "", bare)
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    begun: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", plain):
        if kind == "begin":
            begun.append(name)
        else:
            assert begun.pop() == name
    assert not begun
    assert plain.count("$") % 2 == 0
    without_math = re.sub(r"\$[^$]*\$", "", plain)
    assert not re.search(r"[%#~^]", without_math)
    assert "_" not in re.sub(r"\\(input|includegraphics|label|ref)(\[[^]]*\])?\{[^}]*\}", "", without_math)
    for body in re.findall(r"\\begin\{tabular\}\{(.*?)\}\n(.*?)\\end\{tabular\}", code, re.S):
        columns = re.sub(r"p\{[^}]*\}", "p", body[0])
        for row in re.findall(r"^(?!\\)(.*) \\\\$", body[1], re.M):
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1, row


def test_the_fragment_and_all_its_tables_are_whole(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    written = write_latex(gather([runs]), folder)
    assert written[0] == folder / "report.tex"
    tex = [path for path in written if path.suffix == ".tex"]
    kinds = {f"measures-{kind}.tex" for kind in {measure.group for measure in MEASURES.values()}}
    assert {path.name for path in tex} == {"report.tex", "runs.tex", "accuracy.tex", "claims.tex"} | kinds
    for path in tex:
        check(path.read_text(encoding="utf-8"))
    whole = written[0].read_text(encoding="utf-8")
    taken = re.findall(r"\\(?:input|includegraphics)(?:\[[^]]*\])?\{\\degenreport/([^}]*)\}", whole)
    assert len(taken) == 3 + len(kinds) + 3
    assert all((folder / name).is_file() for name in taken)
    assert {folder / name for name in taken} == {p for p in written[1:] if p.suffix in (".tex", ".pdf")}
    labels = re.findall(r"\\label\{([^}]*)\}", whole)
    assert len(labels) == len(set(labels)) == len(taken)
    assert r"\providecommand{\degenreport}{.}" in whole
    assert whole.count(r"Unfinished and so not compared: SCL.}") == len(kinds)
    assert r"\caption{What was run.}" in whole


def test_measures_are_parted_by_their_kind(runs: Path) -> None:
    [group] = gather([runs]).groups
    parts = {table.name: table for table in by_kind(measures_table(group))}
    spectrum = parts["measures-spectrum"]
    assert [column.title for column in spectrum.columns] == [
        "measure",
        "SASRec",
        "SCL",
        "DuoRec",
        "isotropic is",
    ]
    names = [row[0].text for row in spectrum.rows]
    assert names == [name for name, measure in MEASURES.items() if measure.group == "spectrum"]
    assert not any("@" in row[0].text for table in parts.values() for row in table.rows)
    assert list(by_kind(None)) == []


def test_groups_do_not_write_over_one_another(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        finish(write_run(tmp_path / folder / "duorec"), 0.1)
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(30, 4)))
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "a.npy"]
    written = write_latex(gather(paths), tmp_path / "paper")
    assert len(written) == len(set(written))
    assert {path.parent.name for path in written} == {"paper", "clothing-a", "clothing-b", "a.npy"}
    check(written[0].read_text(encoding="utf-8"))


def test_best_is_bold_and_second_underlined() -> None:
    cells = [Cell("a_b"), Cell("0.5", "best"), Cell("-0.25", "second"), Cell("–")]
    table = Table("t", "t", [Column("run", "text"), Column("x"), Column("y"), Column("z")], [cells])
    text = tabular(table)
    assert r"a\_b & \textbf{0.5} & \underline{$-$0.25} & -- \\" in text
    assert text.startswith("\\begin{tabular}{lrrr}\n\\toprule\nrun & x & y & z \\\\\n\\midrule\n")
    assert text.endswith("\\bottomrule\n\\end{tabular}\n")
    check(text)


def test_keys_are_set_as_code() -> None:
    table = Table("t", "t", [Column("measure", "key"), Column("run", "text")], [[Cell("a_b@3"), Cell("a_b")]])
    assert r"\texttt{a\_b@3} & a\_b \\" in tabular(table)
    check(tabular(table))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"50 % & #1_{x} $5 \x", r"50 \% \& \#1\_\{x\} \$5 \textbackslash{}x"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"),
        ("σ₂/σ₁", r"$\sigma$$_2$/$\sigma$$_1$"),
        ("[2em] *", "{[}2em] {*}"),
        ("a\n\nb\x00", r"a b\texttt{U+0000}"),
        ("café 日", r"café \texttt{U+65E5}"),
    ],
)
def test_special_characters_are_set_as_they_read(text: str, expected: str) -> None:
    assert escape(text) == expected


@given(st.text(), st.text(), st.sampled_from(["text", "number", "sentence", "key"]))
def test_no_text_breaks_a_table(first: str, second: str, kind: str) -> None:
    table = Table("t", "t", [Column("a", "text"), Column("b", kind)], [[Cell(first), Cell(second, "best")]])  # type: ignore[arg-type]
    text = tabular(table)
    check(text)
    rows = text.splitlines()
    assert len(rows) == 7
    assert not re.match(r"\s*[\[*]", rows[4])
