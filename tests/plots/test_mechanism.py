from __future__ import annotations

import numpy as np
import pytest
from drawn import outside, overlaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from run_files import trace

from degen.plots.mechanism import (
    COLD_PLACE,
    OVER_EPOCHS,
    PANELS,
    bucket_at,
    bucket_places,
    draw_by_frequency,
    mechanism_epochs_figure,
    mechanism_figure,
)
from degen.plots.style import figure_style, figure_width

RUNS = {"sasrec": trace(4), "duorec": trace(6, push=0.3), "a cure of mine": trace(3, forces=False)}
SIZES = [("column", "paper"), ("text", "paper"), ("10", "slides")]


def panel(figure: Figure, title: str):
    [axes] = [axes for axes in figure.axes if axes.get_title(loc="left") == title]
    return axes


def test_buckets_stand_at_their_frequency_and_unseen_items_apart() -> None:
    axes = Figure().subplots()
    [line] = draw_by_frequency(axes, {"duorec": trace(1)[0]["buckets"]}, "step_cosine")
    np.testing.assert_allclose(line.get_xydata(), [[2, 0.9 / 2], [40, 0.9 / 3]])
    crosses = axes.lines[1]
    np.testing.assert_allclose(crosses.get_xydata(), [[COLD_PLACE, 0.9]])
    assert crosses.get_marker() == "X"
    assert to_hex(crosses.get_color()) == to_hex(line.get_color()) == "#0072b2"
    assert axes.get_xscale() == "log"
    assert axes.xaxis.get_major_formatter()(COLD_PLACE) == "0"


def test_places_are_geometric_middles() -> None:
    np.testing.assert_allclose(bucket_places(trace(1)[0]["buckets"]), [COLD_PLACE, 2, 40])


def test_the_rarest_bucket_is_of_items_that_occur() -> None:
    row = trace(2)[1]
    assert (bucket_at(row, 0)["name"], bucket_at(row, -1)["name"]) == ("1", "10")
    assert bucket_at(row, 0)["epoch"] == 2


@pytest.mark.parametrize(("width", "style"), SIZES)
def test_one_epoch_in_four_panels(width: str, style: str) -> None:
    with figure_style(style):
        buckets = {name: rows[0]["buckets"] for name, rows in RUNS.items()}
        figure = mechanism_figure(buckets, width=figure_width(width))
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(PANELS.values())
    labels = [line.get_label() for line in panel(figure, PANELS["push_share"]).lines]
    assert [label for label in labels if label[0] != "_"] == ["SASRec", "DuoRec"]  # no Eq. 4 in the third run
    assert len(panel(figure, PANELS["step_length"]).lines) == 6
    assert panel(figure, PANELS["step_length"]).get_ylim()[0] == 0
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["SASRec", "DuoRec", "a cure of mine"]
    assert overlaps(figure) == []
    assert outside(figure) == []
    assert figure.get_size_inches()[0] == figure_width(width)


@pytest.mark.parametrize(("width", "style"), SIZES)
def test_the_two_ends_over_epochs(width: str, style: str) -> None:
    with figure_style(style):
        figure = mechanism_epochs_figure(RUNS, width=figure_width(width))
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(OVER_EPOCHS.values())
    lines = panel(figure, OVER_EPOCHS["step_pairwise_cosine"]).lines
    assert len(lines) == 6
    of_duorec = [line for line in lines if line.get_label() == "DuoRec"]
    thin, thick = sorted(of_duorec, key=lambda line: line.get_linewidth())
    np.testing.assert_allclose(thick.get_ydata(), [0.3 / (epoch + 1) for epoch in range(1, 7)])
    np.testing.assert_allclose(thin.get_ydata(), [0.3 / (epoch + 2) for epoch in range(1, 7)])
    assert overlaps(figure) == []
    assert outside(figure) == []


@pytest.mark.parametrize("draw", [mechanism_figure, mechanism_epochs_figure])
def test_one_run_alone_is_named_too(draw) -> None:
    runs = {"scl": trace(2)[0]["buckets"] if draw is mechanism_figure else trace(2)}
    with figure_style():
        figure = draw(runs, width=3.337)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["SCL"]
    assert overlaps(figure) == []


def test_crosses_are_explained_where_there_are_any() -> None:
    buckets = trace(1)[0]["buckets"]
    with figure_style():
        assert mechanism_figure({"scl": buckets}, width=3.337).get_supxlabel().endswith("(×: never)")
        without = mechanism_figure({"scl": buckets[1:]}, width=3.337)
    assert without.get_supxlabel() == "times an item occurs in training"
