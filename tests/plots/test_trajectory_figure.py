from __future__ import annotations

from pathlib import Path

import pytest
from drawn import outside, overlaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from run_files import epochs

from degen.plots.save import save_figure
from degen.plots.style import figure_style, figure_width
from degen.plots.trajectory_figure import TrajectoryPanel, epochs_figure, trajectory_figure

NAMES = ["CL4SRec", "UCL", "SCL", "UCL+SCL", "DuoRec", "DuoRec, seed 1"]


def trajectories(count: int, width: str = "column", style: str = "paper", **options) -> Figure:
    panels = [TrajectoryPanel(name, epochs(3 + k, -1 - k / 4)) for k, name in enumerate(NAMES[:count])]
    with figure_style(style):
        return trajectory_figure(panels, width=figure_width(width), **options)


def shown(figure: Figure) -> list:
    return [axes for axes in figure.axes if axes.get_title(loc="left")]


def test_a_panel_a_run_with_common_limits_and_colours() -> None:
    figure = trajectories(5, "text")
    assert [axes.get_title(loc="left")[4:] for axes in shown(figure)] == NAMES[:5]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in shown(figure)}) == 1
    norms = [axes.collections[0].norm for axes in shown(figure)]
    assert {(norm.vmin, norm.vmax) for norm in norms} == {(0.01, 0.07)}
    # The cell that five panels leave blank holds the legend and the colour bar.
    [bar] = [axes for axes in figure.findobj(Axes) if axes.get_xlabel() == "validation HR@5"]
    assert bar.get_xlim() == (0.01, 0.07)
    assert not figure.legends
    assert outside(figure) == []
    assert overlaps(figure) == []


def test_numbers_of_epochs_say_which_way_a_path_goes() -> None:
    there_and_back = [
        {
            "epoch": epoch,
            "uniformity": -2 - 0.01 * epoch,
            "alignment": 1 - abs(6 - epoch) / 6,
            "valid_HR@5": 0.1,
        }
        for epoch in range(1, 12)
    ]
    straight = epochs(9)
    with figure_style():
        panels = [TrajectoryPanel("UCL", there_and_back), TrajectoryPanel("SCL", straight)]
        figure = trajectory_figure(panels, width=figure_width("text"))
    numbers = [[text.get_text() for text in axes.texts] for axes in shown(figure)]
    assert numbers == [["1", "6", "11"], ["1", "9"]]
    assert overlaps(figure) == []


def test_limits_hold_the_seeds_behind_a_mean() -> None:
    panel = TrajectoryPanel("DuoRec", epochs(3), [epochs(3, -5.0)])
    with figure_style():
        figure = trajectory_figure([panel], width=3.337)
    assert figure.axes[0].get_ylim()[0] < -5.2


@pytest.mark.parametrize("definition", ["paper", "official"])
def test_axes_name_quantity_and_definition(definition: str) -> None:
    figure = trajectories(2, alignment="alignment_same_target", definition=definition)
    assert {axes.get_xlabel() for axes in shown(figure)} == {"same-target alignment\n(lower is better)"}
    assert figure.get_supylabel() == "uniformity of h (lower is better)"
    note = figure.get_supxlabel().replace("\n", " ")
    assert ("released code (recipe official)" in note) == (definition == "official")


def test_marks_of_first_and_last_epoch_are_explained() -> None:
    [legend] = trajectories(2).legends
    assert [text.get_text() for text in legend.get_texts()] == ["first epoch", "last epoch"]


def test_without_validation_there_is_no_colour_bar() -> None:
    rows = [{**row, "valid_HR@5": None} for row in epochs(3)]
    with figure_style():
        figure = trajectory_figure([TrajectoryPanel("SCL", rows)], width=3.337)
    assert len(figure.axes) == 1


@pytest.mark.parametrize("count", [1, 2, 6])
@pytest.mark.parametrize(("width", "style"), [("column", "paper"), ("text", "paper"), ("10", "slides")])
def test_no_text_of_a_trajectory_overlaps_or_leaves(count: int, width: str, style: str) -> None:
    figure = trajectories(count, width, style)
    assert overlaps(figure) == []
    assert outside(figure) == []
    assert figure.get_size_inches()[0] == figure_width(width)


def lines(figure: Figure, label: str) -> list:
    titles = {axes.get_title(loc="left")[4:].replace("\n", " "): axes for axes in figure.axes}
    return titles[label].lines


@pytest.mark.parametrize(("width", "style"), [("column", "paper"), ("text", "paper"), ("10", "slides")])
def test_over_epochs_three_quantities_and_one_legend(width: str, style: str) -> None:
    runs = {"sasrec": [epochs(4, alignment=False)], "scl": [epochs(5)], "duorec": [epochs(3), epochs(2)]}
    with figure_style(style):
        options = {"alignment": "alignment_same_target", "definition": "official"}
        figure = epochs_figure(runs, width=figure_width(width), **options)
    assert len(lines(figure, "uniformity of h (lower is better)")) == 4
    assert len(lines(figure, "same-target alignment (lower is better)")) == 4
    assert len(lines(figure, "validation HR@5")) == 4
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["SASRec", "SCL", "DuoRec"]
    assert len({axes.get_xlim() for axes in figure.axes}) == 1  # also where a run has no alignment
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_a_run_without_alignment_is_left_out_of_its_panel_only() -> None:
    with figure_style():
        figure = epochs_figure({"sasrec": [epochs(4, alignment=False)], "scl": [epochs(5)]}, width=3.337)
    assert [line.get_label() for line in lines(figure, "alignment (lower is better)")] == ["SCL"]
    assert [line.get_label() for line in lines(figure, "uniformity of h (lower is better)")] == [
        "SASRec",
        "SCL",
    ]
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["SASRec", "SCL"]


def test_one_run_alone_needs_no_legend() -> None:
    with figure_style():
        assert not epochs_figure({"scl": [epochs(1)]}, width=3.337).legends


def test_trajectories_drawn_twice_are_the_same_to_the_byte(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        with figure_style():
            panels = [TrajectoryPanel("SCL", epochs(4))]
            files += save_figure(trajectory_figure(panels, width=3.337), tmp_path / name, ["pdf"])
    assert files[0].read_bytes() == files[1].read_bytes()
