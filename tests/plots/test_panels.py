"""Small panels: how they are laid out, what they share, and profiles by popularity."""

from __future__ import annotations

import pytest
from drawn import outside, overlaps, texts
from run_files import epochs

from degen.plots.panels import epochs_figure, profiles_figure
from degen.plots.style import figure_style, figure_width
from degen.variant_names import VARIANT_LABELS

KEYS = ["uniformity", "alignment", "valid_HR@5", "alignment_dropout", "alignment_same_target", "epoch"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("width", "style"), [("column", "paper"), ("text", "paper"), ("10", "slides")])
def test_no_text_overlaps_or_leaves(count, width, style):
    runs = {"sasrec": [epochs(4, alignment=False)], "scl": [epochs(5)], "ucl+scl": [epochs(3)]}
    with figure_style(style):
        figure = epochs_figure(runs, {key: key for key in KEYS[:count]}, width=figure_width(width))
    assert [axes.get_title(loc="left") for axes in figure.axes] == KEYS[:count]
    assert overlaps(figure) == []
    assert outside(figure) == []
    assert figure.get_size_inches()[0] == figure_width(width)


def test_four_panels_stand_two_by_two():
    with figure_style():
        figure = epochs_figure({"scl": [epochs(4)]}, {key: key for key in KEYS[:4]}, width=7)
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) == 2


def test_epochs_without_a_value_are_joined_over_and_the_others_marked():
    rows = [{"epoch": epoch, "x": epoch**2 if epoch % 2 else None} for epoch in range(1, 6)]
    whole = [{"epoch": epoch, "x": epoch} for epoch in range(1, 6)]
    with figure_style():
        figure = epochs_figure({"scl": [rows], "ucl": [whole]}, {"x": "x"}, width=4)
    gaps, full = figure.axes[0].lines
    assert gaps.get_xydata().tolist() == [[1, 1], [3, 9], [5, 25]]
    assert (gaps.get_marker(), full.get_marker()) == ("o", "None")


def test_a_profile_rises_from_the_rarest_and_cold_items_stand_apart():
    profile = {"cold": [9.0], "1": [1.0], "2": [2.0], "10": [3.0]}
    with figure_style():
        figure = profiles_figure({"norm": {"sasrec": profile, "scl": {"1": [0.5], "10": [0.1]}}}, width=4)
    [axes] = figure.axes
    joined, other, cold = axes.lines
    assert joined.get_xydata().tolist() == [[1, 1], [2, 2], [3, 3]]
    assert cold.get_xydata().tolist() == [[-1, 9]]
    assert other.get_xydata().tolist() == [[1, 0.5], [3, 0.1]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["unseen", "1", "2", "10"]
    assert overlaps(figure) == []
    assert not axes.collections


def test_a_profile_of_several_seeds_has_their_mean_with_its_interval():
    profile = {"cold": [8.0, 10.0], "1": [1.0, 3.0], "2": [2.0, 6.0]}
    with figure_style():
        figure = profiles_figure({"norm": {"scl": profile}}, width=4, interval=lambda v: (min(v), max(v)))
    [axes] = figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 2], [2, 4]]
    band, bar = axes.collections
    assert {tuple(point) for point in band.get_paths()[0].vertices} == {(1, 1), (1, 3), (2, 6), (2, 2)}
    assert bar.get_segments()[0].tolist() == [[-1, 8], [-1, 10]]
    assert "bands: 95 % interval of the mean over seeds" in texts(figure)
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_a_legend_of_six_variants_stays_within_a_narrow_figure():
    runs = {name: [epochs(3)] for name in VARIANT_LABELS}
    with figure_style():
        figure = epochs_figure(runs, {"alignment": "x", "uniformity": "y"}, width=figure_width("column"))
    assert outside(figure) == []
    assert overlaps(figure) == []
