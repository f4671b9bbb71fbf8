"""LaTeX by hand: braces and environments close, rows have the cells of their table, characters are text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tex import check

from degen.tables.latex import escape, tabular
from degen.tables.table import Cell, Column, Table


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


def test_sections_arrows_and_footnotes() -> None:
    rows = [
        [Cell("a_b", arrow="↓"), Cell("-0.5", footnote=1)],
        [Cell("c", arrow="↑"), Cell("–", footnote=2)],
        [Cell("d"), Cell("-∞")],
    ]
    columns = [Column("", "key"), Column("x", subtitle="3 × 4")]
    text = tabular(Table("t", "t", columns, rows, "not shown", ["One", "One", "Two %"], ["few", "50 %"]))
    assert text.splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r" & x \\",
        r"\midrule",
        r"\multicolumn{2}{l}{\emph{One}} \\",
        r"\texttt{a\_b} $\downarrow$ & $-$0.5$^{1}$ \\",
        r"\texttt{c} $\uparrow$ & --$^{2}$ \\",
        r"\midrule",
        r"\multicolumn{2}{l}{\emph{Two \%}} \\",
        r"\texttt{d} & $-$$\infty$ \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\footnotesize $^{1}$ few",
        r"\par\footnotesize $^{2}$ 50 \%",
    ]
    check(text)
