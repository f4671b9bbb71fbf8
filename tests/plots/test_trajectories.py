from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from run_files import epochs

from degen.plots.style import quality_colors
from degen.plots.trajectories import column, common_span, draw_epochs, draw_trajectories, quality_scale


@pytest.fixture
def axes():
    return Figure().add_subplot()


def marks(axes) -> dict[str, list[list[float]]]:
    return {drawn.get_label(): drawn.get_offsets().tolist() for drawn in axes.collections}


def test_a_dot_an_epoch_alignment_across_uniformity_up(axes) -> None:
    rows = epochs(4)
    dots = draw_trajectories(axes, rows)
    expected = [[row["alignment"], row["uniformity"]] for row in rows]
    assert dots.get_offsets().tolist() == expected
    [line] = axes.lines
    assert np.column_stack([line.get_xdata(), line.get_ydata()]).tolist() == expected
    assert line.get_zorder() < dots.get_zorder()


def test_first_and_last_epoch_are_marked(axes) -> None:
    rows = epochs(3)
    draw_trajectories(axes, rows)
    found = marks(axes)
    assert found["first epoch"] == [[rows[0]["alignment"], rows[0]["uniformity"]]]
    assert found["last epoch"] == [[rows[-1]["alignment"], rows[-1]["uniformity"]]]


def test_colour_is_validation_hr_low_yellow_high_blue(axes) -> None:
    dots = draw_trajectories(axes, epochs(5))
    dots.update_scalarmappable()
    assert dots.get_array().tolist() == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])
    expected = quality_colors()(np.array([0, 0.25, 0.5, 0.75, 1]))
    assert dots.get_facecolors() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("key", ["alignment_same_target", "alignment_dropout"])
def test_another_alignment_can_be_drawn(axes, key: str) -> None:
    rows = epochs(3, alignment=False)
    dots = draw_trajectories(axes, rows, alignment=key)
    assert dots.get_offsets()[:, 0].tolist() == [row[key] for row in rows]


def test_epochs_without_a_coordinate_are_left_out_and_without_quality_are_grey(axes) -> None:
    rows = epochs(4)
    rows[1]["uniformity"] = None
    del rows[2]["valid_HR@5"]
    dots = draw_trajectories(axes, rows)
    assert dots.get_offsets()[:, 0].tolist() == [rows[k]["alignment"] for k in (0, 2, 3)]
    dots.update_scalarmappable()
    grey = dots.get_facecolors()[1]
    assert grey[0] == grey[1] == grey[2]


def test_one_epoch_is_drawn_with_both_marks(axes) -> None:
    draw_trajectories(axes, epochs(1))
    found = marks(axes)
    assert found["first epoch"] == found["last epoch"] == [[0.25, -1.0]]


def test_seeds_behind_a_mean_are_thin_and_below(axes) -> None:
    behind = [epochs(3, -1.1), epochs(2, -0.9)]
    dots = draw_trajectories(axes, epochs(3), behind=behind)
    *others, own = axes.lines
    assert [len(line.get_xdata()) for line in others] == [3, 2]
    assert others[0].get_ydata()[0] == -1.1
    assert all(line.get_zorder() < own.get_zorder() < dots.get_zorder() for line in others)


def test_rows_are_not_changed(axes) -> None:
    rows = epochs(3)
    draw_trajectories(axes, rows)
    assert rows == epochs(3)


def test_over_epochs_a_line_a_run_and_a_handle_a_name(axes) -> None:
    runs = {"scl": [epochs(3), epochs(2, -2.0)], "duorec": [epochs(3, -3.0)]}
    handles = draw_epochs(axes, runs, "uniformity")
    assert [handle.get_label() for handle in handles] == ["SCL", "DuoRec"]
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2, 3], [1, 2], [1, 2, 3]]
    assert [line.get_ydata()[0] for line in axes.lines] == [-1.0, -2.0, -3.0]
    assert axes.lines[0].get_color() == axes.lines[1].get_color() != axes.lines[2].get_color()


def test_over_epochs_a_name_without_the_quantity_is_left_out(axes) -> None:
    runs = {"sasrec": [epochs(3, alignment=False)], "scl": [epochs(3)]}
    assert [line.get_label() for line in draw_epochs(axes, runs, "alignment")] == ["SCL"]


def test_ticks_are_whole_epochs_and_one_epoch_is_a_mark(axes) -> None:
    [line] = draw_epochs(axes, {"scl": [epochs(1)]}, "uniformity")
    assert line.get_marker() == "s"
    assert all(tick == int(tick) for tick in axes.get_xticks())


def test_column_has_nan_where_there_is_nothing() -> None:
    values = column([{"a": 1}, {"a": None}, {}], "a")
    assert values[0] == 1
    assert np.isnan(values[1:]).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[1.0, 3.0], [2.0, np.nan]], (0.88, 3.12)),
        ([[2.0]], (1.9, 2.1)),
        ([[0.0, 0.0]], (-0.01, 0.01)),
        ([[np.nan]], (0, 1)),
        ([], (0, 1)),
    ],
)
def test_common_span_has_room_on_both_sides(values, expected) -> None:
    assert common_span(np.array(v) for v in values) == pytest.approx(expected)


def test_quality_scale_spans_all_runs_and_survives_one_value_and_none() -> None:
    scale = quality_scale([epochs(2), epochs(7)])
    assert (scale.vmin, scale.vmax) == pytest.approx((0.01, 0.07))
    single = quality_scale([epochs(1)])
    assert single(0.01) == pytest.approx(0.5)
    assert (quality_scale([]).vmin, quality_scale([[{"epoch": 1}]]).vmax) == (0, 1)
