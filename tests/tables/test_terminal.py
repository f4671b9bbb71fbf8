"""Tables as they are printed into a pipe."""

from __future__ import annotations

from degen.tables.table import Cell, Column, Table
from degen.tables.terminal import print_table


def test_a_framed_table_has_its_caption_above_and_numbers_right(capsys) -> None:
    print_table(Table.of_values(["run", "[b]items"], [["[red]", 12101], ["b", 7]], "Both"))
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.strip() == "Both"
    assert [line.replace("│", "|").split("|")[1:-1] for line in lines[3:-1]] == [
        [" [red] ", "   12,101 "],
        [" b     ", "        7 "],
    ]
    assert "[b]items" in lines[1]


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
