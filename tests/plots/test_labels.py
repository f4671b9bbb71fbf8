from __future__ import annotations

import numpy as np
import pytest
from drawn import overlaps, texts
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from degen.plots.marks.labels import name_ends, remove_names, shorten_titles, spread, spread_names

values = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=8)


def nearest_rising(numbers: list[float]) -> list[float]:
    """The min-max formula of isotonic regression: max over starts of the least mean from there on."""
    n = len(numbers)
    return [
        max(min(sum(numbers[j : k + 1]) / (k + 1 - j) for k in range(i, n)) for j in range(i + 1))
        for i in range(n)
    ]


@given(values)
def test_spread_is_the_nearest_arrangement_with_gaps(numbers: list[float]) -> None:
    gap = 0.05
    ordered = sorted(numbers)
    expected = [
        level + gap * i
        for i, level in enumerate(nearest_rising([v - gap * i for i, v in enumerate(ordered)]))
    ]
    result = spread(np.array(numbers), gap, -10.0, 10.0)
    assert sorted(result) == pytest.approx(expected, abs=1e-12)


@given(values)
def test_spread_keeps_order_gaps_and_limits(numbers: list[float]) -> None:
    result = spread(np.array(numbers), 0.1, 0.0, 1.0)
    order = np.argsort(numbers, kind="stable")
    assert (np.diff(result[order]) >= 0.1 - 1e-12).all()
    assert result.min() >= 0
    assert result.max() <= 1 + 1e-12


def test_spread_leaves_alone_what_is_far_apart() -> None:
    assert spread(np.array([0.9, 0.1, 0.5]), 0.2, 0, 1).tolist() == pytest.approx([0.9, 0.1, 0.5])


def test_two_that_meet_move_apart_by_half_a_gap_each() -> None:
    assert spread(np.array([0.5, 0.5]), 0.1, 0, 1).tolist() == pytest.approx([0.45, 0.55])


def crowded(width: float = 4.0) -> Figure:
    figure = Figure(figsize=(width, 2), layout="constrained")
    axes = figure.add_subplot()
    lines = [axes.plot([1, 2], [1, 0.5 + k / 15], label=f"name {k}", color="C0")[0] for k in range(6)]
    axes.set_ylim(0, 1)
    name_ends(axes, lines)
    return figure


def test_names_of_lines_that_end_together_do_not_overlap() -> None:
    figure = crowded()
    figure.draw_without_rendering()
    assert overlaps(figure)
    spread_names(figure.axes[0])
    assert not overlaps(figure)
    # The lines end one above another, and so must their names.
    heights = [texts(figure)[f"name {k}"][0].y0 for k in range(6)]
    assert heights == sorted(heights)


def test_a_name_stays_joined_to_the_end_of_its_line() -> None:
    axes = crowded().axes[0]
    axes.figure.draw_without_rendering()
    assert spread_names(axes)
    for name, line in zip(axes.texts, axes.lines, strict=True):
        assert name.xy == (line.get_xdata()[-1], line.get_ydata()[-1])
        assert name.get_text() == line.get_label()


def test_names_that_find_no_room_are_not_moved_and_can_be_removed() -> None:
    figure = crowded()
    figure.draw_without_rendering()
    assert spread_names(figure.axes[0])
    for name in figure.axes[0].texts:
        name.set_text("much too long for the room that is left " * 2)
        name.set_in_layout(False)
    figure.draw_without_rendering()
    assert not spread_names(figure.axes[0])
    remove_names(figure.axes[0])
    assert not figure.axes[0].texts


def test_names_of_lines_that_end_at_one_place_are_not_joined_by_strokes_that_cross() -> None:
    figure = Figure(figsize=(4, 2), layout="constrained")
    axes = figure.add_subplot()
    name_ends(axes, [axes.plot([1, 2], [k, 0.5], label=f"name {k}")[0] for k in range(6)])
    figure.draw_without_rendering()
    assert not spread_names(axes)


def test_titles_are_cut_to_their_panels() -> None:
    figure = Figure(figsize=(6, 3), layout="constrained")
    panels = figure.subplots(1, 2)
    titles = [
        axes.set_title(name, loc="left") for axes, name in zip(panels, ["short", "long " * 20], strict=True)
    ]
    figure.draw_without_rendering()
    shorten_titles(titles)
    assert titles[0].get_text() == "short"
    assert "…" in titles[1].get_text()
    assert titles[1].get_text().startswith("lon")
    assert titles[1].get_text().endswith("g ")
    assert titles[1].get_window_extent().width <= panels[1].get_window_extent().width
