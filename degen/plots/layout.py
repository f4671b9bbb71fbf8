"""Grids of panels, and the height of a figure that follows from the shape of its panels."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from degen.errors import UserError
from degen.plots.marks.written_names import write_names_plainly

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches by which a panel may miss its height: less than a point.
_CLOSE = 0.012


def even_columns(count: int, most: int) -> int:
    """Return how many panels stand side by side, at most `most`, for even rows: four are 2 × 2."""
    return -(-count // -(-count // max(most, 1)))


def panel_grid(width: float, count: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure `width` inches wide with `count` empty panels in rows of `columns`.

    It is high enough for any labels, until `fit_height` knows what they need.
    """
    rows = -(-count // columns)
    figure = Figure(figsize=(width, width * (1 + rows / columns)), layout="constrained")
    cells = figure.add_gridspec(rows, columns)
    return figure, [figure.add_subplot(cells[divmod(position, columns)]) for position in range(count)]


def fit_height(figure: Figure, axes: Axes, shape: float, rows: float | None = None) -> None:
    """Set the height of `figure`, in constrained layout, so that `axes` get height / width = `shape`.

    `axes` is one panel of a grid whose rows are all as high as its own. `rows` is the number of such rows, by
    default those of the grid, or the sum of the grid's height ratios, where this panel's own is 1.
    """
    if rows is None:
        cell = axes.get_subplotspec()
        rows = cell.get_gridspec().nrows if cell else 1
    # What surrounds the panels keeps its size in inches, so that one step is nearly exact. A colour bar that
    # takes its room from the panels grows with the height and needs more. No step may go below the height
    # that the labels take.
    for _ in range(6):
        lay_out(figure)
        width, height = figure.get_size_inches()
        box = axes.get_position(original=True)
        missing = shape * box.width * width - box.height * height
        if abs(missing) < _CLOSE:
            break
        figure.set_size_inches(width, max(height + rows * missing, 0.6 * height))


def lay_out(figure: Figure) -> None:
    """Place everything in the figure, without drawing it; refuse one too narrow for its labels."""
    write_names_plainly(figure)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*collapsed to zero")
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            # A drawing without output would do the same, and draw every artist for nothing.
            if engine := figure.get_layout_engine():
                engine.execute(figure)
    except UserWarning:
        width = figure.get_size_inches()[0]
        raise UserError(
            f"a figure {width:g} inches wide has no room beside its labels; give a larger `width`"
        ) from None
