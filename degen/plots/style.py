"""Sizes and colours shared by every figure.

    figure_style("paper")    matplotlib's defaults, then ours, inside a `with` block; no matplotlibrc counts
    figure_width("column")   3.337 in, one column of ACM's sigconf; "text" is both columns, 7.006 in
    frequency_colors()       rare items light, frequent ones dark; the palest part would be lost on paper
    quality_colors()         low values yellow, high values blue
    variant_line             colour and dashes of a variant
    variant_marker           its marker
    bucket_label             name of a bucket of items: a decile, `head`, `mid`, `tail` or `unseen`

The lightness of the colour maps changes evenly, and their steps stay apart under deuteranopia and protanopia.

Colours of variants are Okabe and Ito's, with one exception: UCL+SCL has Tol's wine instead of their pink,
which deuteranopia turns into the same grey as SCL's green. Any two variants are at least 22 CIELAB units
apart in normal sight, deuteranopia and protanopia. In grey their lightness differs by 11 or more, except for
UCL and CL4SRec; there dashes and markers tell them apart, as they do everywhere. The tests of this module
simulate all of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, ListedColormap

from degen.errors import UserError, nearest, one_of

# 241.147 and 506.295 TeX points, 72.27 an inch.
WIDTHS: Mapping[str, float] = {"column": 3.337, "text": 7.006}

# Colour, dashes and marker of each variant of the paper.
_VARIANT_LINES: Mapping[str, tuple[str, Any, str]] = {
    "sasrec": ("#000000", "-", "o"),
    "cl4srec": ("#E69F00", (0, (5, 1.2)), "v"),
    "ucl": ("#56B4E9", (0, (1, 1)), "D"),
    "scl": ("#009E73", (0, (4, 1, 1, 1)), "s"),
    "ucl+scl": ("#882255", (0, (2.5, 1)), "P"),
    "duorec": ("#0072B2", (0, (9, 1)), "^"),
}
# Other names: one colour more than dashes, so that 30 combinations differ.
_OTHER_COLORS = ("#CC79A7", "#999933", "#44AA99", "#332288", "#AA4499", "#661100")
_OTHER_DASHES = ("-.", "--", ":", (0, (7, 1, 1, 1, 1, 1)), (0, (3, 2)))
_OTHER_MARKERS = ("X", "<", ">", "p", "h", "d", "*")

FONT = "DejaVu Sans"

LEAST_LETTER = 6.0
"""Size in points of the smallest letters, indices too, which matplotlib sets at 0.7 of their text."""

# Items that never occur in training have a colour outside the map, and a cross where others have a dot.
UNSEEN_COLOR = "#D55E00"
UNSEEN_LABEL = "unseen"
PLAIN_COLOR = "#3B528B"
GUIDE_COLOR = "#9A9A9A"

# The reversed map and how much of its pale end is left out.
_FREQUENCY_MAPS: Mapping[str, tuple[str, float]] = {
    "viridis": ("viridis_r", 0.12),
    "cividis": ("cividis_r", 0.15),
}


@dataclass(frozen=True)
class Style:
    """Font sizes and line widths in points; `width` is the default width of a figure in inches."""

    text: float
    ticks: float
    title: float
    line: float
    axes: float
    width: float | None = None


STYLES: Mapping[str, Style] = {
    "paper": Style(text=7.5, ticks=6.5, title=8, line=1.0, axes=0.5),
    "slides": Style(text=15, ticks=13, title=17, line=2.2, axes=1.0, width=10.0),
}


def figure_width(text: str) -> float:
    """Return inches for `column`, `text` or a number between 1.5 and 40; refuse anything else."""
    if text.lower() in WIDTHS:
        return WIDTHS[text.lower()]
    try:
        inches = float(text)
    except ValueError:
        message = f"`width` '{text}' is neither column, text nor a number of inches{nearest(text, WIDTHS)}"
        raise UserError(message) from None
    if not 1.5 <= inches <= 40:
        raise UserError(
            f"`width` {text} is out of range; give 1.5 to 40 inches, column (3.337) or text (7.006)"
        )
    return inches


def figure_ems(inches: float) -> float:
    """Return a width in font sizes of the current style, on which depends what fits side by side."""
    return inches * 72 / float(matplotlib.rcParams["font.size"])


def symbol_size() -> float:
    """Return the font size of labels with indices, points: at least so large that these have 6 points."""
    return max(float(matplotlib.rcParams["font.size"]), LEAST_LETTER / 0.7)


@contextmanager
def figure_style(name: str = "paper") -> Iterator[Style]:
    """Set matplotlib's parameters for `paper` or `slides`; build and save figures inside the block."""
    style = STYLES[one_of("style", name, STYLES)]
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        parameters: Any = matplotlib.rcParams
        parameters.update(_parameters(style))
        yield style


def _parameters(style: Style) -> dict[str, Any]:
    return {
        "font.family": FONT,
        "mathtext.fontset": "dejavusans",
        "font.size": style.text,
        "axes.labelsize": style.text,
        "axes.titlesize": style.title,
        "axes.titlepad": 0.4 * style.text,
        "axes.labelpad": 0.3 * style.text,
        "axes.linewidth": style.axes,
        "lines.linewidth": style.line,
        "lines.markersize": 2.2 * style.line,
        "legend.fontsize": style.ticks,
        "legend.frameon": False,
        "legend.handlelength": 2.2,
        "figure.labelsize": style.text,
        "figure.constrained_layout.w_pad": 0.02,
        "figure.constrained_layout.h_pad": 0.02,
        **{f"{axis}tick.labelsize": style.ticks for axis in "xy"},
        **{f"{axis}tick.major.width": style.axes for axis in "xy"},
        **{f"{axis}tick.major.size": 4 * style.axes for axis in "xy"},
        **{f"{axis}tick.major.pad": 0.25 * style.text for axis in "xy"},
        # Type 42 (TrueType) instead of Type 3, which publishers refuse; the size asked for, never a tight
        # box.
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "degen",
        "savefig.bbox": None,
    }


def frequency_colors(name: str = "viridis") -> Colormap:
    """Return the map for item frequency on white, rare light and frequent dark: `viridis` or `cividis`."""
    return _cut(*_FREQUENCY_MAPS[one_of("cmap", name, _FREQUENCY_MAPS)])


def quality_colors() -> Colormap:
    """Return the map for a validation metric: low yellow, high blue."""
    return _cut("cividis_r", 0.1)


def _cut(name: str, start: float) -> Colormap:
    colors = matplotlib.colormaps[name](np.linspace(start, 1, 256))
    return ListedColormap(colors, name=f"{name} from {start}")


def variant_line(name: str, position: int = 0) -> dict[str, Any]:
    """Return `color` and `linestyle` of a variant; names outside the paper take turns by `position`."""
    if name in _VARIANT_LINES:
        color, dashes, _ = _VARIANT_LINES[name]
    else:
        color = _OTHER_COLORS[position % len(_OTHER_COLORS)]
        dashes = _OTHER_DASHES[position % len(_OTHER_DASHES)]
    return {"color": color, "linestyle": dashes}


def variant_marker(name: str, position: int = 0) -> str:
    """Return the marker of a variant; names outside the paper take turns by `position`."""
    if name in _VARIANT_LINES:
        return _VARIANT_LINES[name][2]
    return _OTHER_MARKERS[position % len(_OTHER_MARKERS)]


def bucket_label(name: str) -> str:
    """Return the name of a bucket of items as figures and the report write it: `cold` is unseen."""
    return UNSEEN_LABEL if name == "cold" else name
