"""Small panels: how they are laid out, what they share, and profiles by popularity."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import outside, overlaps, texts
from run_files import epochs

from degen.plots.panels import epochs_figure, spectra_figure
from degen.plots.profiles import profiles_figure
from degen.plots.style import figure_style, figure_width
from degen.variant_names import VARIANT_LABELS

KEYS = ["uniformity", "alignment", "valid_HR@5", "alignment_dropout", "alignment_same_target", "epoch"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("width", "style"), [("column", "paper"), ("text", "paper"), ("10", "slides")])
def test_no_text_overlaps_or_leaves(count, width, style):
    runs = {"sasrec": [epochs(4, alignment=False)], "scl": [epochs(5)], "ucl+scl": [epochs(3)]}
    with figure_style(style):
        figure = epochs_figure(runs, {key: key for key in KEYS[:count]}, width=figure_width(width))
    letters = ["(a) ", "(b) ", "(c) ", "(d) ", "(e) ", "(f) "] if count > 1 else [""]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [letter + key for letter, key in zip(letters, KEYS[:count], strict=False)]
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
    assert (gaps.get_marker(), full.get_marker()) == ("s", "D")
    assert gaps.get_markevery()[1] == full.get_markevery()[1] == 1


def test_of_many_epochs_some_are_marked_and_of_coinciding_lines_each_shows_its_own():
    rows = [{"epoch": epoch, "x": epoch} for epoch in range(1, 65)]
    with figure_style():
        figure = epochs_figure({"scl": [rows], "duorec": [rows]}, {"x": "x"}, width=4)
    (first, every), (second, same) = (line.get_markevery() for line in figure.axes[0].lines)
    assert every == same == 8
    assert first != second


def test_pre_training_is_shaded_and_named():
    rows = [{"epoch": epoch, "x": epoch} for epoch in range(-3, 5)]
    with figure_style():
        figure = epochs_figure({"scl": [rows]}, {"x": "x"}, width=4)
        without = epochs_figure({"scl": [rows[4:]]}, {"x": "x"}, width=4)
    [shade] = figure.axes[0].patches
    assert shade.get_x() < -3
    assert shade.get_x() + shade.get_width() == 0.5
    assert "Shaded: pre-training." in texts(figure)
    assert not without.axes[0].patches


def test_bands_stay_within_the_range_of_their_measure_and_do_not_flatten_the_lines():
    rows = [{"epoch": e, "x": 0.1 + e / 100, "x_low": -0.9, "x_high": 1.3} for e in range(1, 5)]
    with figure_style():
        figure = epochs_figure({"scl": [rows]}, {"x": "x"}, width=4, ranges={"x": (0, 1)})
    [axes] = figure.axes
    ends = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (ends.min(), ends.max()) == (0, 1)
    assert 0.09 < axes.get_ylim()[0] < 0.11
    assert 0.14 < axes.get_ylim()[1] < 0.16


def test_a_profile_rises_from_the_rarest_and_cold_items_stand_apart():
    profile = {"cold": [9.0], "1": [1.0], "2": [2.0], "10": [3.0]}
    with figure_style():
        figure = profiles_figure({"norm": {"sasrec": profile, "scl": {"1": [0.5], "10": [0.1]}}}, width=4)
    [axes] = figure.axes
    joined, other, cold = axes.lines
    # Deciles stand where their numbers say; the two names a little beside each other.
    assert joined.get_xydata().tolist() == [[0.875, 1], [1.875, 2], [9.875, 3]]
    assert other.get_xydata().tolist() == [[1.125, 0.5], [10.125, 0.1]]
    assert joined.get_marker() != other.get_marker()
    # Unseen items, far above, stand below the edge with their value, and do not set the scale.
    top = axes.get_ylim()[1]
    assert top < 5
    band = (top - axes.get_ylim()[0]) * 0.2 / 1.2  # a fifth of the panel that it is added to
    assert cold.get_xydata().tolist() == [[-1.625, pytest.approx(top - 0.3 * band)]]
    assert [text.get_text() for text in axes.texts] == ["↑ 9.00"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["unseen", "1", "", "10"]
    assert axes.get_xticks().tolist() == [-1.5, 1, 2, 10]
    assert overlaps(figure) == []
    assert not axes.collections


def test_a_profile_of_several_seeds_has_their_mean_with_its_interval():
    profile = {"cold": [3.0, 4.0], "1": [1.0, 3.0], "2": [2.0, 6.0]}
    with figure_style():
        figure = profiles_figure({"norm": {"scl": profile}}, width=4, interval=lambda v: (min(v), max(v)))
    [axes] = figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[1, 2], [2, 4]]
    band, bar = axes.collections
    assert {tuple(point) for point in band.get_paths()[0].vertices} == {(1, 1), (1, 3), (2, 6), (2, 2)}
    assert bar.get_segments()[0].tolist() == [[-1.5, 3], [-1.5, 4]]
    assert "Bands: 95 % interval of the mean over seeds." in " ".join(texts(figure)).replace("\n", " ")
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_a_legend_of_six_variants_stays_within_a_narrow_figure():
    runs = {name: [epochs(3)] for name in VARIANT_LABELS}
    with figure_style():
        figure = epochs_figure(runs, {"alignment": "x", "uniformity": "y"}, width=figure_width("column"))
    assert outside(figure) == []
    assert overlaps(figure) == []


def test_small_singular_values_have_a_logarithmic_scale_alike_on_all_panels():
    curves = {"sasrec": np.array([1, 0.1, 0.001]), "scl": np.array([1, 0.9, 0.8])}
    with figure_style():
        figure = spectra_figure({"as they are": curves, "minus the mean": {"scl": curves["scl"]}}, width=4)
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.get_yscale() == "log"
        assert not [tick for tick in axes.yaxis.get_minorticklocs()]
        assert "$" not in "".join(label.get_text() for label in axes.get_yticklabels())
