from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from degen.analysis.measures.spectrum import Projection, project
from degen.plots.style import PLAIN_COLOR, UNSEEN_COLOR, frequency_colors
from degen.plots.svd import (
    RASTERIZE_ABOVE,
    common_limits,
    draw_frequency_bar,
    draw_projection,
    frequency_scale,
    point_size,
)


def cloud(points: list[list[float]] | np.ndarray) -> Projection:
    return Projection(np.array(points, dtype=float), np.array([2.0, 1.0]), np.array([0.8, 0.2]))


@pytest.fixture
def axes():
    return Figure().add_subplot()


FIVE = [[1.0, 0.0], [2.0, 0.5], [3.0, -0.5], [4.0, 0.1], [5.0, 0.2]]
COUNTS = np.array([7, 0, 1, 100, 1])


def test_points_are_drawn_from_rare_to_frequent_at_their_coordinates(axes) -> None:
    drawn = draw_projection(axes, cloud(FIVE), COUNTS)
    # Counts 1, 1, 7, 100 in rows 2, 4, 0, 3; row 1 was never seen.
    assert drawn.get_offsets().tolist() == [FIVE[2], FIVE[4], FIVE[0], FIVE[3]]
    assert drawn.get_array().tolist() == [1, 1, 7, 100]


def test_colours_follow_the_log_of_the_count_rare_light_frequent_dark(axes) -> None:
    drawn = draw_projection(axes, cloud(FIVE), COUNTS)
    drawn.update_scalarmappable()
    colors = frequency_colors()
    places = np.log(np.array([1, 1, 7, 100])) / np.log(100)
    assert drawn.get_facecolors()[:, :3] == pytest.approx(colors(places)[:, :3], abs=1e-6)
    brightness = drawn.get_facecolors()[:, :3].sum(axis=1)
    assert brightness[0] == brightness[1] > brightness[2] > brightness[3]


def test_items_never_seen_are_crosses_of_their_own_colour_on_top(axes) -> None:
    draw_projection(axes, cloud(FIVE), COUNTS)
    seen, unseen = axes.collections
    assert unseen.get_offsets().tolist() == [FIVE[1]]
    assert to_rgba(unseen.get_edgecolors()[0], 1) == to_rgba(UNSEEN_COLOR)
    assert unseen.get_label() == "unseen"
    assert unseen.get_zorder() > seen.get_zorder()
    assert unseen.get_paths()[0].vertices.tolist() != seen.get_paths()[0].vertices.tolist()


def test_without_counts_all_points_have_one_colour_in_row_order(axes) -> None:
    assert draw_projection(axes, cloud(FIVE)) is None
    [drawn] = axes.collections
    assert drawn.get_offsets().tolist() == FIVE
    assert [to_rgba(color, 1) for color in drawn.get_facecolors()] == [to_rgba(PLAIN_COLOR)]


def test_where_nothing_was_seen_there_is_no_colour_scale(axes) -> None:
    assert draw_projection(axes, cloud(FIVE), np.zeros(5, dtype=np.int64)) is None
    assert sum(len(drawn.get_offsets()) for drawn in axes.collections) == 5


def test_points_are_translucent_and_without_rims(axes) -> None:
    drawn = draw_projection(axes, cloud(FIVE), COUNTS)
    assert 0.3 < drawn.get_alpha() < 0.9
    assert drawn.get_linewidths() == [0]


@pytest.mark.parametrize(("count", "rasterized"), [(RASTERIZE_ABOVE, False), (RASTERIZE_ABOVE + 1, True)])
def test_clouds_above_5000_points_are_rasterised(axes, rng, count: int, rasterized: bool) -> None:
    drawn = draw_projection(axes, cloud(rng.normal(size=(count, 2))), np.ones(count, dtype=np.int64))
    assert drawn.get_rasterized() is rasterized


def test_aspect_is_equal_and_the_axes_cross_at_the_origin(axes) -> None:
    draw_projection(axes, cloud(FIVE), COUNTS)
    assert axes.get_aspect() == 1
    horizontal, vertical = axes.lines
    assert list(horizontal.get_ydata()) == [0, 0]
    assert list(vertical.get_xdata()) == [0, 0]
    assert horizontal.get_zorder() < axes.collections[0].get_zorder()


def test_neither_projection_nor_counts_are_changed(axes, rng) -> None:
    points, counts = rng.normal(size=(50, 2)), rng.integers(0, 9, size=50)
    before = points.copy(), counts.copy()
    draw_projection(axes, cloud(points), counts)
    assert (points == before[0]).all()
    assert (counts == before[1]).all()


def test_limits_hold_every_cloud_and_the_origin_with_room_to_spare(rng) -> None:
    clouds = [rng.normal(loc=(5, 1), size=(40, 2)), rng.normal(loc=(9, -2), size=(30, 2))]
    (x0, x1), (y0, y1) = common_limits(clouds)
    every = np.concatenate([*clouds, np.zeros((1, 2))])
    assert x0 < every[:, 0].min()
    assert x1 > every[:, 0].max()
    assert y0 < every[:, 1].min()
    assert y1 > every[:, 1].max()
    # 4 % of the span on each side, where the box is neither flat nor tall.
    assert x1 - x0 == pytest.approx(1.08 * np.ptp(every[:, 0]))


def test_limits_by_hand() -> None:
    (x0, x1), (y0, y1) = common_limits([np.array([[-1.0, 2.0], [3.0, -1.0]])])
    assert (x0, x1) == pytest.approx((-1 - 0.16, 3 + 0.16))
    assert (y0, y1) == pytest.approx((-1 - 0.12, 2 + 0.12))


@pytest.mark.parametrize("points", [[[10.0, 0.1], [0.0, -0.1]], [[0.1, 10.0], [0.0, 0.0]], [[0.0, 0.0]]])
def test_flat_tall_and_empty_clouds_get_a_readable_box(points: list[list[float]]) -> None:
    (x0, x1), (y0, y1) = common_limits([np.array(points)])
    assert 0.59 < (y1 - y0) / (x1 - x0) < 1.41


def test_scale_runs_from_one_to_the_highest_count_of_all() -> None:
    scale = frequency_scale([np.array([0, 3, 50]), np.array([400])])
    assert (scale.vmin, scale.vmax) == (1, 400)
    assert frequency_scale([np.array([1, 2])]).vmax == 10
    assert frequency_scale([]).vmax == 10


def test_more_points_are_smaller_and_a_larger_panel_has_larger_ones() -> None:
    sizes = [point_size(count) for count in (10, 500, 2_576, 23_033, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert 0.5 <= sizes[3] <= 2
    assert point_size(23_033, 3.0) == pytest.approx(4 * sizes[3])


def test_colour_bar_has_powers_of_ten_and_the_mark_of_unseen_items(axes) -> None:
    drawn = draw_projection(axes, cloud(FIVE), COUNTS)
    bar = draw_frequency_bar(axes.figure, [axes], drawn)
    axes.figure.draw_without_rendering()
    assert [text.get_text() for text in bar.ax.get_yticklabels()] == ["1", "10", "100"]
    assert bar.ax.get_ylabel() == "frequency"
    assert [text.get_text() for text in bar.ax.get_legend().get_texts()] == ["unseen"]


def test_no_mark_of_unseen_items_where_there_are_none(axes) -> None:
    drawn = draw_projection(axes, cloud(FIVE), COUNTS + 1)
    assert draw_frequency_bar(axes.figure, [axes], drawn).ax.get_legend() is None


def test_a_projection_of_the_analysis_is_drawn_as_it_is(axes, rng) -> None:
    V = rng.normal(size=(40, 6)) + 1
    drawn = draw_projection(axes, project(V), np.ones(40, dtype=np.int64))
    U, s, _ = np.linalg.svd(V, full_matrices=False)
    expected = U[:, :2] * s[:2]
    expected *= np.where(expected.sum(axis=0) < 0, -1, 1)
    assert np.asarray(drawn.get_offsets()) == pytest.approx(expected, abs=1e-9)
