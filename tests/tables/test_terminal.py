"""Tables as they are printed at the width of a terminal, and into a pipe."""

from __future__ import annotations

import io
import os
import re
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from degen.tables.lines import lines_for
from degen.tables.numbers import four_decimals
from degen.tables.table import Cell, Column, Table
from degen.tables.terminal import print_table
from degen.tables.widths import is_number


def test_a_table_has_its_caption_above_and_numbers_right(capsys) -> None:
    print_table(Table.of_values(["run", "[b]items"], [["[red]", 12101], ["b", 7]], "Both"))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Both", "run    [b]items", "─────  ────────", "[red]    12,101", "b             7"]


@given(st.lists(st.sampled_from(["a", "word", "`degen runs x`", "`--set a=b c=d`", "end."]), max_size=30))
def test_lines_are_full_have_no_blank_at_their_end_and_keep_what_is_quoted(words: list[str]) -> None:
    text = " ".join(words)
    lines = lines_for(text, 24)
    assert " ".join(lines) == text
    assert all(line == line.strip() and len(line) <= 24 and line.count("`") % 2 == 0 for line in lines)


def test_a_listing_has_headings_arrows_and_footnotes(capsys) -> None:
    columns = [Column("", "key"), Column("m", subtitle="3 × 4"), Column("", "sentence")]
    rows = [[Cell("a", arrow="↓"), Cell("–", footnote=1), Cell("few")], [Cell("long"), Cell("0.5"), Cell("")]]
    print_table(Table("t", "t", columns, rows, "a note\nand another", ["One", "Two"], ["because"]))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "               m",
        "           3 × 4",
        "",
        "One",
        "  a     ↓     –¹  few",
        "",
        "Two",
        "  long       0.5",
        "a note",
        "and another",
        "¹ because",
    ]


def printed(table: Table, width: int | None) -> list[str]:
    """Return the lines that are printed at a width, or into a pipe."""
    stream = io.StringIO()
    set_width = {} if width is None else {"COLUMNS": str(width)}
    others = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with mock.patch.dict(os.environ, others | set_width, clear=True), mock.patch("sys.stdout", stream):
        print_table(table)
    return stream.getvalue().splitlines()


NUMBERS = st.one_of(
    st.none(), st.integers(0, 10**9), st.floats(-999, 999, allow_nan=False).map(lambda value: round(value, 4))
)
PAIRS = st.tuples(NUMBERS, NUMBERS).map(lambda pair: f"{four_decimals(pair[0])} → {four_decimals(pair[1])}")
NAMES = st.text("abcs0_-", min_size=1, max_size=40)
PATHS = st.lists(st.text("abcs0_-", min_size=1, max_size=12), min_size=1, max_size=5).map("/".join)
TITLES = ["seed", "epochs", "HR@5", "valid_NDCG@10", "alignment_same_target", "hours left", "effective rank"]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw rows with a path each, and columns of numbers, pairs of numbers and names."""
    paths = draw(st.lists(PATHS, min_size=1, max_size=6, unique=True))
    columns = []
    for title in draw(st.lists(st.sampled_from(TITLES), max_size=7, unique=True)):
        kind = draw(st.sampled_from([NUMBERS, PAIRS, NAMES]))
        values = draw(st.lists(kind, min_size=len(paths), max_size=len(paths)))
        columns.append((title, [values[0]] * len(paths) if draw(st.booleans()) else values))
    rows = zip(paths, *(values for _, values in columns), strict=True)
    return Table.of_values(["run", *(title for title, _ in columns)], rows)


def is_shown(text: str, lines: list[str]) -> bool:
    """Return whether a text stands whole between blanks or commas, or is a name shortened in the middle."""
    ends = rf"(?:^|[ ,]){re.escape(text)}(?:$|[ ,])"
    if any(re.search(ends, line) for line in lines):
        return True
    cuts = [word.strip(",").split("…") for line in lines for word in line.split() if "…" in word]
    return not is_number(text) and any(text.startswith(cut[0]) and text.endswith(cut[-1]) for cut in cuts)


@given(tables(), st.integers(60, 200))
def test_no_number_breaks_and_no_line_is_longer_than_the_terminal(table: Table, width: int) -> None:
    lines = printed(table, width)
    assert max(map(cell_len, lines)) <= width
    for row in table.rows:
        for cell in row:
            assert is_shown(cell.text, lines), cell.text
    for column in table.columns[1:]:  # blocks have the first text of a row without a title
        for word in re.split(r"(?<=_)| ", column.title):
            assert any(word in line for line in lines), column.title


@given(tables())
def test_a_pipe_has_a_line_per_row_and_every_text_whole(table: Table) -> None:
    titles, _, *rows = printed(table, None)
    assert [re.split(r"\s{2,}", line) for line in rows] == [[cell.text for cell in row] for row in table.rows]
    assert all(column.title in titles for column in table.columns)


RUNS = [
    ["runs/november/of/the/year/beauty/sasrec-s0", "sasrec", "beauty", 0, 33, "finished", 0.0564, 0.0416],
    ["runs/november/of/the/year/beauty/duorec-s0", "duorec", "beauty", 0, 7, "unfinished", None, None],
]
FACTS = ["run", "variant", "dataset", "seed", "epochs", "state", "HR@5", "NDCG@10"]


def test_columns_with_one_value_are_said_below_where_there_is_no_room() -> None:
    table = Table.of_values(FACTS, RUNS)
    assert len(printed(table, 120)[0].split()) == len(FACTS)
    lines = printed(table, 72)
    assert lines[0].split() == ["run", "variant", "epochs", "state", "HR@5", "NDCG@10"]
    assert lines[2].split() == ["…/sasrec-s0", "sasrec", "33", "finished", "0.0564", "0.0416"]
    assert lines[-1] == "all: dataset beauty, seed 0"


def test_a_table_that_is_still_too_wide_is_turned() -> None:
    table = Table.of_values(
        ["run", *TITLES[:6]], [[f"run {place}", *[0.5 + place] * 5, None] for place in (1, 2)]
    )
    assert len(printed(table, 80)[0].split()) == 8
    lines = printed(table, 40)
    assert lines[0].split() == ["run", "run", "1", "run", "2"]
    assert lines[2].split() == ["seed", "1.5000", "2.5000"]
    assert lines[-2].split() == ["alignment_same_target", "1.5000", "2.5000"]
    assert lines[-1] == "all: hours left –"


def test_many_rows_become_blocks() -> None:
    rows = [[f"{place}/{row[0]}", *row[1:]] for place, row in enumerate(RUNS * 5)]
    lines = printed(Table.of_values(FACTS, rows), 60)
    assert lines[:4] == [
        "0/runs/november/of/the/year/beauty/sasrec-s0",
        "  variant sasrec   epochs 33   state finished",
        "  HR@5 0.0564   NDCG@10 0.0416",
        "1/runs/november/of/the/year/beauty/duorec-s0",
    ]


def test_sentences_break_between_words_only() -> None:
    reason = "needs item frequencies; give them by --frequency FILE, or a run that has them"
    lines = printed(Table.of_values(["measure", "reason"], [["gini", reason], ["norm_cv", ""]]), 50)
    assert max(map(len, lines)) <= 50
    assert " ".join(" ".join(lines[2:-1]).removeprefix("gini").split()) == reason


LONG = "embeddings-of-the-last-month-but-one-with-a-long-name"


def test_the_columns_of_a_listing_that_do_not_fit_follow_below() -> None:
    columns = [
        Column("", "key"),
        *(Column(f"{LONG}-{place}.npy", subtitle="12,101 × 64") for place in range(5)),
    ]
    rows = [[Cell("average_cosine", arrow="↓"), *(Cell(f"-0.88 ± 0.000{place}") for place in range(5))]]
    table = Table("t", "t", columns, rows, sections=["Isotropy"])
    lines = printed(table, 80)
    assert max(map(cell_len, lines)) <= 80
    text = "\n".join(lines)
    for place in range(5):
        assert text.count(f"-0.88 ± 0.000{place}") == 1
        assert f"…{place}.npy" in text.split()  # what all names begin with goes first
    assert text.count("average_cosine") == 2
    assert len(printed(table, None)) == 5


def test_a_remark_gives_way_to_values() -> None:
    columns = [Column("", "key"), Column("m.npy"), Column("", "sentence")]
    rows = [[Cell("norm"), Cell("0.5"), Cell("a few words of what the measure means to a reader")]]
    table = Table("t", "t", columns, rows, sections=["Health"])
    assert "reader" in printed(table, 50)[-1]
    assert len(printed(table, 40)) > 4
    assert [line.split() for line in printed(table, 20)[-1:]] == [["norm", "0.5"]]
