"""From paths to figure files: which runs share a figure, where its files go and what they are called.

    runs of a dataset   one figure, a panel a variant, in the paper's order, each of its lowest seed
    a matrix file       a figure of its own
    figures/            under the path, or beside a matrix file; here, where several paths are given

`svd_figures.py` and `uniformity_figures.py` hold what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degen.errors import one_of
from degen.files import file_names
from degen.plots.save import figure_formats, save_figure
from degen.plots.style import STYLES, figure_width
from degen.runs.choose import group_runs, run_name
from degen.runs.directory import FIGURES, RunDirectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigureOptions:
    """How figures look and where they go; the values that users type, checked when this is made.

    Attributes
    ----------
    out
        folder for the files; by default as `output_folder` says.
    width
        `column`, `text` or inches; by default a column for one or two panels, both columns for more; the
        style's own width on slides.
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
        own = STYLES[self.style.lower()].width
        return own if own is not None else figure_width("column" if panels <= 2 else "text")


@dataclass
class Drawn:
    """What was made: the files, a flat row of numbers for each panel, and what the user should know."""

    files: list[Path] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Drawn) -> None:
        """Take over all that `other` holds."""
        self.files += other.files
        self.rows += other.rows
        self.notes += other.notes

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


def stems_by_dataset(
    paths: Sequence[Path], runs: Sequence[RunDirectory], what: str, out: Path | None
) -> Iterator[tuple[Path, list[RunDirectory]]]:
    """Yield the runs of each dataset behind the stem of their figure, `what-<dataset>`; of one run that is
    given by itself, what `run_name` says.
    """
    groups, folder = group_runs(runs), output_folder(paths, out)
    for name, members in zip(file_names(groups), groups.values(), strict=True):
        single = len(members) == 1 and members[0].path in paths
        yield folder / f"{what}-{run_name(members[0]) if single else name}", members
