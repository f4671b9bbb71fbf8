from __future__ import annotations

from degen.tables.table import Cell, Column, Table, marked


def test_the_highest_is_best_and_the_next_is_second() -> None:
    cells = marked([0.1, 0.3, None, 0.2], ["0.1", "0.3", "–", "0.2"])
    assert [cell.mark for cell in cells] == ["", "best", "", "second"]
    assert [cell.mark for cell in marked([0.1, 0.3, 0.2], ["a", "b", "c"], -1)] == ["best", "", "second"]
    assert {cell.mark for cell in marked([0.1, 0.3, 0.2], ["a", "b", "c"], 0)} == {""}


def test_values_that_read_the_same_share_a_mark() -> None:
    cells = marked([0.12341, 0.12339, 0.1], ["0.1234", "0.1234", "0.1000"])
    assert [cell.mark for cell in cells] == ["best", "best", "second"]
    assert {cell.mark for cell in marked([0.5, 0.5], ["0.5", "0.5"])} == {""}
    assert {cell.mark for cell in marked([0.5, None], ["0.5", "–"])} == {""}


def test_of_two_none_is_second() -> None:
    assert [cell.mark for cell in marked([1.0, 2.0], ["1", "2"])] == ["", "best"]


def test_plain_values_become_text_and_numbers_stand_right() -> None:
    table = Table.of_values(
        ["run", "items", "p", "name"], [["a", 1200, None, "x"], ["b", 7, 0.5, "y"]], right=["name"]
    )
    assert [column.kind for column in table.columns] == ["text", "number", "number", "number"]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["a", "1,200", "–", "x"],
        ["b", "7", "0.5000", "y"],
    ]


def test_rows_stand_under_their_sections() -> None:
    rows = [[Cell("a")], [Cell("b")], [Cell("c")]]
    table = Table("t", "t", [Column("x")], rows, sections=["One", "One", "Two"])
    assert table.rows_by_section() == {"One": rows[:2], "Two": rows[2:]}
    assert Table("t", "t", [Column("x")], rows).rows_by_section() == {"": rows}
