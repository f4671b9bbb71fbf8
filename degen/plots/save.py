"""Figures as files that are the same when written twice.

PDF, PNG and SVG have exactly the size that was asked for, without a tight bounding box.
A PDF holds TrueType fonts (Type 42), and no date or version that would change from one call to the next.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import UserError, one_of
from degen.files.outputs import output_path
from degen.plots.layout import lay_out
from degen.shown import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Dots per inch: of the whole image in a PNG, of the rasterised clouds in the vector formats. The vector
# formats take the first that keeps the file within its size: a cloud that fills a wide panel with mixed
# colours is an image that compresses badly.
_DPI: Mapping[str, Sequence[int]] = {"pdf": (400, 300, 200, 150), "png": (300,), "svg": (400, 300, 200, 150)}


def figure_formats(text: str) -> list[str]:
    """Return the formats of a comma-separated list such as `pdf,png`, once each; refuse unknown ones."""
    names = [name.strip().lstrip(".") for name in text.split(",") if name.strip()]
    if not names:
        raise UserError("`formats` is empty; give one or more of pdf, png, svg, separated by commas")
    return list(dict.fromkeys(one_of("formats", name, _DPI) for name in names))


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

    Dots in the stem are kept. Title and caption are stored in the file. Above `most_bytes` the rasterised
    clouds of a PDF or SVG are drawn more coarsely, down to 150 dots per inch.
    """
    # Every drawing lays the figure out anew and could move things by a rounding; lay it out once for all
    # formats.
    lay_out(figure)
    figure.set_layout_engine("none")
    paths = []
    for suffix in formats:
        path = stem.with_name(f"{stem.name}.{suffix}")
        for dpi in _DPI[suffix]:
            # Into memory first: on a full disk matplotlib's own clean-up hides what went wrong.
            drawn = io.BytesIO()
            with warnings.catch_warnings():  # a name in letters that the font lacks is drawn as boxes
                warnings.filterwarnings("ignore", message="Glyph .* missing from font")
                figure.savefig(drawn, format=suffix, dpi=dpi, metadata=_metadata(suffix, title, caption))
            if drawn.tell() <= most_bytes:
                break
        with output_path(path) as temporary:
            temporary.write_bytes(drawn.getvalue())
        paths.append(path)
    return paths


def _metadata(suffix: str, title: str, caption: str) -> dict[str, Any]:
    title, caption = shown(title), shown(caption)
    if suffix == "pdf":
        return {"Title": title, "Subject": caption, "CreationDate": None}
    return {"Title": title, "Description": caption, "Date" if suffix == "svg" else "Software": None}
