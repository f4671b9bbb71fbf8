"""Letters that name the panels of a figure, and the note below them."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase
from typing import TYPE_CHECKING

import matplotlib

from degen.plots.marks.widths import wrapped
from degen.plots.style import figure_ems

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lettered(titles: Iterable[str]) -> list[str]:
    """Return the titles with letters before them: (a) to (z), then (aa); one title alone has none."""
    titles = list(titles)
    if len(titles) < 2:
        return titles
    once = list(ascii_lowercase)
    letters = [*once, *(first + second for first in once for second in once)]
    return [f"({letter}) {title}".rstrip() for letter, title in zip(letters, titles, strict=False)]


def write_note(figure: Figure, *sentences: str) -> None:
    """Write sentences in small letters below all panels, in as many lines as the figure's width asks for."""
    size = float(matplotlib.rcParams["xtick.labelsize"])
    text = " ".join(sentence for sentence in sentences if sentence)
    if text:
        ems = 0.94 * figure_ems(figure.get_size_inches()[0]) * float(matplotlib.rcParams["font.size"]) / size
        lines = wrapped(text, ems)
        while (even := wrapped(text, 0.95 * ems)).count("\n") == lines.count("\n") > 0:
            lines, ems = even, 0.95 * ems  # no word alone in the last line
        figure.supxlabel(lines, fontsize=size)
