"""Charts: points stand where the ticks say, ticks are round, variants keep their styles."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from degen.reports.looks import Look
from degen.reports.svg import Axis, Chart, Line, line_chart, path_chart, ticks

LOOK = Look("#123456")


def points(chart: Chart, line: int = 0) -> list[tuple[float, float]]:
    numbers = [float(word) for word in re.findall(r"-?[\d.]+", chart.lines[line][1])]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def value(chart: Chart, at: float, axis: str) -> float:
    """What a place on an axis stands for, by two of the axis's ticks."""
    found = chart.x_ticks if axis == "x" else chart.y_ticks
    (a, b) = found[0], found[-1]
    return float(a.text) + (at - a.at) / (b.at - a.at) * (float(b.text) - float(a.text))


def test_points_stand_where_the_ticks_say() -> None:
    wanted = [(1.0, 0.5), (10.0, 0.25), (40.0, -0.1)]
    chart = line_chart("loss", "epoch", "loss", [Line("A", LOOK, wanted)])
    assert chart is not None
    for (x, y), (across, up) in zip(wanted, points(chart), strict=True):
        assert value(chart, across, "x") == pytest.approx(x, abs=0.1)
        assert value(chart, up, "y") == pytest.approx(y, abs=0.003)


def test_higher_values_stand_higher() -> None:
    chart = line_chart("t", "x", "y", [Line("A", LOOK, [(1, 0.0), (2, 1.0)])])
    assert chart is not None
    (_, low), (_, high) = points(chart)
    assert high < low


def test_an_axis_that_is_given_keeps_its_ends_and_ticks() -> None:
    line = Line("A", LOOK, [(1, 0.7), (2, 0.9)])
    given = Axis(0, 1, [0, 0.5, 1])
    chart, near = line_chart("t", "x", "y", [line], y_axis=given), line_chart("t", "x", "y", [line])
    assert chart is not None
    assert near is not None
    assert [tick.text for tick in chart.y_ticks] == ["0", "0.5", "1"]
    assert [value(chart, up, "y") for _, up in points(chart)] == pytest.approx([0.7, 0.9], abs=0.003)
    assert "0" not in [tick.text for tick in near.y_ticks]


def test_a_marker_stands_on_one_point_in_several_of_a_long_line() -> None:
    marked = Look("#123456", marker="s")
    short = line_chart("t", "x", "y", [Line("A", marked, [(x, x) for x in range(1, 9)])])
    long = line_chart("t", "x", "y", [Line("A", marked, [(x, x) for x in range(1, 65)])])
    assert short is not None
    assert long is not None
    assert [mark.kind for mark in short.marks] == ["mark"] * 8
    assert 5 < len(long.marks) <= 10
    assert (long.marks[0].x, long.marks[0].y) == points(long)[0]


def test_a_single_epoch_is_a_dot() -> None:
    chart = line_chart("t", "epoch", "y", [Line("A", LOOK, [(1, 0.5)])])
    assert chart is not None
    assert [(mark.kind, mark.look) for mark in chart.marks] == [("point", LOOK)]
    assert [tick.text for tick in chart.x_ticks] == ["0", "1", "2"]


def test_a_way_has_a_ring_where_it_starts_and_a_square_where_it_ends() -> None:
    way = [(3.0, -1.0), (2.0, -2.0), (4.0, -3.0)]
    chart = path_chart("t", "alignment", "uniformity", [Line("A", LOOK, way)])
    assert chart is not None
    places = points(chart)
    ring = next(mark for mark in chart.marks if mark.kind == "ring")
    square = next(mark for mark in chart.marks if mark.kind == "square")
    assert ((ring.x, ring.y), (square.x, square.y)) == (places[0], places[-1])
    assert sum(mark.kind == "dot" for mark in chart.marks) == 3


def test_what_has_a_name_in_place_of_a_number_stands_apart() -> None:
    line = Line("A", LOOK, [(0, 9.0), (1, 2.0), (2, 1.0)])
    chart = line_chart("t", "decile", "y", [line], names={0: "unseen"})
    assert chart is not None
    assert len(points(chart)) == 2
    [mark] = chart.marks
    assert mark.kind == "point"
    assert (value_at(chart, mark.x), value(chart, mark.y, "y")) == ("unseen", pytest.approx(9, abs=0.03))
    assert not chart.is_way


def value_at(chart: Chart, across: float) -> str:
    return next(tick.text for tick in chart.x_ticks if tick.at == across)


def test_lines_without_points_are_left_out() -> None:
    assert line_chart("t", "x", "y", [Line("A", LOOK, [])]) is None
    assert path_chart("t", "x", "y", []) is None
    chart = line_chart("t", "x", "y", [Line("A", LOOK, []), Line("B", LOOK, [(1, 1), (2, 2)])])
    assert chart is not None
    assert [name for _, _, name in chart.lines] == ["B"]
    assert "for B." in chart.label


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.booleans())
def test_ticks_are_few_round_and_inside(low: float, high: float, whole: bool) -> None:
    assume(high - low > 1e-6 * max(1.0, abs(low), abs(high)) and (not whole or high - low >= 1))
    found = ticks(low, high, whole=whole)
    span = high - low
    assert 1 <= len(found) <= 6
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in found)
    if whole:
        assert all(tick == round(tick) for tick in found)


def test_unseen_items_far_from_the_deciles_stand_at_the_edge_with_their_numbers() -> None:
    lines = [Line(name, LOOK, [(-1, far), (1, 2.0), (2, 1.0)]) for name, far in (("A", 9.0), ("B", 7.5))]
    chart = line_chart("t", "decile", "y", lines, names={-1: "unseen"}, y_axis=Axis(0, 3, [0, 1, 2]))
    assert chart is not None
    first, second = chart.marks
    top = chart.y_ticks[-1].at - (chart.y_ticks[-2].at - chart.y_ticks[-1].at)  # where 3 would stand
    assert first.y == second.y == pytest.approx(top, abs=0.2)
    assert value_at(chart, first.x) == "unseen"
    assert second.x > first.x
    [word] = chart.words
    assert word.text == "↑ 7.50 to 9.00"
    assert word.x > second.x
    low, y_axis = Line("A", LOOK, [(-1, -8.0), (1, 2.0)]), Axis(0, 3, [])
    below = line_chart("t", "decile", "y", [low], names={-1: "unseen"}, y_axis=y_axis)
    assert below is not None
    assert [word.text for word in below.words] == ["↓ -8.00"]
    assert max(mark.y for mark in below.marks) == below.words[0].y + 6  # above the axis
