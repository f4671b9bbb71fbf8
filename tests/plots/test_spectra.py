from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from degen.plots.spectra import draw_singular_values


@pytest.fixture
def axes():
    return Figure().add_subplot()


def test_values_stand_over_their_index_from_one(axes) -> None:
    steep, flat = np.array([1, 0.5, 0.25, 0.1]), np.array([1, 0.9, 0.8, 0.7])
    lines = draw_singular_values(axes, {"sasrec": steep, "duorec": flat})
    assert [line.get_label() for line in lines] == ["SASRec", "DuoRec"]
    for line, values in zip(lines, (steep, flat), strict=True):
        assert line.get_xdata().tolist() == [1, 2, 3, 4]
        assert line.get_ydata().tolist() == values.tolist()
    low, high = axes.get_ylim()
    assert low == 0
    assert high > 1


def test_ticks_are_indices_and_begin_at_one(axes) -> None:
    draw_singular_values(axes, {"scl": np.linspace(1, 0.1, 64)})
    axes.figure.draw_without_rendering()
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "16", "32", "48", "64"]


def test_matrices_of_different_width_share_an_axis(axes) -> None:
    lines = draw_singular_values(axes, {"a": np.linspace(1, 0.1, 8), "b": np.linspace(1, 0.1, 64)})
    assert [len(line.get_xdata()) for line in lines] == [8, 64]
    assert axes.get_xlim()[1] > 64


def test_lines_of_a_figure_differ_in_colour_and_dashes(axes) -> None:
    names = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec", "mine"]
    lines = draw_singular_values(axes, {name: np.array([1, 0.5]) for name in names})
    assert len({line.get_color() for line in lines}) == len(names)
    # A line alone is solid, whatever it is called.
    assert draw_singular_values(axes, {"mine": np.array([1, 0.5])})[0].get_linestyle() == "-"


def test_a_single_value_is_a_mark_because_it_has_no_line(axes) -> None:
    [line] = draw_singular_values(axes, {"a": np.array([1.0])})
    assert line.get_marker() == "o"
