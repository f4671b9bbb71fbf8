"""Nothing of any figure is cut, and no letter is too small, for one to nine variants at every size.

Each kind of figure takes turns by the number of variants through the widths and styles, so that all meet.
"""

from __future__ import annotations

import numpy as np
import pytest
from drawn import outside, texts
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.mathtext import MathTextParser
from run_files import epochs, trace

from degen.analysis.measures.spectrum import project
from degen.plots.mechanism import mechanism_epochs_figure, mechanism_figure
from degen.plots.panels import epochs_figure, spectra_figure
from degen.plots.profiles import profiles_figure
from degen.plots.style import figure_style, figure_width
from degen.plots.svd_figure import SvdPanel, svd_figure
from degen.plots.trajectory_figure import TrajectoryPanel, trajectory_figure

NAMES = ["sasrec", "cl4srec", "ucl", "scl", "ucl+scl", "duorec", "duorec λ 0.02", "mine"]
LONG = "embeddings-of-the-production-model-for-the-storefront-of-january-2025-v12"
SIZES = [("column", "paper"), ("text", "paper"), ("10", "slides")]
NOTE = "Arrows: towards more isotropic."


def svd(names: list[str], width: float) -> Figure:
    rng = np.random.default_rng(2)
    counts = np.append(np.maximum(500 // np.arange(1, 100), 1), 0)
    cones = [rng.normal(size=(100, 6)) + np.eye(6)[0] * (9 - k) for k in range(len(names))]
    cones[-1][-1] *= 9  # an unseen item beyond the edge
    return svd_figure(
        [SvdPanel(name, project(V), counts) for name, V in zip(names, cones, strict=True)], width=width
    )


def uniformity(names: list[str], width: float) -> Figure:
    drawn = [TrajectoryPanel(name, epochs(3 + k, -1 - k / 4)) for k, name in enumerate(names)]
    return trajectory_figure(drawn, width=width, definition="official", note="Not shown: SASRec.")


def dynamics(names: list[str], width: float) -> Figure:
    titles = {
        "uniformity": "uniformity (lower\xa0is\xa0better)",
        "alignment": r"$\sigma_2 / \sigma_1$ of items ↑",
    }
    return epochs_figure({name: [epochs(4)] for name in names}, titles, width=width, note=NOTE)


def compare(names: list[str], width: float) -> Figure:
    curves = {name: np.linspace(1, 0.001 + k / 10, 20) for k, name in enumerate(names)}
    return spectra_figure({"singular values": curves, "minus the mean": curves}, width=width)


def popularity(names: list[str], width: float) -> Figure:
    deciles = {str(decile): [1 / decile] for decile in range(1, 11)}
    curves = {name: {"cold": [5.0 + k], **deciles} for k, name in enumerate(names)}
    titles = ("average cosine ↓", "mean norm", "mean cone angle (°) ↑", "share on the first direction ↓")
    return profiles_figure(dict.fromkeys(titles, curves), width=width, note=NOTE)


def mechanism(names: list[str], width: float) -> Figure:
    return mechanism_figure({name: trace(1)[0]["buckets"] for name in names}, width=width)


def mechanism_epochs(names: list[str], width: float) -> Figure:
    return mechanism_epochs_figure({name: trace(2 + k % 3) for k, name in enumerate(names)}, width=width)


def small_letters(figure: Figure) -> list[str]:
    """Texts with a letter or an index below 6 points; indices are measured by matplotlib's own parser."""
    parser = MathTextParser("path")
    found = []
    for text in figure.findobj(
        lambda artist: hasattr(artist, "get_fontsize") and hasattr(artist, "get_text")
    ):
        if not text.get_text().strip() or not text.get_visible():
            continue
        sizes = [float(text.get_fontsize())]
        if "$" in text.get_text() and text.get_parse_math():
            glyphs = parser.parse(text.get_text(), 72, FontProperties(size=text.get_fontsize())).glyphs
            sizes += [size for _, size, *_ in glyphs]
        if min(sizes) < 5.995:
            found.append(text.get_text())
    return found


def clipped_legends(figure: Figure) -> list[list[str]]:
    edge = figure.bbox
    return [
        [text.get_text() for text in legend.get_texts()]
        for legend in figure.findobj(Legend)
        if not (
            edge.x0 - 0.5 <= (box := legend.get_window_extent()).x0
            and box.x1 <= edge.x1 + 0.5
            and edge.y0 - 0.5 <= box.y0
            and box.y1 <= edge.y1 + 0.5
        )
    ]


KINDS = [svd, uniformity, dynamics, compare, popularity, mechanism, mechanism_epochs]


@pytest.mark.parametrize("count", range(1, 10))
@pytest.mark.parametrize("draw", KINDS, ids=lambda draw: draw.__name__)
def test_nothing_is_cut_and_no_letter_is_too_small(draw, count: int) -> None:
    width, style = SIZES[(count + KINDS.index(draw)) % 3]
    with figure_style(style):
        figure = draw([*NAMES, LONG][-count:] if count % 2 else NAMES[:count], figure_width(width))
        assert outside(figure) == []
        assert clipped_legends(figure) == []
        assert small_letters(figure) == []
    written = " ".join(texts(figure))
    if count > 1 and count % 2:
        assert "v12" in written  # the end of a long name
