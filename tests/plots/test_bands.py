from __future__ import annotations

import matplotlib.colors
from matplotlib.figure import Figure

from degen.plots.bands import draw_means
from degen.plots.style import figure_style, variant_line


def test_lines_keep_the_colours_of_their_names_and_seeds_without_noise_have_no_band():
    samples = {"sasrec": {}, "scl": {1.0: [1.0, 2.0], 2.0: [5.0]}, "swept": {1.0: [0.5], 3.0: [0.7]}}
    with figure_style():
        axes = Figure().add_subplot()
        lines = draw_means(axes, samples, lambda values: (min(values), max(values)), linewidth=3)
    assert [line.get_label() for line in lines] == ["SCL", "swept"]
    assert [line.get_xydata().tolist() for line in lines] == [[[1, 1.5], [2, 5]], [[1, 0.5], [3, 0.7]]]
    assert lines[1].get_color() == variant_line("swept", 2)["color"]
    assert lines[0].get_linewidth() == 3
    [band, *others] = axes.collections
    assert matplotlib.colors.same_color(band.get_facecolor()[0][:3], variant_line("scl")["color"])
    assert not others


def test_without_an_interval_only_the_means_are_drawn():
    with figure_style():
        axes = Figure().add_subplot()
        draw_means(axes, {"scl": {1.0: [1.0, 2.0], 2.0: [5.0, 6.0]}})
    assert not axes.collections
    assert axes.get_legend() is None
    assert axes.get_xlabel() == axes.get_ylabel() == ""
