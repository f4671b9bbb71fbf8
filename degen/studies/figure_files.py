"""Figure files: where they go, what they are called, and what else comes of drawing them.

runs of a dataset   one figure, a panel per variant, in the paper's order, each of its lowest seed
a matrix file       a figure of its own
figures/            under the path, or beside a matrix file; here, where several paths are given

Studies draw what lies at their paths: runs, folders above runs and, where they take them, matrix files.
Options and look are by default those of the command. Whatever can be mended in them raises `UserError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import one_of
from degen.files.writing import file_names
from degen.plots.save import figure_formats, save_figure
from degen.plots.style import STYLES, figure_width
from degen.runs.choose import Series, figure_name
from degen.runs.directory import FIGURES
from degen.tables.csv_file import write_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureOptions:
    """Look and folder of figures, as users type them. The values are checked when this is made.

    Attributes
    ----------
    out
        folder for the files; by default as `output_folder` says.
    width
        `column`, `text` or inches. By default one column for one or two panels and both columns for more.
        Slides have a width of their own.
    style
        `paper` or `slides`.
    formats
        of pdf, png and svg, separated by commas.
    """

    out: Path | None = None
    width: str | None = None
    style: str = "paper"
    formats: str = "pdf,png"

    def __post_init__(self) -> None:
        one_of("style", self.style, STYLES)
        figure_formats(self.formats)
        if self.width is not None:
            figure_width(self.width)

    def inches(self, panels: int) -> float:
        """Return the width of a figure of so many panels."""
        if self.width is not None:
            return figure_width(self.width)
        width = STYLES[self.style.lower()].width
        return width if width is not None else figure_width("column" if panels <= 2 else "text")


@dataclass
class FigureFiles:
    """Result of drawing: the files, a flat row of numbers per panel, and notes for the user."""

    files: list[Path] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: FigureFiles) -> None:
        """Take over all that `other` holds."""
        self.files += other.files
        self.rows += other.rows
        self.notes += other.notes

    def write_table(self, stem: Path, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the numbers behind the figure `stem` as CSV beside it, and keep the path."""
        self.files.append(write_rows(stem.with_name(f"{stem.name}.csv"), rows))

    def save(self, figure: Figure, stem: Path, options: FigureOptions, **about: Any) -> None:
        """Write `figure` in every format asked for, and keep the paths; `about` goes to `save_figure`."""
        self.files += save_figure(figure, stem, figure_formats(options.formats), **about)


def output_folder(paths: Sequence[Path], out: Path | None) -> Path:
    """Return `out`, or `figures/`: under the one path, beside it if it is a file, here if several."""
    if out is not None:
        return out
    if len(paths) > 1:
        return Path(FIGURES)
    return (paths[0] if paths[0].is_dir() else paths[0].parent) / FIGURES


def figure_stems(
    groups: Mapping[str, Series], paths: Sequence[Path], what: str, out: Path | None
) -> Iterator[tuple[Path, Series]]:
    """Yield the series of each group behind the stem of its figure, `what-<group>`."""
    folder = output_folder(paths, out)
    names = [name.rstrip("-") for name in file_names(groups)]  # of "clothing (paper definition)"
    for name, series in zip(names, groups.values(), strict=True):
        yield folder / f"{what}-{figure_name(name, series, paths)}", series
