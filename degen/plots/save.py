"""Figures and the numbers behind them, as files that are the same when written twice.

    save_figure    PDF, PNG and SVG of exactly the size that was asked for: no tight bounding box
    fit_height     a figure's height from the shape that its panels shall have; its width stays

A PDF holds TrueType fonts (Type 42), and no date or version that would change from one call to the next.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError, one_of
from degen.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches by which a panel may miss its height: less than a dot.
_CLOSE = 0.002
# Dots an inch: of the whole image in a PNG, of the rasterised clouds in the vector formats.
# The vector formats take the first with which the file keeps to its size: a cloud that fills a wide panel
# with mixed colours is an image that compresses badly.
_DPI: Mapping[str, Sequence[int]] = {"pdf": (400, 300, 200, 150), "png": (300,), "svg": (400, 300, 200, 150)}


def figure_formats(text: str) -> list[str]:
    """Return the formats of a comma-separated list such as `pdf,png`, once each.

    Raises
    ------
    UserError
        for an empty list or an unknown format, with the nearest known one.
    """
    names = [name.strip().lstrip(".") for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("--format is empty; give one or more of pdf, png, svg, separated by commas")
    return list(dict.fromkeys(one_of("format", name, _DPI) for name in names))


def save_figure(
    figure: Figure,
    stem: Path,
    formats: Sequence[str] = ("pdf", "png"),
    *,
    title: str = "",
    caption: str = "",
    most_bytes: int = 950_000,
) -> list[Path]:
    """Write the figure as `stem` plus the suffix of each format and return the paths.

    Parameters
    ----------
    figure
        built within `figure_style`; call this within it too.
    stem
        folder and name without suffix; dots in the name are kept.
    formats
        of pdf, png and svg.
    title, caption
        stored in the file (title and subject of a PDF, title and description of the others).
    most_bytes
        size above which the rasterised clouds of a PDF or SVG are drawn more coarsely, down to 150 dots an
        inch.

    Raises
    ------
    UserError
        if the folder cannot be written.
    """
    # Every drawing lays the figure out anew and could move things by a rounding; lay it out once for all
    # formats.
    _lay_out(figure)
    figure.set_layout_engine("none")
    paths = []
    for suffix in formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        for dpi in _DPI[suffix]:
            # Into memory first: on a full disk matplotlib's own clean-up hides what went wrong.
            drawn = io.BytesIO()
            figure.savefig(drawn, format=suffix, dpi=dpi, metadata=_metadata(suffix, title, caption))
            if drawn.tell() <= most_bytes:
                break
        with atomic_path(path) as temporary:
            temporary.write_bytes(drawn.getvalue())
        paths.append(path)
    return paths


def _metadata(suffix: str, title: str, caption: str) -> dict[str, Any]:
    if suffix == "pdf":
        return {"Title": title, "Subject": caption, "CreationDate": None}
    if suffix == "svg":
        return {"Title": title, "Description": caption, "Date": None}
    return {"Title": title, "Description": caption, "Software": None}


def fit_height(figure: Figure, axes: Axes, shape: float, rows: float) -> None:
    """Set the height of `figure` so that `axes` get height / width = `shape`; the width stays.

    Parameters
    ----------
    figure
        with constrained layout.
    axes
        one panel of a grid whose rows are all as high as its own.
    shape
        height over width of the panel's box.
    rows
        number of such rows; the sum of the grid's height ratios, where this panel's own is 1.

    Raises
    ------
    UserError
        if the figure is too narrow for its labels.
    """
    # What surrounds the panels keeps its size in inches, so one step is nearly exact; a colour bar, which
    # grows with the height, needs more, and no step may go below the height that the labels take.
    for _ in range(6):
        _lay_out(figure)
        width, height = figure.get_size_inches()
        box = axes.get_position(original=True)
        missing = shape * box.width * width - box.height * height
        if abs(missing) < _CLOSE:
            break
        figure.set_size_inches(width, max(height + rows * missing, 0.6 * height))


def _lay_out(figure: Figure) -> None:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*collapsed to zero")
            figure.draw_without_rendering()
    except UserWarning:
        width = figure.get_size_inches()[0]
        raise UserError(
            f"a figure {width:g} inches wide has no room beside its labels; give a larger --width"
        ) from None
