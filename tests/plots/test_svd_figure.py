from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from drawn import font_types, images, media_box, outside, overlaps, texts
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from degen.analysis.measures.spectrum import project
from degen.plots.marks.beyond import mark_beyond, settle_words
from degen.plots.save import save_figure
from degen.plots.style import figure_style, figure_width
from degen.plots.svd import common_limits
from degen.plots.svd_figure import VIEWS, SvdPanel, share_text, svd_figure

PAPER = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec"]


def panels(
    names: list[str], n: int = 300, d: int = 8, frequency: bool = True, cone: float = 6
) -> list[SvdPanel]:
    """Cones, the first the narrowest, over items of which the last ten were never seen."""
    rng = np.random.default_rng(5)
    counts = np.maximum(1000 // np.arange(1, n + 1), 1)
    counts[-10:] = 0
    result = []
    for position, name in enumerate(names):
        V = rng.normal(size=(n, d))
        V[:, 0] += cone / (1 + position)
        result.append(SvdPanel(name, project(V), counts if frequency else None))
    return result


def draw(names: list[str], width: str = "column", style: str = "paper", **options) -> Figure:
    with figure_style(style):
        return svd_figure(panels(names, **options), width=figure_width(width))


@cache
def six(width: str) -> Figure:
    """The six variants of the paper, drawn once for all tests that do no more than look."""
    return draw(PAPER, width)


def clouds(figure: Figure) -> list:
    return [axes for axes in figure.axes if axes.get_aspect() == 1]


def names(figure: Figure) -> list[str]:
    """The titles of the clouds, without their letters."""
    return [axes.get_title(loc="left").partition(") ")[2] for axes in clouds(figure)]


def spectrum(figure: Figure):
    return next(axes for axes in figure.axes if axes.get_xlabel().startswith("index"))


def bars(figure: Figure) -> list:
    return [axes for axes in figure.axes if "frequency" in (axes.get_ylabel(), axes.get_title(loc="left"))]


@pytest.mark.parametrize("width", ["column", "text", "2.5"])
def test_a_panel_a_variant_a_colour_bar_and_all_singular_values(width: str) -> None:
    figure = six(width)
    titles = [axes.get_title(loc="left") for axes in (*clouds(figure), spectrum(figure))]
    assert [title.partition(" ")[0] for title in titles] == ["(a)", "(b)", "(c)", "(d)", "(e)", "(f)", "(g)"]
    # Matplotlib 3.10 sets text a little wider, and on one column the longest name has no room then.
    wide = matplotlib.__version_info__ < (3, 11) and width != "text"
    assert names(figure) == ["SASRec", "CL4SRec", "UCL", "SCL", "…L+SCL" if wide else "UCL+SCL", "DuoRec"]
    assert len(bars(figure)) == 1
    lines = spectrum(figure).lines
    assert len(lines) == 6
    for line, panel in zip(lines, panels(PAPER), strict=True):
        s = panel.projection.singular_values
        assert np.asarray(line.get_ydata()) == pytest.approx(s / s[0])


def test_panels_share_limits_scale_and_shape() -> None:
    figure = six("text")
    figure.draw_without_rendering()
    shown = clouds(figure)
    assert len({axes.get_xlim() for axes in shown}) == 1
    assert len({axes.get_ylim() for axes in shown}) == 1
    assert len({id(axes.collections[0].norm) for axes in shown}) == 1
    boxes = [axes.get_window_extent() for axes in shown]
    assert np.ptp([box.width for box in boxes]) < 0.5
    assert np.ptp([box.height for box in boxes]) < 0.5
    # Equal aspect: a unit is as long across as up.
    x, y = shown[0].get_xlim(), shown[0].get_ylim()
    assert boxes[0].width / (x[1] - x[0]) == pytest.approx(boxes[0].height / (y[1] - y[0]), rel=1e-6)


def test_all_points_are_drawn_within_the_limits() -> None:
    for axes, panel in zip(clouds(figure := six("column")), panels(PAPER), strict=True):
        offsets = np.asarray(axes.collections[0].get_offsets())
        expected = panel.projection.coordinates[panel.frequency > 0]
        assert np.sort(offsets, axis=0) == pytest.approx(np.sort(expected, axis=0))
        assert (offsets[:, 0] > axes.get_xlim()[0]).all()
        assert (offsets[:, 1] < axes.get_ylim()[1]).all()
    assert figure.get_size_inches()[0] == 3.337


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize(("width", "style"), [("column", "paper"), ("text", "paper"), ("10", "slides")])
def test_no_text_overlaps_another_or_leaves_the_figure(count: int, width: str, style: str) -> None:
    figure = draw([*PAPER, "a-variant-of-my-own", "b"][:count], width, style)
    assert overlaps(figure) == []
    assert outside(figure) == []


@pytest.mark.parametrize("width", ["column", "text", "1.5"])
def test_flat_clouds_leave_their_labels_room(width: str) -> None:
    figure = draw(PAPER[:3], width, cone=40)
    assert overlaps(figure) == []
    assert outside(figure) == []


def legend_of(figure: Figure) -> list[str]:
    legend = spectrum(figure).get_legend() or figure.legends[0]
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("width", ["column", "text"])
def test_names_as_long_as_those_of_files_keep_their_ends(width: str) -> None:
    long = [f"embeddings-of-the-production-model-for-the-whole-storefront-{month}-v{k}" for k, month in
            enumerate(("2025-01", "2025-02", "2025-03"))]  # fmt: skip
    figure = draw(long, width)
    shown = [text.get_text() for text in spectrum(figure).texts] or legend_of(figure)
    for k, (title, label) in enumerate(zip(names(figure), shown, strict=True)):
        assert title.endswith(f"v{k}")
        assert label.endswith(f"v{k}")
        assert "…" in title
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_lines_that_end_together_are_named_in_a_legend_that_none_crosses() -> None:
    same = [replace(panel, name=name) for name, panel in zip(PAPER, panels(["x"]) * 6, strict=True)]
    with figure_style():
        figure = svd_figure(same, width=figure_width("text"))
    assert not spectrum(figure).texts
    assert legend_of(figure) == ["SASRec", "CL4SRec", "UCL", "SCL", "UCL+SCL", "DuoRec"]
    assert outside(figure) == []


def test_other_seeds_are_thin_lines_of_the_same_colour_without_a_name() -> None:
    first, second, other = panels(["sasrec", "duorec", "sasrec"])
    with figure_style():
        plain = svd_figure([first, second], width=figure_width("column"))
        figure = svd_figure(
            [replace(first, behind={1: other.projection}), second], width=figure_width("column")
        )
    axes = spectrum(figure)
    [collection] = [one for one in axes.collections if len(one.get_segments())]
    [segment] = collection.get_segments()
    np.testing.assert_allclose(segment[:, 1], other.projection.normalized_singular_values)
    assert segment[:, 0].tolist() == list(range(1, 9))
    assert to_hex(collection.get_color()[0]) == to_hex(axes.lines[0].get_color())
    assert collection.get_linewidth()[0] < axes.lines[0].get_linewidth()
    assert len(axes.lines) == len(spectrum(plain).lines)
    told = "Thin lines: singular values of other seeds."
    assert told in " ".join(texts(figure))
    assert told not in " ".join(texts(plain))
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_four_panels_are_two_by_two_and_a_fifth_leaves_its_blank_cell_to_the_spectrum() -> None:
    for count, rows, blank in ((4, 2, False), (5, 2, True)):
        for width in ("column", "text"):
            figure = draw(PAPER[:count], width)
            boxes = [axes.get_position() for axes in clouds(figure)]
            assert len({round(box.y0, 2) for box in boxes}) == rows
            assert len({round(box.x0, 2) for box in boxes}) == (count + 1) // 2
            last = spectrum(figure).get_position()
            in_last_row = abs(last.y0 - boxes[-1].y0) < 0.05 and last.y1 < boxes[0].y0
            assert in_last_row == blank


def far_unseen(names: list[str]) -> list[SvdPanel]:
    """Clouds whose ten unseen items all lie at one place, ten times as far right as all others."""
    result = []
    for panel in panels(names):
        points = panel.projection.coordinates.copy()
        points[-10:] = 10 * points[:-10, 0].max(), 0.25
        result.append(replace(panel, projection=replace(panel.projection, coordinates=points)))
    return result


@pytest.mark.parametrize("width", ["column", "text"])
def test_unseen_items_never_stretch_the_axes_and_an_arrow_says_where_they_lie(width: str) -> None:
    far = far_unseen(PAPER)
    with figure_style():
        figure = svd_figure(far, width=figure_width(width))
    seen = [panel.projection.coordinates[panel.frequency > 0] for panel in far]
    assert (clouds(figure)[0].get_xlim(), clouds(figure)[0].get_ylim()) == common_limits(seen)
    for axes, panel in zip(clouds(figure), far, strict=True):
        [words] = [text.get_text() for text in axes.texts if "unseen" in text.get_text()]
        assert words == f"10 unseen\nat {panel.projection.coordinates[-1, 0]:.0f}, 0.25"
        assert len(axes.collections) == 1  # no cross inside
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_words_beside_an_arrow_cover_neither_it_nor_a_crowd(rng: np.random.Generator) -> None:
    # The crowd fills the upper right, beside the arrow; every other corner is empty.
    crowd = np.concatenate([rng.uniform(0.2, 1.0, size=(990, 2)), [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]]])
    points = np.concatenate([crowd, np.full((7, 2), [9.0, 0.8])])
    counts = np.repeat([5, 0], [len(crowd), 7])
    panel = panels(["sasrec"])[0]
    drawn = replace(panel, projection=replace(panel.projection, coordinates=points), frequency=counts)
    with figure_style():
        figure = svd_figure([drawn, replace(drawn, name="duorec")], width=figure_width("column"))
    for axes in clouds(figure):
        [words] = [text for text in axes.texts if "unseen" in text.get_text()]
        box = words.get_window_extent()
        assert not any(box.contains(*axes.transData.transform(point)) for point in crowd)
        [arrow] = [text for text in axes.texts if not text.get_text()]
        assert not any(
            box.contains(*axes.transAxes.transform(end)) for end in (arrow.xy, arrow.get_position())
        )


def test_words_stand_near_their_own_arrow_where_there_are_two(rng: np.random.Generator) -> None:
    axes = Figure(figsize=(4, 4)).add_subplot()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    crowd = rng.uniform(0.4, 0.6, size=(500, 2))
    far = np.array([[-5, 0.9], [5, 0.1], [5, 0.1]])
    mark_beyond(axes, far, "unseen", color="black", crowd=crowd)
    settle_words(axes, crowd)
    words = {text.get_text().split()[0]: text.get_position() for text in axes.texts if text.get_text()}
    assert words["1"][0] < 0.5 < words["1"][1]
    assert words["2"][1] < 0.5 < words["2"][0]


def test_in_the_layout_of_fig_1_each_cloud_fills_a_panel_of_one_shape() -> None:
    both = [*far_unseen(["sasrec"]), panels(["sasrec", "duorec"], cone=1)[1]]
    with figure_style():
        figure = svd_figure(both, width=figure_width("text"), layout="fig1")
    boxes = [axes.get_window_extent() for axes in clouds(figure)]
    assert boxes[0].height == pytest.approx(boxes[1].height, abs=1)
    assert boxes[0].y0 == pytest.approx(boxes[1].y0, abs=1)
    assert spectrum(figure).get_position().x0 > clouds(figure)[1].get_position().x1
    assert clouds(figure)[0].get_xlim() != clouds(figure)[1].get_xlim()
    for axes, panel in zip(clouds(figure), both, strict=True):
        points = panel.projection.coordinates[panel.frequency > 0]
        box = np.array([axes.get_xlim(), axes.get_ylim()]).T
        assert (box[0] < points.min(axis=0)).all()
        assert (box[1] > points.max(axis=0)).all()
        assert (np.ptp(np.vstack([points, [[0, 0]]]), axis=0) / np.ptp(box, axis=0)).max() > 0.75
    assert "Each cloud has axes of its own." in " ".join(texts(figure)).replace("\n", " ")
    assert outside(figure) == []


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.224, "22 %"),
        (0.0996, "10 %"),
        (0.031, "3.1 %"),
        (0.0009, "0.1 %"),
        (1e-5, "< 0.1 %"),
        (0.0, "0.0 %"),
    ],
)
def test_a_small_share_is_not_nothing(share: float, text: str) -> None:
    assert share_text(share) == text


def test_a_panel_says_what_its_axes_carry() -> None:
    [panel] = panels(["scl"])
    figure = draw(["scl"])
    [axes] = clouds(figure)
    first, second = panel.projection.variance_share[:2]
    assert axes.get_xlabel().endswith(f"({round(100 * first)} %)")
    assert "share of Σσ² along x and y." in " ".join(texts(figure)).replace("\n", " ")
    assert share_text(second) in axes.get_ylabel()
    assert "300 items" in [text.get_text() for text in axes.texts]


def test_only_outer_panels_are_labelled() -> None:
    shown = clouds(six("text"))
    assert [bool(axes.get_ylabel()) for axes in shown] == [True, False, False] * 2
    assert [bool(axes.get_xlabel()) for axes in shown] == [False] * 3 + [True] * 3


def test_without_counts_there_is_no_colour_bar() -> None:
    figure = draw(["vectors"], frequency=False)
    assert not bars(figure)
    assert not figure.axes[0].get_legend()
    assert "requency" not in " ".join(texts(figure))


@pytest.mark.parametrize("width", ["column", "text"])
def test_files_of_23033_items_a_panel_are_small_and_exact(tmp_path: Path, width: str) -> None:
    many = panels(PAPER, n=23_033)
    sizes = {}
    with figure_style("paper"):
        for count in (1, 6):
            figure = svd_figure(many[:count], width=figure_width(width))
            [pdf] = save_figure(figure, tmp_path / f"{width}-{count}", ["pdf"])
            sizes[count] = pdf.stat().st_size
            assert media_box(pdf)[0] == pytest.approx(figure_width(width), abs=1e-4)
            assert b"Type3" not in font_types(pdf)
            assert len(images(pdf)) >= count
    assert sizes[1] < 500_000
    assert sizes[6] < 1_000_000


def test_a_cloud_that_fills_a_wide_panel_is_drawn_coarsely_enough(tmp_path: Path, rng) -> None:
    V = np.concatenate([rng.uniform(-1, 1, size=(23_033, 2)), rng.normal(size=(23_033, 6)) / 100], axis=1)
    panel = SvdPanel("vectors", project(V), rng.integers(0, 2000, size=len(V)))
    with figure_style("paper"):
        figure = svd_figure([panel], width=7.006)
        [fine] = save_figure(figure, tmp_path / "fine", ["pdf"], most_bytes=10**8)
        [small] = save_figure(figure, tmp_path / "small", ["pdf"], most_bytes=480_000)
    assert fine.stat().st_size > 1_000_000
    assert small.stat().st_size < 500_000
    assert media_box(fine) == media_box(small)


def test_drawn_twice_a_figure_is_the_same_to_the_byte(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        with figure_style("paper"):
            figure = svd_figure(panels(PAPER[:2], n=6_000), width=3.337)
            files.append(save_figure(figure, tmp_path / name, ["pdf", "png", "svg"]))
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("projection", "across"), [("pca", "component 1"), ("tsne", "t-SNE 1")])
def test_axes_say_which_projection_it_is(count: int, projection: str, across: str) -> None:
    view = VIEWS[projection]
    with figure_style():
        figure = svd_figure(panels(PAPER[:count]), width=figure_width("column"), view=view)
    labels = {axes.get_xlabel() for axes in clouds(figure)} - {""}
    assert len(labels) == 1
    assert all(label.startswith(across) for label in labels)
    assert spectrum(figure).get_ylabel() == view.spectrum
    assert view.note in " ".join(texts(figure)).replace("\n", " ")
    assert ("%" in "".join(texts(figure))) == bool(view.shares)
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_tsne_centres_each_panel_on_its_own_cloud_without_zero_lines_and_numbers() -> None:
    shifts = {"sasrec": (0.0, 0.0), "scl": (40.0, -90.0)}
    cones = [
        SvdPanel(panel.name, replace(panel.projection, coordinates=panel.projection.coordinates + shift))
        for panel, shift in zip(panels(list(shifts)), shifts.values(), strict=True)
    ]
    with figure_style():
        figure = svd_figure(cones, width=figure_width("text"), view=VIEWS["tsne"])
    figure.draw_without_rendering()
    spans = []
    for axes, panel in zip(clouds(figure), cones, strict=True):
        box = np.array([axes.get_xlim(), axes.get_ylim()]).T
        points = panel.projection.coordinates
        assert box.mean(axis=0) == pytest.approx((points.min(axis=0) + points.max(axis=0)) / 2)
        assert (box[0] < points.min(axis=0)).all()
        assert (box[1] > points.max(axis=0)).all()
        spans.append(np.ptp(box, axis=0))
        assert len(axes.lines) == 0
        assert not any(
            tick.label1.get_visible() or tick.tick1line.get_visible()
            for axis in (axes.xaxis, axes.yaxis)
            for tick in axis.get_major_ticks()
        )
    assert spans[0] == pytest.approx(spans[1])


@pytest.mark.parametrize("projection", ["svd", "pca"])
def test_svd_and_pca_keep_zero_lines_and_common_limits(projection: str) -> None:
    with figure_style():
        figure = svd_figure(panels(PAPER[:2]), width=figure_width("text"), view=VIEWS[projection])
    expected = common_limits(
        [panel.projection.coordinates[panel.frequency > 0] for panel in panels(PAPER[:2])]
    )
    for axes in clouds(figure):
        assert (axes.get_xlim(), axes.get_ylim()) == expected
        assert len(axes.lines) == 2


def test_cells_of_a_variant_are_told_apart_where_their_names_are_too_wide() -> None:
    rates = [(0.1, 0.1), (0.1, 0.5), (0.5, 0.1), (0.5, 0.5)]
    figure = draw([f"duorec embedding_dropout={e}, hidden_dropout={h}" for e, h in rates], "3.6")
    assert names(figure) == [f"emb. {e}, hid. {h}" for e, h in rates]
    assert [line.get_label() for line in spectrum(figure).lines] == names(figure)
    assert not outside(figure)
