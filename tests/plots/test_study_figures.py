"""Figures of a study: every number drawn is a mean of its rows, and marks say what they are."""

from __future__ import annotations

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from degen.plots.layout import lay_out
from degen.plots.style import figure_style, figure_width, variant_line
from degen.plots.sweeps import sensitivity
from degen.plots.sweeps.bars import bars_figure
from degen.plots.sweeps.heat_maps import HeatPanel, heat_map_figure
from degen.plots.sweeps.sensitivity import AxisScale, CurveNotes, sensitivity_figure

WIDTHS = [figure_width("column"), figure_width("text")]


def ends(values):
    return min(values), max(values)


@pytest.fixture
def results():
    """Three λ of duorec, the first with one seed and the last capped, and a control without λ."""
    rows = [
        ("duorec", "", "a", 0, 0.1, False, 1.0),
        ("duorec", "", "b", 0, 0.5, False, 2.0),
        ("duorec", "", "b", 1, 0.5, False, 4.0),
        ("duorec", "", "c", 0, 2.0, False, 5.0),
        ("duorec", "", "c", 1, 2.0, True, 6.0),
        ("sasrec", "sasrec", "d", 0, np.nan, False, 0.5),
        ("sasrec", "sasrec", "d", 1, np.nan, False, 1.5),
    ]
    table = pd.DataFrame(rows, columns=["series", "control", "cell", "seed", "lambda", "capped", "hr"])
    return table.assign(thin=table["hr"] / 10)


@pytest.mark.parametrize(
    ("scale", "places"), [("categories", [0, 1, 2]), ("log", [0.1, 0.5, 2]), ("linear", [0.1, 0.5, 2])]
)
def test_curves_are_the_means_of_the_cells(results, scale, places):
    with figure_style():
        figure = sensitivity_figure(
            results, AxisScale("lambda", "λ", scale), {"hr": "HR"}, width=WIDTHS[0], interval=ends
        )
    [axes] = figure.axes
    lines = {line.get_label(): line for line in axes.lines if len(line.get_xdata()) > 1}
    np.testing.assert_allclose(lines["DuoRec"].get_xydata(), np.column_stack([places, (1, 3, 5.5)]))
    np.testing.assert_allclose(lines["SASRec"].get_xydata(), np.column_stack([places, (1, 1, 1)]))
    assert (lines["DuoRec"].get_linestyle(), lines["SASRec"].get_linestyle()) == ("-", "--")
    assert axes.get_xscale() == ("log" if scale == "log" else "linear")
    if scale != "linear":
        assert [text.get_text() for text in axes.get_xticklabels()] == ["0.1", "0.5", "2"]


def test_bands_are_intervals_of_cells_with_several_seeds(results):
    axis = AxisScale("lambda", "λ")
    with figure_style():
        figure = sensitivity_figure(results, axis, {"hr": "HR"}, width=WIDTHS[0], interval=ends)
        one_seed = results[results["seed"] == 0]
        without = sensitivity_figure(one_seed, axis, {"hr": "HR"}, width=WIDTHS[0], interval=ends)
    duorec, sasrec = (band.get_paths()[0].vertices for band in figure.axes[0].collections)
    np.testing.assert_allclose(sorted(set(duorec[duorec[:, 0] == 1][:, 1])), [2, 4])
    np.testing.assert_allclose(sorted(set(sasrec[:, 1])), [0.5, 1.5])
    assert not (duorec[:, 0] == 0).any() or np.isnan(duorec[duorec[:, 0] == 0][:, 1]).all()
    assert "bands: 95 % interval of the mean over 2 seeds" in figure.get_supxlabel()
    assert not without.axes[0].collections
    assert "one seed: no intervals" in without.get_supxlabel()


def test_seeds_are_dots_where_bands_would_leave_the_panel(results):
    axis, wide = AxisScale("lambda", "λ"), lambda values: (min(values) - 90, max(values) + 90)
    with figure_style():
        figure = sensitivity_figure(results, axis, {"hr": "HR"}, width=WIDTHS[1], interval=wide)
        narrow = sensitivity_figure(
            results,
            axis,
            {"hr": "HR"},
            width=WIDTHS[1],
            interval=lambda v: wide(v) if max(v) == 1.5 else ends(v),
        )
    [axes] = figure.axes
    assert not axes.collections
    dots = [tuple(point) for line in axes.lines if line.get_alpha() == 0.6 for point in line.get_xydata()]
    assert sorted(dots) == [(0, 0.5), (0, 1), (0, 1.5), (1, 2), (1, 4), (2, 5), (2, 6)]
    assert "95 % intervals over 2 seeds leave the panels: use 3 seeds or more" in figure.get_supxlabel()
    assert len(narrow.axes[0].collections) == 1  # duorec's band; sasrec's seeds are dots
    assert "small dots: the seeds, where bands would leave" in " ".join(narrow.get_supxlabel().split())


def test_capped_cells_are_hollow_and_controls_without_a_value_have_no_dots(results):
    with figure_style():
        figure = sensitivity_figure(results, AxisScale("lambda", "λ"), {"hr": "HR"}, width=WIDTHS[1])
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_xydata().tolist() for line in dots] == [[[0, 1]], [[1, 3]], [[2, 5.5]]]
    hollow = [matplotlib.colors.same_color(line.get_markerfacecolor(), "white") for line in dots]
    assert hollow == [False, False, True]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("DuoRec", "SASRec", "ended at the maximum of epochs"),
    ]


def test_the_range_of_the_axis_stands_above_and_controls_do_not_count(results):
    with figure_style():
        figure = sensitivity_figure(results, AxisScale("lambda", "λ"), {"hr": "HR"}, width=WIDTHS[1])
    assert figure.axes[0].get_title("right") == "1.0 to 5.5"
    assert figure.axes[0].get_ylim()[0] > 0


def test_further_columns_are_thin(results):
    extra = CurveNotes({"hr": "thin"}, "at epoch 20")
    with figure_style():
        figure = sensitivity_figure(
            results, AxisScale("lambda", "λ"), {"hr": "HR"}, width=WIDTHS[1], extra=extra
        )
        line = matplotlib.rcParams["lines.linewidth"]
    drawn = {tuple(at.get_ydata().round(9)): at for at in figure.axes[0].lines if len(at.get_xdata()) > 1}
    thin = drawn[(0.1, 0.3, 0.55)]
    assert thin.get_linewidth() == line / 2
    assert thin.get_color() == drawn[(1, 3, 5.5)].get_color()
    assert "at epoch 20" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("width", WIDTHS, ids=["column", "text"])
def test_nothing_of_a_figure_of_four_panels_is_cut(results, width):
    panels = {name: f"NDCG@{place}0" for place, name in enumerate(("hr", "x", "y", "z"))}
    with figure_style():
        table = results.assign(**dict.fromkeys(("x", "y", "z"), results["hr"] / 987.654))
        extra = CurveNotes(dict.fromkeys(panels, "thin"), "validation at epoch 20")
        figure = sensitivity_figure(
            table, AxisScale("lambda", "λ"), panels, width=width, interval=ends, extra=extra
        )
        lay_out(figure)
        for text in (figure._supxlabel, *(axes._right_title for axes in figure.axes)):
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.width
        for axes in figure.axes:
            left, right = axes._left_title.get_window_extent(), axes._right_title.get_window_extent()
            assert left.x1 < right.x0
            assert " to " in axes.get_title("left") + axes.get_title("right")


# Heat maps


@pytest.fixture
def grid():
    values = {(0.1, 1): [3.0, 5.0], (0.1, 2): [9.0], (0.5, 1): [8.6, 8.8], (0.5, 2): [2.0]}
    return pd.DataFrame(
        [{"y": y, "x": x, "hr": value / 100} for (y, x), several in values.items() for value in several]
    )


def outlines(axes):
    return {
        (int(patch.get_x()), int(patch.get_y())): patch.get_linestyle() == "-"
        for patch in axes.patches
        if not patch.get_fill()
    }


def test_heat_maps_annotate_the_means_and_outline_what_noise_does_not_tell_apart(grid):
    panels = [HeatPanel("hr", "HR (%)", percent=True, deviation=0.004)]
    with figure_style():
        figure = heat_map_figure(grid, ("x", "across"), ("y", "up"), panels, width=WIDTHS[0])
    [axes] = figure.axes
    assert [text.get_text() for text in axes.texts] == ["4.00", "9.00", "8.70", "2.00"]
    assert outlines(axes) == {(1, 0): True, (0, 1): False}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("across", "up")
    assert axes.get_ylim() == (0, 2)  # low values of the axis stand low
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0.1", "0.5"]


def test_cells_farther_than_the_noise_from_the_best_have_no_outline(grid):
    panels = [HeatPanel("hr", "HR (%)", deviation=0.002)]  # the second best is 0.003 below the best
    with figure_style():
        figure = heat_map_figure(grid, ("x", "across"), ("y", "up"), panels, width=WIDTHS[0])
    assert outlines(figure.axes[0]) == {(1, 0): True}


def test_without_seeds_only_the_best_cell_is_outlined(grid):
    with figure_style():
        panels = [HeatPanel("hr", "low", best="low"), HeatPanel("hr", "none", best=None)]
        figure = heat_map_figure(grid, ("x", "x"), ("y", "y"), panels, width=WIDTHS[1])
    assert outlines(figure.axes[0]) == {(1, 1): True}
    assert outlines(figure.axes[1]) == {}
    assert figure.get_supxlabel() == "outlined: best cell (one seed: noise unknown)"


def test_the_scale_of_colours_can_be_shared(grid):
    with figure_style():
        panels = [HeatPanel("hr", "own"), HeatPanel("hr", "shared", limits=(0.0, 0.5))]
        figure = heat_map_figure(grid, ("x", "x"), ("y", "y"), panels, width=WIDTHS[1])
    limits = [axes.collections[0].get_clim() for axes in figure.axes]
    assert limits == [pytest.approx((0.02, 0.09)), (0.0, 0.5)]


def test_a_cell_without_a_result_stays_empty(grid):
    grid = grid[~((grid["x"] == 2) & (grid["y"] == 0.5))]
    with figure_style():
        figure = heat_map_figure(grid, ("x", "x"), ("y", "y"), [HeatPanel("hr", "HR")], width=WIDTHS[0])
    assert len(figure.axes[0].texts) == 3


# Bars


def test_bars_are_means_with_whiskers_and_published_values_hollow(results):
    published = {"duorec": {"hr": 7.0}, "elsewhere": {"hr": 1.0}}
    with figure_style():
        figure = bars_figure(results, {"hr": "HR"}, width=WIDTHS[0], interval=ends, published=published)
    [axes] = figure.axes
    duorec, hollow, sasrec = axes.patches
    assert (duorec.get_width(), hollow.get_width(), sasrec.get_width()) == (pytest.approx(3.6), 7.0, 1.0)
    assert (duorec.get_fill(), hollow.get_fill()) == (True, False)
    color = variant_line("duorec")["color"]
    assert matplotlib.colors.same_color(duorec.get_facecolor(), color)
    assert matplotlib.colors.same_color(hollow.get_edgecolor(), color)
    whiskers = [line.get_segments()[0][:, 0].tolist() for line in axes.collections]
    assert whiskers == [[1, 6]] * 2 + [[0.5, 1.5]] * 2
    assert [text.get_text() for text in axes.get_yticklabels()] == ["DuoRec", "SASRec"]
    assert axes.get_xlim()[0] == 0
    assert axes.yaxis_inverted()


def test_whiskers_do_not_decide_the_scale_of_bars(results):
    with figure_style():
        figure = bars_figure(results, {"hr": "HR"}, width=WIDTHS[0], interval=lambda values: (-90.0, 90.0))
    assert figure.axes[0].get_xlim() == (0, pytest.approx(1.6 * 6))


def test_one_seed_has_no_whisker(results):
    with figure_style():
        figure = bars_figure(results.iloc[[0, 5]], {"hr": "HR"}, width=WIDTHS[1], interval=ends)
    assert not figure.axes[0].collections
    assert not figure.get_supxlabel()


def test_a_range_of_any_numbers_has_a_text():
    assert sensitivity._between(0.1, 0.25) == "0.10 to 0.25"
    assert " to " in sensitivity._between(-1.7e308, 1.7e308)
