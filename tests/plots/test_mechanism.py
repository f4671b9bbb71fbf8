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
    [axes] = [axes for axes in figure.axes if axes.get_title(loc="left")[4:] == title]
    return axes


def lettered(panels) -> list[str]:
    return [f"{letter} {title}" for letter, title in zip(("(a)", "(b)", "(c)", "(d)"), panels, strict=True)]


def test_buckets_stand_at_their_frequency_and_unseen_items_apart() -> None:
    axes = Figure().subplots()
    [line] = draw_by_frequency(axes, {"duorec": trace(1)[0]["buckets"]}, "step_cosine")
    np.testing.assert_allclose(line.get_xydata(), [[2, 0.9 / 2], [40, 0.9 / 3]])
    unseen = axes.lines[1]
    np.testing.assert_allclose(unseen.get_xydata(), [[COLD_PLACE, 0.9]])
    assert (unseen.get_marker(), unseen.get_markerfacecolor()) == (line.get_marker(), "none")
    assert to_hex(unseen.get_color()) == to_hex(line.get_color()) == "#0072b2"
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
    assert [axes.get_title(loc="left") for axes in figure.axes] == lettered(PANELS.values())
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
    assert [axes.get_title(loc="left") for axes in figure.axes] == lettered(OVER_EPOCHS.values())
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
    ends = ["rarest items in training", "most frequent items"] if draw is mechanism_epochs_figure else []
    assert [text.get_text() for text in legend.get_texts()] == ["SCL", *ends]
    assert overlaps(figure) == []


def test_symbols_and_hollow_marks_are_explained_and_the_marks_do_not_cover_each_other() -> None:
    buckets = trace(1)[0]["buckets"]
    with figure_style():
        figure = mechanism_figure({"scl": buckets, "duorec": buckets}, width=3.337)
        without = mechanism_figure({"scl": buckets[1:]}, width=3.337)
    assert "Hollow, at 0: items that never occur" in figure.get_supxlabel().replace("\n", " ")
    assert "h̄: mean sequence representation" in without.get_supxlabel().replace("\n", " ")
    assert "Hollow" not in without.get_supxlabel()
    places = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_markerfacecolor() == "none"]
    assert len(set(places)) == 2
    assert max(places) < 1


def test_lines_that_end_with_their_runs_are_explained() -> None:
    with figure_style():
        equal = mechanism_epochs_figure({"scl": trace(3), "duorec": trace(3)}, width=3.337)
        unequal = mechanism_epochs_figure({"scl": trace(3), "duorec": trace(5)}, width=3.337)
    assert "A line ends with its run." not in equal.get_supxlabel().replace("\n", " ")
    assert "A line ends with its run." in unequal.get_supxlabel().replace("\n", " ")
